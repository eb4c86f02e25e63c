package stream

import (
	"testing"
	"time"

	"tidings/internal/chat"
)

// TestMembership tells who gets what while users come and go, in the worst order
// that reads and messages can have.
func TestMembership(t *testing.T) {
	for _, tc := range []struct {
		name string
		run  func(w *world)
	}{
		{"NewConversationByHintAlone", doorbell},
		{"AddedAndRemovedBeforeTheReadIsDone", doorbellRemoved},
		{"AddedAndRemovedBeforeTheReadIsRepeated", doorbellRepeated},
		{"AddedByAnEntryThatNobodyTold", doorbellByGap},
		{"RemovedThenLateCopies", removedLate},
		{"RejoinGetsNothingOfTheTimeBetween", rejoin},
		{"RejoinedBeforeTheHeadIsRead", rejoinedBeforeHead},
		{"RejoinedAfterTheLogWasForgotten", rejoinedForgotten},
		{"SecondTabKnowsBetter", secondTabKnows},
		{"AnnouncedToAConnectAndNeverThere", phantomWhileConnecting},
		{"RemovedBeforeTheHeadIsRead", removedBeforeHead},
		{"RemovedBackAndRemovedBeforePulled", removedTwiceBeforePulled},
		{"RemovedWhileTheHeadIsRead", removedWhilePending},
		{"RemovedWhileConnecting", removedWhileConnecting},
		{"RemovedWhileTwoTabsConnect", removedWhileTwoConnect},
		{"RemovedWhileConnectingToTrackedLog", removedWhileConnectingTracked},
		{"DeletedEndsEveryMembership", deletedForAll},
		{"DeletedBeforeTheHeadIsRead", deletedBeforeHead},
		{"DeletedBeforeTheConnect", deletedBeforeConnect},
		{"RemovedThenDeletedWhileConnecting", removedThenDeleted},
	} {
		t.Run(tc.name, func(t *testing.T) { scenario(t, Config{}, tc.run) })
	}
}

const group = chat.LogID("g:1")

func groupEntry(kind chat.EntryKind, adds ...chat.UserID) chat.Entry {
	return chat.Entry{Log: group, Kind: kind, By: bob, Adds: adds, Body: mustJSON(chat.GroupBody{})}
}

// Nobody is named by a deletion, and no membership item changes with it.
func deletedForAll(w *world) {
	w.store.commit(groupEntry(chat.KindCreated, ann, bob))
	a, b := w.connect(ann), w.connect(bob)
	e := w.store.commit(groupEntry(chat.KindRenamed))
	gone := w.store.commit(groupEntry(chat.KindDeleted))
	late := w.store.commit(groupEntry(chat.KindRenamed)) // can't be; and if it were, it is for nobody
	w.send(late, gone, e)
	w.pass(time.Second)
	equal(w.T, "ann", a.seqs()[group], 2, 3)
	equal(w.T, "bob", b.seqs()[group], 2, 3)
}

// cat is added to a group chat that is deleted before this hub has looked at it.
func deletedBeforeHead(w *world) {
	c := w.connect(cat)
	w.store.commit(groupEntry(chat.KindCreated, bob))
	add := w.store.commit(groupEntry(chat.KindMembersAdded, cat))
	w.store.commit(groupEntry(chat.KindDeleted))
	w.hint(add)
	w.pass(5 * time.Second)
	equal(w.T, "cat", c.seqs()[group], 2, 3)
}

func deletedBeforeConnect(w *world) {
	w.store.commit(groupEntry(chat.KindCreated, ann, bob))
	w.store.commit(groupEntry(chat.KindDeleted))
	a := w.connect(ann)
	w.send(w.store.commit(groupEntry(chat.KindRenamed)))
	w.pass(time.Second)
	equal(w.T, "ann", a.seqs()[group])
}

// Between the reads of ann's memberships and of the head, ann is removed and the group
// deleted: that the head ends every membership must not hide that hers had ended. She
// comes back with a position before all that.
func removedThenDeleted(w *world) {
	w.store.commit(groupEntry(chat.KindCreated, ann, bob))
	first := w.connect(ann)
	at := first.position()
	first.stream.Closed()
	w.another(Config{})
	w.slowTable(100 * time.Millisecond)
	a := &fakeConn{user: ann}
	var err error
	if a.stream, err = w.hub.Open(w.Context(), Request{Session: w.session(ann, "s"), LastEventID: at}, a); err != nil {
		w.Fatal(err)
	}
	w.pass(160 * time.Millisecond) // memberships are looked at after 150 ms
	w.changed(group, nil, users(ann))
	w.message(group, bob)
	w.store.commit(groupEntry(chat.KindDeleted))
	w.pass(2 * time.Second)
	w.ready(a, true)
	equal(w.T, "ann", a.seqs()[group], 2)
	b := w.resume(ann, at) // with what is known of her here now
	w.pass(2 * time.Second)
	equal(w.T, "ann again", b.seqs()[group], 2)
}

