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
	enqueueLag         prometheus.Observer
	receiveLag         prometheus.Observer
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
	lag := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "tidings_streamer_lag_seconds",
		Help:    "Time from the entry's ts to its enqueuing to the connections, and from its publishing to its receipt.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60},
	}, []string{"stage"})
	reg.MustRegister(lag)
	return &Metrics{
		connections:        gauge("connections", "Open streams."),
		logs:               gauge("logs", "Logs known to the hub, lingering ones too."),
		cacheBytes:         gauge("cache_bytes", "Size of the cache of recent entries."),
		entries:            counter("entries_received_total", "Entries received from the bus, duplicates too."),
		hints:              counter("hints_received_total", "Hints received from the bus, known ones too."),
		ephemerals:         vec("ephemerals_total", "Ephemerals received, by what became of them.", "outcome"),
		duplicates:         counter("duplicates_total", "Entries and hints dropped because the hub had the entry."),
		held:               counter("held_total", "Entries that came too early and were held."),
		gapsFilled:         counter("gap_entries_total", "Entries that were missing and read from the table."),
		holes:              counter("holes_total", "Positions of a log that the table no longer has."),
		phantoms:           counter("phantoms_total", "Announced entries that the table doesn't have."),
		deliveries:         counter("deliveries_total", "Events enqueued to connections."),
		closed:             vec("closed_total", "Ended streams, by reason.", "reason"),
		reads:              vec("store_reads_total", "Reads of the table, by kind and outcome.", "kind", "outcome"),
		unencodable:        counter("unencodable_total", "Entries whose body gives no frames although their kind has some."),
		decodeErrors:       counter("decode_errors_total", "Messages of the bus that can't be read."),
		queueErrors:        vec("queue_errors_total", "Failed calls to the queue or topic.", "call"),
		bellsLost:          counter("unanswered_additions_total", "Announced additions that the membership never showed."),
		resumes:            counter("resumes_total", "Streams that went on from their client's position."),
		resets:             vec("resets_total", "Clients told to fetch their lists again, by reason.", "reason"),
		refused:            counter("refused_connections_total", "Connections refused because no descriptor was left. Alarm above 0."),
		unheard:            counter("unheard_entries_total", "Committed entries that the audit found because the bus had not brought them. Alarm above 0."),
		unheardMemberships: counter("unheard_memberships_total", "Changes of memberships that the audit found first; some were just on their way."),
		enqueueLag:         lag.WithLabelValues("enqueue"),
		receiveLag:         lag.WithLabelValues("receive"),
	}
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
