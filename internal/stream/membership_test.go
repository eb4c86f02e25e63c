package stream

import (
	"testing"
	"time"
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
		{"RemovedThenLateCopies", removedLate},
		{"RejoinGetsNothingOfTheTimeBetween", rejoin},
		{"RejoinedBeforeTheHeadIsRead", rejoinedBeforeHead},
		{"RemovedBeforeTheHeadIsRead", removedBeforeHead},
		{"RemovedWhileTheHeadIsRead", removedWhilePending},
		{"RemovedWhileConnecting", removedWhileConnecting},
		{"RemovedWhileTwoTabsConnect", removedWhileTwoConnect},
		{"RemovedWhileConnectingToTrackedLog", removedWhileConnectingTracked},
	} {
		t.Run(tc.name, func(t *testing.T) { scenario(t, Config{}, tc.run) })
	}
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
