package stream

import "tidings/internal/chat"

// ephemeral is what the other members are told if they are here now.
type ephemeral struct {
	*chat.Ephemeral
	log  *logState
	last int64 // of the log when it came
	part part
}

// maxBehindShed is how many streams may wait for their slices of entries before
// ephemerals are dropped: they are what goes first.
const maxBehindShed = maxBehind / 2

// ephemeral tells the members that are here, a slice of them at once, the others as with
// an entry. A hub that doesn't know the log as far as the writer did could tell somebody
// who has left since, and drops it.
func (h *Hub) ephemeral(e *chat.Ephemeral) {
	l := h.logs.get(e.Log)
	if l == nil || l.state != tracked || l.last < e.Head || len(h.behind) >= maxBehindShed {
		h.metrics.ephemerals.WithLabelValues("dropped").Inc()
		return
	}
	h.metrics.ephemerals.WithLabelValues("delivered").Inc()
	note := &ephemeral{Ephemeral: e, log: l, last: l.last, part: encodeEphemeral(e.Event())}
	told := 0
	var later *fanOut
	for _, u := range l.members {
		for _, s := range u.streams {
			if told++; told <= h.cfg.Slice {
				h.tellNote(s, note)
				continue
			}
			if later == nil {
				later = &fanOut{ephemeral: note}
			}
			h.behind = append(h.behind, behind{s, later})
		}
	}
}

// tellNote gives the stream an ephemeral if its user is a member now, and it has what the
// hub had of the log when it came.
func (h *Hub) tellNote(s *Stream, e *ephemeral) {
	if s.phase != live || s.blocked || !e.part.to.Includes(s.user.id, e.By) || !s.hears(e.Log, e.part.typ) {
		return
	}
	slot := s.user.slotOf(e.log)
	if slot < 0 || !s.user.iv(slot).Open() || s.pos(slot) < e.last {
		return
	}
	h.tally.deliveries++
	if b := s.batch(); b != nil {
		h.gather(s, b, &e.part)
		h.flushFullBatch(s)
		return
	}
	h.event(s, &e.part, nil, anchor{})
}
