package stream

import (
	"fmt"
	"math/rand/v2"
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
		{"InTimeAlsoForThoseThatWereAlone", auditBackInTime},
		{"InTimeWhileOthersComeAndGo", auditAmongFlapping},
		{"ComingBackDuringAnAudit", auditComeBack},
		{"OldReadOfMembershipsChangesNothing", auditStale},
		{"SessionsOnceHoweverLongTheTableIsDown", auditSessionsOnce},
		{"WMovesByBothReads", positionByBoth},
		{"WIsTheTimeOfTheRead", positionReadTime},
		{"WMovesOnceAMinute", positionSteps},
		{"ListEndsExactlyAtW", positionExact},
		{"ListHoldsWhatWasWritten", positionNothing},
		{"LeftLogsAreNotVerifiedSooner", positionLongLeft},
		{"LongListThatCannotShrink", positionLongStuck},
		{"ClientGoneDuringTheRead", auditLeft},
		{"MembershipsOnceHoweverLongTheTableIsDown", auditMembershipsOnce},
		{"WMovesByVerifiedReadsOnly", positionByReads},
		{"WWaitsForWhatIsMissing", positionWaits},
		{"ListShrinks", positionShrinks},
		{"LongListIsVerifiedSooner", positionLong},
		{"QuietClientIsToldHourly", positionHourly},
		{"SlowReaderIsNotTold", positionSlow},
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

// A log that was without members for a while is audited when it would have been.
func auditBackInTime(w *world) {
	a := w.connect(ann)
	w.grown()
	before := w.store.count("heads")
	for w.store.count("heads") == before {
		w.pass(time.Second)
	}
	at := a.position()
	w.pass(auditEvery - 4*time.Minute)
	w.message(log, bob) // lost
	a.stream.Closed()
	w.pass(2 * time.Minute)
	a = w.resume(ann, at)
	w.pass(time.Minute)
	equal(w.T, "ann", a.ids())
	w.pass(2 * time.Minute)
	equal(w.T, "ann", a.ids(), missed(2)...)
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
	if got := w.logState(log).verifiedAt; got >= began.UnixMilli() {
		w.Errorf("verified %v after the entry that is missing", time.UnixMilli(got).Sub(began))
	}
	w.pass(3 * auditAtFirst)
	equal(w.T, "ann", a.ids(), missed(2)...)
	if got := w.logState(log).verifiedAt; got < began.UnixMilli() {
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
	w.connect(cat) // whose log is always asked for a little earlier
	w.pass(10 * time.Second)
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
	if got := w.store.count("memberships") - before; got < 1 || got > 6 { // and the other user's
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

// For a socket that hardly takes anything the position waits as all else does.
func positionSlow(w *world) {
	a := w.connect(ann)
	a.setSlow(true)
	for range 100 {
		w.send(w.message(log, bob))
	}
	told := strings.Count(a.text(), "id: ")
	for range 90 {
		w.pass(50 * time.Second)
		a.takes(1)
	}
	if got := strings.Count(a.text(), "id: "); got != told || a.isClosed() {
		w.Errorf("%d positions told in 75 minutes, closed %v", got-told, a.isClosed())
	}
	a.setSlow(false)
	w.pass(time.Minute)
	equal(w.T, "ann", a.seqs()[log], upTo(2, 101)...)
}

// Logs whose members come back all the time don't hold up the audit of the others.
func auditAmongFlapping(w *world) {
	a := w.connect(ann)
	w.grown()
	r := rand.New(rand.NewPCG(1, 1))
	others := make([]*fakeConn, 20)
	for i := range others {
		others[i] = w.connect(chat.UserID(100 + i))
		w.pass(30 * time.Second)
	}
	for found := range 5 {
		w.message(log, bob) // lost
		lost := time.Now()
		for len(a.seqs()[log]) == found && time.Since(lost) < 5*auditEvery {
			i := r.IntN(len(others))
			others[i].stream.Closed()
			w.pass(time.Second)
			others[i] = w.connect(chat.UserID(100 + i))
			w.pass(29 * time.Second)
		}
		if took := time.Since(lost); took > auditEvery+time.Minute {
			w.Errorf("found after %v", took)
		}
	}
	// Nor do they go without one themselves.
	for _, c := range others {
		if since := time.Since(time.UnixMilli(w.logState(chat.UserLog(c.user)).verifiedAt)); since > 2*auditEvery+time.Minute {
			w.Errorf("the own log of %d was verified %v ago", c.user, since)
		}
	}
}

// A log whose only member leaves and comes back while its head is read again is
// audited on, once in its time.
func auditComeBack(w *world) {
	a := w.connect(ann)
	w.grown()
	w.pass(auditEvery)
	w.slowTable(2 * time.Second)
	before := w.store.count("heads")
	for w.store.count("heads") == before {
		w.pass(500 * time.Millisecond)
	}
	a.stream.Closed()
	w.settle()
	a = w.open(ann, "s")
	w.pass(10 * time.Second)
	w.ready(a, false)
	before = w.store.count("heads")
	w.pass(3 * auditEvery)
	if got := w.store.count("heads") - before; got < 2 || got > 4 {
		w.Errorf("%d reads of heads in three audits of two logs", got)
	}
	w.message(log, bob)
	w.pass(auditEvery + time.Minute)
	equal(w.T, "ann", a.ids(), missed(2)...)
}

// Memberships that were read before a change that the hub knows meanwhile, be it a
// removal or a return, are no news.
func auditStale(w *world) {
	a := w.connect(ann)
	for i := range 2 {
		w.slowTable(4 * time.Second)
		before := w.store.count("memberships")
		for w.store.count("memberships") == before {
			w.pass(100 * time.Millisecond)
		}
		w.slowTable(0)
		if i == 0 {
			w.send(w.changed(log, nil, users(ann)))
		} else {
			w.send(w.changed(log, users(ann), nil))
		}
		w.pass(5 * time.Second)
		w.send(w.message(log, bob))
	}
	equal(w.T, "ann", a.ids(), append([]string{"c:1-2/2/3", "c:1-2/4/3"}, missed(5)...)...)
	if got := w.metric("unheard_memberships_total"); got != 0 {
		w.Errorf("%v changes counted as unheard", got)
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

// While either heads or memberships can't be read, w stays.
func positionByBoth(w *world) {
	a := w.connect(ann)
	w.grown()
	for _, kind := range []string{"heads", "memberships"} {
		w.pass(time.Hour)
		w.store.set(func() { w.store.broken = kind })
		down := time.Now()
		w.send(w.message(log, bob)) // it is listed until w has moved
		w.pass(30 * time.Minute)
		w.send(w.message(log, bob))
		if got := w.at(a).w; got > down.Add(-settleTime).UnixMilli() {
			w.Errorf("without %s w is %v after the last read", kind, time.UnixMilli(got).Sub(down))
		}
		w.store.set(func() { w.store.broken = "" })
		w.pass(30 * time.Minute)
		w.send(w.message(log, bob))
		if got := w.at(a).w; got < down.Add(30*time.Minute).UnixMilli() {
			w.Errorf("with %s again w is %v after", kind, time.UnixMilli(got).Sub(down))
		}
	}
}

// A position is verified as of when its read began, however late the answer comes or
// what it told of is delivered: of what is committed meanwhile it says nothing.
func positionReadTime(w *world) {
	verified := func() int64 { return w.logState(log).verifiedAt }
	member := func() (at int64) {
		w.within(func(h *Hub) { at = h.users[ann].verifiedAt })
		return at
	}
	w.slowTable(2 * time.Second)
	began := time.Now()
	a := w.open(ann, "s")
	w.pass(2 * time.Second) // the own log
	w.pass(2 * time.Second) // session and memberships
	if got := member(); got != began.Add(2*time.Second).UnixMilli() {
		w.Errorf("memberships verified %v after the beginning", time.UnixMilli(got).Sub(began))
	}
	w.pass(2 * time.Second) // the log
	if got := verified(); got != began.Add(4*time.Second).UnixMilli() {
		w.Errorf("tracked as of %v after the beginning", time.UnixMilli(got).Sub(began))
	}
	w.pass(10 * time.Second)
	w.ready(a, false)
	for was := member(); member() == was; { // the audit
		w.pass(100 * time.Millisecond)
	}
	if got := time.Since(time.UnixMilli(member())); got < 2*time.Second {
		w.Errorf("memberships verified %v ago by a read of two seconds", got)
	}
	e := w.message(log, bob)
	heads, was := w.store.count("heads"), verified()
	for w.store.count("heads") < heads+2 { // of the own log, of the other
		w.pass(100 * time.Millisecond)
	}
	w.pass(time.Second)
	if verified() != was {
		w.Error("verified before the entry that the head told of was delivered")
	}
	w.send(e)
	second := w.message(log, bob) // lost
	w.pass(6 * time.Second)
	if got := verified(); got <= was || got >= second.TS {
		w.Errorf("verified %v before the lost entry, %v after the one before", second.TS-got, got-e.TS)
	}
}

// In an instance's youth heads and memberships are read every minute, at times of their
// own. Positions move at most once a minute all the same.
func positionSteps(w *world) {
	a := w.connect(ann)
	var moved []time.Time
	last := w.at(a).w
	for range 14 * 12 {
		w.pass(5 * time.Second)
		w.send(w.message(log, bob))
		if got := w.at(a).w; got != last {
			moved, last = append(moved, time.Now()), got
		}
	}
	for i, m := range moved {
		if i > 0 && m.Sub(moved[i-1]) < time.Minute {
			w.Errorf("moved again after %v", m.Sub(moved[i-1]))
		}
	}
	if len(moved) < 7 {
		w.Errorf("moved %d times in 14 minutes", len(moved))
	}
}

// An entry whose ts is w is covered by it, that of the next millisecond is listed.
func positionExact(w *world) {
	a := w.connect(ann)
	for _, e := range []chat.Entry{message(log, bob), changed(log, nil, users(ann))} {
		e = w.store.commit(e)
		w.send(e)
		w.pass(10 * time.Second)
		for _, later := range []int64{1, 0} {
			w.within(func(h *Hub) {
				at := e.TS - later + settleTime.Milliseconds()
				h.logs.all(func(l *logState) { l.verifiedAt = at })
				a.stream.user.verifiedAt = at
				h.refresh(a.stream)
				h.tell(a.stream)
			})
			if got := w.at(a); got.w != e.TS-later || len(got.marks) != int(later) {
				w.Errorf("w is %d before entry %d: %v listed", e.TS-got.w, e.Seq, got.marks)
			}
		}
	}
}

// Entries that give the user no frames are in no list.
func positionNothing(w *world) {
	a := w.connect(ann)
	w.send(w.store.commit(chat.Entry{
		Log: chat.UserLog(ann), Kind: chat.KindSessionRevoked, By: ann, Body: mustJSON(chat.SessionRevokedBody{Session: "another"}),
	}))
	w.send(w.message(log, bob))
	if got := w.at(a).marks; len(got) != 1 || got[0].key != keyOf(log) {
		w.Errorf("listed: %v", got)
	}
}

// A log that the user has left is nobody's to audit: it goes in its time.
func positionLongLeft(w *world) {
	const logs = manyListed + 6
	for i := range logs {
		w.changed(chat.LogID(fmt.Sprint("c:", i)), users(ann, bob), nil)
	}
	w.connect(ann)
	w.grown()
	w.pass(auditEvery)
	w.send(w.changed(log, nil, users(ann)))
	for range 2 * (linger / time.Minute) {
		for i := range logs {
			w.send(w.message(chat.LogID(fmt.Sprint("c:", i)), bob))
		}
		w.pass(30 * time.Second)
	}
	w.pass(time.Minute)
	if l := w.logState(log); l.state != untracked || l.queued != 0 {
		w.Errorf("it is in state %d, audited %v", l.state, l.queued != 0)
	}
}

// A long list that can't shrink is no reason for more than a read a minute.
func positionLongStuck(w *world) {
	const logs = manyListed + 6
	for i := range logs {
		w.changed(chat.LogID(fmt.Sprint("c:", i)), users(ann, bob), nil)
	}
	w.connect(ann)
	w.grown()
	w.store.set(func() { w.store.broken = "heads" })
	for i := range logs {
		w.send(w.message(chat.LogID(fmt.Sprint("c:", i)), bob))
	}
	w.pass(time.Minute)
	before := w.store.count("memberships")
	w.pass(10 * time.Minute)
	if got := w.store.count("memberships") - before; got < 6 || got > 10 {
		w.Errorf("%d reads of memberships in ten minutes", got)
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
