package stream

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tidings/internal/chat"
)

// TestAudit tells what is read again and what comes of it. Each begins with ann and
// bob as members of one log.
func TestAudit(t *testing.T) {
	for _, tc := range []struct {
		name string
		run  func(w *world)
	}{
		{"FindsWhatTheBusLost", auditFindsEntry},
		{"FindsALostAddition", auditFindsAddition},
		{"FindsALostRemoval", auditFindsRemoval},
		{"FindsALostLogOut", auditFindsLogOut},
		{"LetsEntriesArrive", auditPatience},
		{"EachLogOnceInItsTime", auditCost},
		{"LoneLogsAreLeftAlone", auditIdle},
		{"WMovesByVerifiedReadsOnly", positionByReads},
		{"WWaitsForWhatIsMissing", positionWaits},
		{"ListShrinks", positionShrinks},
		{"LongListIsVerifiedSooner", positionLong},
		{"QuietClientIsToldHourly", positionHourly},
	} {
		t.Run(tc.name, func(t *testing.T) { scenario(t, Config{}, tc.run) })
	}
}

// grown lets the hub get older than its youth, in which it audits every minute.
func (w *world) grown() { w.pass(youth + auditAtFirst) }

func auditFindsEntry(w *world) {
	a := w.connect(ann)
	w.message(log, bob)
	w.pass(auditAtFirst - time.Second)
	equal(w.T, "ann", a.ids())
	w.pass(auditAtFirst)
	equal(w.T, "ann", a.ids(), missed(2)...)
	w.grown()
	w.message(log, bob)
	w.pass(auditEvery + time.Minute)
	equal(w.T, "ann", a.ids(), missed(2, 3)...)
	if got := w.metric("unheard_entries_total"); got != 2 {
		w.Errorf("%v unheard entries counted", got)
	}
}

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

// An entry that is committed while its head is audited is on its way, not lost.
func auditPatience(w *world) {
	a := w.connect(ann)
	w.pass(auditAtFirst - 2*time.Second)
	e := w.message(log, bob)
	w.pass(auditGrace - time.Second)
	if w.store.count("entries") != 0 {
		w.Error("it was read at once")
	}
	w.send(e)
	w.pass(time.Minute)
	equal(w.T, "ann", a.ids(), missed(2)...)
	if w.metric("unheard_entries_total") != 0 || w.store.count("entries") != 0 {
		w.Error("it counted as lost")
	}
}

func auditCost(w *world) {
	const logs = 250
	for i := range logs {
		w.changed(chat.LogID(fmt.Sprint("c:", i)), users(ann, bob), nil)
	}
	w.connect(ann)
	w.connect(bob)
	w.grown()
	w.pass(auditEvery)
	before, users := w.store.count("heads"), w.store.count("memberships")
	w.pass(10 * auditEvery)
	if got := w.store.count("heads") - before; got < 9*3 || got > 11*3 {
		w.Errorf("%d reads of heads for 10 audits of %d logs", got, logs+3)
	}
	if got := w.store.count("memberships") - users; got < 2*9 || got > 2*11 {
		w.Errorf("%d reads of memberships for 10 audits of 2 users", got)
	}
}

func auditIdle(w *world) {
	a := w.connect(ann)
	w.pass(time.Second)
	a.stream.Closed()
	w.settle()
	before := w.store.count("heads")
	w.pass(linger - time.Minute)
	if got := w.store.count("heads"); got != before {
		w.Errorf("%d heads read for nobody", got-before)
	}
}

// at is w and the marks of the client's position.
func (w *world) at(c *fakeConn) cursor {
	w.Helper()
	got, ok := parseCursor(c.position())
	if !ok {
		w.Fatalf("position %q", c.position())
	}
	return got
}

