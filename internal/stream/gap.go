package stream

import (
	"context"
	"math"

	"tidings/internal/chat"
)

// gap is what a log's hub knows of above last: entries that came too early, and
// that there are entries up to top.
type gap struct {
	held  map[int64]*entry
	told  map[int64]way // what was announced without its entry, at most maxHeld
	found int64         // up to here the audit saw entries that nothing had announced
	top   int64
	busy  bool // a timer is set or a read under way
	tries int  // reads without progress
	there bool // the head says that the missing entries were committed
}

// forget drops what is held up to seq.
func (g *gap) forget(seq int64) {
	for s := range g.held {
		if s <= seq {
			delete(g.held, s)
		}
	}
	for s := range g.told {
		if s <= seq {
			delete(g.told, s)
		}
	}
}

// wayOf is how an entry came that was read for the gap.
func (g *gap) wayOf(seq int64) way {
	w, told := g.told[seq]
	switch {
	case told:
	case seq <= g.found:
		w.path = byAudit
	default:
		w.path = byGap
	}
	return w
}

// lowest is the lowest held seq.
func (g *gap) lowest() int64 {
	low := int64(math.MaxInt64)
	for s := range g.held {
		low = min(low, s)
	}
	return low
}

// hold keeps an entry, or the hint of one (e is nil), until those before it came.
// When too many are held only their number is kept: they are read instead.
func (h *Hub) hold(l *logState, seq int64, e *chat.Entry, w way) {
	g := l.gap()
	if g == nil {
		g = &gap{held: map[int64]*entry{}, told: map[int64]way{}}
		l.put().gap = g
	}
	g.top = max(g.top, seq)
	_, twice := g.held[seq]
	switch {
	case twice:
		h.tally.duplicates++
	case e != nil && len(g.held) < maxHeld:
		h.tally.held++
		g.held[seq] = &entry{Entry: *e, way: w}
	case w.path == byAudit:
		g.found = seq
	case len(g.told) < maxHeld:
		g.told[seq] = w
	}
	if l.state == tracked {
		h.await(l, g)
	}
}

// drain delivers what is held as far as it follows on last, and as the hub keeps up.
func (h *Hub) drain(l *logState) {
	g := l.gap()
	if g == nil {
		return
	}
	delete(g.held, l.last)
	for !h.overloaded() {
		e, ok := g.held[l.last+1]
		if !ok {
			break
		}
		delete(g.held, e.Seq)
		h.deliver(l, e)
	}
	if l.last >= g.top {
		l.aside.gap = nil
		l.tidy()
		return
	}
	h.await(l, g)
}

// await gives the missing entries a moment to come by themselves.
func (h *Hub) await(l *logState, g *gap) {
	if g.busy {
		return
	}
	g.busy = true
	h.timers.set(h.now.Add(gapWait), func() { h.fill(l, g) })
}

// fill reads the missing entries before the first held one.
func (h *Hub) fill(l *logState, g *gap) {
	if l.gap() != g {
		return
	}
	if _, held := g.held[l.last+1]; held || h.overloaded() { // drain stopped, and goes on when the hub has caught up
		g.busy = false
		h.drain(l)
		return
	}
	after, to := l.last, min(g.top, g.lowest()-1)
	var got []chat.Entry
	h.read(readGap, func() bool { return l.gap() == g }, func(ctx context.Context) (err error) {
		got, err = h.store.Entries(ctx, l.id, after, to)
		return err
	}, func() { h.filled(l, g, to, got) })
}

// filled takes the entries that were read for the gap.
func (h *Hub) filled(l *logState, g *gap, to int64, got []chat.Entry) {
	if l.gap() != g {
		return
	}
	g.busy = false
	before := l.last
	for _, e := range got {
		if e.Seq == l.last+1 && !h.overloaded() {
			h.tally.gapsFilled++
			h.deliver(l, &entry{Entry: e, way: g.wayOf(e.Seq)})
		}
	}
	g.forget(l.last)
	if l.last > before || h.overloaded() {
		g.tries, g.there = 0, false
		h.drain(l)
		return
	}
	switch g.tries++; {
	case g.there: // read after the head said so, and still not there
		next := to + 1
		if len(got) > 0 {
			next = got[0].Seq
		}
		g.tries, g.there = 0, false
		h.jump(l, next-1)
		h.drain(l)
		return
	case g.tries > holdTries:
		h.question(l, g, to)
		return
	}
	// The transaction that was announced becomes visible item by item.
	g.busy = true
	h.timers.set(h.now.Add(h.backoff(g.tries)), func() { h.fill(l, g) })
}

// question looks at the head after reads of the gap gave nothing that follows on
// last: either there are no such entries, or the table has lost them.
func (h *Hub) question(l *logState, g *gap, to int64) {
	g.busy = true
	var heads map[chat.LogID]chat.Head
	h.read(readHead, func() bool { return l.gap() == g }, func(ctx context.Context) (err error) {
		heads, err = h.store.Heads(ctx, []chat.LogID{l.id})
		return err
	}, func() {
		if l.gap() != g {
			return
		}
		head := heads[l.id].Seq
		if head >= to { // they may have become visible since the last look
			g.there = true
			h.fill(l, g)
			return
		}
		g.busy, g.tries = false, 0
		h.metrics.phantoms.Inc()
		h.log.ErrorContext(h.readCtx, "announced entries don't exist", "log", l.id, "head", head, "announced", g.top)
		for s := range g.held {
			if s > head {
				delete(g.held, s)
			}
		}
		g.top = max(head, l.last)
		h.drain(l)
	})
}

// jump gives up positions that the table no longer has, and says so to those who
// should have got them.
func (h *Hub) jump(l *logState, to int64) {
	if to <= l.last {
		return // they came after all
	}
	h.metrics.holes.Add(float64(to - l.last))
	h.log.ErrorContext(h.readCtx, "entries are gone from the table", "log", l.id, "after", l.last, "to", to)
	for _, u := range l.members {
		slot := u.slotOf(l)
		missed := len(u.iv(slot).Within(l.last+1, to)) > 0
		for _, s := range u.streams {
			if s.phase != live || !s.follows(slot) {
				continue
			}
			switch at := s.pos(slot); {
			case at < l.last: // it comes to the hole by itself
			case missed && at < to:
				h.restart(s, resetExpired)
			default:
				s.move(slot, to)
			}
		}
	}
	l.last, l.ts = to, h.now.UnixMilli() // not before the last one that is gone
	l.trackedAt = h.turns                // a removal may be gone too: memberships that were read before count no more
	l.gap().forget(to)
	h.leaveSeats(l, l.users())
}
