package stream

import "tidings/internal/chat"

// logIndex finds logs by their ids: an open hash table that goes by the 48-bit keys
// which logs have anyway. It takes some 13 bytes a log, where a Go map takes three
// times that. It is made of many small tables, so that none of them takes long to grow.
type logIndex struct {
	tables [indexTables]indexTable
	n      int
}

const (
	indexTables = 256 // of a million logs each has 4,000 and grows in 0.1 ms
	indexSmall  = 8   // places of the smallest
)

// indexTable is a part of the index. A log stands at its key's place or behind it, with
// no empty place between.
type indexTable struct {
	places []*logState
	n      int
}

func (x *logIndex) len() int { return x.n }

func (x *logIndex) table(k logKey) *indexTable { return &x.tables[k%indexTables] }

// get is the log with that id, nil if there is none.
func (x *logIndex) get(id chat.LogID) *logState {
	k := keyOf(id)
	t := x.table(k)
	if t.n == 0 {
		return nil
	}
	for i := t.home(k); ; i = t.after(i) {
		if l := t.places[i]; l == nil || l.key == k && l.id == id {
			return l
		}
	}
}

// add takes in a log that is not there.
func (x *logIndex) add(l *logState) {
	x.n++
	t := x.table(l.key)
	if t.n++; 4*t.n > 3*len(t.places) { // at most three quarters full
		old := t.places
		t.places = make([]*logState, max(indexSmall, len(old)*3/2))
		for _, l := range old {
			if l != nil {
				t.put(l)
			}
		}
	}
	t.put(l)
}

// remove takes out a log that is there, and moves up those behind that would no more be
// found.
func (x *logIndex) remove(l *logState) {
	x.n--
	t := x.table(l.key)
	t.n--
	hole := t.home(l.key)
	for t.places[hole] != l {
		hole = t.after(hole)
	}
	for i := t.after(hole); t.places[i] != nil; i = t.after(i) {
		if home := t.home(t.places[i].key); t.distance(home, i) >= t.distance(hole, i) {
			t.places[hole] = t.places[i]
			hole = i
		}
	}
	t.places[hole] = nil
	if t.n == 0 {
		t.places = nil
	}
}

func (t *indexTable) put(l *logState) {
	i := t.home(l.key)
	for t.places[i] != nil {
		i = t.after(i)
	}
	t.places[i] = l
}

// home is the key's place.
func (t *indexTable) home(k logKey) int { return int(uint64(k) / indexTables % uint64(len(t.places))) }

func (t *indexTable) after(i int) int {
	if i++; i == len(t.places) {
		return 0
	}
	return i
}

// distance is how many steps lead from one place to another.
func (t *indexTable) distance(from, to int) int {
	if to < from {
		to += len(t.places)
	}
	return to - from
}
