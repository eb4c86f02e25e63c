package stream

import (
	"math"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"tidings/internal/bus"
	"tidings/internal/chat"
)

// TestWay tells what is measured of an entry's way, whatever brought it. Each begins
// with ann and bob as members of one log.
func TestWay(t *testing.T) {
	for _, tc := range []struct {
		name string
		run  func(w *world)
	}{
		{"Published", wayPublished},
		{"OnceForAllStreams", wayOnce},
		{"DuplicateNotMeasured", wayDuplicate},
		{"Hinted", wayHinted},
		{"Overtaken", wayOvertaken},
		{"FoundByTheAudit", wayAudited},
		{"WrittenToNobody", wayNobody},
	} {
		t.Run(tc.name, func(t *testing.T) {
			scenario(t, Config{}, func(w *world) {
				w.pass(time.Second) // from the log's first entry, or the next one's ts would not be its time
				tc.run(w)
			})
		})
	}
}

// hop checks how often a part of the way was measured and the sum of it.
func (w *world) hop(name string, count uint64, sum time.Duration) {
	w.Helper()
	m := w.histogram("hop_seconds", func(m *dto.Metric) bool { return m.GetLabel()[0].GetValue() == name })
	if m.GetSampleCount() != count || math.Abs(m.GetSampleSum()-sum.Seconds()) > 1e-9 {
		w.Errorf("%s: %d observations, %v s in all; want %d and %v", name, m.GetSampleCount(), m.GetSampleSum(), count, sum)
	}
}

func (w *world) histogram(name string, which func(*dto.Metric) bool) *dto.Histogram {
	w.Helper()
	families, err := w.reg.Gather()
	if err != nil {
		w.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "tidings_streamer_"+name && which(m) {
				return m.GetHistogram()
			}
		}
	}
	w.Fatalf("no %s", name)
	return nil
}

// came checks how many entries came by the path.
func (w *world) came(path string, want float64) {
	w.Helper()
	if got := w.sum("delivered_entries_total", func(m *dto.Metric) bool { return m.GetLabel()[0].GetValue() == path }); got != want {
		w.Errorf("%v entries came by %s, want %v", got, path, want)
	}
}

// bring delivers an envelope that was published after a while and lay before the hub
// for another: committed, 20 ms, published, 30 ms, received, 5 ms, taken.
func (w *world) bring(env bus.Envelope) {
	w.Helper()
	w.pass(20 * time.Millisecond)
	env.Published = time.Now().UnixMilli()
	w.pass(30 * time.Millisecond)
	env.Received = time.Now()
	w.pass(5 * time.Millisecond)
	w.deliver(env)
}

func wayPublished(w *world) {
	w.connect(ann)
	e := w.message(log, bob)
	w.bring(bus.Envelope{Entry: &e})
	w.hop("commit_to_publish", 1, 20*time.Millisecond)
	w.hop("publish_to_receive", 1, 30*time.Millisecond)
	w.hop("receive_to_write", 1, 5*time.Millisecond)
	w.hop("commit_to_write", 1, 55*time.Millisecond)
	w.came("fast", 1)
}

func wayOnce(w *world) {
	for range 5 {
		w.connect(ann)
		w.connect(bob)
	}
	e := w.message(log, bob)
	w.bring(bus.Envelope{Entry: &e})
	w.hop("commit_to_write", 1, 55*time.Millisecond)
}

func wayDuplicate(w *world) {
	w.connect(ann)
	e := w.message(log, bob)
	w.bring(bus.Envelope{Entry: &e})
	w.bring(bus.Envelope{Entry: &e})
	w.hop("publish_to_receive", 1, 30*time.Millisecond)
	w.came("fast", 1)
}

// The hub waits for the entry itself, then reads it: the hint's stamps count.
func wayHinted(w *world) {
	w.connect(ann)
	e := w.message(log, bob)
	w.bring(bus.Envelope{Hints: []bus.Hint{{Log: e.Log, Seq: e.Seq}}})
	w.pass(gapWait)
	w.hop("commit_to_publish", 1, 20*time.Millisecond)
	w.hop("publish_to_receive", 1, 30*time.Millisecond)
	w.hop("receive_to_write", 1, 5*time.Millisecond+gapWait)
	w.came("relay", 1)
	w.came("fast", 0)
}

// The first of two is lost: it is read, and what was held for it comes by its own way.
func wayOvertaken(w *world) {
	w.connect(ann)
	w.message(log, bob)
	e := w.message(log, bob)
	w.bring(bus.Envelope{Entry: &e})
	w.pass(gapWait)
	w.came("gap", 1)
	w.came("fast", 1)
	w.hop("publish_to_receive", 1, 30*time.Millisecond)
	w.hop("receive_to_write", 1, 5*time.Millisecond+gapWait)
	w.hop("commit_to_write", 2, 2*(55*time.Millisecond+gapWait)-time.Millisecond) // the ts of the second is 1 ms later
}

func wayAudited(w *world) {
	w.connect(ann)
	w.message(log, bob)
	w.message(log, bob)
	w.pass(2 * auditAtFirst)
	w.came("audit", 2)
	w.hop("publish_to_receive", 0, 0)
}

// What comes for a log whose members have left is written to nobody.
func wayNobody(w *world) {
	c := w.connect(ann)
	c.stream.Closed()
	w.settle()
	e := w.message(log, bob)
	w.bring(bus.Envelope{Entry: &e})
	w.came("fast", 1)
	w.hop("publish_to_receive", 1, 30*time.Millisecond)
	w.hop("receive_to_write", 0, 0)
	w.hop("commit_to_write", 0, 0)
}

// Measuring an entry's way costs no memory: the loop does it for every message.
func TestWayAllocatesNothing(t *testing.T) {
	h := NewHub(Config{}, newFakeStore(), nil, NewMetrics(prometheus.NewRegistry()), nil)
	e := &entry{Entry: chat.Entry{TS: 1}, way: way{published: 2, received: time.Now()}}
	h.delivered(e, 1)
	h.written()
	if n := testing.AllocsPerRun(100, func() {
		h.delivered(e, 1)
		h.written()
	}); n != 0 {
		t.Errorf("%v allocations an entry", n)
	}
}
