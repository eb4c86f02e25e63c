package stream

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"tidings/internal/chat"
)

// phase is how far a stream has got.
type phase uint8

const (
	queued   phase = iota // waits for its turn to read the table
	greeting              // the user's own log is not tracked yet
	asking                // session and memberships are being read
	settling              // logs are not all tracked yet
	live                  // positions are fixed, ready was sent
	closed
)

// Stream is the hub's side of one connection. Its exported methods are for the
// socket.
type Stream struct {
	// Constant.
	hub     *Hub
	conn    Conn
	session chat.Session  // as it was authenticated
	verdict chan struct{} // closed when refused is known
	gone    atomic.Bool   // the socket said Closed

	// Written by the hub's loop before it closes verdict.
	refused error // the session has ended; nil when it holds, or the stream was closed before it was read

	// Owned by the hub's loop.
	user        *user
	expires     time.Time // of the session
	pos         []int64   // per seat of the user: all up to here is written, or not theirs
	at          position  // what of that the client is told
	resume      *resume   // until the positions are fixed, if the client brought one
	reset       string    // why the client's position doesn't count, until it was told
	lag         []int32   // slots whose position is behind; the stream pulls them
	phase       phase
	opened      bool // was live once
	verified    bool // the session was read
	decided     bool // verdict is closed
	expiring    bool // a timer for the session's end is set
	rechecking  bool // the session is being read again
	blocked     bool // enough is pending; no more until Writable
	pulling     bool // a read for it is under way
	dirty       bool // written to since the last flush
	watched     bool
	advancing   bool
	tries       uint8  // reads without progress
	outstanding uint8  // reads of the connect
	round       uint32 // of pulling; a new one begins after a restart
	askedAt     uint64 // the turn in which the newest read of the memberships began
	heldAt      int64  // Unix ms: when the session was last read
	sent        uint64 // bytes, when it was last looked at
	progressAt  time.Time
}

// Writable says that the socket's pending bytes are down to PendingLow after a
// Write had reported PendingHigh or more.
func (s *Stream) Writable() {
	_ = s.hub.input(context.Background(), func() { // after the hub's end nothing is fed
		if s.phase == closed {
			return
		}
		s.blocked = false
		if s.backlog() > maxReplay {
			s.hub.restart(s, resetOverflow)
		}
		s.hub.pull(s)
	})
}

// Closed says that the socket is gone, whoever closed it. Every stream from
// Hub.Open needs this call once; further ones do nothing.
func (s *Stream) Closed() {
	if s.gone.Swap(true) {
		return
	}
	_ = s.hub.input(context.Background(), func() { s.hub.end(s, "client") }) // after the hub's end it is closed anyway
	s.hub.open.Add(-1)
	select {
	case s.hub.left <- struct{}{}:
	default: // one hint is enough
	}
}

// write gives the stream a frame, which leaves with the turn's flush.
func (h *Hub) write(s *Stream, f Frame) {
	if h.gathered >= maxGathered && !s.dirty {
		h.flush()
	}
	if s.conn.Write(f) >= PendingHigh && !s.blocked {
		s.blocked = true
		h.watch(s)
	}
	if h.gathered += f.Len(); !s.dirty {
		s.dirty = true
		h.dirty = append(h.dirty, s)
	}
}

// feed gives the stream the newest entry of a log. in says whether the user may
// see it. A stream that is behind finds it when it pulls.
func (h *Hub) feed(s *Stream, slot int32, in bool, e *entry) {
	switch {
	case s.phase != live || s.pos[slot] != e.Seq-1:
	case !in || s.had(slot, e):
		s.pos[slot] = e.Seq
	case s.blocked:
		h.lagIfBehind(s, slot)
	default:
		h.send(s, slot, e)
	}
}

