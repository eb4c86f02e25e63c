package stream

import (
	"fmt"
	"math/rand/v2"
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
		{"OfOthersWhileHeadsCannotBeRead", auditDamaged},
		{"LoneLogsAreLeftAlone", auditIdle},
		{"InTimeAlsoForThoseThatWereAlone", auditBackInTime},
		{"InTimeWhileOthersComeAndGo", auditAmongFlapping},
		{"ComingBackDuringAnAudit", auditComeBack},
		{"ComingBackDuringAnAuditThatFails", auditComeBackFailed},
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

// Of 4,000 logs forty have a head that fails each read. The others are audited, if later.
func auditDamaged(w *world) {
	const logs = 4000
	member := func(i int) chat.UserID { return chat.UserID(100 + i/1000) }
	name := func(i int) chat.LogID { return chat.LogID(fmt.Sprint("c:", i)) }
	for i := range logs {
		w.changed(name(i), users(member(i)), nil)
	}
	here := map[chat.UserID]*fakeConn{}
	for i := 0; i < logs; i += 1000 {
		here[member(i)] = w.connect(member(i))
	}
	w.store.set(func() {
		w.store.damaged = map[chat.LogID]bool{}
		for i := 0; i < logs; i += 100 {
			w.store.damaged[name(i)] = true
		}
	})
	w.grown()
	for i := 50; i < logs; i += 100 {
		w.message(name(i), member(i))
	}
	w.pass(2 * auditEvery)
	for user, c := range here {
		equal(w.T, fmt.Sprint("events of ", user), []int{len(c.ids())}, 10)
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

// Logs whose only member left and came back while their heads couldn't be read stand in
// the queue by their new time, and come soon.
func auditComeBackFailed(w *world) {
	const logs = 30
	for i := range logs {
		w.changed(chat.LogID(fmt.Sprint("g:", i)), users(ann), nil)
	}
	a := w.connect(ann)
	w.grown()
	w.slowTable(time.Hour) // each read runs into its time-out
	auditing := func() (n int) {
		w.within(func(h *Hub) { n = h.auditing })
		return n
	}
	for auditing() == 0 {
		w.pass(500 * time.Millisecond)
	}
	w.slowTable(0)
	a.stream.Closed()
	w.settle()
	a = w.open(ann, "s")
	w.pass(time.Second)
	w.ready(a, false)
	if auditing() == 0 {
		w.Fatal("the read ended before she was back")
	}
	for auditing() > 0 {
		w.pass(500 * time.Millisecond)
	}
	w.within(func(h *Hub) {
		for i, l := range h.audited {
			if parent := h.audited[max(0, i-1)/2]; parent.askedAt > l.askedAt {
				w.Errorf("the queue has %s before %s, which was asked for earlier", parent.id, l.id)
			}
		}
	})
	for i := range logs {
		w.message(chat.LogID(fmt.Sprint("g:", i)), ann)
	}
	w.pass(time.Minute)
	equal(w.T, "events a minute later", []int{len(a.ids())}, logs)
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
