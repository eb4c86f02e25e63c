package stream

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"tidings/internal/chat"
)

// TestLimits holds the numbers that the documentation names, each from both sides.
// They stand here once more, not as the code's own constants.
func TestLimits(t *testing.T) {
	for _, tc := range []struct {
		name string
		run  func(w *world)
	}{
		{"TwentyStreamsAUser", limitPerUser},
		{"SevenDaysAway", limitRetention},
		{"AThousandEntriesToReplay", limitReplay},
		{"AMinuteToSettle", limitSettle},
		{"PositionToldEveryHour", limitTell},
		{"TwentyFourListed", limitListed},
		{"FiftyMillisecondsForAGap", limitGapWait},
		{"SixReadsOfAGap", limitHoldTries},
		{"EightReadsOfAMembership", limitBellTries},
		{"AuditsOfYouthAndAge", limitAudit},
		{"FiveSecondsOfGrace", limitGrace},
		{"SessionsEveryFiveMinutes", limitSessions},
		{"AHundredSessionsARead", limitSessionsBatch},
		{"SixtyFourEntriesAPage", limitPage},
		{"AHundredAndTwentyEightReads", limitReads},
		{"FiveSecondsARead", limitReadTimeout},
		{"FiveSecondsBetweenTries", limitBackoff},
		{"AHundredThousandIdleLogs", limitLinger},
		{"TenMinutesIdle", limitIdle},
		{"AMinuteWithoutProgress", limitStall},
	} {
		t.Run(tc.name, func(t *testing.T) { scenario(t, Config{}, tc.run) })
	}
}

func limitPerUser(w *world) {
	first := w.connect(ann)
	for range 19 {
		w.connect(ann)
	}
	if first.isClosed() {
		w.Error("closed with twenty")
	}
	w.connect(ann)
	if !first.isClosed() {
		w.Error("open with twenty-one")
	}
}

func limitRetention(w *world) {
	const week = 7 * 24 * time.Hour
	for late, resets := range map[time.Duration][]reset{0: nil, time.Millisecond: {resetExpired}} {
		a := w.resume(ann, cursor{user: ann, w: time.Now().Add(-week - late).UnixMilli()}.text())
		w.resets(a, resets...)
		w.ready(a, late == 0)
	}
	// Of the future: clocks of two instances may differ.
	for early, resets := range map[time.Duration][]reset{time.Minute: nil, time.Minute + time.Millisecond: {resetInvalid}} {
		a := w.resume(ann, cursor{user: ann, w: time.Now().Add(early).UnixMilli()}.text())
		w.resets(a, resets...)
	}
}

func limitReplay(w *world) {
	for range 1000 {
		w.message(log, bob)
	}
	at := cursor{user: ann, w: time.Now().Add(-time.Hour).UnixMilli(), marks: []mark{{keyOf(log), 1, 0}}}.text()
	a := w.resume(ann, at)
	w.pass(time.Second)
	w.resets(a)
	equal(w.T, "ann", a.seqs()[log], upTo(2, 1001)...)
	w.send(w.message(log, bob))
	w.resets(w.resume(ann, at), resetOverflow)

	// A slow reader's bound is the same, looked at when it takes something.
	for _, n := range []int64{1000, 1001} {
		a.setSlow(true)
		for pending := 0; pending < PendingHigh; pending, _ = a.Progress() {
			w.send(w.message(log, bob))
		}
		var lag []chat.Entry
		for range n {
			lag = append(lag, w.message(log, bob))
		}
		w.send(lag...)
		a.setSlow(false)
		w.pass(time.Second)
		if n == 1000 {
			w.resets(a)
		} else {
			w.resets(a, resetOverflow)
		}
	}
}

func limitSettle(w *world) {
	w.pass(time.Hour)
	a := w.connect(ann)
	if got := time.Now().UnixMilli() - w.at(a).w; got != 60_000 {
		w.Errorf("w is %d ms before the reads", got)
	}
}

