package stream

import (
	"testing"
	"time"

	"tidings/internal/chat"
)

// TestSession tells how the end of a session ends its streams, and no others.
func TestSession(t *testing.T) {
	for _, tc := range []struct {
		name string
		run  func(w *world)
	}{
		{"Revoked", sessionRevoked},
		{"RevokedWhileConnecting", sessionRevokedWhileConnecting},
		{"EndedBefore", sessionEndedBefore},
		{"Expires", sessionExpires},
		{"ForeignRevoked", foreignSessionRevoked},
		{"ForeignEndedBefore", foreignSessionEndedBefore},
		{"ForeignExpires", foreignSessionExpires},
	} {
		t.Run(tc.name, func(t *testing.T) { scenario(t, Config{}, tc.run) })
	}
}

func revokedEntry(session string) chat.Entry {
	return chat.Entry{Log: chat.UserLog(ann), Kind: chat.KindSessionRevoked, By: ann, Body: mustJSON(chat.SessionRevokedBody{Session: session})}
}

func sessionRevoked(w *world) {
	a := w.connect(ann)
	other := w.open(ann, "phone")
	slow := w.open(ann, "phone")
	w.settle()
	slow.setSlow(true)
	for range 100 {
		w.send(w.message(log, bob))
	}
	w.send(w.store.commit(revokedEntry("phone")))
	for _, c := range []*fakeConn{other, slow} {
		equal(w.T, "revoked", c.named("revoked"), `{"reason":"logout"}`)
		if !c.isClosed() {
			w.Error("not closed")
		}
	}
	if a.isClosed() {
		w.Error("the other session's stream was closed")
	}
	if n := w.closedFor("logout"); n != 2 {
		w.Errorf("%v streams counted, want 2", n)
	}
}

// The log-out commits after the session was read, and its entry comes before the
// stream is ready.
func sessionRevokedWhileConnecting(w *world) {
	w.store.latency = 100 * time.Millisecond
	a := w.open(ann, "phone")
	w.pass(160 * time.Millisecond)
	w.store.set(func() { delete(w.store.sessions, "phone") })
	w.send(w.store.commit(revokedEntry("phone")))
	w.pass(time.Second)
	equal(w.T, "revoked", a.named("revoked"), `{"reason":"logout"}`)
	equal(w.T, "ready", a.named("ready"))
}

func sessionEndedBefore(w *world) {
	ended := w.session(ann, "phone")
	w.store.set(func() { delete(w.store.sessions, "phone") })
	a := w.openAs(ended)
	w.settle()
	equal(w.T, "revoked", a.named("revoked"), `{"reason":"logout"}`)
	if !a.isClosed() {
		w.Error("not closed")
	}
}

func sessionExpires(w *world) {
	short := w.session(ann, "short")
	short.Expires = time.Now().Add(time.Hour)
	w.store.set(func() { w.store.sessions["short"] = short })
	a := w.openAs(short)
	w.pass(time.Hour - time.Second)
	if a.isClosed() {
		w.Error("closed too early")
	}
	w.pass(time.Second)
	equal(w.T, "revoked", a.named("revoked"), `{"reason":"expired"}`)
	if !a.isClosed() {
		w.Error("not closed")
	}
	other := w.session(ann, "other") // the store knows more than the request that was authenticated
	w.store.set(func() {
		s := other
		s.Expires = time.Now()
		w.store.sessions["other"] = s
	})
	again := w.openAs(other)
	w.settle()
	equal(w.T, "revoked at once", again.named("revoked"), `{"reason":"expired"}`)
}

// openForeign connects with a session that another system issued so long ago.
func (w *world) openForeign(id string, age, lifetime time.Duration) (*fakeConn, chat.Session) {
	w.Helper()
	issued := time.Now().Add(-age)
	s := chat.Session{ID: id, User: ann, Created: issued, Expires: issued.Add(lifetime), Foreign: true}
	c := w.openAs(s)
	w.settle()
	return c, s
}

// A log-out ends the streams of all tokens that were issued up to it with its id,
// and not those of a later log-in, even when it is heard of late.
func foreignSessionRevoked(w *world) {
	first, _ := w.openForeign("nextauth", time.Hour, 24*time.Hour)
	refreshed, s := w.openForeign("nextauth", time.Minute, 24*time.Hour)
	other, _ := w.openForeign("nextauth:sid", time.Hour, 24*time.Hour)
	own := w.connect(ann)
	e := w.store.commit(chat.Entry{Log: chat.UserLog(ann), Kind: chat.KindSessionRevoked, By: ann, Body: mustJSON(s.Revocation(time.Now()))})
	w.pass(time.Second)
	later, _ := w.openForeign("nextauth", 0, 24*time.Hour)
	w.send(e)
	for _, c := range []*fakeConn{first, refreshed} {
		equal(w.T, "revoked", c.named("revoked"), `{"reason":"logout"}`)
		if len(c.named("ready")) != 1 || !c.isClosed() {
			w.Error("not closed, or never ready")
		}
	}
	for _, c := range []*fakeConn{other, own, later} {
		if len(c.named("ready")) != 1 || c.isClosed() {
			w.Error("the stream of another session was closed, or not ready")
		}
	}
}

func foreignSessionEndedBefore(w *world) {
	w.store.set(func() {
		w.store.revoked = []chat.SessionRevokedBody{{Session: "nextauth", Until: time.Now().UnixMilli()}}
	})
	ended, _ := w.openForeign("nextauth", time.Minute, time.Hour)
	equal(w.T, "revoked", ended.named("revoked"), `{"reason":"logout"}`)
	if !ended.isClosed() {
		w.Error("not closed")
	}
}

func foreignSessionExpires(w *world) {
	a, _ := w.openForeign("nextauth", time.Minute, time.Hour)
	w.pass(59*time.Minute - time.Second)
	if a.isClosed() {
		w.Error("closed too early")
	}
	w.pass(time.Second)
	equal(w.T, "revoked", a.named("revoked"), `{"reason":"expired"}`)
}
