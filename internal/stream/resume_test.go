package stream

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
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

func resumeAdded(w *world) {
	const group chat.LogID = "c:9"
	a := w.connect(ann)
	at := a.position()
	a.stream.Closed()
	w.pass(time.Hour)
	w.changed(group, users(bob), nil)
	w.message(group, bob)
	w.changed(group, users(ann), nil)
	w.message(group, bob)
	a = w.resume(ann, at)
	w.ready(a, true)
	equal(w.T, "ann", a.ids(), "c:9/3/3", "c:9/4/1", "c:9/4/2", "c:9/4/3")
}

func resumeRemoved(w *world) {
	a := w.connect(ann)
	at := a.position()
	a.stream.Closed()
	w.message(log, bob)
	w.changed(log, nil, users(ann))
	w.message(log, bob)
	w.another(Config{})
	a = w.resume(ann, at)
	w.ready(a, true)
	equal(w.T, "ann", a.ids(), append(missed(2), "c:1-2/3/3")...)
}

// Of a log that was left before the position nothing is read.
func resumeLeft(w *world) {
	w.message(log, bob)
	w.changed(log, nil, users(ann))
	w.pass(5 * time.Minute)
	a := w.connect(ann)
	at := a.position()
	if c, _ := parseCursor(at); len(c.marks) != 0 {
		w.Errorf("position %+v", c)
	}
	a.stream.Closed()
	a = w.resume(ann, at)
	w.ready(a, true)
	equal(w.T, "ann", a.ids())
	if n := w.store.count("position"); n != 0 {
		w.Errorf("%d positions read", n)
	}
}

func resumeRejoined(w *world) {
	a := w.connect(ann)
	at := a.position()
	a.stream.Closed()
	w.changed(log, nil, users(ann))
	w.message(log, bob)
	w.changed(log, users(ann), nil)
	w.message(log, bob)
	w.another(Config{})
	a = w.resume(ann, at)
	equal(w.T, "ann", a.ids(), append([]string{"c:1-2/2/3", "c:1-2/4/3"}, missed(5)...)...)
}

// The bus has brought one instance less than the other that the client comes from.
func resumeBehind(w *world) {
	w.connect(bob)
	e := w.message(log, bob)
	c := cursor{user: ann, w: time.Now().Add(-time.Minute).UnixMilli(), marks: []mark{{keyOf(log), 2, 0}}}
	a := w.resume(ann, c.text())
	w.ready(a, true)
	w.send(e)
	w.send(w.message(log, bob))
	equal(w.T, "ann", a.ids(), missed(3)...)
}

// An entry that another instance sent long ago reaches this one by an audit only.
func resumeUnlistedBehind(w *world) {
	b := w.connect(bob)
	w.message(log, bob) // lost to this hub
	c := cursor{user: ann, w: time.Now().Add(30 * time.Second).UnixMilli()}
	a := w.resume(ann, c.text())
	w.ready(a, true)
	w.pass(12 * time.Minute)
	equal(w.T, "ann", a.ids())
	equal(w.T, "bob", b.ids(), "c:1-2/2/3")
	w.send(w.message(log, bob))
	equal(w.T, "ann", a.ids(), missed(3)...)
}