// send writes the entry's events for the user, but those that a former connection
// wrote, and moves the position.
func (h *Hub) send(s *Stream, slot int32, e *entry) {
	parts := h.frames(e)
	written := s.written(slot, e.Seq)
	s.pos[slot] = e.Seq
	last := len(parts) - 1
	for ; last >= 0 && !parts[last].to.Includes(s.user.id, e.By); last-- {
	}
	if last < 0 {
		return
	}
	s.at.list(slot)
	for i, p := range parts[:last+1] {
		if p.n <= written || !p.to.Includes(s.user.id, e.By) {
			continue
		}
		n := p.n
		if i == last {
			n = 0 // the whole entry
		}
		h.tally.deliveries++
		h.write(s, Frame{ID: h.idLine(s, slot, e.Seq, n), Head: eventHead, User: s.user.text, Tail: p.tail})
	}
}

// end closes the stream for the reason that the metrics count.
func (h *Hub) end(s *Stream, reason string) {
	if s.phase == closed {
		return
	}
	s.decide(nil)
	connecting := !s.opened && (s.phase == greeting || s.phase == asking || s.phase == settling)
	if s.phase == queued {
		if i := slices.Index(h.waiting, s); i >= 0 {
			h.waiting = slices.Delete(h.waiting, i, i+1)
		}
	}
	s.phase = closed
	s.conn.Flush()
	s.conn.Close()
	h.metrics.closed.WithLabelValues(reason).Inc()
	h.streams--
	h.metrics.connections.Set(float64(h.streams))
	u := s.user
	if i := slices.Index(u.streams, s); i >= 0 {
		u.streams = slices.Delete(u.streams, i, i+1)
	}
	if len(u.streams) == 0 {
		h.leave(u)
	}
	s.user, s.pos, s.lag, s.at, s.resume = nil, nil, nil, position{}, nil
	if connecting {
		h.opening--
		h.connectNext()
	}
}

// decide tells the socket whether the session holds, once.
func (s *Stream) decide(refused error) {
	if !s.decided {
		s.decided, s.refused = true, refused
		close(s.verdict)
	}
}

// revoke tells the client why it must not come back as it is, and closes.
func (h *Hub) revoke(s *Stream, reason string) {
	s.conn.Write(revokedFrame(reason))
	h.end(s, reason)
}

// watchExpiry sets the timer of a session that ends before the next visit. Those
// that end later cost nothing.
func (h *Hub) watchExpiry(s *Stream) {
	if s.expiring || !s.verified || s.expires.Sub(h.now) > h.cfg.Heartbeat {
		return
	}
	s.expiring = true
	h.timers.set(s.expires, func() {
		if s.phase != closed {
			h.revoke(s, "expired")
		}
	})
}

// watch looks after a socket that has bytes pending.
func (h *Hub) watch(s *Stream) {
	if s.watched {
		return
	}
	s.watched = true
	_, s.sent = s.conn.Progress()
	s.progressAt = h.now
	h.watched = append(h.watched, s)
}

// sweepStalled closes the watched streams whose socket took nothing for too long.
func (h *Hub) sweepStalled() {
	kept := h.watched[:0]
	for _, s := range h.watched {
		if s.phase == closed {
			continue
		}
		pending, sent := s.conn.Progress()
		switch {
		case pending == 0:
			s.watched = false
			continue
		case sent != s.sent:
			s.sent, s.progressAt = sent, h.now
		case h.now.Sub(s.progressAt) >= stallAfter:
			h.end(s, "stalled")
			continue
		}
		kept = append(kept, s)
	}
	clear(h.watched[len(kept):])
	h.watched = kept
}

// Request is what a client asks for.
type Request struct {
	Session     chat.Session // of an authenticated request; it is read again before anything is sent
	LastEventID string       // the position to resume from, as the client got it; empty: now
}

// Open takes a stream in: ErrFull, ErrClosed.
func (h *Hub) Open(ctx context.Context, r Request, c Conn) (*Stream, error) {
	if h.draining.Load() {
		return nil, ErrClosed
	}
	if h.open.Add(1) > int64(h.cfg.MaxConnections) {
		h.open.Add(-1)
		return nil, ErrFull
	}
	s := &Stream{hub: h, conn: c, session: r.Session, expires: r.Session.Expires, verdict: make(chan struct{})}
	s.takeUp(r.LastEventID, time.Now())
	if err := h.input(ctx, func() { h.register(s, r.Session.User) }); err != nil {
		h.open.Add(-1)
		return nil, err
	}
	return s, nil
}
