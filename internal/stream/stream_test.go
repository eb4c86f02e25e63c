package stream

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tidings/internal/chat"
)

// TestStream tells how streams begin, fall behind and end. What sessions do to them
// stands in session_test.go.
func TestStream(t *testing.T) {
	for _, tc := range []struct {
		name string
		cfg  Config
		run  func(w *world)
	}{
		{"SlowReaderPullsEverythingInOrder", Config{}, slowReader},
		{"SlowReaderPullsFromTheTable", Config{CacheBytes: 1}, slowReader},
		{"SlowReaderRemovedMeanwhile", Config{CacheBytes: 1}, slowReaderRemoved},
		{"SlowReaderFedFromTheCacheUpToTheBound", Config{}, slowReaderCached},
		{"StalledReaderClosed", Config{}, stalledReader},
		{"StalledReaderOfLittleClosed", Config{}, stalledReaderOfLittle},
		{"TricklingReaderKept", Config{}, tricklingReader},
		{"OldestReplaced", Config{}, oldestReplaced},
		{"FullRefuses", Config{MaxConnections: 2}, full},
		{"HeartbeatsSpread", Config{}, heartbeatsSpread},
		{"HeartbeatsAtLeastEvery30Seconds", Config{Heartbeat: time.Minute}, heartbeatCapped},
		{"ConnectsWaitTheirTurn", Config{MaxConnecting: 2}, connectsWait},
		{"OwnLog", Config{}, ownLog},
		{"ManyLogs", Config{}, manyLogs},
	} {
		t.Run(tc.name, func(t *testing.T) { scenario(t, tc.cfg, tc.run) })
	}
}

// 300 messages of some 1.3 KB: feeding stops at 64 KiB and goes on as the socket
// takes it.
func slowReader(w *world) {
	a, b := w.connect(ann), w.connect(cat)
	a.setSlow(true)
	for range 300 {
		w.send(w.message(log, bob))
	}
	if p, _ := a.Progress(); p < PendingHigh || p > PendingHigh+8<<10 {
		w.Errorf("%d bytes pending, want a little over %d", p, PendingHigh)
	}
	for range 100 {
		a.takes(20 << 10)
		w.pass(10 * time.Millisecond)
	}
	a.setSlow(false)
	w.pass(time.Second)
	equal(w.T, "ann", a.seqs()[log], upTo(2, 301)...)
	w.send(w.message(log, bob))
	equal(w.T, "ann, live again", a.seqs()[log], upTo(2, 302)...)
	equal(w.T, "cat", b.seqs()[log])
}

func slowReaderRemoved(w *world) {
	a := w.connect(ann)
	w.connect(bob)
	a.setSlow(true)
	for range 100 {
		w.send(w.message(log, bob))
	}
	w.send(w.changed(log, nil, users(ann))) // 102
	for range 20 {
		w.send(w.message(log, bob))
	}
	w.pass(time.Second)
	w.send(w.changed(log, users(ann), nil)) // 123
	w.send(w.message(log, bob))
	w.pass(time.Second)
	a.setSlow(false)
	w.pass(time.Second)
	equal(w.T, "ann", a.seqs()[log], append(upTo(2, 102), 123, 124)...)
}

// Far more lies in the cache than the socket takes when it lets on that it has room:
// pulling stops at the bound too.
func slowReaderCached(w *world) {
	a := w.connect(ann)
	a.setSlow(true)
	for range 1000 {
		w.send(w.message(log, bob))
	}
	a.takes(56 << 10)
	w.settle()
	if p, _ := a.Progress(); p < PendingHigh || p > PendingHigh+8<<10 {
		w.Errorf("%d bytes pending, want a little over %d", p, PendingHigh)
	}
}

func stalledReader(w *world) {
	a := w.connect(ann)
	b := w.connect(ann)
	a.setSlow(true)
	for range 100 {
		w.send(w.message(log, bob))
	}
	w.pass(stallAfter - time.Second)
	if a.isClosed() {
		w.Error("closed too early")
	}
	w.pass(time.Second + 2*sweepEvery)
	if !a.isClosed() || w.closedFor("stalled") != 1 {
		w.Error("not closed, or not counted")
	}
	if b.isClosed() {
		w.Error("the other stream was closed")
	}
}

// A heartbeat is all that the dead socket is given, and it never fills it.
func stalledReaderOfLittle(w *world) {
	a := w.connect(ann)
	a.setSlow(true)
	w.pass(3 * time.Minute)
	if !a.isClosed() || w.closedFor("stalled") != 1 {
		w.Error("a socket that took nothing for three minutes is still open, or not counted")
	}
}

func tricklingReader(w *world) {
	a := w.connect(ann)
	a.setSlow(true)
	for range 100 {
		w.send(w.message(log, bob))
	}
	for range 10 {
		w.pass(stallAfter - 2*sweepEvery)
		a.takes(1)
	}
	if a.isClosed() {
		w.Error("closed although it makes progress")
	}
}

func oldestReplaced(w *world) {
	var all []*fakeConn
	for range maxPerUser + 1 {
		all = append(all, w.connect(ann))
	}
	w.connect(bob)
	equal(w.T, "the oldest", all[0].named("revoked"), `{"reason":"replaced"}`)
	for i, c := range all {
		if c.isClosed() != (i == 0) {
			w.Errorf("stream %d closed: %v", i, c.isClosed())
		}
	}
	if n := w.closedFor("replaced"); n != 1 {
		w.Errorf("%v streams counted, want 1", n)
	}
}