// A slow client that missed 900 entries gets them a page at a time, while others
// come: what is not yet written waits in the table, not in memory.
func resumeNineHundred(w *world) {
	a := w.connect(ann)
	at := a.position()
	a.stream.Closed()
	var want []int64
	for i := range 900 {
		w.message(log, bob)
		want = append(want, int64(i+2))
	}
	w.another(Config{CacheBytes: 1})
	a = &fakeConn{user: ann, slow: true}
	var err error
	if a.stream, err = w.hub.Open(w.Context(), Request{Session: w.session(ann, "s"), LastEventID: at}, a); err != nil {
		w.Fatal(err)
	}
	most := 0
	for i := range 2000 {
		w.settle()
		pending, _ := a.Progress()
		most = max(most, pending)
		a.takes(20_000)
		if i%100 == 0 && len(want) < 910 {
			w.send(w.message(log, bob))
			want = append(want, int64(len(want)+2))
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.resets(a)
	equal(w.T, "ann", a.ids(), missed(want...)...)
	if most > PendingHigh+8<<10 {
		w.Errorf("%d bytes waited in memory", most)
	}
}

func resumeTooMuch(w *world) {
	for _, n := range []int{maxReplay, maxReplay + 1} {
		a := w.connect(ann)
		at := a.position()
		a.stream.Closed()
		w.pass(2 * time.Minute)
		for range n {
			w.message(log, bob)
		}
		w.another(Config{})
		a = w.resume(ann, at)
		w.pass(time.Second)
		if n > maxReplay {
			w.ready(a, false)
			w.resets(a, resetOverflow)
			equal(w.T, "ann", a.ids())
			e := w.message(log, bob)
			w.send(e)
			equal(w.T, "ann", a.ids(), missed(e.Seq)...)
			b := w.resume(ann, a.position())
			w.ready(b, true)
			b.stream.Closed()
		} else if w.ready(a, true); len(a.ids()) != 3*n {
			w.Errorf("%d events", len(a.ids()))
		}
		a.stream.Closed()
	}
}

// What lies between two times of membership doesn't count, what lies in them does.
func resumeTooMuchInTwoTimes(w *world) {
	for _, n := range []int{maxReplay/2 - 2, maxReplay / 2} {
		a := w.connect(ann)
		at := a.position()
		a.stream.Closed()
		w.pass(2 * time.Minute)
		for range n {
			w.message(log, bob)
		}
		w.changed(log, nil, users(ann))
		for range 2 * maxReplay {
			w.message(log, bob)
		}
		w.changed(log, users(ann), nil)
		for range n {
			w.message(log, bob)
		}
		w.another(Config{})
		a = w.resume(ann, at)
		w.pass(time.Second)
		if n == maxReplay/2 {
			w.resets(a, resetOverflow)
		} else if w.resets(a); len(a.ids()) != 2*3*n+2 {
			w.Errorf("%d events", len(a.ids()))
		}
		a.stream.Closed()
	}
}

// The hashes of the ids of these two group chats are the same: which of them the
// cursor means isn't known.
func resumeOneKey(w *world) {
	const one, two chat.LogID = "g:497126", "g:15648020"
	if keyOf(one) != keyOf(two) {
		w.Fatal("the keys differ")
	}
	w.changed(one, users(ann, bob), nil)
	w.changed(two, users(ann, bob), nil)
	w.pass(5 * time.Minute)
	a := w.connect(ann)
	w.send(w.message(one, bob))
	w.message(two, bob)
	b := w.resume(ann, a.position())
	w.ready(b, false)
	w.resets(b, resetInvalid)
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

// Of a listed log the mark alone counts.
func resumeListedOlder(w *world) {
	w.message(log, bob)
	w.pass(time.Second)
	for _, first := range []bool{true, false} { // from the table; live, on a hub that is behind
		w.another(Config{})
		w.connect(bob)
		e := w.message(log, bob)
		c := cursor{user: ann, w: time.Now().UnixMilli(), marks: []mark{{keyOf(log), e.Seq - 1, 0}}}
		if first {
			w.send(e)
		}
		a := w.resume(ann, c.text())
		if !first {
			w.send(e)
		}
		equal(w.T, "ann", a.ids(), missed(e.Seq)...)
	}
}

// An entry whose ts is w was sent, the next millisecond's was not: to the hub it is the
// newest of the log, in the cache, in the table, or it comes later.
func resumeExactly(w *world) {
	for _, tc := range []struct {
		name   string
		behind bool // the hub hears of it after the connect
		newer  bool // and of another one before that
		cached bool
	}{
		{"Newest", false, false, false},
		{"Cached", false, true, true},
		{"InTheTable", false, true, false},
		{"Later", true, false, true},
	} {
		for _, late := range []int64{0, 1} {
			w.another(Config{CacheBytes: map[bool]int{true: 1 << 20, false: 1}[tc.cached]})
			if tc.cached {
				w.connect(bob)
				w.send(w.message(log, bob))
			}
			w.pass(time.Second)
			e := w.message(log, bob)
			if tc.cached && !tc.behind {
				w.send(e)
			}
			var want []int64
			if late > 0 {
				want = append(want, e.Seq)
			}
			w.pass(time.Second)
			if tc.newer {
				next := w.message(log, bob)
				if want = append(want, next.Seq); tc.cached {
					w.send(next)
				}
			}
			a := w.resume(ann, cursor{user: ann, w: e.TS - late}.text())
			w.ready(a, true)
			if tc.behind {
				w.send(e)
			}
			equal(w.T, fmt.Sprint(tc.name, " w is ts - ", late), a.ids(), missed(want...)...)
			w.send(w.message(log, bob))
			equal(w.T, tc.name+" then", a.ids(), missed(append(want, e.Seq+map[bool]int64{true: 2, false: 1}[tc.newer])...)...)
		}
	}
}

// What comes in while positions are read doesn't begin the reads again.
func resumeReadsOnce(w *world) {
	const other chat.LogID = "c:1-3"
	w.changed(other, users(ann, bob), nil)
	w.pass(time.Hour)
	w.message(log, bob)
	w.message(other, bob)
	n := 0
	w.store.set(func() {
		w.store.draw = func() time.Duration { n++; return time.Duration(n) * 100 * time.Millisecond }
	})
	a := w.open(ann, "s")
	_ = a
	c := cursor{user: ann, w: time.Now().Add(-time.Minute).UnixMilli()}
	b := w.resume(ann, c.text())
	w.pass(10 * time.Second)
	w.ready(b, true)
	if got := w.store.count("position"); got != 2 {
		w.Errorf("%d positions read of two logs", got)
	}
	got := b.ids()
	slices.Sort(got)
	equal(w.T, "ann", got, append(missed(2), "c:1-3/2/1", "c:1-3/2/2", "c:1-3/2/3")...)
}

// The client has an entry that this hub hasn't got, or the first frame of it: neither the
// position that it is told meanwhile, whose w has moved, nor the rest forgets that.
func resumeBehindMiddle(w *world) {
	w.connect(bob)
	for _, part := range []uint8{1, 0} {
		w.pass(time.Hour)
		e := w.message(log, bob)
		c := cursor{user: ann, w: time.Now().Add(-30 * time.Minute).UnixMilli(), marks: []mark{{keyOf(log), e.Seq, part}}}
		a := w.resume(ann, c.text())
		at := w.at(a)
		if !slices.Equal(at.marks, c.marks) || at.w <= c.w {
			w.Errorf("position %+v of %+v", at, c)
		}
		b := w.resume(ann, a.position())
		w.send(e)
		var want []string
		if part > 0 {
			want = missed(e.Seq)[part:]
		}
		equal(w.T, "ann", a.ids(), want...)
		equal(w.T, "ann again", b.ids(), want...)
	}
}

// What the client's last instance had and this one lacks is looked for at once.
func resumeBehindAlone(w *world) {
	b := w.connect(bob)
	w.grown()
	w.message(log, bob)
	c := cursor{user: ann, w: time.Now().Add(-time.Minute).UnixMilli(), marks: []mark{{keyOf(log), 2, 0}}}
	a := w.resume(ann, c.text())
	w.pass(10 * time.Second)
	equal(w.T, "bob", b.ids(), "c:1-2/2/3")
	equal(w.T, "ann", a.ids())
}

// A slow reader that missed too much is told while a page is being read for it. That
// page is of no use any more, and what comes later is read as ever.
func resumeRestarted(w *world) {
	w.another(Config{CacheBytes: 1})
	const other chat.LogID = "c:1-3"
	w.changed(other, users(ann, cat), nil)
	a := w.connect(ann)
	fill := func(l chat.LogID) {
		a.setSlow(true)
		for pending := 0; pending < PendingHigh; pending, _ = a.Progress() {
			w.send(w.message(l, bob))
		}
	}
	fill(log)
	w.send(w.message(log, bob), w.message(log, bob)) // the newest alone is in the cache
	w.slowTable(4 * time.Second)
	a.setSlow(false) // the page is being read
	for range maxReplay {
		w.send(w.message(log, bob))
	}
	fill(other)
	a.setSlow(false)
	w.settle()
	w.resets(a, resetOverflow)
	w.pass(5 * time.Second) // the page has come
	w.slowTable(0)
	e := w.message(log, bob)
	w.send(e)
	fill(other)
	for range 100 {
		w.send(w.message(log, bob))
	}
	a.setSlow(false)
	w.pass(time.Minute)
	w.resets(a, resetOverflow)
	got := ranges(a.seqs()[log])
	if len(got) != 2 || got[1] != (chat.Interval{From: e.Seq, To: e.Seq + 100}) {
		w.Errorf("got %v, then from %d", got, e.Seq)
	}
}

// After a hole was told, entries that become visible late are waited for as before.
func resumePatience(w *world) {
	w.another(Config{CacheBytes: 1})
	a := w.connect(ann)
	a.setSlow(true)
	for range 200 {
		w.send(w.message(log, bob))
	}
	w.store.set(func() { w.store.gone[log] = 190 })
	a.setSlow(false)
	w.pass(time.Minute)
	w.resets(a, resetExpired)
	a.setSlow(true)
	for range 200 {
		w.send(w.message(log, bob))
	}
	w.store.set(func() { w.store.gone[log] = 401 })
	a.setSlow(false)
	w.pass(300 * time.Millisecond)
	w.store.set(func() { w.store.gone[log] = 190 })
	w.pass(time.Minute)
	w.resets(a, resetExpired)
	if got := ranges(a.seqs()[log]); got[len(got)-1] != (chat.Interval{From: 202, To: 401}) {
		w.Errorf("got %v", got)
	}
}

// What was missed of a log that the user has left meanwhile can't be read for long: the
// position doesn't move past it, though nobody here is a member any more.
func resumeLagLeft(w *world) {
	const other chat.LogID = "c:1-3"
	w.changed(other, users(ann, cat), nil)
	w.message(log, bob)
	w.changed(log, nil, users(ann))
	w.store.set(func() { w.store.broken = "entries" })
	at := cursor{user: ann, w: time.Now().Add(-time.Minute).UnixMilli(), marks: []mark{{keyOf(log), 1, 0}, {keyOf(other), 1, 0}}}
	a := w.resume(ann, at.text())
	w.ready(a, true)
	for range 10 {
		w.pass(time.Minute)
		w.send(w.message(other, cat))
	}
	equal(w.T, "ann", a.seqs()[log])
	equal(w.T, "ann", a.seqs()[other], upTo(2, 11)...)
	a.stream.Closed()
	w.another(Config{})
	w.store.set(func() { w.store.broken = "" })
	a = w.resume(ann, a.position())
	w.ready(a, true)
	equal(w.T, "ann", a.ids(), append(missed(2), "c:1-2/3/3")...)
}

// A slow reader that has left two logs gets the rest of one, and is cut before that of the
// other. Its position had all the time to move past it.
func resumeSlowLeft(w *world) {
	const other chat.LogID = "c:1-3"
	w.changed(other, users(ann, bob), nil)
	a := w.connect(ann)
	a.setSlow(true)
	for pending := 0; pending < PendingHigh; pending, _ = a.Progress() {
		w.send(w.message(log, bob))
	}
	rest := w.message(log, bob)
	w.send(rest, w.message(other, bob), w.changed(log, nil, users(ann)), w.changed(other, nil, users(ann)))
	for range 8 {
		w.pass(50 * time.Second)
		a.takes(1)
	}
	a.setSlow(false)
	w.settle()
	text, _, cut := strings.Cut(a.text(), fmt.Sprintf(`"%s/%d/1"`, other, 2))
	text = text[:strings.LastIndex(text, "\n\n")+2]
	if got := seqsOf(text)[log]; !cut || got[len(got)-1] < rest.Seq {
		w.Fatal("the other log came first, or not at all")
	}
	a.stream.Closed()
	w.another(Config{})
	b := w.resume(ann, lastID(text))
	w.ready(b, true)
	equal(w.T, "log", append(seqsOf(text)[log], b.seqs()[log]...), upTo(2, rest.Seq+1)...)
	equal(w.T, "other", b.seqs()[other], 2, 3)
}

// The client is ahead of this hub, to which entries before that are lost for good: it
// misses nothing and is told nothing. Who is at the hub's own position is told, and who
// is behind gets what there is before that.
func resumeHoleBehind(w *world) {
	w.another(Config{CacheBytes: 1})
	b := w.connect(bob)
	slow := w.connect(ann)
	slow.setSlow(true)
	for range 100 {
		w.send(w.message(log, bob))
	}
	w.message(log, bob) // 102 and 103 are lost to the hub
	w.message(log, bob)
	e := w.message(log, bob)
	c := cursor{user: ann, w: time.Now().Add(-time.Minute).UnixMilli(), marks: []mark{{keyOf(log), e.Seq, 0}}}
	w.store.set(func() { w.store.holes = map[int64]bool{102: true, 103: true} })
	a := w.resume(ann, c.text())
	w.ready(a, true)
	for range 30 { // not for stalled
		w.pass(time.Second)
		slow.takes(1)
	}
	slow.setSlow(false)
	w.pass(30 * time.Second)
	w.send(w.message(log, bob))
	w.resets(a)
	equal(w.T, "ann", a.ids(), missed(105)...)
	w.resets(b, resetExpired)
	w.resets(slow, resetExpired)
	if got := ranges(slow.seqs()[log]); len(got) != 2 || got[0] != (chat.Interval{From: 2, To: 101}) || got[1].To != 105 {
		w.Errorf("the slow reader got %v", got)
	}
}

// What the table has lost lies between two times of membership: nobody is told.
func resumeHoleBetween(w *world) {
	w.connect(bob).stream.Closed()
	a := w.connect(ann)
	w.send(w.changed(log, nil, users(ann))) // 2
	w.message(log, bob)
	w.message(log, bob)
	w.store.set(func() { w.store.holes = map[int64]bool{3: true, 4: true} })
	w.hint(w.changed(log, users(ann), nil)) // 5
	w.pass(time.Minute)
	w.send(w.message(log, bob))
	w.resets(a)
	equal(w.T, "ann", a.ids(), append([]string{"c:1-2/2/3", "c:1-2/5/3"}, missed(6)...)...)
	if got := w.metric("holes_total"); got != 2 {
		w.Errorf("%v holes counted", got)
	}
}

// A stream that begins again has no turn to connect that it could give back.
func resumeClosedRestarting(w *world) {
	a := w.connect(ann)
	w.store.set(func() { w.store.broken = "membership" })
	w.hint(chat.Entry{Log: "c:9", Seq: 1, Adds: users(ann)}) // while its read is under way nothing settles
	w.message(log, bob)
	w.store.set(func() { w.store.gone[log] = 2 })
	w.hint(w.message(log, bob))
	w.pass(20 * time.Second)
	w.within(func(*Hub) {
		if a.stream.phase != settling {
			w.Errorf("phase %d", a.stream.phase)
		}
	})
	a.stream.Closed()
	w.settle()
	equal(w.T, "connects in flight", []int{w.opening()}, 0)
}

// That one user has more lively logs than fit says nothing of another's position.
func resumeFullOfOne(w *world) {
	for i := range maxMarks + 1 {
		w.changed(chat.LogID(fmt.Sprint("c:", i)), users(cat, bob), nil)
	}
	w.pass(5 * time.Minute)
	a, c := w.connect(ann), w.connect(cat)
	for i := range maxMarks + 1 {
		w.send(w.message(chat.LogID(fmt.Sprint("c:", i)), bob))
		if full := i == maxMarks; w.at(c).full != full {
			w.Errorf("%d logs: full %v", i+1, !full)
		}
	}
	w.send(w.message(log, bob))
	if w.at(a).full {
		w.Error("ann's is full")
	}
	c = w.resume(cat, c.position())
	w.resets(c, resetOverflow)
}

// resumeRefused: the client is told, and goes on from now.
func resumeRefused(w *world, position string, reason reset) {
	w.message(log, bob)
	a := w.resume(ann, position)
	w.ready(a, false)
	w.resets(a, reason)
	equal(w.T, "ann", a.ids())
	if got := w.at(a).w; got > time.Now().Add(-settleTime).UnixMilli() {
		w.Errorf("w is %v ago, taken from what was refused", time.Since(time.UnixMilli(got)))
	}
	w.send(w.message(log, bob))
	equal(w.T, "ann", a.ids(), missed(3)...)
	if w.metric("resets_total") != 1 {
		w.Error("the reset is not counted")
	}
	b := w.resume(ann, a.position())
	w.ready(b, true)
	w.resets(b)
}

// Entries that the table has lost are told as a gap, and the stream goes on behind.
func resumeHole(w *world) {
	a := w.connect(ann)
	at := a.position()
	a.stream.Closed()
	for range 5 {
		w.message(log, bob)
	}
	w.store.set(func() { w.store.gone[log] = 4 })
	w.another(Config{})
	a = w.resume(ann, at)
	w.ready(a, true)
	w.pass(time.Minute)
	w.resets(a, resetExpired)
	w.send(w.message(log, bob))
	equal(w.T, "ann", a.ids(), missed(7)...)
}

// TestSlowReaderOverflow: what a slow reader has to pull is bounded, too.
func TestSlowReaderOverflow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		w.changed(log, users(ann, bob), nil)
		a := w.connect(ann)
		a.setSlow(true)
		for range maxReplay + 200 {
			w.send(w.message(log, bob))
		}
		a.setSlow(false)
		w.settle()
		w.resets(a, resetOverflow)
		if got := a.named("ready"); len(got) != 1 {
			t.Errorf("%d times ready", len(got))
		}
		got := a.seqs()[log]
		if len(got) == 0 || got[len(got)-1] > 250 {
			t.Errorf("got %v", ranges(got))
		}
		e := w.message(log, bob)
		w.send(e)
		if got := a.seqs()[log]; got[len(got)-1] != e.Seq {
			t.Errorf("got %v", ranges(got))
		}
		b := w.resume(ann, a.position())
		w.ready(b, true)
		equal(t, "ann", b.ids())
	})
}