// The position of a quiet client is told after an hour, at its next heartbeat.
func limitTell(w *world) {
	a := w.connect(ann)
	told := func() int { return strings.Count(a.text(), "id: ") }
	w.pass(time.Hour - time.Second)
	equal(w.T, "positions before the hour", []int{told()}, 1)
	w.pass(26 * time.Second)
	equal(w.T, "positions after it", []int{told()}, 2)
	w.pass(30 * time.Minute)
	w.send(w.message(log, bob)) // tells it, too
	w.pass(time.Hour - time.Second)
	equal(w.T, "positions with an event's three", []int{told()}, 5)
}

func limitListed(w *world) {
	const most = 24
	for i := range most + 1 {
		w.changed(chat.LogID(fmt.Sprint("c:", i)), users(ann, bob), nil)
	}
	w.pass(time.Hour)
	a := w.connect(ann)
	for range 2 {
		w.grown()
		w.pass(2 * auditEvery)
		was := w.store.count("memberships")
		n := most
		if len(a.ids()) > 0 {
			n++
		}
		for i := range n {
			w.send(w.message(chat.LogID(fmt.Sprint("c:", i)), bob))
		}
		w.pass(2 * time.Minute)
		for i := range n {
			w.send(w.message(chat.LogID(fmt.Sprint("c:", i)), bob))
		}
		w.pass(5 * time.Minute)
		got := w.store.count("memberships") - was
		if n == most && got > 1 || n > most && (got < 3 || got > 8) {
			w.Errorf("%d logs listed: %d reads of memberships in seven minutes", n, got)
		}
	}
}

func limitGapWait(w *world) {
	w.connect(ann)
	w.hint(w.message(log, bob))
	w.pass(49 * time.Millisecond)
	equal(w.T, "reads after 49 ms", []int{w.store.count("entries")}, 0)
	w.pass(time.Millisecond)
	equal(w.T, "reads after 50 ms", []int{w.store.count("entries")}, 1)
}

func limitHoldTries(w *world) {
	w.connect(ann)
	heads := w.store.count("heads")
	w.hint(chat.Entry{Log: log, Seq: 2})
	for w.store.count("heads") == heads {
		w.pass(time.Millisecond)
	}
	equal(w.T, "reads before the head is asked", []int{w.store.count("entries")}, 7) // the first and six more
}

func limitBellTries(w *world) {
	w.connect(cat)
	w.hint(chat.Entry{Log: log, Seq: 9, Adds: users(cat)})
	w.pass(5 * time.Minute)
	equal(w.T, "reads of a membership that shows nothing", []int{w.store.count("membership")}, 9)
	if got := w.metric("unanswered_additions_total"); got != 1 {
		w.Errorf("counted %v times", got)
	}
}

// In an instance's first 15 minutes it audits every minute, then every ten. Heads are
// looked at every five seconds, memberships with each heartbeat.
func limitAudit(w *world) {
	w.connect(ann)
	began := time.Now()
	late := map[string]time.Duration{"heads": 5 * time.Second, "memberships": 25 * time.Second}
	reads, last := map[string][]time.Duration{}, map[string]int{}
	for kind := range late {
		reads[kind], last[kind] = []time.Duration{0}, w.store.count(kind)
	}
	for range 75 * 60 {
		w.pass(time.Second)
		for kind := range late {
			if n := w.store.count(kind); n > last[kind] {
				reads[kind], last[kind] = append(reads[kind], time.Since(began)), n
			}
		}
	}
	for kind, at := range reads {
		for i, t := range at[1:] {
			every := time.Minute
			if t > 15*time.Minute {
				every = 10 * time.Minute
			}
			if gap := t - at[i]; gap < every || gap > every+late[kind]+time.Second {
				w.Errorf("%s were read %v and %v after the beginning", kind, at[i], t)
			}
			if at[i] < 14*time.Minute-late[kind] && t > 15*time.Minute {
				w.Errorf("%s were not read in the last minute of the instance's youth, but after %v and %v", kind, at[i], t)
			}
		}
		if len(at) < 16 {
			w.Errorf("%s were read %d times in 75 minutes", kind, len(at))
		}
	}
}

