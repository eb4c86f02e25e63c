package stream

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tidings/internal/chat"
)

// The hashes of the ids of these two group chats are the same: which of them the
// cursor means isn't known.
func resumeOneKey(w *world) {
	const one, two chat.LogID = "g:497126", "g:15648020"
	if keyOf(one) != keyOf(two) {
		w.Fatal("the keys differ")
	}
	w.changed(one, users(ann, bob), nil)
	w.changed(two, users(ann, bob), nil)
	w.pass(5 * time.Minute)
	a := w.connect(ann)
	w.send(w.message(one, bob))
	w.message(two, bob)
	b := w.resume(ann, a.position())
	w.ready(b, false)
	w.resets(b, resetInvalid)
}

// resumeRefused: the client is told, and goes on from now.
func resumeRefused(w *world, position string, reason reset) {
	w.message(log, bob)
	a := w.resume(ann, position)
	w.ready(a, false)
	w.resets(a, reason)
	equal(w.T, "ann", a.ids())
	if got := w.at(a).w; got > time.Now().Add(-settleTime).UnixMilli() {
		w.Errorf("w is %v ago, taken from what was refused", time.Since(time.UnixMilli(got)))
	}
	w.send(w.message(log, bob))
	equal(w.T, "ann", a.ids(), missed(3)...)
	if w.metric("resets_total") != 1 {
		w.Error("the reset is not counted")
	}
	b := w.resume(ann, a.position())
	w.ready(b, true)
	w.resets(b)
}

// TestResumeForged: a client that makes a position up gets, of each log, what its user
// may see, in order and once, or a reset, and harms nobody else.
func TestResumeForged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{CacheBytes: 4000})
		logs := []chat.LogID{log, "c:left", "c:back", "c:foreign", "u:1", "c:none"}
		for _, l := range logs[:4] {
			w.changed(l, users(bob), nil)
			w.message(l, bob)
			if l != "c:foreign" {
				w.changed(l, users(ann), nil) // 3
				w.message(l, bob)
			}
			if l == "c:left" || l == "c:back" {
				w.changed(l, nil, users(ann)) // 5
				w.message(l, bob)
			}
			if l == "c:back" {
				w.changed(l, users(ann), nil) // 7
				w.message(l, bob)
			}
		}
		b := w.connect(bob)
		r := rand.New(rand.NewPCG(1, 1))
		seqs := []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1 << 40, 1 << 60}
		resets := 0
		e := w.message(log, bob)
		w.send(e)
		for i := range 150 {
			c := cursor{user: ann, w: time.Now().Add(-time.Duration(r.IntN(3)) * time.Hour).UnixMilli()}
			for _, l := range logs {
				if r.IntN(2) == 0 {
					c.marks = append(c.marks, mark{keyOf(l), seqs[r.IntN(len(seqs)-r.IntN(2)*2)], uint8(r.IntN(4))})
				}
			}
			a := w.resume(ann, c.text())
			if i%8 == 0 {
				e = w.message(log, bob)
			}
			w.send(e)
			w.pass(10 * time.Millisecond)
			resets += len(a.named("reset"))
			w.checkForged(a, c)
			if !strings.Contains(b.text(), fmt.Sprintf("%s/%d/3", log, e.Seq)) {
				t.Fatalf("bob didn't get %d", e.Seq)
			}
			if got, ok := parseCursor(a.position()); !ok {
				t.Fatalf("%+v became the position %+v", c, got)
			}
			a.stream.Closed()
			w.settle()
		}
		if resets < 15 || resets > 135 {
			t.Errorf("%d of 150 were told a reset", resets)
		}
	})
}

func (w *world) checkForged(c *fakeConn, forged cursor) {
	w.Helper()
	seen := map[string]bool{}
	for _, id := range c.ids() {
		if seen[id] {
			w.Fatalf("%+v: %s twice", forged, id)
		}
		seen[id] = true
	}
	for l, seqs := range c.seqs() {
		for i, s := range seqs {
			if !w.store.members[c.user][l].Contains(s) || i > 0 && s <= seqs[i-1] {
				w.Fatalf("%+v: got %v of %s, a member in %v", forged, seqs, l, w.store.members[c.user][l])
			}
		}
	}
}
