package stream

import (
	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are the streamer's. Counts made per delivery are plain numbers of the
// loop, which it adds to the counters once a turn.
type Metrics struct {
	connections        prometheus.Gauge
	logs               prometheus.Gauge
	cacheBytes         prometheus.Gauge
	entries            prometheus.Counter
	hints              prometheus.Counter
	ephemerals         *prometheus.CounterVec // outcome: delivered, dropped
	duplicates         prometheus.Counter
	held               prometheus.Counter
	gapsFilled         prometheus.Counter
	holes              prometheus.Counter
	phantoms           prometheus.Counter
	deliveries         prometheus.Counter
	closed             *prometheus.CounterVec // reason
	reads              *prometheus.CounterVec // kind, outcome
	unencodable        prometheus.Counter
	decodeErrors       prometheus.Counter
	queueErrors        *prometheus.CounterVec // call
	bellsLost          prometheus.Counter
	resumes            prometheus.Counter
	resets             *prometheus.CounterVec // reason
	refused            prometheus.Counter
	unheard            prometheus.Counter
	unheardMemberships prometheus.Counter
	delivered          [len(paths)]prometheus.Counter
	hops               hops
	lag                prometheus.Gauge
	replay             prometheus.Observer
}

// tally is what the loop counted since its last turn.
type tally struct {
	entries, hints, duplicates, held, gapsFilled, deliveries uint64
}

// NewMetrics registers the streamer's metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "tidings_streamer_" + name, Help: help})
		reg.MustRegister(c)
		return c
	}
	vec := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tidings_streamer_" + name, Help: help}, labels)
		reg.MustRegister(c)
		return c
	}
	gauge := func(name, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "tidings_streamer_" + name, Help: help})
		reg.MustRegister(g)
		return g
	}
	// A client that missed nothing counts in the first; above the last it is told to
	// fetch its lists instead (maxReplay).
	replay := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "tidings_streamer_replay_entries", Help: "Entries that streams which went on from a position had to pull.",
		Buckets: []float64{0, 1, 3, 10, 30, 100, 300, maxReplay},
	})
	reg.MustRegister(replay)
	m := &Metrics{
		connections:        gauge("connections", "Open streams."),
		logs:               gauge("logs", "Logs known to the hub, lingering ones too."),
		cacheBytes:         gauge("cache_bytes", "Size of the cache of recent entries."),
		entries:            counter("entries_received_total", "Entries received from the bus, duplicates too."),
		hints:              counter("hints_received_total", "Hints received from the bus, known ones too."),
		ephemerals:         vec("ephemerals_total", "Ephemerals received: delivered or dropped.", "outcome"),
		duplicates:         counter("duplicates_total", "Entries and hints dropped because the hub had the entry."),
		held:               counter("held_total", "Entries that came too early and were held."),
		gapsFilled:         counter("gap_entries_total", "Entries that were missing and read from the table."),
		holes:              counter("holes_total", "Positions of a log that the table no longer has."),
		phantoms:           counter("phantoms_total", "Announced entries that the table doesn't have."),
		deliveries:         counter("deliveries_total", "Events enqueued to connections."),
		closed:             vec("closed_total", "Ended streams: by the client, stalled (a slow reader: no byte for 60 s), logout, expired, replaced (more than 20 of one user), drain.", "reason"),
		reads:              vec("store_reads_total", "Reads of the table: head, gap, pull, position, audit, membership, memberships, session; ok or error.", "kind", "outcome"),
		unencodable:        counter("unencodable_total", "Entries whose body gives no frames although their kind has some."),
		decodeErrors:       counter("decode_errors_total", "Messages of the bus that can't be read."),
		queueErrors:        vec("queue_errors_total", "Failed calls to the queue or topic: receive, delete, renew, probe.", "call"),
		bellsLost:          counter("unanswered_additions_total", "Announced additions that the membership never showed."),
		resumes:            counter("resumes_total", "Streams that went on from their client's position."),
		resets:             vec("resets_total", "Clients told to fetch their lists again: expired, invalid, selection, overflow.", "reason"),
		refused:            counter("refused_connections_total", "Connections refused because no descriptor was left. Alarm above 0."),
		unheard:            counter("unheard_entries_total", "Committed entries that the audit found because the bus had not brought them. Alarm above 0."),
		unheardMemberships: counter("unheard_memberships_total", "Changes of memberships that the audit found first; some were just on their way."),
		hops:               newHops(reg),
		lag:                gauge("lag_seconds", "Time from its publishing to its receipt of what was received last, the probe of every 10 s included."),
		replay:             replay,
	}
	delivered := vec("delivered_entries_total", "Entries passed on to the streams, by what brought them: fast, relay, gap, audit.", "path")
	for p, name := range paths {
		m.delivered[p] = delivered.WithLabelValues(name)
	}
	return m
}

// settle moves the loop's counts into the counters.
func (m *Metrics) settle(t *tally) {
	add := func(c prometheus.Counter, n *uint64) {
		if *n > 0 {
			c.Add(float64(*n))
			*n = 0
		}
	}
	add(m.entries, &t.entries)
	add(m.hints, &t.hints)
	add(m.duplicates, &t.duplicates)
	add(m.held, &t.held)
	add(m.gapsFilled, &t.gapsFilled)
	add(m.deliveries, &t.deliveries)
}