func limitGrace(w *world) {
	w.connect(ann)
	w.pass(30 * time.Second)
	w.message(log, bob)
	before := w.store.count("heads")
	for w.store.count("heads") == before {
		w.pass(time.Millisecond)
	}
	w.pass(5*time.Second - 10*time.Millisecond)
	if got := w.metric("unheard_entries_total"); got != 0 {
		w.Errorf("%v counted as lost within five seconds", got)
	}
	w.pass(20 * time.Millisecond)
	if got := w.metric("unheard_entries_total"); got != 1 {
		w.Errorf("%v counted as lost after five seconds", got)
	}
}

func limitSessions(w *world) {
	a := w.connect(ann)
	w.pass(5*time.Minute - time.Second)
	equal(w.T, "reads within five minutes", []int{w.store.count("sessions")}, 0)
	w.pass(26 * time.Second)
	equal(w.T, "reads then", []int{w.store.count("sessions")}, 1)
	w.pass(5*time.Minute - 27*time.Second)
	equal(w.T, "reads within five minutes of that", []int{w.store.count("sessions")}, 1)
	w.pass(52 * time.Second)
	equal(w.T, "reads then", []int{w.store.count("sessions")}, 2)
	if a.isClosed() {
		w.Error("closed")
	}
}

func limitSessionsBatch(w *world) {
	var all []*fakeConn
	for i := range 101 {
		all = append(all, w.connect(chat.UserID(i+10)))
	}
	w.store.set(func() { delete(w.store.sessions, "session of 110") })
	w.within(func(h *Hub) { // as if they all were due now
		for _, c := range all {
			h.rechecked = append(h.rechecked, c.stream)
		}
	})
	equal(w.T, "reads of 101 sessions", []int{w.store.count("sessions")}, 2)
	if open := slices.IndexFunc(all, (*fakeConn).isClosed); open != 100 {
		w.Errorf("stream %d is the first that is closed", open)
	}
}

func limitPage(w *world) {
	for range 65 {
		w.message(log, bob)
	}
	w.resume(ann, cursor{user: ann, w: time.Now().UnixMilli(), marks: []mark{{keyOf(log), 1, 0}}}.text())
	if got := w.store.longest; got != 64 {
		w.Errorf("%d entries asked for at once", got)
	}
}

func limitReads(w *world) {
	w.within(func(h *Hub) { h.cfg.MaxConnecting = 1000 })
	w.slowTable(time.Second)
	for i := range 200 {
		w.open(chat.UserID(i+10), "s")
	}
	w.pass(time.Minute)
	if got := w.store.most; got != 128 {
		w.Errorf("%d reads at once", got)
	}
}

func limitReadTimeout(w *world) {
	failed := func() float64 {
		return w.sum("store_reads_total", func(m *dto.Metric) bool { return m.GetLabel()[1].GetValue() == "error" })
	}
	w.settle()
	w.slowTable(time.Hour)
	w.open(ann, "s")
	w.pass(5*time.Second - time.Millisecond)
	equal(w.T, "failed reads before five seconds", []float64{failed()}, 0)
	w.pass(time.Millisecond)
	equal(w.T, "failed reads after five seconds", []float64{failed()}, 1) // of the own log's head
}

// From 50 ms up to five seconds, drawn from the upper half.
func limitBackoff(w *world) {
	w.store.set(func() { w.store.failing = true })
	w.open(ann, "s")
	w.pass(24 * time.Millisecond)
	equal(w.T, "reads within 24 ms", []int{w.store.count("heads")}, 1)
	w.pass(26 * time.Millisecond)
	equal(w.T, "reads within 50 ms", []int{w.store.count("heads")}, 2)
	w.pass(time.Minute)
	before := w.store.count("heads")
	w.pass(time.Minute)
	if got := w.store.count("heads") - before; got < 12 || got > 24 {
		w.Errorf("%d tries in a minute", got)
	}
}

