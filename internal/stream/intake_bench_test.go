package stream

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidings/internal/bus"
	"tidings/internal/chat"
)

// BenchmarkIntake takes messages in as they come from SQS, ten at a time: decoding and
// the hub, without sockets. Each is of another 1:1 conversation of two who are here;
// doubled means that all come twice.
func BenchmarkIntake(b *testing.B) {
	const batch, pairs = 10, 1000
	for _, copies := range []int{1, 2} {
		b.Run(map[int]string{1: "once", 2: "doubled"}[copies], func(b *testing.B) {
			store := newFakeStore()
			h := NewHub(Config{}, store, store, NewMetrics(prometheus.NewRegistry()), slog.New(slog.DiscardHandler))
			s := &Service{Hub: h, Instance: "bench", Log: h.log}
			for p := range pairs {
				one, two := chat.UserID(2*p+1), chat.UserID(2*p+2)
				store.commit(changed(pairLog(p), users(one, two), nil))
				openSink(b, h, store, one)
				openSink(b, h, store, two)
			}
			runUntil(b, h, 2*pairs)
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				ms := make([]bus.Message, batch)
				for i := range ms {
					ms[i].Body = encoded(b, pairLog(n%pairs), int64(2+n/pairs))
					n++
				}
				b.StartTimer()
				for range copies {
					envelopes := s.decode(ms, time.Now())
					h.take(func() {
						for i := range envelopes {
							h.deliverEnvelope(&envelopes[i])
						}
					})
					passOn(h)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch, "ns/entry")
		})
	}
}

func pairLog(p int) chat.LogID {
	return chat.ConversationLog(fmt.Sprintf("%d-%d", 2*p+1, 2*p+2))
}

func encoded(b *testing.B, log chat.LogID, seq int64) []byte {
	b.Helper()
	e := message(log, 1)
	e.Seq, e.TS = seq, time.Now().UnixMilli()
	raw, err := bus.Encode(bus.Envelope{Entry: &e, Published: e.TS})
	if err != nil {
		b.Fatal(err)
	}
	return raw
}
