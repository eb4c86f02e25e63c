package stream

import (
	"slices"
	"strings"
	"time"

	"tidings/internal/chat"
)

func resumeMiddle(w *world) {
	a := w.connect(ann)
	w.send(w.message(log, bob))
	text := a.text()
	cut := text[:strings.LastIndex(text, "data: ")] // the connection broke before the last frame was whole
	a.stream.Closed()
	w.send(w.message(log, bob))
	a = w.resume(ann, lastID(cut))
	equal(w.T, "ann", append(idsOf(cut), a.ids()...), missed(2, 3)...)
}

// A connection that goes on in the middle of an entry of one log breaks in the middle
// of one of another, before the first is complete.
func resumeMiddleTwice(w *world) {
	const other chat.LogID = "c:1-3"
	w.changed(other, users(ann, cat), nil)
	w.another(Config{CacheBytes: 1})
	c := cursor{user: ann, w: time.Now().UnixMilli(), marks: []mark{{keyOf(log), 2, 2}, {keyOf(other), 2, 1}}}
	w.message(log, bob)
	w.message(other, cat)
	a := w.resume(ann, c.text())
	got := a.ids()
	slices.Sort(got)
	equal(w.T, "ann", got, "c:1-2/2/3", "c:1-3/2/2", "c:1-3/2/3")
	// The first frame's position still tells of both.
	first, _ := parseCursor(lastID(a.text()[:strings.Index(a.text(), `"eventId"`)+100]))
	if want := []mark{{keyOf(log), 2, 0}, {keyOf(other), 2, 1}}; !slices.Equal(first.marks, want) {
		w.Errorf("position %+v, want %+v", first.marks, want)
	}
}

// A client that is cut before it hears of the reset comes back as it came: it must not
// go on from the new position as if nothing had been missed.
func resumeCutBeforeReset(w *world) {
	a := w.resume(ann, "not a position")
	w.resets(a, resetInvalid)
	first, _, _ := strings.Cut(a.text(), "event: reset")
	if id := lastID(first[:strings.LastIndex(first, "\n\n")+2]); id != "" {
		w.Errorf("before the reset it is at %q", id)
	}
}

// Heartbeats of a connect that takes long tell no position, nor does it read anything
// again before it is ready.
func resumeCutBeforeReady(w *world) {
	for _, kind := range []string{"session", "memberships"} {
		w.store.set(func() { w.store.broken = kind })
		a := w.open(ann, "s")
		w.pass(time.Minute)
		if n := len(a.named("heartbeat")); n < 2 || strings.Contains(a.text(), "id: ") {
			w.Errorf("%d heartbeats, position %q", n, a.position())
		}
		if n := w.store.count("sessions"); n != 0 {
			w.Errorf("the session was read %d times again", n)
		}
		w.store.set(func() { w.store.broken = "" })
		w.pass(2 * backoffTo)
		w.ready(a, false)
		e := w.message(log, bob)
		w.send(e)
		equal(w.T, "ann", a.ids(), missed(e.Seq)...)
		a.stream.Closed()
	}
}
