package ddb

import (
	"net/http"
	"time"

	"tidings/local/aws/wire"
)

// change is one item's way from old to next; either is nil where there is no item.
type change struct {
	table     *table
	old, next *row
}

// isNothing reports whether the item is the same before and after, its numbers compared
// numerically.
func (ch change) isNothing() bool {
	if ch.old == nil || ch.next == nil {
		return ch.old == ch.next
	}
	return ch.old == ch.next || ch.old.item.equal(ch.next.item)
}

// commit journals and then applies changes, all or none. Changes that change nothing
// leave no trace, in the journal or in a stream (AWS). The lock is held.
func (s *Service) commit(changes []change, tok *token, service bool) error {
	effective := changes[:0:0]
	for _, ch := range changes {
		if !ch.isNothing() {
			effective = append(effective, ch)
		}
	}
	if len(effective) == 0 && tok == nil {
		return nil
	}
	at := s.now()
	if s.append != nil {
		if err := s.journal(packWrite(effective, tok, service, s.seq, at)); err != nil {
			return err
		}
	}
	if tok != nil {
		s.tokens.add(*tok)
	}
	s.apply(effective, service, at)
	return nil
}

// journal hands a record to the owner of the disk.
func (s *Service) journal(record []byte) error {
	if s.append == nil {
		return nil
	}
	if err := s.append(record); err != nil {
		return &wire.Error{
			Status: http.StatusInternalServerError, Code: "InternalServerError",
			Message: "The change could not be made durable",
		}
	}
	return nil
}

// apply makes changes visible, to readers of the streams all at once.
func (s *Service) apply(changes []change, service bool, at time.Time) {
	recorded := false
	if s.keep != nil {
		s.remember(changes, at)
	}
	for _, ch := range changes {
		ch.table.replace(ch.old, ch.next)
		if st := ch.table.stream; st != nil {
			s.seq++
			st.append(st.record(ch, s.seq, at, service))
			recorded = true
		}
	}
	if !recorded {
		return
	}
	for _, ch := range changes {
		if st := ch.table.stream; st != nil {
			st.trim(at)
		}
	}
	close(s.changed)
	s.changed = make(chan struct{})
}