// A log that cat is added to while connected: nothing but a hint tells of it.
func doorbell(w *world) {
	c := w.connect(cat)
	w.message(log, bob)
	add := w.changed(log, users(cat), nil)
	w.message(log, bob)
	w.hint(add)
	w.pass(time.Second)
	equal(w.T, "cat", c.seqs()[log], 3, 4)
	w.send(w.message(log, bob))
	equal(w.T, "cat", c.seqs()[log], 3, 4, 5)
}

// The membership is read when it shows the addition but not yet the removal, and
// the hub, which tracks the log for ann, delivers the removal meanwhile.
func doorbellRemoved(w *world) {
	w.connect(ann)
	c := w.connect(cat)
	w.store.latency = 100 * time.Millisecond
	add := w.changed(log, users(cat), nil)
	w.send(add)
	w.pass(60 * time.Millisecond)
	w.send(w.message(log, bob), w.changed(log, nil, users(cat)), w.message(log, bob))
	w.pass(5 * time.Second)
	equal(w.T, "cat", c.seqs()[log], 2, 3, 4)
}

// The removal comes while the membership that was read for the addition is on its way
// and doesn't show it: it is read again.
func doorbellRepeated(w *world) {
	w.connect(bob)
	c := w.connect(cat)
	w.store.latency = 100 * time.Millisecond
	w.send(w.changed(log, users(cat), nil)) // 2
	w.pass(60 * time.Millisecond)           // the membership was looked at
	w.send(w.changed(log, nil, users(cat))) // 3
	w.pass(60 * time.Millisecond)           // the answer has come
	w.send(w.message(log, ann))             // 4
	w.pass(5 * time.Second)
	equal(w.T, "cat", c.seqs()[log], 2, 3)
	if n := w.store.count("membership"); n < 2 {
		w.Errorf("the membership was read %d times", n)
	}
	if n := w.metric("unanswered_additions_total"); n != 0 {
		w.Error("given up after one read")
	}
}

// Neither the addition's copy nor its hint arrives. The hub finds it when it fills
// the gap below the next entry, on behalf of bob.
func doorbellByGap(w *world) {
	w.connect(bob)
	c := w.connect(cat)
	w.changed(log, users(cat), nil) // 2
	w.send(w.message(log, ann))     // 3
	w.pass(time.Second)
	equal(w.T, "cat", c.seqs()[log], 2, 3)
}

func removedLate(w *world) {
	a := w.connect(ann)
	w.connect(bob)
	e2 := w.message(log, bob)
	e3 := w.changed(log, nil, users(ann))
	e4 := w.message(log, bob)
	w.send(e4)
	w.send(e3)
	w.send(e2)
	w.send(e2, e3, e4)
	w.hint(e2, e3, e4)
	w.send(w.message(log, bob))
	w.pass(time.Second)
	equal(w.T, "ann", a.seqs()[log], 2, 3)
}

func rejoin(w *world) {
	a := w.connect(ann)
	w.connect(bob)
	w.send(w.changed(log, nil, users(ann))) // 2
	w.send(w.message(log, bob))             // 3
	w.send(w.changed(log, users(ann), nil)) // 4
	w.send(w.message(log, bob))             // 5
	w.send(w.changed(log, nil, users(ann))) // 6
	w.pass(time.Second)
	// Again, while nobody tells this hub of it but a hint of the newest.
	w.message(log, bob)                     // 7
	w.hint(w.changed(log, users(ann), nil)) // 8
	w.pass(time.Second)
	w.send(w.message(log, bob)) // 9
	equal(w.T, "ann", a.seqs()[log], 2, 4, 5, 6, 8, 9)
}

// Nobody was here for the log for so long that it isn't tracked any more.
func rejoinedForgotten(w *world) {
	a := w.connect(ann)
	w.send(w.message(log, bob), w.changed(log, nil, users(ann)), w.message(log, bob))
	w.pass(linger + time.Minute)
	if l := w.logState(log); l.state != untracked {
		w.Fatalf("state %d", l.state)
	}
	w.message(log, bob)
	w.send(w.changed(log, users(ann), nil)) // 6
	w.send(w.message(log, bob))
	equal(w.T, "ann", a.seqs()[log], 2, 3, 6, 7)
}

// cat is added, removed and added again, all below the head that is read first:
// the membership that was read for the first addition knows nothing of the rest.
func rejoinedBeforeHead(w *world) {
	c := w.connect(cat)
	w.store.latency = 100 * time.Millisecond
	w.hint(w.changed(log, users(cat), nil)) // 2
	w.pass(60 * time.Millisecond)
	w.changed(log, nil, users(cat))         // 3
	back := w.changed(log, users(cat), nil) // 4
	w.pass(150 * time.Millisecond)          // the head is read, the entries up to it are being read
	w.hint(back)
	w.send(w.message(log, bob)) // 5
	w.pass(5 * time.Second)
	equal(w.T, "cat", c.seqs()[log], 2, 3, 4, 5)
}