func limitLinger(w *world) {
	const most = 100_000
	w.within(func(h *Hub) {
		for i := range most + 1 {
			l := h.logOf(chat.LogID(fmt.Sprint("c:", i)))
			l.state = tracked
			h.idle.add(l, h.now)
		}
	})
	w.pass(5 * time.Second)
	w.within(func(h *Hub) {
		if h.idle.n != most || h.logs.get("c:0") != nil || h.logs.get("c:1") == nil {
			w.Errorf("%d idle logs kept", h.idle.n)
		}
	})
}

func limitIdle(w *world) {
	w.connect(ann).stream.Closed()
	w.pass(10*time.Minute - time.Second)
	if got := w.metric("logs"); got != 2 {
		w.Errorf("%v logs before ten minutes", got)
	}
	w.pass(6 * time.Second)
	if got := w.metric("logs"); got != 0 {
		w.Errorf("%v logs after ten minutes", got)
	}
}

func limitStall(w *world) {
	a := w.connect(ann)
	a.setSlow(true)
	for pending := 0; pending < PendingHigh; pending, _ = a.Progress() {
		w.send(w.message(log, bob))
	}
	w.pass(time.Minute - time.Second)
	if a.isClosed() {
		w.Error("closed within a minute")
	}
	w.pass(6 * time.Second)
	if !a.isClosed() {
		w.Error("open after a minute")
	}
}

func TestConfigDefaults(t *testing.T) {
	c := Config{Seed: 1}.withDefaults()
	want := Config{MaxConnections: 15_000, MaxConnecting: 32, Heartbeat: 25 * time.Second, CacheBytes: 4 << 20, Drain: 25 * time.Second, Seed: 1}
	if c != want {
		t.Errorf("%+v, want %+v", c, want)
	}
	c = Config{MaxConnections: 1, MaxConnecting: 2, Heartbeat: 31 * time.Second, CacheBytes: 3, Drain: time.Second, Seed: 4}
	want = c
	if want.Heartbeat = 30 * time.Second; c.withDefaults() != want {
		t.Errorf("%+v, want %+v", c.withDefaults(), want)
	}
	if a, b := (Config{}).withDefaults().Seed, (Config{}).withDefaults().Seed; a == 0 || a == b {
		t.Errorf("seeds %d and %d", a, b)
	}
}

// A connect holds its turn until it is ready, also one that reads positions.
func TestConnectsInFlight(t *testing.T) {
	scenario(t, Config{MaxConnecting: 1}, func(w *world) {
		w.pass(time.Hour)
		w.message(log, bob)
		w.slowTable(time.Second)
		c := cursor{user: ann, w: time.Now().Add(-time.Minute).UnixMilli()}
		first, second := &fakeConn{user: ann}, &fakeConn{user: bob}
		for _, o := range []struct {
			c *fakeConn
			r Request
		}{{first, Request{Session: w.session(ann, "a"), LastEventID: c.text()}}, {second, Request{Session: w.session(bob, "b")}}} {
			var err error
			if o.c.stream, err = w.hub.Open(context.Background(), o.r, o.c); err != nil {
				w.Fatal(err)
			}
		}
		for len(first.named("ready")) == 0 {
			w.pass(100 * time.Millisecond)
			if w.store.count("session") > 1 {
				w.Fatal("the second reads before the first is ready")
			}
		}
		if w.store.count("position") != 1 {
			w.Error("the first read no position")
		}
		w.pass(10 * time.Second)
		w.ready(second, false)
		// One that is closed while it reads its positions gives its turn back.
		w.store.set(func() { w.store.broken = "position" })
		w.message(log, bob)
		w.another(Config{MaxConnecting: 1})
		w.slowTable(time.Second)
		third := w.resume(ann, c.text())
		fourth := w.open(bob, "b")
		w.pass(20 * time.Second)
		equal(w.T, "ready", append(third.named("ready"), fourth.named("ready")...))
		third.stream.Closed()
		w.settle()
		reads := w.store.count("position")
		w.pass(time.Minute)
		w.ready(fourth, false)
		if got := w.store.count("position"); got > reads+1 { // one may have been under way
			w.Errorf("%d reads for nobody", got-reads)
		}
		equal(w.T, "connects in flight", []int{w.opening()}, 0)
	})
}
