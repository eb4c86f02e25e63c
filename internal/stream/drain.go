package stream

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"
)

// drainStep is how often streams are sent away while the instance drains: finer
// than what anybody could notice of the rate.
const drainStep = 20 * time.Millisecond

// Drain sends every stream away, one after the other over the configured time, so
// that their clients reach other instances at an even rate. New ones are turned
// away. It returns when all sockets are gone, the hub has ended, or ctx ends.
func (h *Hub) Drain(ctx context.Context) {
	h.draining.Store(true)
	began := make(chan struct{})
	if h.input(ctx, func() {
		h.sendAwayBy(h.everybody(), h.now)
		close(began)
	}) != nil {
		return
	}
	select {
	case <-began:
		h.waitEmpty(ctx)
	case <-h.done:
	case <-ctx.Done():
	}
}

// everybody is all streams in an order of chance.
func (h *Hub) everybody() []*Stream {
	all := make([]*Stream, 0, h.streams)
	for _, u := range slices.SortedFunc(maps.Values(h.users), func(a, b *user) int { return cmp.Compare(a.id, b.id) }) {
		all = append(all, u.streams...)
	}
	h.rand.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	return all
}

// sendAwayBy sends away those whose time has come: each has its slot in the time
// that began then.
func (h *Hub) sendAwayBy(all []*Stream, began time.Time) {
	gone := 0
	var step func()
	step = func() {
		due := len(all)
		if passed := h.now.Sub(began); passed < h.cfg.Drain {
			due = int(int64(len(all)) * int64(passed) / int64(h.cfg.Drain))
		}
		for ; gone < due; gone++ {
			h.sendAway(all[gone])
		}
		if gone < len(all) {
			h.timers.set(h.now.Add(drainStep), step)
		}
	}
	step()
}

// sendAway tells the stream to go to another instance.
func (h *Hub) sendAway(s *Stream) {
	if s.phase != closed {
		h.write(s, reconnectFrame(between(h.rand, reconnectFrom, reconnectTo)))
		h.end(s, "drain")
	}
}

// sendAllAway does so with all streams at once. Who waits for the loop is let in
// first, to be told too.
func (h *Hub) sendAllAway() {
	for {
		select {
		case f := <-h.inbox:
			f()
			continue
		default:
		}
		break
	}
	for _, s := range h.everybody() {
		h.sendAway(s)
	}
}