func positionByReads(w *world) {
	began := time.Now()
	a := w.connect(ann)
	if got := w.at(a).w; got != began.Add(-settleTime).UnixMilli() {
		w.Errorf("w is %v before the first read", began.UnixMilli()-got)
	}
	w.pass(2 * auditAtFirst)
	w.store.set(func() { w.store.failing = true })
	down := time.Now()
	w.pass(time.Hour)
	w.store.set(func() { w.store.failing = false })
	w.send(w.message(log, bob))
	if got := w.at(a).w; got > down.Add(-settleTime).UnixMilli() || got < began.UnixMilli() {
		w.Errorf("w is %v after the last read that came back", time.UnixMilli(got).Sub(down))
	}
	w.pass(5 * time.Minute)
	w.send(w.message(log, bob))
	if got := w.at(a).w; got < down.Add(time.Hour-settleTime).UnixMilli() {
		w.Errorf("w is %v before now", time.Since(time.UnixMilli(got)))
	}
}

// While the entry that a head told of isn't delivered, w stays.
func positionWaits(w *world) {
	a := w.connect(ann)
	w.pass(time.Second)
	w.message(log, bob)
	began := time.Now()
	hidden := w.store.gone[log]
	w.store.set(func() { w.store.gone[log] = 2 }) // not visible yet
	w.pass(auditAtFirst + auditGrace + time.Second)
	w.store.set(func() { w.store.gone[log] = hidden })
	if got := w.hub.logs[log].verifiedAt; got >= began.UnixMilli() {
		w.Errorf("verified %v after the entry that is missing", time.UnixMilli(got).Sub(began))
	}
	w.pass(3 * auditAtFirst)
	equal(w.T, "ann", a.ids(), missed(2)...)
	if got := w.hub.logs[log].verifiedAt; got < began.UnixMilli() {
		w.Error("never verified again")
	}
}

func positionShrinks(w *world) {
	const other chat.LogID = "c:1-3"
	w.changed(other, users(ann, cat), nil)
	w.pass(2 * settleTime)
	a := w.connect(ann)
	if got := w.at(a).marks; len(got) != 0 {
		w.Errorf("a quiet client has %v", got)
	}
	w.send(w.message(log, bob), w.message(other, cat))
	if got := w.at(a).marks; len(got) != 2 {
		w.Errorf("two logs with entries: %v", got)
	}
	w.pass(5 * time.Minute)
	w.send(w.message(other, cat))
	if got := w.at(a).marks; len(got) != 1 || got[0] != (mark{keyOf(other), 3, 0}) {
		w.Errorf("after five quiet minutes in one log: %v", got)
	}
}

// A user with more lively logs than the list should hold has them verified every
// minute, others' only in their time.
func positionLong(w *world) {
	const logs = manyListed + 6
	for i := range logs {
		w.changed(chat.LogID(fmt.Sprint("c:", i)), users(ann, bob), nil)
	}
	w.pass(time.Hour)
	a := w.connect(ann)
	w.grown()
	w.pass(auditEvery)
	for i := range logs {
		w.send(w.message(chat.LogID(fmt.Sprint("c:", i)), bob))
	}
	if got := len(w.at(a).marks); got != logs {
		w.Fatalf("%d of %d logs listed", got, logs)
	}
	before := w.store.count("memberships")
	w.pass(4 * time.Minute)
	w.send(w.message(log, bob))
	if got := len(w.at(a).marks); got != 1 {
		w.Errorf("%d logs listed after four minutes", got)
	}
	if got := w.store.count("memberships") - before; got < 1 || got > 5 {
		w.Errorf("%d reads of memberships", got)
	}
}

func positionHourly(w *world) {
	a := w.connect(ann)
	first := w.at(a)
	w.pass(tellEvery + time.Minute)
	blocks := strings.Split(a.text(), "\n\n")
	n := 0
	for _, b := range blocks {
		if strings.HasPrefix(b, "id: ") && !strings.Contains(b, "\n") {
			n++
		}
	}
	if n != 2 {
		w.Errorf("%d positions in an hour", n)
	}
	if got := w.at(a); got.w < first.w+(tellEvery-auditEvery-5*time.Minute).Milliseconds() {
		w.Errorf("the second is %v after the first", time.Duration(got.w-first.w)*time.Millisecond)
	}
}
