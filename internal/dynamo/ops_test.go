package dynamo_test

import (
	"strconv"
	"testing"
	"time"

	"tidings/internal/chat"
	"tidings/internal/dynamo"
)

// What operators' questions cost; docs/architecture.md repeats it.
func TestOpsUnits(t *testing.T) {
	w := newWorld(t, dynamo.Limits{})
	want := func(what, want string, err error) {
		t.Helper()
		if got := w.units.String(); err != nil || got != want {
			t.Errorf("%s: %s, want %s; %v", what, got, want, err)
		}
		w.units.Reset()
	}
	now := chat.Millis(w.Now().UnixMilli())
	for i := range 15 {
		w.units.Reset()
		want("a streamer's word", "PutItem 1", w.Announce(t.Context(), chat.Instance{
			Name: "ip-10-20-0-" + strconv.Itoa(i) + "-4HMEYPEGL4", Ready: true, Connections: 15_000, Version: "0123456789ab",
			Started: now, Updated: now, Address: "10.20.0.1:9090",
		}))
	}
	_, err := w.Instances(t.Context())
	want("15 streamers", "Query 1", err)

	var full chat.DeliveryHistogram // something in each bucket
	for ms := time.Duration(1); ms <= 60_000; ms += 1 + ms/3 {
		full.Add(ms * time.Millisecond)
	}
	for i, n := range full.Buckets {
		full.Delivered, full.Buckets[i] = full.Delivered+100_000, n+100_000
	}
	for minute := range int64(60) {
		want("a report", "UpdateItem 1", w.AddDeliveries(t.Context(), "conversation_update", 29_000_000+minute, full))
	}
	_, err = w.Deliveries(t.Context(), "conversation_update", 29_000_000, 29_000_059)
	want("an hour of a type, of ten", "Query 3", err)
}
