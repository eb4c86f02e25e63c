package stream

import (
	"time"

	"tidings/internal/chat"
)

// After a hole was told, entries that become visible late are waited for as before.
func resumePatience(w *world) {
	w.another(Config{CacheBytes: 1})
	a := w.connect(ann)
	a.setSlow(true)
	for range 200 {
		w.send(w.message(log, bob))
	}
	w.store.set(func() { w.store.gone[log] = 190 })
	a.setSlow(false)
	w.pass(time.Minute)
	w.resets(a, resetExpired)
	a.setSlow(true)
	for range 200 {
		w.send(w.message(log, bob))
	}
	w.store.set(func() { w.store.gone[log] = 401 })
	a.setSlow(false)
	w.pass(300 * time.Millisecond)
	w.store.set(func() { w.store.gone[log] = 190 })
	w.pass(time.Minute)
	w.resets(a, resetExpired)
	if got := ranges(a.seqs()[log]); got[len(got)-1] != (chat.Interval{From: 202, To: 401}) {
		w.Errorf("got %v", got)
	}
}

// The client is ahead of this hub, to which entries before that are lost for good: it
// misses nothing and is told nothing. Who is at the hub's own position is told, and who
// is behind gets what there is before that.
func resumeHoleBehind(w *world) {
	w.another(Config{CacheBytes: 1})
	b := w.connect(bob)
	slow := w.connect(ann)
	slow.setSlow(true)
	for range 100 {
		w.send(w.message(log, bob))
	}
	w.message(log, bob) // 102 and 103 are lost to the hub
	w.message(log, bob)
	e := w.message(log, bob)
	c := cursor{user: ann, w: time.Now().Add(-time.Minute).UnixMilli(), marks: []mark{{keyOf(log), e.Seq, 0}}}
	w.store.set(func() { w.store.holes = map[int64]bool{102: true, 103: true} })
	a := w.resume(ann, c.text())
	w.ready(a, true)
	for range 30 { // not for stalled
		w.pass(time.Second)
		slow.takes(1)
	}
	slow.setSlow(false)
	w.pass(30 * time.Second)
	w.send(w.message(log, bob))
	w.resets(a)
	equal(w.T, "ann", a.ids(), missed(105)...)
	w.resets(b, resetExpired)
	w.resets(slow, resetExpired)
	if got := ranges(slow.seqs()[log]); len(got) != 2 || got[0] != (chat.Interval{From: 2, To: 101}) || got[1].To != 105 {
		w.Errorf("the slow reader got %v", got)
	}
}

// What the table has lost lies between two times of membership: nobody is told.
func resumeHoleBetween(w *world) {
	w.connect(bob).stream.Closed()
	a := w.connect(ann)
	w.send(w.changed(log, nil, users(ann))) // 2
	w.message(log, bob)
	w.message(log, bob)
	w.store.set(func() { w.store.holes = map[int64]bool{3: true, 4: true} })
	w.hint(w.changed(log, users(ann), nil)) // 5
	w.pass(time.Minute)
	w.send(w.message(log, bob))
	w.resets(a)
	equal(w.T, "ann", a.ids(), append([]string{"c:1-2/2/3", "c:1-2/5/3"}, missed(6)...)...)
	if got := w.metric("holes_total"); got != 2 {
		w.Errorf("%v holes counted", got)
	}
}

// Entries that the table has lost are told as a gap, and the stream goes on behind.
func resumeHole(w *world) {
	a := w.connect(ann)
	at := a.position()
	a.stream.Closed()
	for range 5 {
		w.message(log, bob)
	}
	w.store.set(func() { w.store.gone[log] = 4 })
	w.another(Config{})
	a = w.resume(ann, at)
	w.ready(a, true)
	w.pass(time.Minute)
	w.resets(a, resetExpired)
	w.send(w.message(log, bob))
	equal(w.T, "ann", a.ids(), missed(7)...)
}