// The membership that was read doesn't know the removal, and the head that is
// read then is above it: the hub never delivers it, the stream meets it.
func removedBeforeHead(w *world) {
	c := w.connect(cat)
	w.store.latency = 100 * time.Millisecond
	w.hint(w.changed(log, users(cat), nil)) // 2
	w.pass(60 * time.Millisecond)           // the membership was looked at
	w.changed(log, nil, users(cat))         // 3
	w.message(log, bob)                     // 4
	w.pass(5 * time.Second)
	w.send(w.message(log, bob))
	equal(w.T, "cat", c.seqs()[log], 2, 3)
}

// The membership that was read doesn't know a removal that the head includes. A
// return and a second removal are delivered before the stream has met the first.
func removedTwiceBeforePulled(w *world) {
	c := w.connect(cat)
	w.store.latency = 100 * time.Millisecond
	w.hint(w.changed(log, users(cat), nil)) // 2
	w.pass(60 * time.Millisecond)           // the membership was looked at
	w.changed(log, nil, users(cat))         // 3
	w.message(log, bob)                     // 4, not theirs
	w.pass(150 * time.Millisecond)          // the head is known, the entries are being read
	w.send(w.changed(log, users(cat), nil)) // 5
	w.send(w.changed(log, nil, users(cat))) // 6
	w.pass(5 * time.Second)
	equal(w.T, "cat", c.seqs()[log], 2, 3, 5, 6)
}

// As before, but the first stream doesn't come to the first removal. A second tab, which
// has what lies before that, reads the membership as it is.
func secondTabKnows(w *world) {
	c := w.connect(cat)
	w.store.set(func() { w.store.latency, w.store.broken = 100*time.Millisecond, "entries" })
	w.hint(w.changed(log, users(cat), nil)) // 2
	w.pass(60 * time.Millisecond)
	out := w.changed(log, nil, users(cat)) // 3
	w.message(log, bob)                    // 4, not theirs
	w.pass(150 * time.Millisecond)
	w.send(w.changed(log, users(cat), nil)) // 5
	w.send(w.changed(log, nil, users(cat))) // 6
	w.pass(5 * time.Second)
	d := w.resume(cat, cursor{user: cat, w: out.TS}.text())
	w.pass(time.Second)
	c.stream.Closed()
	w.store.set(func() { w.store.broken = "" })
	w.pass(2 * backoffTo)
	equal(w.T, "the second tab", d.seqs()[log], 5, 6)
}

// The connect waits for what was announced to the user, but not for ever.
func phantomWhileConnecting(w *world) {
	w.slowTable(100 * time.Millisecond)
	c := w.open(cat, "s")
	w.pass(120 * time.Millisecond) // the own log is tracked
	w.hint(chat.Entry{Log: "c:9", Seq: 1, Adds: users(cat)})
	w.pass(time.Second)
	equal(w.T, "ready while it may still come", c.named("ready"))
	w.pass(time.Minute)
	w.ready(c, false)
}

// The removal is held while the head is read, and leaves no member to whom the
// log could be told tracked.
func removedWhilePending(w *world) {
	c := w.connect(cat)
	w.store.latency = 100 * time.Millisecond
	w.hint(w.changed(log, users(cat), nil)) // 2
	w.pass(160 * time.Millisecond)          // the head was looked at
	w.send(w.changed(log, nil, users(cat))) // 3
	w.pass(5 * time.Second)
	equal(w.T, "cat", c.seqs()[log], 2, 3)
}

// The removal falls between the read of the memberships and that of the head.
func removedWhileConnecting(w *world) {
	w.store.latency = 100 * time.Millisecond
	a := w.open(ann, "s")
	w.pass(160 * time.Millisecond) // memberships are looked at after 150 ms
	w.changed(log, nil, users(ann))
	w.pass(time.Second)
	if len(a.named("ready")) != 1 {
		w.Fatal("not ready")
	}
	w.send(w.message(log, bob))
	w.pass(time.Second)
	equal(w.T, "ann", a.seqs()[log])
}

// The second tab learns of the removal while the first waits for the log's head.
func removedWhileTwoConnect(w *world) {
	w.store.latency = 100 * time.Millisecond
	first := w.open(ann, "s")
	w.pass(120 * time.Millisecond)
	second := w.open(ann, "t")
	w.pass(35 * time.Millisecond) // the first tab's memberships were looked at
	w.changed(log, nil, users(ann))
	w.pass(time.Second)
	equal(w.T, "ready", []int{len(first.named("ready")), len(second.named("ready"))}, 1, 1)
}

// The same with a log that is tracked for bob: the hub delivers the removal while
// the memberships that don't know it are on their way.
func removedWhileConnectingTracked(w *world) {
	w.connect(bob)
	w.store.latency = 100 * time.Millisecond
	a := w.open(ann, "s")
	w.pass(160 * time.Millisecond)
	w.send(w.changed(log, nil, users(ann)))
	w.pass(70 * time.Millisecond) // the memberships have come; they are read again
	w.send(w.message(log, bob))
	w.pass(time.Second)
	if len(a.named("ready")) != 1 {
		w.Fatal("not ready")
	}
	w.send(w.message(log, bob))
	w.pass(time.Second)
	equal(w.T, "ann", a.seqs()[log])
}
