package stream

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidings/internal/telemetry"
)

// path is what brought an entry to the hub.
type path uint8

const (
	byPublish path = iota // the writer's own publish, the fast path
	byHint                // the relay's hint, after which it was read
	byGap                 // nothing: it was read because a later one came
	byAudit               // nothing: the audit found it
)

var paths = [...]string{byPublish: "fast", byHint: "relay", byGap: "gap", byAudit: "audit"}

// way is how an entry came here, as far as it is known: what it takes is measured once
// an entry, not for each who gets it.
type way struct {
	path      path
	published int64     // Unix ms, of the entry or its hint; 0: not said
	received  time.Time // from the queue; zero: not told of by a message
	trace     telemetry.Carrier
}

// delivery is an entry that was passed on to the streams that are here.
type delivery struct {
	entry  *entry
	events uint64 // enqueued to connections
}

// delivered notes that the entry was passed on, to be measured when it is written.
func (h *Hub) delivered(e *entry, events uint64) {
	h.deliveries = append(h.deliveries, delivery{e, events})
}

// written measures the way of what was delivered, now that the sockets have it.
func (h *Hub) written() {
	if len(h.deliveries) == 0 {
		return
	}
	now := time.Now()
	for _, d := range h.deliveries {
		h.metrics.observe(d, now)
		if e := d.entry; e.way.trace != nil {
			telemetry.Delivered(e.way.trace, h.cfg.Instance, paths[e.way.path], string(e.Log), e.Seq, int(d.events), e.way.received, now)
			e.way.trace = nil // the entry stays in the cache
		}
	}
	clear(h.deliveries)
	h.deliveries = h.deliveries[:0]
}

// hops are the parts of the way, in seconds. Those that begin or end in a writer
// compare two clocks, each at most some ms off where NTP runs.
type hops struct {
	commitToPublish  prometheus.Observer
	publishToReceive prometheus.Observer
	receiveToWrite   prometheus.Observer
	commitToWrite    prometheus.Observer
}

// hopBuckets are 1-2-5 steps in seconds. The stamps are whole milliseconds, so nothing
// finer is known; 100 ms is the promised p99 from commit to browser; at 60 s a cursor's
// reach ends (settleTime), and what took longer is the audit's.
var hopBuckets = []float64{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 30, 60}

func newHops(reg prometheus.Registerer) hops {
	vec := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "tidings_streamer_hop_seconds",
		Help:    "What the parts of an entry's way take: from its ts to its publish or that of its hint, to its receipt from the queue, to the write to the last socket.",
		Buckets: hopBuckets,
	}, []string{"hop"})
	reg.MustRegister(vec)
	return hops{
		commitToPublish:  vec.WithLabelValues("commit_to_publish"),
		publishToReceive: vec.WithLabelValues("publish_to_receive"),
		receiveToWrite:   vec.WithLabelValues("receive_to_write"),
		commitToWrite:    vec.WithLabelValues("commit_to_write"),
	}
}

// observe measures the way of an entry that was written at now, or to nobody.
func (m *Metrics) observe(d delivery, now time.Time) {
	w := &d.entry.way
	m.delivered[w.path].Inc()
	if w.published > 0 {
		m.hops.commitToPublish.Observe(seconds(w.published - d.entry.TS))
	}
	if w.published > 0 && !w.received.IsZero() {
		m.hops.publishToReceive.Observe(since(w.published, w.received))
	}
	if d.events == 0 {
		return
	}
	if !w.received.IsZero() {
		m.hops.receiveToWrite.Observe(now.Sub(w.received).Seconds())
	}
	m.hops.commitToWrite.Observe(since(d.entry.TS, now))
}

// since is how many seconds lie between a stamp in Unix ms and a time.
func since(ms int64, now time.Time) float64 {
	return max(0, now.Sub(time.UnixMilli(ms)).Seconds())
}

func seconds(ms int64) float64 { return float64(max(0, ms)) / 1000 }