func full(w *world) {
	a := w.connect(ann)
	w.connect(bob)
	if !w.hub.Full() {
		w.Error("not full")
	}
	if _, err := w.hub.Open(w.Context(), Request{Session: w.session(cat, "s")}, &fakeConn{}); !errors.Is(err, ErrFull) {
		w.Errorf("open: %v, want ErrFull", err)
	}
	a.stream.Closed()
	a.stream.Closed() // twice is once
	w.connect(cat)
	if n := w.hub.Connections(); n != 2 {
		w.Errorf("%d connections, want 2", n)
	}
	if n, err := w.hub.Listeners(w.Context(), cat); n != 1 || err != nil {
		w.Errorf("cat has %d streams, %v", n, err)
	}
}

func heartbeatsSpread(w *world) {
	var all []*fakeConn
	for u := range 200 {
		all = append(all, w.connect(chat.UserID(u+10)))
	}
	most := 0
	for range 100 {
		before := heartbeats(all)
		w.pass(250 * time.Millisecond)
		most = max(most, heartbeats(all)-before)
	}
	if most > 20 {
		w.Errorf("%d heartbeats of 200 fell together", most)
	}
	w.pass(300 * time.Millisecond)
	for i, c := range all {
		if n := len(c.named("heartbeat")); n < 1 || n > 2 {
			w.Errorf("stream %d got %d heartbeats in 25 s", i, n)
		}
	}
	w.pass(10 * time.Minute)
	if n := len(all[0].named("heartbeat")); n < 24 || n > 26 {
		w.Errorf("%d heartbeats in 10 minutes", n)
	}
}

func heartbeatCapped(w *world) {
	var all []*fakeConn
	for u := range 20 {
		all = append(all, w.connect(chat.UserID(u+10)))
	}
	w.pass(30 * time.Second)
	for i, c := range all {
		if n := len(c.named("heartbeat")); n < 1 {
			w.Errorf("stream %d: no heartbeat within 30 s, a proxy has cut it", i)
		}
	}
}

func heartbeats(cs []*fakeConn) (n int) {
	for _, c := range cs {
		n += len(c.named("heartbeat"))
	}
	return n
}

func connectsWait(w *world) {
	w.store.latency = time.Second
	var all []*fakeConn
	for u := range 5 {
		all = append(all, w.open(chat.UserID(u+10), fmt.Sprint("s", u)))
	}
	ready := func() (n int) {
		for _, c := range all {
			n += len(c.named("ready"))
		}
		return n
	}
	w.pass(1900 * time.Millisecond)
	equal(w.T, "ready", []int{ready()}, 0)
	w.pass(200 * time.Millisecond)
	equal(w.T, "ready after one round", []int{ready()}, 2)
	all[4].stream.Closed() // while it waits
	w.pass(2 * time.Second)
	equal(w.T, "ready after two rounds", []int{ready()}, 4)
	w.pass(time.Minute)
	equal(w.T, "ready at last", []int{ready()}, 4)
	if n := w.hub.Connections(); n != 4 {
		// Sockets say Closed themselves; only one has.
		w.Errorf("%d connections, want 4", n)
	}
	equal(w.T, "connects in flight", []int{w.opening()}, 0)
}

func ownLog(w *world) {
	a, b := w.connect(ann), w.connect(bob)
	e := w.store.commit(chat.Entry{
		Log: chat.UserLog(ann), Kind: chat.KindRead, By: ann, Body: mustJSON(chat.ReadBody{Log: log, Message: 1, ReadCount: 1}),
	})
	w.send(e)
	equal(w.T, "ann", a.ids(), "u:1/1/1")
	equal(w.T, "bob", b.ids())
}

// More logs than one batch of heads and than fewSeats.
func manyLogs(w *world) {
	const n = 250
	name := func(i int) chat.LogID { return chat.ConversationLog(fmt.Sprintf("1-%d", i+100)) }
	for i := range n {
		w.changed(name(i), users(ann), nil)
	}
	a := w.connect(ann)
	var want []string
	for i := range n {
		w.send(w.message(name(i), bob))
		want = append(want, string(name(i))+"/2/3")
	}
	got := a.ids()
	got = slices.DeleteFunc(got, func(id string) bool { return !strings.HasSuffix(id, "/3") })
	equal(w.T, "ann", got, want...)
	if r := w.store.count("heads"); r > 5 {
		w.Errorf("%d reads of heads", r)
	}
}

// TestDrain: every stream is told to come back, each at its own time, and closed.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all []*fakeConn
		w := newWorld(t, Config{})
		for u := range 50 {
			all = append(all, w.connect(chat.UserID(u+10)))
		}
		w.stop()
		delays := map[string]bool{}
		for i, c := range all {
			got := c.named("reconnect")
			if len(got) != 1 || !c.isClosed() {
				t.Fatalf("stream %d got %v, closed %v", i, got, c.isClosed())
			}
			delays[got[0]] = true
		}
		if len(delays) < 45 {
			t.Errorf("only %d different delays for 50 streams", len(delays))
		}
		select {
		case <-w.hub.Done():
		default:
			t.Error("the end is not told")
		}
	})
}

// Those whose connect waits for a busy loop when it ends are told like the others.
func TestDrainWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		w.settle()
		var all []*fakeConn
		for u := range inboxSize / 2 {
			if err := w.hub.input(t.Context(), func() { time.Sleep(2 * maxBurst) }); err != nil {
				t.Fatal(err)
			}
			all = append(all, w.open(chat.UserID(u+10), "s"))
		}
		w.stop()
		for i, c := range all {
			if got := c.named("reconnect"); len(got) != 1 || !c.isClosed() {
				t.Errorf("stream %d got %v, closed %v", i, got, c.isClosed())
			}
		}
	})
}
