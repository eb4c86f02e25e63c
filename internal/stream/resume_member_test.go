package stream

import (
	"fmt"
	"strings"
	"time"

	"tidings/internal/chat"
)

func resumeAdded(w *world) {
	const group chat.LogID = "c:9"
	a := w.connect(ann)
	at := a.position()
	a.stream.Closed()
	w.pass(time.Hour)
	w.changed(group, users(bob), nil)
	w.message(group, bob)
	w.changed(group, users(ann), nil)
	w.message(group, bob)
	a = w.resume(ann, at)
	w.ready(a, true)
	equal(w.T, "ann", a.ids(), "c:9/3/3", "c:9/4/1", "c:9/4/2", "c:9/4/3")
}

func resumeRemoved(w *world) {
	a := w.connect(ann)
	at := a.position()
	a.stream.Closed()
	w.message(log, bob)
	w.changed(log, nil, users(ann))
	w.message(log, bob)
	w.another(Config{})
	a = w.resume(ann, at)
	w.ready(a, true)
	equal(w.T, "ann", a.ids(), append(missed(2), "c:1-2/3/3")...)
}

// Of a log that was left before the position nothing is read.
func resumeLeft(w *world) {
	w.message(log, bob)
	w.changed(log, nil, users(ann))
	w.pass(5 * time.Minute)
	a := w.connect(ann)
	at := a.position()
	if c, _ := parseCursor(at); len(c.marks) != 0 {
		w.Errorf("position %+v", c)
	}
	a.stream.Closed()
	a = w.resume(ann, at)
	w.ready(a, true)
	equal(w.T, "ann", a.ids())
	if n := w.store.count("position"); n != 0 {
		w.Errorf("%d positions read", n)
	}
}

func resumeRejoined(w *world) {
	a := w.connect(ann)
	at := a.position()
	a.stream.Closed()
	w.changed(log, nil, users(ann))
	w.message(log, bob)
	w.changed(log, users(ann), nil)
	w.message(log, bob)
	w.another(Config{})
	a = w.resume(ann, at)
	equal(w.T, "ann", a.ids(), append([]string{"c:1-2/2/3", "c:1-2/4/3"}, missed(5)...)...)
}

// What was missed of a log that the user has left meanwhile can't be read for long: the
// position doesn't move past it, though nobody here is a member any more.
func resumeLagLeft(w *world) {
	const other chat.LogID = "c:1-3"
	w.changed(other, users(ann, cat), nil)
	w.message(log, bob)
	w.changed(log, nil, users(ann))
	w.store.set(func() { w.store.broken = "entries" })
	at := cursor{user: ann, w: time.Now().Add(-time.Minute).UnixMilli(), marks: []mark{{keyOf(log), 1, 0}, {keyOf(other), 1, 0}}}
	a := w.resume(ann, at.text())
	w.ready(a, true)
	for range 10 {
		w.pass(time.Minute)
		w.send(w.message(other, cat))
	}
	equal(w.T, "ann", a.seqs()[log])
	equal(w.T, "ann", a.seqs()[other], upTo(2, 11)...)
	a.stream.Closed()
	w.another(Config{})
	w.store.set(func() { w.store.broken = "" })
	a = w.resume(ann, a.position())
	w.ready(a, true)
	equal(w.T, "ann", a.ids(), append(missed(2), "c:1-2/3/3")...)
}

// A slow reader that has left two logs gets the rest of one, and is cut before that of the
// other. Its position had all the time to move past it.
func resumeSlowLeft(w *world) {
	const other chat.LogID = "c:1-3"
	w.changed(other, users(ann, bob), nil)
	a := w.connect(ann)
	a.setSlow(true)
	for pending := 0; pending < PendingHigh; pending, _ = a.Progress() {
		w.send(w.message(log, bob))
	}
	rest := w.message(log, bob)
	w.send(rest, w.message(other, bob), w.changed(log, nil, users(ann)), w.changed(other, nil, users(ann)))
	for range 8 {
		w.pass(50 * time.Second)
		a.takes(1)
	}
	a.setSlow(false)
	w.settle()
	text, _, cut := strings.Cut(a.text(), fmt.Sprintf(`"%s/%d/1"`, other, 2))
	text = text[:strings.LastIndex(text, "\n\n")+2]
	if got := seqsOf(text)[log]; !cut || got[len(got)-1] < rest.Seq {
		w.Fatal("the other log came first, or not at all")
	}
	a.stream.Closed()
	w.another(Config{})
	b := w.resume(ann, lastID(text))
	w.ready(b, true)
	equal(w.T, "log", append(seqsOf(text)[log], b.seqs()[log]...), upTo(2, rest.Seq+1)...)
	equal(w.T, "other", b.seqs()[other], 2, 3)
}
