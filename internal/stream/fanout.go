package stream

// fanOut is the passing on of one entry. To as many streams as fit into a slice that is
// done at once. To the others it is not: they are behind from then on, and pull, a slice
// of them a turn, so that what comes for few needn't wait for what goes to many.
type fanOut struct {
	entry  *entry
	left   int    // streams that have not pulled yet
	events uint64 // enqueued to connections
}

// behind is a stream that is to pull, since it was not among the first.
type behind struct {
	stream *Stream
	of     *fanOut
}

// maxBehind is how many may be waiting before the hub takes no more: then it is behind
// as a whole, and messages wait in the queue. Four entries for everybody.
const maxBehind = 64 << 10

// overloaded says whether too much waits for its slices: of streams, or of entries, which
// the cache keeps for them beyond its size.
func (h *Hub) overloaded() bool {
	n := len(h.behind)
	return n >= maxBehind || n > 0 && h.cache.size > 2*h.cache.max
}

// fanOut passes the log's newest entry on to the members that are here.
func (h *Hub) fanOut(l *logState, e *entry) {
	before, fed := h.tally.deliveries, 0
	var f *fanOut
	for _, u := range l.members {
		slot := u.slotOf(l)
		in := u.iv(slot).Contains(e.Seq)
		for _, s := range u.streams {
			if fed++; fed <= h.cfg.Slice {
				h.feed(s, slot, in, e)
				continue
			}
			if s.phase != live || !s.follows(slot) {
				continue
			}
			if f == nil {
				f = &fanOut{entry: e}
				e.passing = true
			}
			if f.left++; s.lagAt(slot) < 0 {
				s.lags = append(s.lags, lag{slot: slot, pos: e.Seq - 1})
			}
			h.behind = append(h.behind, behind{s, f})
		}
	}
	events := h.tally.deliveries - before
	if f == nil {
		h.delivered(e, events)
		return
	}
	f.events = events
}

// nextSlice has the next of those that are behind pull. What they leave of the slice is
// for ephemerals.
func (h *Hub) nextSlice() {
	n := min(len(h.behind), h.cfg.Slice)
	for i, b := range h.behind[:n] {
		h.behind[i] = behind{}
		before := h.tally.deliveries
		h.pull(b.stream)
		b.of.events += h.tally.deliveries - before
		if b.of.left--; b.of.left == 0 {
			b.of.entry.passing = false
			h.delivered(b.of.entry, b.of.events)
		}
	}
	if h.behind = h.behind[n:]; len(h.behind) == 0 {
		h.behind = nil
	}
	h.nextNotes(h.cfg.Slice - n)
}
