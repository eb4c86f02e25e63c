package ddb

import (
	"time"

	"github.com/tidwall/btree"
)

// past is a state that a table had: what a read that isn't consistent may see.
type past struct {
	until   time.Time // when the next state came
	rows    *btree.Map[string, *row]
	entries []*btree.Map[string, *row] // of the indexes, in their order
}

// remember keeps the table's state before it changes, and forgets those that no read
// looks back to any more. The lock is held.
func (t *table) remember(at time.Time, keep time.Duration) {
	for len(t.past) > 0 && at.Sub(t.past[0].until) >= keep {
		t.past = t.past[1:]
	}
	if keep <= 0 {
		t.past = nil
		return
	}
	p := past{until: at, rows: t.rows.Copy()}
	for _, x := range t.indexes {
		p.entries = append(p.entries, x.entries.Copy())
	}
	t.past = append(t.past, p)
}

// remember keeps the states of all tables that are about to change.
func (s *Service) remember(changes []change, at time.Time) {
	keep := s.keep()
	done := map[*table]bool{}
	for _, ch := range changes {
		if !done[ch.table] {
			done[ch.table] = true
			ch.table.remember(at, keep)
		}
	}
}

// asOf is the state at that time, nil for the present one.
func (t *table) asOf(at time.Time) *past {
	for i := range t.past {
		if t.past[i].until.After(at) {
			return &t.past[i]
		}
	}
	return nil
}

// lagOf is how far back a read looks. A consistent one sees the present.
func (s *Service) lagOf(consistent bool) time.Duration {
	if consistent || s.lag == nil {
		return 0
	}
	return s.lag()
}

// seen are the rows of a table, or of an index of it, as a read with that lag finds
// them. The lock is held.
func (s *Service) seen(t *table, index int, lag time.Duration) *btree.Map[string, *row] {
	if lag > 0 {
		if p := t.asOf(s.now().Add(-lag)); p != nil && index < 0 {
			return p.rows
		} else if p != nil && index < len(p.entries) {
			return p.entries[index]
		}
	}
	if index < 0 {
		return &t.rows
	}
	return &t.indexes[index].entries
}
