package stream

import (
	"fmt"
	"time"

	"tidings/internal/chat"
)

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
