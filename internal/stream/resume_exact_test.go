package stream

import (
	"fmt"
	"slices"
	"time"

	"tidings/internal/chat"
)

// Of a listed log the mark alone counts.
func resumeListedOlder(w *world) {
	w.message(log, bob)
	w.pass(time.Second)
	for _, first := range []bool{true, false} { // from the table; live, on a hub that is behind
		w.another(Config{})
		w.connect(bob)
		e := w.message(log, bob)
		c := cursor{user: ann, w: time.Now().UnixMilli(), marks: []mark{{keyOf(log), e.Seq - 1, 0}}}
		if first {
			w.send(e)
		}
		a := w.resume(ann, c.text())
		if !first {
			w.send(e)
		}
		equal(w.T, "ann", a.ids(), missed(e.Seq)...)
	}
}

// An entry whose ts is w was sent, the next millisecond's was not: to the hub it is the
// newest of the log, in the cache, in the table, or it comes later.
func resumeExactly(w *world) {
	for _, tc := range []struct {
		name   string
		behind bool // the hub hears of it after the connect
		newer  bool // and of another one before that
		cached bool
	}{
		{"Newest", false, false, false},
		{"Cached", false, true, true},
		{"InTheTable", false, true, false},
		{"Later", true, false, true},
	} {
		for _, late := range []int64{0, 1} {
			w.another(Config{CacheBytes: map[bool]int{true: 1 << 20, false: 1}[tc.cached]})
			if tc.cached {
				w.connect(bob)
				w.send(w.message(log, bob))
			}
			w.pass(time.Second)
			e := w.message(log, bob)
			if tc.cached && !tc.behind {
				w.send(e)
			}
			var want []int64
			if late > 0 {
				want = append(want, e.Seq)
			}
			w.pass(time.Second)
			if tc.newer {
				next := w.message(log, bob)
				if want = append(want, next.Seq); tc.cached {
					w.send(next)
				}
			}
			a := w.resume(ann, cursor{user: ann, w: e.TS - late}.text())
			w.ready(a, true)
			if tc.behind {
				w.send(e)
			}
			equal(w.T, fmt.Sprint(tc.name, " w is ts - ", late), a.ids(), missed(want...)...)
			w.send(w.message(log, bob))
			equal(w.T, tc.name+" then", a.ids(), missed(append(want, e.Seq+map[bool]int64{true: 2, false: 1}[tc.newer])...)...)
		}
	}
}

// What comes in while positions are read doesn't begin the reads again.
func resumeReadsOnce(w *world) {
	const other chat.LogID = "c:1-3"
	w.changed(other, users(ann, bob), nil)
	w.pass(time.Hour)
	w.message(log, bob)
	w.message(other, bob)
	n := 0
	w.store.set(func() {
		w.store.draw = func() time.Duration { n++; return time.Duration(n) * 100 * time.Millisecond }
	})
	a := w.open(ann, "s")
	_ = a
	c := cursor{user: ann, w: time.Now().Add(-time.Minute).UnixMilli()}
	b := w.resume(ann, c.text())
	w.pass(10 * time.Second)
	w.ready(b, true)
	if got := w.store.count("position"); got != 2 {
		w.Errorf("%d positions read of two logs", got)
	}
	got := b.ids()
	slices.Sort(got)
	equal(w.T, "ann", got, append(missed(2), "c:1-3/2/1", "c:1-3/2/2", "c:1-3/2/3")...)
}
