package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"tidings/internal/chat"
	"tidings/internal/chattest"
)

// BenchmarkPostToStream sends 200 messages a second over 1,000 open streams, in
// pairs, and prints how long each took from before its POST until the other's
// EventSource had its "message" frame: through the Lambda adapter, the
// transaction, SNS, SQS and the hub, clients and server on the same cores. Messages
// are sent when they are due, whether or not earlier ones are done. Then it prints what
// the hops took, warm-up included.
func BenchmarkPostToStream(b *testing.B) {
	const (
		people   = 1000
		rate     = 200 // a second
		warmup   = 400
		messages = 10 * rate
	)
	sys := mustStart(b, nil)
	pairs := make([]pair, people/2)
	for i := range pairs {
		pairs[i] = newPair(b, sys.URL)
	}
	arrived := make(chan time.Duration, warmup+messages)
	var readers sync.WaitGroup
	defer readers.Wait() // after all streams are closed
	for _, p := range pairs {
		for _, who := range []*person{p.a, p.b} {
			s, err := chattest.OpenStream(b.Context(), who.client, sys.URL+"/api/events", http.Header{"Authorization": {"Bearer " + who.token}})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := s.Await("ready"); err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			readers.Go(func() { readTimes(s, arrived) })
		}
	}
	before, _ := readHops(b, sys.URL)
	var senders sync.WaitGroup
	start := time.Now()
	for i := range warmup + messages {
		select {
		case <-time.After(time.Until(start.Add(time.Duration(i) * time.Second / rate))):
		case <-b.Context().Done():
			return
		}
		p := pairs[rand.IntN(len(pairs))]
		senders.Go(func() {
			body := fmt.Sprintf(`{"content":"%d"}`, time.Now().UnixNano())
			if status, answer, err := p.a.call(http.MethodPost, "/api/conversations/"+p.id+"/messages", body); err != nil || status != 201 {
				b.Errorf("%d %s %v", status, answer, err)
			}
		})
	}
	senders.Wait()
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	var took []time.Duration
	for i := range warmup + messages {
		select {
		case d := <-arrived:
			took = append(took, d)
		case <-ctx.Done():
			b.Fatalf("%d of %d arrived", i, warmup+messages)
		}
	}
	took = took[warmup:]
	slices.Sort(took)
	at := func(q float64) time.Duration { return took[int(q*float64(len(took)-1))].Round(10 * time.Microsecond) }
	fmt.Printf("POST to SSE, %d messages at %d/s over %d streams: p50 %v, p99 %v, p99.9 %v, most %v\n",
		len(took), rate, people, at(.5), at(.99), at(.999), at(1))
	now, paths := readHops(b, sys.URL)
	fmt.Printf("%scame by %v\n", now.since(before), paths)
	b.ReportMetric(float64(at(.99).Microseconds())/1000, "p99-ms")
	b.ReportMetric(0, "ns/op")
}

type pair struct {
	a, b *person
	id   string
}

func newPair(t testing.TB, url string) pair {
	p := pair{a: newPerson(t, url, "a"), b: newPerson(t, url, "b")}
	p.id = p.a.open(p.b)
	return p
}

// readTimes tells how long each message took, until the stream is closed.
func readTimes(s *chattest.Stream, arrived chan<- time.Duration) {
	for {
		e, err := s.Next()
		if err != nil {
			return
		}
		if sent, ok := sentAt(e); ok {
			arrived <- time.Since(sent)
		}
	}
}

// sentAt is the time in a "message" frame of the benchmark.
func sentAt(e chattest.Event) (time.Time, bool) {
	var f struct {
		Type string
		Data struct{ Message chat.Message }
	}
	if e.Name != "message" || json.Unmarshal([]byte(e.Data), &f) != nil || f.Type != "message" {
		return time.Time{}, false
	}
	n, err := strconv.ParseInt(f.Data.Message.Content, 10, 64)
	return time.Unix(0, n), err == nil
}
