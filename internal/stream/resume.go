package stream

import (
	"context"
	"slices"
	"time"

	"tidings/internal/chat"
)

// maxReplay is how many entries a stream may have to pull, in all its logs. A client
// that missed more is faster with its lists.
const maxReplay = 1000

// reset is why a client is told to fetch its lists again.
type reset uint8

const (
	noReset        reset = iota
	resetInvalid         // the position is damaged, somebody else's, or ahead of the table
	resetSelection       // it is that of a stream narrowed in another way
	resetExpired         // it is too old, or entries after it are gone
	resetOverflow        // too much was missed
)

func (r reset) String() string {
	return [...]string{"", "invalid", "selection", "expired", "overflow"}[r]
}

// resume is what an opening stream needs of its client's cursor until its positions
// are fixed.
type resume struct {
	cursor  cursor
	found   map[int32]rewound // by slot: what was read
	heads   map[int32]int64   // by slot: the head of a log in which the cursor is ahead of the hub
	reading int
}

// rewound is a position that was found by ts.
type rewound struct {
	pos     int64
	tooMuch bool
}

// takeUp reads the text of the position that the client brought, if any.
func (s *Stream) takeUp(user chat.UserID, text string, now time.Time) {
	if text == "" {
		return
	}
	c, ok := parseCursor(text)
	switch age := now.UnixMilli() - c.w; {
	case !ok || c.user != user || age < -settleTime.Milliseconds():
		s.reset = resetInvalid
	case c.selection != s.selection().cursor():
		s.reset = resetSelection
	case c.full:
		s.reset = resetOverflow
	case age > retention.Milliseconds():
		s.reset = resetExpired
	default:
		s.resume = &resume{cursor: c, found: map[int32]rewound{}, heads: map[int32]int64{}}
	}
}

// resolve fixes the positions by the client's cursor, once all logs are tracked. It
// says whether that is done; else the reads that it began come back to settle.
func (h *Hub) resolve(s *Stream) bool {
	r := s.resume
	if r.reading > 0 {
		return false
	}
	marks := make(map[logKey]mark, len(r.cursor.marks))
	for _, m := range r.cursor.marks {
		marks[m.key] = m
	}
	if len(marks) < len(r.cursor.marks) {
		h.giveUp(s, resetInvalid)
		return true
	}
	s.at, s.lags = position{w: r.cursor.w, resumed: r.cursor.w}, s.lags[:0]
	taken := make(map[logKey]bool, len(marks))
	for i := range s.user.seats {
		slot := int32(i)
		if !s.follows(slot) {
			continue
		}
		m, listed := marks[s.user.seats[i].log.key]
		switch {
		case !listed:
			h.rewind(s, slot)
		case taken[m.key]: // two logs with one key
			h.giveUp(s, resetInvalid)
		default:
			taken[m.key] = true
			h.resumeAt(s, slot, m)
		}
		if s.resume == nil {
			return true
		}
	}
	return r.reading == 0
}

// giveUp makes the stream begin at now and say so.
func (h *Hub) giveUp(s *Stream, why reset) {
	s.resume, s.reset = nil, why
	s.at, s.lags = position{}, nil
}

// resumeAt takes a position that the cursor names.
func (h *Hub) resumeAt(s *Stream, slot int32, m mark) {
	if end, _ := s.user.target(slot); s.user.seats[slot].at >= 0 && m.seq > end {
		// The client's last instance was ahead of this one, or the table was set
		// back: the head tells.
		head, known := s.resume.heads[slot]
		switch {
		case !known:
			h.readAhead(s, slot)
			return
		case m.seq > head:
			h.giveUp(s, resetInvalid)
			return
		}
	}
	s.at.list(slot)
	if m.part > 0 {
		m.seq--
	}
	s.stand(slot, m.seq, m.part)
}

