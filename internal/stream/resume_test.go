package stream

import (
	"fmt"
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
	c := &fakeConn{user: user}
	var err error
	r := Request{Session: w.session(user, "session of "+user.String()), LastEventID: position}
	if c.stream, err = w.hub.Open(w.Context(), r, c); err != nil {
		w.Fatalf("open: %v", err)
	}
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
}

func (w *world) resets(c *fakeConn, want ...string) {
	w.Helper()
	for i, r := range want {
		want[i] = `{"reason":"` + r + `"}`
	}
	equal(w.T, "resets", c.named("reset"), want...)
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
		{"EntriesGone", resumeHole},
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
}

func resumeNothing(w *world) {
	a := w.connect(ann)
	w.send(w.message(log, bob))
	before := w.store.count("entries") + w.store.count("position")
	b := w.resume(ann, a.position())
	w.ready(b, true)
	equal(w.T, "ann", b.ids())
	if n := w.store.count("entries") + w.store.count("position"); n != before {
		w.Errorf("%d reads for nothing", n-before)
	}
	if a.position() != b.position() {
		w.Errorf("position %q became %q", a.position(), b.position())
	}
}

// A client that never got an event still knows where it was.
func resumeQuiet(w *world) {
	a := w.connect(ann)
	at := a.position()
	a.stream.Closed()
	w.send(w.message(log, bob))
	a = w.resume(ann, at)
	w.ready(a, true)
	equal(w.T, "ann", a.ids(), missed(2)...)
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
	cut := text[:strings.LastIndex(text, "id: ")] // the connection broke before the last frame was whole
	a.stream.Closed()
	a = w.resume(ann, lastID(cut))
	equal(w.T, "ann", append(idsOf(cut), a.ids()...), missed(2)...)
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
	first, _ := parseCursor(lastID(a.text()[:strings.Index(a.text(), `"eventId"`)]))
	if len(first.marks) != 2 {
		w.Fatalf("position %+v", first)
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

// resumeRefused: the client is told, and goes on from now.
func resumeRefused(w *world, position, reason string) {
	w.message(log, bob)
	a := w.resume(ann, position)
	w.ready(a, false)
	w.resets(a, reason)
	equal(w.T, "ann", a.ids())
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
