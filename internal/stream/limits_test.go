package stream

import (
	"fmt"
	"runtime"
	"testing"
	"time"

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
		{"ThirtyTwoReadsOfAnAudit", limitAudits},
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
	want := Config{MaxConnections: 15_000, MaxConnecting: 32, Heartbeat: 25 * time.Second, CacheBytes: 2 << 20, Drain: 25 * time.Second, Slice: 128, Writers: runtime.GOMAXPROCS(0), Seed: 1}
	if c != want {
		t.Errorf("%+v, want %+v", c, want)
	}
	c = Config{MaxConnections: 1, MaxConnecting: 2, Heartbeat: 31 * time.Second, CacheBytes: 3, Drain: time.Second, Slice: 2, Writers: 5, Seed: 4}
	want = c
	if want.Heartbeat = 30 * time.Second; c.withDefaults() != want {
		t.Errorf("%+v, want %+v", c.withDefaults(), want)
	}
	if a, b := (Config{}).withDefaults().Seed, (Config{}).withDefaults().Seed; a == 0 || a == b {
		t.Errorf("seeds %d and %d", a, b)
	}
}