// TestResumeForged: a client that makes a position up gets, of each log, what its user
// may see, in order and once, or a reset, and harms nobody else.
func TestResumeForged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{CacheBytes: 4000})
		logs := []chat.LogID{log, "c:left", "c:back", "c:foreign", "u:1", "c:none"}
		for _, l := range logs[:4] {
			w.changed(l, users(bob), nil)
			w.message(l, bob)
			if l != "c:foreign" {
				w.changed(l, users(ann), nil) // 3
				w.message(l, bob)
			}
			if l == "c:left" || l == "c:back" {
				w.changed(l, nil, users(ann)) // 5
				w.message(l, bob)
			}
			if l == "c:back" {
				w.changed(l, users(ann), nil) // 7
				w.message(l, bob)
			}
		}
		b := w.connect(bob)
		r := rand.New(rand.NewPCG(1, 1))
		seqs := []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1 << 40, 1 << 60}
		resets := 0
		e := w.message(log, bob)
		w.send(e)
		for i := range 150 {
			c := cursor{user: ann, w: time.Now().Add(-time.Duration(r.IntN(3)) * time.Hour).UnixMilli()}
			for _, l := range logs {
				if r.IntN(2) == 0 {
					c.marks = append(c.marks, mark{keyOf(l), seqs[r.IntN(len(seqs)-r.IntN(2)*2)], uint8(r.IntN(4))})
				}
			}
			a := w.resume(ann, c.text())
			if i%8 == 0 {
				e = w.message(log, bob)
			}
			w.send(e)
			w.pass(10 * time.Millisecond)
			resets += len(a.named("reset"))
			w.checkForged(a, c)
			if !strings.Contains(b.text(), fmt.Sprintf("%s/%d/3", log, e.Seq)) {
				t.Fatalf("bob didn't get %d", e.Seq)
			}
			if got, ok := parseCursor(a.position()); !ok {
				t.Fatalf("%+v became the position %+v", c, got)
			}
			a.stream.Closed()
			w.settle()
		}
		if resets < 15 || resets > 135 {
			t.Errorf("%d of 150 were told a reset", resets)
		}
	})
}

func (w *world) checkForged(c *fakeConn, forged cursor) {
	w.Helper()
	seen := map[string]bool{}
	for _, id := range c.ids() {
		if seen[id] {
			w.Fatalf("%+v: %s twice", forged, id)
		}
		seen[id] = true
	}
	for l, seqs := range c.seqs() {
		for i, s := range seqs {
			if !w.store.members[c.user][l].Contains(s) || i > 0 && s <= seqs[i-1] {
				w.Fatalf("%+v: got %v of %s, a member in %v", forged, seqs, l, w.store.members[c.user][l])
			}
		}
	}
}
