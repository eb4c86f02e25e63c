package stream

import (
	"slices"
	"time"
)

// position is where a stream stands, as its cursor says it: the pair of w and the
// listed logs, whose marks are the stream's positions in them (Stream.pos).
//
// A frame lists its log. From time to time, when the stream is level with all logs,
// w moves up and the list shrinks to the logs with an entry after it. w moves by
// verified reads of heads and memberships alone, never by the clock: what a clock
// says has been sent may not even have arrived.
type position struct {
	w         int64   // Unix ms
	listed    []int32 // slots
	resumed   int64   // Unix ms: w of the client's cursor, 0 if it brought none
	refreshed int64   // Unix ms: when w last moved
	told      int64   // Unix ms: when the client last got an id
}

const (
	// settleTime is how much older than a verified read w is. It covers what lies
	// between the drawing of a ts and the commit (a new ts for each attempt, 5 s an
	// attempt, no retries by the SDK) and the skew of the clocks of writers and
	// streamers (10 s, or the streamer is not ready).
	settleTime = time.Minute

	refreshEvery = time.Minute
	tellEvery    = time.Hour // so that the cursor of a quiet client doesn't expire
	manyListed   = 24        // beyond, the user's logs are verified once a minute, to shrink the list
)

// list notes that the log at slot has entries after w that were written.
func (p *position) list(slot int32) {
	if !slices.Contains(p.listed, slot) {
		p.listed = append(p.listed, slot)
	}
}

// had says whether the entry after the position was written by a former
// connection: in a log that isn't listed all with ts ≤ w were.
func (s *Stream) had(slot int32, e *entry) bool {
	return e.TS <= s.at.resumed && !slices.Contains(s.at.listed, slot)
}

// idLine is the "id:" line of a frame that is the part of the entry at seq, or with
// part 0 the last of it. It is valid until the next call.
func (h *Hub) idLine(s *Stream, slot int32, seq int64, part uint8) []byte {
	c := &h.scratch.cursor
	c.user, c.selection, c.w, c.full, c.marks = s.user.id, s.selection().cursor(), s.at.w, false, c.marks[:0]
	for _, l := range s.at.listed {
		m := mark{key: s.user.seats[l].log.key, seq: s.pos(l)}
		if l == slot {
			m.seq, m.part = seq, part
		} else if p := s.written(l); p > 0 {
			m.seq, m.part = m.seq+1, p
		}
		c.marks = append(c.marks, m)
	}
	h.scratch.line, h.scratch.raw = c.append(append(h.scratch.line[:0], "id: "...), h.scratch.raw)
	h.scratch.line = append(h.scratch.line, '\n')
	s.told(h.now)
	return h.scratch.line
}

// scratch is memory that frames are made of, again and again.
type scratch struct {
	cursor          cursor
	raw, line, user []byte
	text, out       []byte // of compressed streams
}

// told notes that the client gets its position.
func (s *Stream) told(now time.Time) {
	s.at.told = now.UnixMilli()
	if s.mode != nil && s.mode.narrow != nil {
		s.mode.narrow.passed = 0
	}
}

// here is the id line of where the stream stands.
func (h *Hub) here(s *Stream) []byte { return h.idLine(s, -1, 0, 0) }

// tell tells the client its position without an event: an EventSource takes up the
// id of a block without data, too.
func (h *Hub) tell(s *Stream) { h.write(s, Frame{ID: h.here(s), Tail: []byte("\n")}) }

// refresh moves w up to what is verified, if the stream is level with all logs.
// It runs between inputs, so no fan-out is under way.
func (h *Hub) refresh(s *Stream) {
	u := s.user
	if s.phase != live || s.pulling || s.behind() {
		return
	}
	w := u.verifiedAt
	for slot := range u.seats {
		seat := &u.seats[slot]
		if seat.at < 0 || !s.follows(int32(slot)) {
			continue
		}
		if seat.log.state != tracked {
			return
		}
		w = min(w, seat.log.verifiedAt)
	}
	w -= settleTime.Milliseconds()
	if w <= s.at.w {
		return
	}
	if w-s.at.w >= tellEvery.Milliseconds() {
		s.at.told = 0 // what the client has is far older than need be
	}
	s.at.w, s.at.refreshed = w, h.now.UnixMilli()
	s.at.listed = s.at.listed[:0]
	for slot := range u.seats {
		// Where the client was ahead of this hub, how late that entry is isn't known
		// here yet.
		if !s.follows(int32(slot)) {
			continue
		}
		seat := &u.seats[slot]
		end, ts := u.newest(int32(slot))
		ahead := seat.at >= 0 && s.pos(int32(slot)) > end || s.written(int32(slot)) > 0
		if ahead || ts > w {
			s.at.listed = append(s.at.listed, int32(slot))
		}
	}
	if len(s.at.listed) == 0 {
		s.at.listed = nil
	}
}

// keepPosition is the part of a visit that is about the position.
func (h *Hub) keepPosition(s *Stream) {
	now := h.now.UnixMilli()
	quiet := now-s.at.told >= tellEvery.Milliseconds()
	if (quiet || len(s.at.listed) > 0) && now-s.at.refreshed >= refreshEvery.Milliseconds() {
		h.refresh(s)
		if len(s.at.listed) > manyListed {
			h.verifySoon(s.user)
		}
	}
	if quiet && s.phase == live && !s.blocked {
		h.tell(s)
	}
}
