package stream

import (
	"time"
)

func auditFindsAddition(w *world) {
	a := w.connect(ann)
	w.changed("c:9", users(ann, cat), nil)
	w.message("c:9", cat)
	w.pass(2 * auditAtFirst)
	equal(w.T, "ann", a.ids(), "c:9/1/3", "c:9/2/1", "c:9/2/2", "c:9/2/3")
	if got := w.metric("unheard_memberships_total"); got != 1 {
		w.Errorf("%v unheard memberships counted", got)
	}
}

func auditFindsRemoval(w *world) {
	a, b := w.connect(ann), w.connect(bob)
	w.changed(log, nil, users(ann))
	w.pass(2 * auditAtFirst)
	w.send(w.message(log, bob))
	equal(w.T, "ann", a.ids(), "c:1-2/2/3")
	equal(w.T, "bob", b.ids(), "c:1-2/2/3", "c:1-2/3/3")
}

func auditFindsLogOut(w *world) {
	a, b := w.connect(ann), w.connect(bob)
	w.store.set(func() { delete(w.store.sessions, "session of "+ann.String()) })
	w.pass(sessionEvery - time.Second)
	equal(w.T, "revoked", a.named("revoked"))
	w.pass(time.Minute)
	equal(w.T, "revoked", a.named("revoked"), `{"reason":"logout"}`)
	if !a.isClosed() || b.isClosed() {
		w.Errorf("closed: ann %v, bob %v", a.isClosed(), b.isClosed())
	}
	if n := w.store.count("sessions"); n > 2 {
		w.Errorf("%d reads of sessions", n)
	}
}

func auditSessionsOnce(w *world) {
	for range 3 {
		w.connect(ann)
	}
	w.pass(time.Minute)
	w.store.set(func() { w.store.failing = true })
	w.pass(time.Hour)
	w.store.set(func() { w.store.failing = false })
	before := w.store.count("sessions")
	w.pass(2 * backoffTo)
	if got := w.store.count("sessions") - before; got < 1 || got > 3 {
		w.Errorf("%d reads of three sessions", got)
	}
	before = w.store.count("sessions")
	w.pass(10*time.Minute + 30*time.Second)
	if got := w.store.count("sessions") - before; got < 2 || got > 6 {
		w.Errorf("%d reads of three sessions in ten minutes", got)
	}
}

// What was asked for a user who has left since is dropped, and binds nothing.
func auditLeft(w *world) {
	a := w.connect(ann)
	w.slowTable(4 * time.Second)
	before := w.store.count("heads")
	for w.store.count("heads") < before+2 {
		w.pass(100 * time.Millisecond)
	}
	a.stream.Closed() // the answer is on its way, and nobody is there for whom to ask again
	w.slowTable(0)
	w.pass(10 * time.Second)
	before = w.store.count("heads")
	w.pass(5 * auditAtFirst)
	if got := w.store.count("heads") - before; got != 0 {
		w.Errorf("%d reads of heads for nobody", got)
	}
	// The same with the memberships.
	a = w.connect(ann)
	w.pass(30 * time.Second)
	w.slowTable(4 * time.Second)
	for before := w.store.count("memberships"); w.store.count("memberships") == before; {
		w.pass(100 * time.Millisecond)
	}
	a.stream.Closed() // the answer is on its way
	w.slowTable(0)
	w.pass(linger + time.Minute)
	if got := w.metric("logs"); got != 0 {
		w.Errorf("%v logs kept", got)
	}
	// The same with the session, which has ended.
	a = w.connect(ann)
	w.pass(sessionEvery - time.Minute)
	w.store.set(func() { clear(w.store.sessions) })
	w.slowTable(4 * time.Second)
	for before := w.store.count("sessions"); w.store.count("sessions") == before; {
		w.pass(100 * time.Millisecond)
	}
	a.stream.Closed()
	w.pass(10 * time.Second)
	equal(w.T, "revoked", a.named("revoked"))
}

func auditMembershipsOnce(w *world) {
	a := w.connect(ann)
	w.pass(time.Minute)
	w.store.set(func() { w.store.broken = "memberships" })
	w.pass(time.Hour)
	w.changed("c:9", users(ann, cat), nil)
	w.store.set(func() { w.store.broken = "" })
	before := w.store.count("memberships")
	w.pass(2 * backoffTo)
	if got := w.store.count("memberships") - before; got != 1 {
		w.Errorf("%d reads of one user's memberships", got)
	}
	equal(w.T, "ann", a.ids(), "c:9/1/3")
	w.pass(30 * time.Minute)
	if got := w.store.count("memberships") - before; got < 3 || got > 5 {
		w.Errorf("%d reads in half an hour after that", got)
	}
}
