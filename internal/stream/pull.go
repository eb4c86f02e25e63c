package stream

import (
	"context"
	"slices"

	"tidings/internal/chat"
)

// pull writes what the stream lacks, as much as its socket takes: from the cache,
// else from the table, page by page. It goes on when a page is read, when the
// socket is writable again and when a pending log is tracked.
func (h *Hub) pull(s *Stream) {
	if s.phase != live || s.pulling {
		return
	}
	for i := 0; i < len(s.lags) && !s.blocked && !s.pulling; {
		h.pullSeat(s, s.lags[i].slot)
		if !s.endLag(i) {
			i++
		}
	}
}

// pullSeat pulls one log.
func (h *Hub) pullSeat(s *Stream, slot int32) {
	for {
		to, known := s.user.target(slot)
		if !known {
			return
		}
		s.move(slot, min(to, s.user.next(slot, s.pos(slot))-1))
		at := s.pos(slot)
		if at >= to || s.blocked {
			return
		}
		e := s.user.seats[slot].log.cached(at + 1)
		if e == nil {
			h.readPage(s, slot, at, min(to, at+pullBatch))
			return
		}
		h.pass(s, slot, e)
	}
}

// pass gives a pulling stream the entry after its position.
func (h *Hub) pass(s *Stream, slot int32, e *entry) {
	u := s.user
	if last := u.iv(slot).Last(); slices.Contains(e.Removes, u.id) && u.cut(slot, e.Seq, e.TS) {
		// The hub began to track the log above this removal. Later changes may be
		// known, but not the time between: the item tells.
		h.place(u, slot)
		h.ring(u, u.seats[slot].log.id, last)
	}
	if u.iv(slot).Contains(e.Seq) && !s.had(slot, e) {
		h.send(s, slot, e)
	} else {
		s.move(slot, e.Seq)
	}
}

// readPage reads entries for the stream alone. A page is small enough that the
// socket takes most of it; what it doesn't is read again.
func (h *Hub) readPage(s *Stream, slot int32, after, to int64) {
	s.pulling = true
	id := s.user.seats[slot].log.id
	round := s.round
	wanted := func() bool { return s.phase == live && s.round == round }
	var got []chat.Entry
	h.read(readPull, wanted, func(ctx context.Context) (err error) {
		got, err = h.store.Entries(ctx, id, after, to)
		return err
	}, func() {
		if wanted() {
			h.takePage(s, slot, to, got)
		}
	})
}

// takePage passes on what was read as far as the seat reaches: a removal in the
// page ends it there, until more is known of it.
func (h *Hub) takePage(s *Stream, slot int32, to int64, got []chat.Entry) {
	s.pulling = false
	before := s.pos(slot)
	more := func() bool {
		end, known := s.user.target(slot)
		return known && s.pos(slot) < end && !s.blocked
	}
	for i := 0; i < len(got) && more(); i++ {
		next := s.pos(slot) + 1
		if got[i].Seq < next {
			continue
		}
		if got[i].Seq > next {
			if s.tries <= holdTries {
				break // maybe not visible yet
			}
			h.skip(s, slot, got[i].Seq-1)
			return
		}
		h.pass(s, slot, &entry{Entry: got[i]})
	}
	if s.pos(slot) == before && more() {
		if s.tries++; s.tries <= holdTries || len(got) > 0 {
			s.pulling = true
			round := s.round
			h.timers.set(h.now.Add(h.backoff(int(s.tries))), func() {
				if s.round == round {
					s.pulling = false
					h.pull(s)
				}
			})
			return
		}
		h.skip(s, slot, to)
		return
	}
	s.tries = 0
	h.pull(s)
}

// skip gives up positions that the table no longer has, and says so.
func (h *Hub) skip(s *Stream, slot int32, to int64) {
	h.metrics.holes.Add(float64(to - s.pos(slot)))
	h.log.ErrorContext(h.readCtx, "entries are gone from the table",
		"log", s.user.seats[slot].log.id, "user", s.user.id, "after", s.pos(slot), "to", to)
	h.restart(s, resetExpired)
}
