package stream

import (
	"testing"
	"time"
)

// TestPlaces tells of positions where a log's head, or what the table lost, lies on the
// other side of a removal than what is known of the membership.
func TestPlaces(t *testing.T) {
	for _, tc := range []struct {
		name string
		run  func(w *world)
	}{
		{"PulledBeforeAnOlderHeadCame", pulledBeforeHead},
		{"RemovalGoneFromTheTable", removalGone},
		{"RemovalGoneThenBack", removalGoneThenBack},
	} {
		t.Run(tc.name, func(t *testing.T) { scenario(t, Config{}, tc.run) })
	}
}

// cat is added and removed while the head is on its way that shows neither, and has
// pulled both from the table when it comes. Then a second tab makes her a member here
// until the hub is there, too.
func pulledBeforeHead(w *world) {
	c := w.connect(cat)
	w.slowTable(100 * time.Millisecond)
	w.open(bob, "s")
	w.pass(260 * time.Millisecond) // the head was looked at
	w.slowTable(0)
	add, out := w.changed(log, users(cat), nil), w.changed(log, nil, users(cat))
	w.hint(add)
	equal(w.T, "cat", c.seqs()[log], 2, 3)
	w.pass(60 * time.Millisecond) // the head is known
	if l := w.logState(log); l.state != tracked || l.last != 1 {
		w.Fatalf("state %d at %d", l.state, l.last)
	}
	w.connect(cat)
	w.send(add, out, w.message(log, bob))
	w.pass(time.Second)
	equal(w.T, "cat at last", c.seqs()[log], 2, 3)
}

// The removal is gone from the table before this hub heard of it.
func removalGone(w *world) {
	a := w.connect(ann)
	w.connect(bob)
	w.changed(log, nil, users(ann))
	w.store.set(func() { w.store.gone[log] = 2 })
	w.send(w.message(log, bob))
	w.pass(30 * time.Second)
	w.resets(a, resetExpired)
	w.send(w.message(log, bob))
	equal(w.T, "ann", a.seqs()[log])
}

// The client was ahead of this hub, behind the removal, so it is told of no hole. It
// comes back later.
func removalGoneThenBack(w *world) {
	w.connect(bob)
	w.changed(log, nil, users(ann)) // 2
	c := cursor{user: ann, w: time.Now().Add(-time.Minute).UnixMilli(), marks: []mark{{keyOf(log), 2, 0}}}
	a := w.resume(ann, c.text())
	w.ready(a, true)
	w.store.set(func() { w.store.gone[log] = 2 })
	w.send(w.message(log, bob)) // 3
	w.pass(30 * time.Second)
	w.send(w.message(log, bob)) // 4
	w.slowTable(100 * time.Millisecond)
	w.send(w.changed(log, users(ann), nil)) // 5
	w.send(w.message(log, bob))             // 6
	w.pass(time.Second)
	equal(w.T, "ann", a.seqs()[log], 5, 6)
}
