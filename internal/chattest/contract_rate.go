package chattest

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"tidings/internal/chat"
)

func (c Contract) openLimited(t *testing.T, messages int, window time.Duration) *World {
	t.Helper()
	clock := NewClock()
	return &World{T: t, Stores: c.OpenLimited(t, clock, messages, window), Clock: clock}
}

func (c Contract) appendMessageRate(t *testing.T) {
	c.test(t, "Unlimited", func(w *World) {
		log := w.mustPair()
		for range 50 { // all in one instant
			w.MustSend(log, 1, "x")
		}
	})
	if c.OpenLimited == nil {
		return
	}
	const window = 10 * time.Second
	limited := func(outcome string, story func(w *World, log chat.LogID)) {
		t.Run(outcome, func(t *testing.T) {
			w := c.openLimited(t, 3, window)
			story(w, w.mustPair())
		})
	}
	refused := func(w *World, log chat.LogID) time.Duration {
		w.Helper()
		_, err := w.AppendMessage(w.Context(), chat.Draft{Log: log, By: 1, Content: "x"}, Fresh())
		var e *chat.Error
		if !errors.As(err, &e) || e.Code != "rate_limited" || e.RetryAfter <= 0 || e.RetryAfter > window {
			w.Fatalf("err %v", err)
		}
		return e.RetryAfter
	}
	limited("ErrRateLimited", func(w *World, log chat.LogID) {
		for range 3 {
			w.MustSend(log, 1, "x")
		}
		wait := refused(w, log)
		w.MustSend(log, 2, "the other may")
		w.MustSend(w.MustConversation(w.ref(1), w.ref(3)), 1, "elsewhere they may")
		w.Advance(wait - time.Millisecond)
		refused(w, log)
		w.Advance(time.Millisecond)
		for range 3 {
			w.MustSend(log, 1, "after the wait that was named")
		}
		refused(w, log)
	})
	// A clock that is behind by windows counts in the newest one: it lets nobody
	// start anew, and locks nobody out.
	limited("ClockBehind", func(w *World, log chat.LogID) {
		w.MustSend(log, 1, "x")
		w.Advance(-2 * window)
		w.MustSend(log, 1, "x")
		w.MustSend(log, 1, "x")
		if _, err := w.AppendMessage(w.Context(), chat.Draft{Log: log, By: 1, Content: "x"}, Fresh()); !errors.Is(err, chat.RateLimited(0)) {
			w.Errorf("err %v", err)
		}
	})
	limited("AtOnce", func(w *World, log chat.LogID) {
		var sent atomic.Int64
		atOnce(func(int) {
			switch _, err := w.AppendMessage(w.Context(), chat.Draft{Log: log, By: 1, Content: "x"}, Fresh()); {
			case err == nil:
				sent.Add(1)
			case !errors.Is(err, chat.RateLimited(0)):
				w.Error(err)
			}
		})
		if n := sent.Load(); n != 3 {
			w.Errorf("%d messages passed, want 3", n)
		}
	})
}
