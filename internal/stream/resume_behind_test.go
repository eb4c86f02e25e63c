package stream

import (
	"slices"
	"time"
)

// The bus has brought one instance less than the other that the client comes from.
func resumeBehind(w *world) {
	w.connect(bob)
	e := w.message(log, bob)
	c := cursor{user: ann, w: time.Now().Add(-time.Minute).UnixMilli(), marks: []mark{{keyOf(log), 2, 0}}}
	a := w.resume(ann, c.text())
	w.ready(a, true)
	w.send(e)
	w.send(w.message(log, bob))
	equal(w.T, "ann", a.ids(), missed(3)...)
}

// An entry that another instance sent long ago reaches this one by an audit only.
func resumeUnlistedBehind(w *world) {
	b := w.connect(bob)
	w.message(log, bob) // lost to this hub
	c := cursor{user: ann, w: time.Now().Add(30 * time.Second).UnixMilli()}
	a := w.resume(ann, c.text())
	w.ready(a, true)
	w.pass(12 * time.Minute)
	equal(w.T, "ann", a.ids())
	equal(w.T, "bob", b.ids(), "c:1-2/2/3")
	w.send(w.message(log, bob))
	equal(w.T, "ann", a.ids(), missed(3)...)
}

// The client has an entry that this hub hasn't got, or the first frame of it: neither the
// position that it is told meanwhile, whose w has moved, nor the rest forgets that.
func resumeBehindMiddle(w *world) {
	w.connect(bob)
	for _, part := range []uint8{1, 0} {
		w.pass(time.Hour)
		e := w.message(log, bob)
		c := cursor{user: ann, w: time.Now().Add(-30 * time.Minute).UnixMilli(), marks: []mark{{keyOf(log), e.Seq, part}}}
		a := w.resume(ann, c.text())
		at := w.at(a)
		if !slices.Equal(at.marks, c.marks) || at.w <= c.w {
			w.Errorf("position %+v of %+v", at, c)
		}
		b := w.resume(ann, a.position())
		w.send(e)
		var want []string
		if part > 0 {
			want = missed(e.Seq)[part:]
		}
		equal(w.T, "ann", a.ids(), want...)
		equal(w.T, "ann again", b.ids(), want...)
	}
}

// What the client's last instance had and this one lacks is looked for at once.
func resumeBehindAlone(w *world) {
	b := w.connect(bob)
	w.grown()
	w.message(log, bob)
	c := cursor{user: ann, w: time.Now().Add(-time.Minute).UnixMilli(), marks: []mark{{keyOf(log), 2, 0}}}
	a := w.resume(ann, c.text())
	w.pass(10 * time.Second)
	equal(w.T, "bob", b.ids(), "c:1-2/2/3")
	equal(w.T, "ann", a.ids())
}
