package stream

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"tidings/internal/chat"
)

// TestLogIndex: whatever came and went, the index finds what is there and nothing
// else. Two ids have one key.
func TestLogIndex(t *testing.T) {
	ids := []chat.LogID{"g:497126", "g:15648020"}
	if keyOf(ids[0]) != keyOf(ids[1]) {
		t.Fatal("the keys differ")
	}
	for i := range 5000 {
		ids = append(ids, chat.LogID(fmt.Sprint("c:", i)))
	}
	r := rand.New(rand.NewPCG(1, 1))
	var x logIndex
	there := map[chat.LogID]*logState{}
	for step := range 300_000 {
		id := ids[r.IntN(len(ids))]
		if r.IntN(4) == 0 {
			id = ids[r.IntN(2)]
		}
		l := x.get(id)
		if l != there[id] {
			t.Fatalf("step %d: %s is %v, want %v", step, id, l, there[id])
		}
		growing := step/50_000%2 == 0 // by turns
		switch {
		case l == nil && (growing || r.IntN(4) == 0):
			l = &logState{id: id, key: keyOf(id)}
			x.add(l)
			there[id] = l
		case l != nil && (!growing || r.IntN(4) == 0):
			x.remove(l)
			delete(there, id)
		}
		if x.len() != len(there) {
			t.Fatalf("step %d: %d logs, want %d", step, x.len(), len(there))
		}
	}
	n := 0
	x.all(func(l *logState) {
		if n++; there[l.id] != l {
			t.Errorf("%s is in the index, but was removed", l.id)
		}
	})
	if n != len(there) {
		t.Errorf("%d logs in all, want %d", n, len(there))
	}
}

// all calls f with each log.
func (x *logIndex) all(f func(*logState)) {
	for i := range x.tables {
		for _, l := range x.tables[i].places {
			if l != nil {
				f(l)
			}
		}
	}
}
