package stream

import (
	"container/heap"
	"math/rand/v2"
	"time"
)

// timers call functions of the loop at their time: gaps, retries, sessions about
// to expire. They can't be taken back; the function looks whether it still applies.
type timers struct {
	queue timerHeap
	n     uint64
}

type timer struct {
	at time.Time
	n  uint64 // equal times fire in the order they were set
	f  func()
}

func (t *timers) set(at time.Time, f func()) {
	t.n++
	heap.Push(&t.queue, timer{at: at, n: t.n, f: f})
}

// fire calls what is due, also what it sets meanwhile.
func (t *timers) fire(now time.Time) {
	for len(t.queue) > 0 && !t.queue[0].at.After(now) {
		heap.Pop(&t.queue).(timer).f()
	}
}

func (t *timers) next() (time.Time, bool) {
	if len(t.queue) == 0 {
		return time.Time{}, false
	}
	return t.queue[0].at, true
}

type timerHeap []timer

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].n < h[j].n
	}
	return h[i].at.Before(h[j].at)
}
func (h timerHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *timerHeap) Push(x any)   { *h = append(*h, x.(timer)) }
func (h *timerHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	old[len(old)-1] = timer{}
	*h = old[:len(old)-1]
	return x
}

// wheel visits every stream once a heartbeat period, spread evenly, with one
// timer for all.
type wheel struct {
	slots [wheelSlots][]*Stream
	at    int
	step  time.Duration
	next  time.Time
}

func (w *wheel) begin(now time.Time, period time.Duration) {
	w.step = period / wheelSlots
	w.next = now.Add(w.step)
}

// add puts the stream into a slot drawn at random: after a storm of connects the
// heartbeats are spread all the same.
func (w *wheel) add(s *Stream, r *rand.Rand) {
	i := r.IntN(wheelSlots)
	w.slots[i] = append(w.slots[i], s)
}

// beat visits the streams whose time has come. Closed ones drop out here, so
// leaving costs nothing.
func (h *Hub) beat() {
	for !h.wheel.next.After(h.now) {
		h.wheel.next = h.wheel.next.Add(h.wheel.step)
		h.wheel.at = (h.wheel.at + 1) % wheelSlots
		slot := h.wheel.slots[h.wheel.at]
		if len(slot) == 0 {
			continue
		}
		frame := heartbeatFrame(h.now)
		kept := slot[:0]
		for _, s := range slot {
			if s.phase != closed {
				kept = append(kept, s)
				h.visit(s, frame)
			}
		}
		clear(slot[len(kept):])
		h.wheel.slots[h.wheel.at] = kept
	}
}

// visit is what each stream gets once a period.
func (h *Hub) visit(s *Stream, heartbeat Frame) {
	h.watchExpiry(s)
	h.auditStream(s)
	h.keepPosition(s)
	if !s.blocked {
		h.write(s, heartbeat)
	}
	if pending, _ := s.conn.Progress(); pending > 0 {
		h.watch(s)
	}
}

// backoff doubles from 50 ms to 5 s and draws from its upper half.
func (h *Hub) backoff(attempt int) time.Duration {
	d := min(backoffFrom<<min(attempt, 10), backoffTo)
	return d/2 + time.Duration(h.rand.Int64N(int64(d/2)))
}
