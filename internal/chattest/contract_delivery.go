package chattest

import (
	"testing"
	"time"

	"tidings/internal/chat"
)

func (c Contract) deliveries(t *testing.T) {
	c.test(t, "OK", func(w *World) {
		add := func(typ string, minute int64, latencies ...time.Duration) {
			var h chat.DeliveryHistogram
			for _, l := range latencies {
				h.Add(l * time.Millisecond)
			}
			if err := w.AddDeliveries(w.Context(), typ, minute, h); err != nil {
				w.Fatal(err)
			}
		}
		check := func(typ string, from, to int64, latencies ...time.Duration) {
			w.Helper()
			var want chat.DeliveryHistogram
			for _, l := range latencies {
				want.Add(l * time.Millisecond)
			}
			if got, err := w.Deliveries(w.Context(), typ, from, to); err != nil || got != want {
				w.Errorf("%s from %d to %d: %+v %v, want %+v", typ, from, to, got, err, want)
			}
		}
		const now = 29_000_000
		check("message", 0, now)
		add("message", now-2, 1, 2)
		add("message", now-1, 20, -1)
		add("message", now-1, 20, 60_000)
		add("message", now, 7)
		add("read", now, -1)
		check("message", now-1, now-1, 20, -1, 20, 60_000)
		check("message", now-1, now, 20, -1, 20, 60_000, 7)
		check("message", now-2, now, 1, 2, 20, -1, 20, 60_000, 7)
		check("read", now-2, now, -1)
		check("typing", now-2, now)
	})
	c.test(t, "AtOnce", func(w *World) {
		var one chat.DeliveryHistogram
		one.Add(time.Millisecond)
		atOnce(func(int) {
			if err := w.AddDeliveries(w.Context(), "message", 1, one); err != nil {
				w.Error(err)
			}
		})
		if got, err := w.Deliveries(w.Context(), "message", 1, 1); err != nil || got.Delivered != crowd || got.Buckets[0] != crowd {
			w.Errorf("%+v %v", got, err)
		}
	})
}
