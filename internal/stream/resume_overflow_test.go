package stream

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"tidings/internal/chat"
)

// A slow client that missed 900 entries gets them a page at a time, while others
// come: what is not yet written waits in the table, not in memory.
func resumeNineHundred(w *world) {
	a := w.connect(ann)
	at := a.position()
	a.stream.Closed()
	var want []int64
	for i := range 900 {
		w.message(log, bob)
		want = append(want, int64(i+2))
	}
	w.another(Config{CacheBytes: 1})
	a = &fakeConn{user: ann, slow: true}
	var err error
	if a.stream, err = w.hub.Open(w.Context(), Request{Session: w.session(ann, "s"), LastEventID: at}, a); err != nil {
		w.Fatal(err)
	}
	most := 0
	for i := range 2000 {
		w.settle()
		pending, _ := a.Progress()
		most = max(most, pending)
		a.takes(20_000)
		if i%100 == 0 && len(want) < 910 {
			w.send(w.message(log, bob))
			want = append(want, int64(len(want)+2))
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.resets(a)
	equal(w.T, "ann", a.ids(), missed(want...)...)
	if most > PendingHigh+8<<10 {
		w.Errorf("%d bytes waited in memory", most)
	}
}

func resumeTooMuch(w *world) {
	for _, n := range []int{maxReplay, maxReplay + 1} {
		a := w.connect(ann)
		at := a.position()
		a.stream.Closed()
		w.pass(2 * time.Minute)
		for range n {
			w.message(log, bob)
		}
		w.another(Config{})
		a = w.resume(ann, at)
		w.pass(time.Second)
		if n > maxReplay {
			w.ready(a, false)
			w.resets(a, resetOverflow)
			equal(w.T, "ann", a.ids())
			e := w.message(log, bob)
			w.send(e)
			equal(w.T, "ann", a.ids(), missed(e.Seq)...)
			b := w.resume(ann, a.position())
			w.ready(b, true)
			b.stream.Closed()
		} else if w.ready(a, true); len(a.ids()) != 3*n {
			w.Errorf("%d events", len(a.ids()))
		}
		a.stream.Closed()
	}
}

// What lies between two times of membership doesn't count, what lies in them does.
func resumeTooMuchInTwoTimes(w *world) {
	for _, n := range []int{maxReplay/2 - 2, maxReplay / 2} {
		a := w.connect(ann)
		at := a.position()
		a.stream.Closed()
		w.pass(2 * time.Minute)
		for range n {
			w.message(log, bob)
		}
		w.changed(log, nil, users(ann))
		for range 2 * maxReplay {
			w.message(log, bob)
		}
		w.changed(log, users(ann), nil)
		for range n {
			w.message(log, bob)
		}
		w.another(Config{})
		a = w.resume(ann, at)
		w.pass(time.Second)
		if n == maxReplay/2 {
			w.resets(a, resetOverflow)
		} else if w.resets(a); len(a.ids()) != 2*3*n+2 {
			w.Errorf("%d events", len(a.ids()))
		}
		a.stream.Closed()
	}
}

// A slow reader that missed too much is told while a page is being read for it. That
// page is of no use any more, and what comes later is read as ever.
func resumeRestarted(w *world) {
	w.another(Config{CacheBytes: 1})
	const other chat.LogID = "c:1-3"
	w.changed(other, users(ann, cat), nil)
	a := w.connect(ann)
	fill := func(l chat.LogID) {
		a.setSlow(true)
		for pending := 0; pending < PendingHigh; pending, _ = a.Progress() {
			w.send(w.message(l, bob))
		}
	}
	fill(log)
	w.send(w.message(log, bob), w.message(log, bob)) // the newest alone is in the cache
	w.slowTable(4 * time.Second)
	a.setSlow(false) // the page is being read
	for range maxReplay {
		w.send(w.message(log, bob))
	}
	fill(other)
	a.setSlow(false)
	w.settle()
	w.resets(a, resetOverflow)
	w.pass(5 * time.Second) // the page has come
	w.slowTable(0)
	e := w.message(log, bob)
	w.send(e)
	fill(other)
	for range 100 {
		w.send(w.message(log, bob))
	}
	a.setSlow(false)
	w.pass(time.Minute)
	w.resets(a, resetOverflow)
	got := ranges(a.seqs()[log])
	if len(got) != 2 || got[1] != (chat.Interval{From: e.Seq, To: e.Seq + 100}) {
		w.Errorf("got %v, then from %d", got, e.Seq)
	}
}

// A stream that begins again has no turn to connect that it could give back.
func resumeClosedRestarting(w *world) {
	a := w.connect(ann)
	w.store.set(func() { w.store.broken = "membership" })
	w.hint(chat.Entry{Log: "c:9", Seq: 1, Adds: users(ann)}) // while its read is under way nothing settles
	w.message(log, bob)
	w.store.set(func() { w.store.gone[log] = 2 })
	w.hint(w.message(log, bob))
	w.pass(20 * time.Second)
	w.within(func(*Hub) {
		if a.stream.phase != settling {
			w.Errorf("phase %d", a.stream.phase)
		}
	})
	a.stream.Closed()
	w.settle()
	equal(w.T, "connects in flight", []int{w.opening()}, 0)
}

// That one user has more lively logs than fit says nothing of another's position.
func resumeFullOfOne(w *world) {
	for i := range maxMarks + 1 {
		w.changed(chat.LogID(fmt.Sprint("c:", i)), users(cat, bob), nil)
	}
	w.pass(5 * time.Minute)
	a, c := w.connect(ann), w.connect(cat)
	for i := range maxMarks + 1 {
		w.send(w.message(chat.LogID(fmt.Sprint("c:", i)), bob))
		if full := i == maxMarks; w.at(c).full != full {
			w.Errorf("%d logs: full %v", i+1, !full)
		}
	}
	w.send(w.message(log, bob))
	if w.at(a).full {
		w.Error("ann's is full")
	}
	c = w.resume(cat, c.position())
	w.resets(c, resetOverflow)
}

// TestSlowReaderOverflow: what a slow reader has to pull is bounded, too.
func TestSlowReaderOverflow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		w.changed(log, users(ann, bob), nil)
		a := w.connect(ann)
		a.setSlow(true)
		for range maxReplay + 200 {
			w.send(w.message(log, bob))
		}
		a.setSlow(false)
		w.settle()
		w.resets(a, resetOverflow)
		if got := a.named("ready"); len(got) != 1 {
			t.Errorf("%d times ready", len(got))
		}
		got := a.seqs()[log]
		if len(got) == 0 || got[len(got)-1] > 250 {
			t.Errorf("got %v", ranges(got))
		}
		e := w.message(log, bob)
		w.send(e)
		if got := a.seqs()[log]; got[len(got)-1] != e.Seq {
			t.Errorf("got %v", ranges(got))
		}
		b := w.resume(ann, a.position())
		w.ready(b, true)
		equal(t, "ann", b.ids())
	})
}