// readAhead reads the head of a log in which the client seems to be ahead.
func (h *Hub) readAhead(s *Stream, slot int32) {
	r, l := s.resume, s.user.seats[slot].log
	r.reading++
	var heads map[chat.LogID]chat.Head
	h.read(readHead, func() bool { return s.resume == r }, func(ctx context.Context) (err error) {
		heads, err = h.store.Heads(ctx, []chat.LogID{l.id})
		return err
	}, func() {
		if s.resume != r {
			return
		}
		r.reading--
		r.heads[slot] = heads[l.id].Seq
		h.verified(l, heads[l.id], h.readAt.UnixMilli())
		h.advanceLater(s)
	})
}

// rewind finds the position in a log that the cursor doesn't list: all with ts ≤ w
// were sent. Usually nothing came since.
func (h *Hub) rewind(s *Stream, slot int32) {
	u := s.user
	end, ts := u.newest(slot)
	switch found, ok := s.resume.found[slot]; {
	case ok && found.tooMuch:
		h.giveUp(s, resetOverflow)
	case ok:
		s.stand(slot, found.pos, 0)
	case ts <= s.at.w: // and level
	default:
		if pos, ok := u.seats[slot].log.before(s.at.w, end); ok {
			s.stand(slot, max(pos, u.iv(slot)[0].From-1), 0)
			return
		}
		h.readBack(s, slot, end)
	}
}

// readBack looks for the position in the table.
func (h *Hub) readBack(s *Stream, slot int32, end int64) {
	r, id, iv, w := s.resume, s.user.seats[slot].log.id, s.user.iv(slot), s.at.w
	r.reading++
	var found rewound
	h.read(readPosition, func() bool { return s.resume == r }, func(ctx context.Context) (err error) {
		found, err = findBack(ctx, h.store, id, iv, end, w)
		return err
	}, func() {
		if s.resume != r {
			return
		}
		r.reading--
		r.found[slot] = found
		h.advanceLater(s)
	})
}

// findBack is the position just before the oldest entry with ts > w that the member
// may see, looking back from end through the intervals, at most maxReplay entries.
func findBack(ctx context.Context, store Store, id chat.LogID, iv chat.Intervals, end, w int64) (rewound, error) {
	left := int64(maxReplay)
	for _, in := range slices.Backward(iv) {
		from, to := in.From-1, end
		if in.To != 0 {
			to = min(to, in.To)
		}
		if to <= from {
			continue
		}
		after := max(from, to-left-1)
		pos, err := store.Position(ctx, id, w, after, to)
		switch {
		case err != nil || pos > after:
			return rewound{pos: pos}, err
		case after > from:
			return rewound{tooMuch: true}, nil
		}
		left -= to - from
	}
	return rewound{pos: iv[0].From - 1}, nil
}

// before is the position just before the oldest entry with ts > w up to end, as far
// as the cache knows.
func (l *logState) before(w, end int64) (pos int64, ok bool) {
	recent := l.recent()
	if len(recent) == 0 || recent[0].TS > w && recent[0].Seq > 1 || recent[len(recent)-1].Seq < end {
		return 0, false
	}
	i, _ := slices.BinarySearchFunc(recent, w, func(e *entry, w int64) int {
		if e.TS <= w {
			return -1
		}
		return 1
	})
	if i == len(recent) {
		return end, true
	}
	return min(end, recent[i].Seq-1), true
}

// backlog is how many entries the stream has to pull.
func (s *Stream) backlog() (n int64) {
	for _, l := range s.lags {
		to, known := s.user.target(l.slot)
		if !known {
			continue
		}
		for _, in := range s.user.iv(l.slot).Within(l.pos+1, to) {
			n += in.To - in.From + 1
		}
	}
	return n
}

// restart makes a live stream begin again at now, and tell the client that what lay
// between is not told.
func (h *Hub) restart(s *Stream, why reset) {
	if s.phase != live {
		return
	}
	h.flushBatch(s) // with the position that it leaves the client at
	s.phase = settling
	s.pulling, s.tries = false, 0
	s.round++
	h.giveUp(s, why)
	h.advanceLater(s)
}
