package stream

import (
	"testing"
	"time"
)

// TestPlaces tells of positions where a log's head, lies on the other side of a
// removal than what is known of the membership.
func TestPlaces(t *testing.T) {
	for _, tc := range []struct {
		name string
		run  func(w *world)
	}{
		{"PulledBeforeAnOlderHeadCame", pulledBeforeHead},
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
