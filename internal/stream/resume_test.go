package stream

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tidings/internal/chat"
)

// resume opens a stream with the position that a client got elsewhere.
func (w *world) resume(user chat.UserID, position string) *fakeConn {
	w.Helper()
	c := w.request(Request{Session: w.session(user, "session of "+user.String()), LastEventID: position})
	w.settle()
	return c
}

// position is what the client would come back with.
func (c *fakeConn) position() string { return lastID(c.text()) }

func (w *world) ready(c *fakeConn, resumed bool) {
	w.Helper()
	if got := c.named("ready"); len(got) != 1 || strings.Contains(got[0], `"resumed":true`) != resumed {
		w.Errorf("ready %v, want resumed %v", got, resumed)
	}
	w.within(func(*Hub) {
		if c.stream.resume != nil {
			w.Error("what the connect needed is kept")
		}
	})
}

func (w *world) resets(c *fakeConn, want ...reset) {
	w.Helper()
	told := make([]string, len(want))
	for i, r := range want {
		told[i] = `{"reason":"` + r.String() + `"}`
	}
	equal(w.T, "resets", c.named("reset"), told...)
}

// another ends the hub and starts one that knows nothing.
func (w *world) another(cfg Config) {
	w.Helper()
	w.stop()
	store := w.store
	*w = *newWorld(w.T, cfg)
	w.store = store
	w.hub.store, w.hub.sessions = store, store
}

// TestResume tells what a client that comes back with its position gets. Each begins
// with ann and bob as members of one log.
func TestResume(t *testing.T) {
	for _, tc := range []struct {
		name string
		run  func(w *world)
	}{
		{"WhatWasMissed", resumeMissed},
		{"NothingWasMissed", resumeNothing},
		{"LongAwayAndSoonAway", resumeOften},
		{"QuietClient", resumeQuiet},
		{"OnAnotherInstance", resumeElsewhere},
		{"InTheMiddleOfAnEntry", resumeMiddle},
		{"TwiceInTheMiddleOfEntries", resumeMiddleTwice},
		{"AddedMeanwhile", resumeAdded},
		{"RemovedMeanwhile", resumeRemoved},
		{"LeftLongAgo", resumeLeft},
		{"RejoinedMeanwhile", resumeRejoined},
		{"InstanceBehindTheClient", resumeBehind},
		{"InstanceBehindAnUnlistedLog", resumeUnlistedBehind},
		{"NineHundredMissed", resumeNineHundred},
		{"TooMuchMissed", resumeTooMuch},
		{"TooMuchInTwoTimes", resumeTooMuchInTwoTimes},
		{"Damaged", func(w *world) { resumeRefused(w, "not a position", resetInvalid) }},
		{"TooLong", func(w *world) { resumeRefused(w, strings.Repeat("A", 5000), resetInvalid) }},
		{"SomebodyElses", func(w *world) { resumeRefused(w, cursor{user: bob, w: time.Now().UnixMilli()}.text(), resetInvalid) }},
		{"OfTheFuture", func(w *world) {
			resumeRefused(w, cursor{user: ann, w: time.Now().Add(2 * time.Minute).UnixMilli()}.text(), resetInvalid)
		}},
		{"AheadOfTheTable", func(w *world) {
			resumeRefused(w, cursor{user: ann, w: time.Now().UnixMilli(), marks: []mark{{key: keyOf(log), seq: 99}}}.text(), resetInvalid)
		}},
		{"OneLogTwice", func(w *world) {
			resumeRefused(w, cursor{user: ann, w: time.Now().UnixMilli(), marks: []mark{{keyOf(log), 1, 0}, {keyOf(log), 0, 0}}}.text(), resetInvalid)
		}},
		{"OtherSelection", func(w *world) {
			resumeRefused(w, cursor{user: ann, w: time.Now().UnixMilli(), selection: 1}.text(), resetSelection)
		}},
		{"TooManyLogs", func(w *world) {
			resumeRefused(w, cursor{user: ann, w: time.Now().UnixMilli(), full: true}.text(), resetOverflow)
		}},
		{"Expired", func(w *world) {
			resumeRefused(w, cursor{user: ann, w: time.Now().Add(-retention - time.Second).UnixMilli()}.text(), resetExpired)
		}},
		{"OneBeyondTheTable", func(w *world) {
			resumeRefused(w, cursor{user: ann, w: time.Now().UnixMilli(), marks: []mark{{keyOf("u:1"), 1, 0}, {keyOf(log), 2, 0}}}.text(), resetInvalid)
		}},
		{"TwoLogsWithOneKey", resumeOneKey},
		{"EntriesGone", resumeHole},
		{"CutBeforeTheResetIsTold", resumeCutBeforeReset},
		{"CutBeforeThePositionIsFixed", resumeCutBeforeReady},
		{"ListedEntryOlderThanW", resumeListedOlder},
		{"ExactlyAtW", resumeExactly},
		{"EachPositionIsReadOnce", resumeReadsOnce},
		{"BehindInTheMiddleOfAnEntry", resumeBehindMiddle},
		{"BehindWithoutTheBus", resumeBehindAlone},
		{"RestartedWhilePulling", resumeRestarted},
		{"PatienceAfterARestart", resumePatience},
		{"LaggingInALogThatWasLeft", resumeLagLeft},
		{"SlowInTwoLogsThatWereLeft", resumeSlowLeft},
		{"FullCursorIsOneUsersOwn", resumeFullOfOne},
		{"HoleBehindTheClient", resumeHoleBehind},
		{"HoleBetweenTwoTimes", resumeHoleBetween},
		{"ClosedWhileItBeginsAgain", resumeClosedRestarting},
	} {
		t.Run(tc.name, func(t *testing.T) { scenario(t, Config{}, tc.run) })
	}
}

