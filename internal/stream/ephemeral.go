package stream

import "tidings/internal/chat"

// ephemeral is what the other members are told if they are here now.
type ephemeral struct {
	*chat.Ephemeral
	log  *logState
	last int64 // of the log when it came
	part part
}

// note is an ephemeral that a stream is told when there is time for it.
type note struct {
	stream *Stream
	of     *ephemeral
}

// maxNotes is how many may be waiting: two ephemerals for everybody. They get what
// entries leave of each slice, so they are what is dropped first.
const maxNotes = 32 << 10

// ephemeral tells the members that are here, a slice of them at once. A hub that doesn't
// know the log as far as the writer did could tell somebody who has left since, and drops
// it.
func (h *Hub) ephemeral(e *chat.Ephemeral) {
	l := h.logs.get(e.Log)
	if l == nil || l.state != tracked || l.last < e.Head {
		h.metrics.ephemerals.WithLabelValues("dropped").Inc()
		return
	}
	of := &ephemeral{Ephemeral: e, log: l, last: l.last, part: encodeEphemeral(e.Event())}
	told, outcome := 0, "delivered"
	for _, u := range l.members {
		for _, s := range u.streams {
			switch {
			case !of.suits(s):
			case told < h.cfg.Slice:
				told++
				h.tellNote(s, of)
			case len(h.notes) < maxNotes:
				h.notes = append(h.notes, note{s, of})
			default:
				outcome = "dropped"
			}
		}
	}
	h.metrics.ephemerals.WithLabelValues(outcome).Inc()
}

// suits says whether the stream is to be told: its user is a member, and was one when
// the ephemeral came; and the stream has what the hub had of the log then.
func (e *ephemeral) suits(s *Stream) bool {
	if s.phase != live || s.blocked || !e.part.to.Includes(s.user.id, e.By) || !s.hears(e.Log, e.part.typ) {
		return false
	}
	slot := s.user.slotOf(e.log)
	if slot < 0 {
		return false
	}
	iv := s.user.iv(slot)
	return iv.Open() && iv.Contains(e.last) && s.pos(slot) >= e.last
}

// tellNote gives the stream an ephemeral that suits it.
func (h *Hub) tellNote(s *Stream, e *ephemeral) {
	h.tally.deliveries++
	if b := s.batch(); b != nil {
		h.gather(s, b, &e.part)
		h.flushFullBatch(s)
		return
	}
	h.event(s, &e.part, nil, anchor{})
}

// nextNotes tells the next that wait, at most n, what still suits them.
func (h *Hub) nextNotes(n int) {
	n = min(n, len(h.notes))
	for i, w := range h.notes[:n] {
		h.notes[i] = note{}
		if w.of.suits(w.stream) {
			h.tellNote(w.stream, w.of)
		}
	}
	if h.notes = h.notes[n:]; len(h.notes) == 0 {
		h.notes = nil
	}
}
