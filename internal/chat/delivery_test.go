package chat_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings/internal/chat"
	"tidings/internal/chattest"
)

func TestDeliveryQuantile(t *testing.T) {
	for name, c := range map[string]struct {
		latencies     []time.Duration // ms
		p50, p95, p99 any             // nil: not known
	}{
		"Nothing":    {nil, nil, nil, nil},
		"NotKnown":   {[]time.Duration{-1, -1}, nil, nil, nil},
		"OneBucket":  {[]time.Duration{31, 35, 40, 45, 50}, 40.0, 49.0, 49.8}, // spread evenly from 30 to 50
		"AtTheBound": {[]time.Duration{5, 5, 5, 5}, 2.5, 4.8, 5.0},            // a bound belongs below
		"TwoBuckets": {[]time.Duration{1, 1, 1, 400}, 3.3, 460.0, 492.0},
		"Clamped":    {[]time.Duration{90_000}, 32_500.0, 57_250.0, 59_450.0},
		"UnknownToo": {[]time.Duration{-1, 8, -1}, 7.5, 9.8, 10.0}, // of those known
	} {
		t.Run(name, func(t *testing.T) {
			var h chat.DeliveryHistogram
			for _, l := range c.latencies {
				if l > 0 {
					l *= time.Millisecond
				}
				h.Add(l)
			}
			if h.Delivered != int64(len(c.latencies)) {
				t.Errorf("%d delivered", h.Delivered)
			}
			for share, want := range map[float64]any{0.5: c.p50, 0.95: c.p95, 0.99: c.p99} {
				var got any
				if q := h.Quantile(share); q != nil {
					got = *q
				}
				if got != want {
					t.Errorf("%v: %v, want %v", share, got, want)
				}
			}
		})
	}
}

func TestDeliveries(t *testing.T) {
	clock := chattest.NewClock()
	d := &chat.Deliveries{Store: chattest.NewMemory(clock.Now), Now: clock.Now}
	report := func(ds ...chat.Delivery) {
		t.Helper()
		if err := d.Report(t.Context(), ds); err != nil {
			t.Fatal(err)
		}
	}
	want := func(minutes int, want ...chat.DeliverySummary) {
		t.Helper()
		got, err := d.Summary(t.Context(), minutes)
		if diff := cmp.Diff(append([]chat.DeliverySummary{}, want...), got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	}
	ms := func(v float64) *float64 { return &v }
	want(60)
	report(chat.Delivery{Type: "message", Latency: 4 * time.Millisecond}, chat.Delivery{Type: "typing", Latency: -1})
	// Whatever clients call types, the counters are as many as before.
	report(chat.Delivery{Type: "order_shipped", Latency: -1}, chat.Delivery{Type: "ready", Latency: -1}, chat.Delivery{Type: "custom", Latency: -1})
	all := []chat.DeliverySummary{
		{Type: "message", Delivered: 1, P50: ms(2.5), P95: ms(4.8), P99: ms(5)}, {Type: "typing", Delivered: 1}, {Type: "custom", Delivered: 3},
	}
	want(1, all...)
	clock.Advance(2 * time.Minute)
	want(3, all...)
	want(2)
}