// missed is what ann missed of the log, by the seqs of its messages from bob.
func missed(seqs ...int64) (ids []string) {
	for _, s := range seqs {
		for p := 1; p <= 3; p++ {
			ids = append(ids, fmt.Sprintf("%s/%d/%d", log, s, p))
		}
	}
	return ids
}

func resumeMissed(w *world) {
	a := w.connect(ann)
	w.send(w.message(log, bob))
	at := a.position()
	a.stream.Closed()
	w.send(w.message(log, bob), w.message(log, bob))
	a = w.resume(ann, at)
	w.ready(a, true)
	w.resets(a)
	w.send(w.message(log, bob))
	equal(w.T, "ann", a.ids(), missed(3, 4, 5)...)
	if got := w.metric("resumes_total"); got != 1 {
		w.Errorf("%v resumes counted", got)
	}
}

func resumeNothing(w *world) {
	a := w.connect(ann)
	w.send(w.message(log, bob))
	reads := func() int { return w.store.count("entries") + w.store.count("position") + w.store.count("heads") }
	before := reads()
	b := w.resume(ann, a.position())
	w.ready(b, true)
	equal(w.T, "ann", b.ids())
	if n := reads(); n != before {
		w.Errorf("%d reads for nothing", n-before)
	}
	if a.position() != b.position() {
		w.Errorf("position %q became %q", a.position(), b.position())
	}
}

// A client that was away for days is told a new position as soon as it is level, or a
// next long absence would count from the old one.
func resumeOften(w *world) {
	a := w.connect(ann)
	at := a.position()
	a.stream.Closed()
	w.pass(6 * 24 * time.Hour)
	w.message(log, bob)
	w.another(Config{})
	a = w.resume(ann, at)
	w.pass(2 * time.Minute)
	equal(w.T, "ann", a.ids(), missed(2)...)
	if got := w.at(a).w; time.Since(time.UnixMilli(got)) > 5*time.Minute {
		w.Errorf("the client's position is %v old", time.Since(time.UnixMilli(got)))
	}
}

// A client that never got an event still knows where it was.
func resumeQuiet(w *world) {
	w.connect(bob)
	w.send(w.message(log, bob))
	w.pass(5 * time.Minute)
	a := w.connect(ann)
	at := a.position()
	a.stream.Closed()
	w.send(w.message(log, bob))
	a = w.resume(ann, at)
	w.ready(a, true)
	equal(w.T, "ann", a.ids(), missed(3)...)
	if n := w.store.count("position") + w.store.count("entries"); n != 0 {
		w.Errorf("%d reads of what is in the cache", n)
	}
}

func resumeElsewhere(w *world) {
	a := w.connect(ann)
	w.send(w.message(log, bob))
	at := a.position()
	w.message(log, bob)
	w.pass(10 * time.Minute)
	w.message(log, bob)
	w.another(Config{})
	a = w.resume(ann, at)
	w.ready(a, true)
	equal(w.T, "ann", a.ids(), missed(3, 4)...)
}
