package stream

import (
	"context"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"tidings/internal/chat"
)

func limitGapWait(w *world) {
	w.connect(ann)
	w.hint(w.message(log, bob))
	w.pass(49 * time.Millisecond)
	equal(w.T, "reads after 49 ms", []int{w.store.count("entries")}, 0)
	w.pass(time.Millisecond)
	equal(w.T, "reads after 50 ms", []int{w.store.count("entries")}, 1)
}

func limitHoldTries(w *world) {
	w.connect(ann)
	heads := w.store.count("heads")
	w.hint(chat.Entry{Log: log, Seq: 2})
	for w.store.count("heads") == heads {
		w.pass(time.Millisecond)
	}
	equal(w.T, "reads before the head is asked", []int{w.store.count("entries")}, 7) // the first and six more
}

func limitBellTries(w *world) {
	w.connect(cat)
	w.hint(chat.Entry{Log: log, Seq: 9, Adds: users(cat)})
	w.pass(5 * time.Minute)
	equal(w.T, "reads of a membership that shows nothing", []int{w.store.count("membership")}, 9)
	if got := w.metric("unanswered_additions_total"); got != 1 {
		w.Errorf("counted %v times", got)
	}
}

func limitPage(w *world) {
	for range 65 {
		w.message(log, bob)
	}
	w.resume(ann, cursor{user: ann, w: time.Now().UnixMilli(), marks: []mark{{keyOf(log), 1, 0}}}.text())
	if got := w.store.longest; got != 64 {
		w.Errorf("%d entries asked for at once", got)
	}
}

func limitReads(w *world) {
	w.within(func(h *Hub) { h.cfg.MaxConnecting = 1000 })
	w.slowTable(time.Second)
	for i := range 200 {
		w.open(chat.UserID(i+10), "s")
	}
	w.pass(time.Minute)
	if got := w.store.most; got != 128 {
		w.Errorf("%d reads at once", got)
	}
}

func limitReadTimeout(w *world) {
	failed := func() float64 {
		return w.sum("store_reads_total", func(m *dto.Metric) bool { return m.GetLabel()[1].GetValue() == "error" })
	}
	w.settle()
	w.slowTable(time.Hour)
	w.open(ann, "s")
	w.pass(5*time.Second - time.Millisecond)
	equal(w.T, "failed reads before five seconds", []float64{failed()}, 0)
	w.pass(time.Millisecond)
	equal(w.T, "failed reads after five seconds", []float64{failed()}, 1) // of the own log's head
}

// From 50 ms up to five seconds, drawn from the upper half.
func limitBackoff(w *world) {
	w.store.set(func() { w.store.failing = true })
	w.open(ann, "s")
	w.pass(24 * time.Millisecond)
	equal(w.T, "reads within 24 ms", []int{w.store.count("heads")}, 1)
	w.pass(26 * time.Millisecond)
	equal(w.T, "reads within 50 ms", []int{w.store.count("heads")}, 2)
	w.pass(time.Minute)
	before := w.store.count("heads")
	w.pass(time.Minute)
	if got := w.store.count("heads") - before; got < 12 || got > 24 {
		w.Errorf("%d tries in a minute", got)
	}
}

// A connect holds its turn until it is ready, also one that reads positions.
func TestConnectsInFlight(t *testing.T) {
	scenario(t, Config{MaxConnecting: 1}, func(w *world) {
		w.pass(time.Hour)
		w.message(log, bob)
		w.slowTable(time.Second)
		c := cursor{user: ann, w: time.Now().Add(-time.Minute).UnixMilli()}
		first, second := &fakeConn{user: ann}, &fakeConn{user: bob}
		for _, o := range []struct {
			c *fakeConn
			r Request
		}{{first, Request{Session: w.session(ann, "a"), LastEventID: c.text()}}, {second, Request{Session: w.session(bob, "b")}}} {
			var err error
			if o.c.stream, err = w.hub.Open(context.Background(), o.r, o.c); err != nil {
				w.Fatal(err)
			}
		}
		for len(first.named("ready")) == 0 {
			w.pass(100 * time.Millisecond)
			if w.store.count("session") > 1 {
				w.Fatal("the second reads before the first is ready")
			}
		}
		if w.store.count("position") != 1 {
			w.Error("the first read no position")
		}
		w.pass(10 * time.Second)
		w.ready(second, false)
		// One that is closed while it reads its positions gives its turn back.
		w.store.set(func() { w.store.broken = "position" })
		w.message(log, bob)
		w.another(Config{MaxConnecting: 1})
		w.slowTable(time.Second)
		third := w.resume(ann, c.text())
		fourth := w.open(bob, "b")
		w.pass(20 * time.Second)
		equal(w.T, "ready", append(third.named("ready"), fourth.named("ready")...))
		third.stream.Closed()
		w.settle()
		reads := w.store.count("position")
		w.pass(time.Minute)
		w.ready(fourth, false)
		if got := w.store.count("position"); got > reads+1 { // one may have been under way
			w.Errorf("%d reads for nobody", got-reads)
		}
		equal(w.T, "connects in flight", []int{w.opening()}, 0)
	})
}
