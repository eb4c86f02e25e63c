package stream

import (
	"context"
	"math/bits"
	"slices"
	"strconv"
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
	hub       *Hub
	conn      Conn
	mode      *mode // nil: plain
	sessionID string
	issued    int64 // Unix ms: when the session was, as it was authenticated

	// verdict tells once whether the session holds: an error when it has ended. It
	// closes then, or when the stream is ready, so that its header and its first events
	// leave in one send. It is the socket's once the hub's loop has decided.
	verdict chan error
	gone    atomic.Bool // the socket said Closed

	// Owned by the hub's loop.
	round       uint32 // of pulling; a new one begins after a restart; here it fills a gap
	user        *user
	expires     int64    // of the session, Unix ms
	lags        []lag    // where the stream isn't where the hub is
	at          position // what the client is told of that
	resume      *resume  // until the positions are fixed, if the client brought one
	heldAt      int64    // Unix ms: when the session was last read
	askedAt     uint64   // the turn in which the newest read of the memberships began
	reset       reset    // why the client's position doesn't count, until it was told
	phase       phase
	foreign     bool // the session is
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
	tries       uint8 // reads without progress
	outstanding uint8 // reads of the connect
}

// session is what was authenticated, and what the table says of it since.
func (s *Stream) session() chat.Session {
	return chat.Session{
		ID: s.sessionID, User: s.user.id, Foreign: s.foreign,
		Created: time.UnixMilli(s.issued), Expires: time.UnixMilli(s.expires),
	}
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

// write gives the stream a frame of the stream's own, behind the events that wait.
func (h *Hub) write(s *Stream, f Frame) {
	h.flushBatch(s)
	if z := s.gzipped(); z != nil {
		f = h.compress(z, f)
	}
	h.put(s, f)
}

// put gives the socket what leaves with the turn's flush.
func (h *Hub) put(s *Stream, f Frame) {
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
	if s.phase != live || !s.follows(slot) {
		return
	}
	lagging := s.lagAt(slot) // the log's last is this entry already
	switch {
	case lagging >= 0 && s.lags[lagging].pos != e.Seq-1:
	case !in || s.had(slot, e):
		s.move(slot, e.Seq)
	case s.blocked && lagging < 0:
		s.lags = append(s.lags, lag{slot: slot, pos: e.Seq - 1})
	case !s.blocked:
		h.send(s, slot, e)
	}
	if lagging >= 0 {
		s.endLag(lagging)
	}
}

// send writes the entry's events for the user, but those that a former connection
// wrote, and moves the position.
func (h *Hub) send(s *Stream, slot int32, e *entry) {
	parts := h.frames(e)
	written := s.written(slot)
	s.move(slot, e.Seq)
	due, passed := s.due(e, parts)
	if due == 0 {
		if passed {
			h.passOver(s, slot)
		}
		return
	}
	s.at.list(slot)
	last := bits.Len32(due) - 1
	var after anchor
	for i := range parts[:last+1] {
		p := &parts[i]
		if p.n <= written || due&(1<<i) == 0 {
			continue
		}
		n := p.n
		if i == last {
			n = 0 // the whole entry
		}
		h.tally.deliveries++
		if b := s.batch(); b != nil {
			h.gather(s, b, p)
			continue
		}
		after = h.event(s, p, h.idLine(s, slot, e.Seq, n), after)
	}
	h.flushFullBatch(s)
}

// decimal is a user's id as frames show it. It is valid until the next call.
func (h *Hub) decimal(id chat.UserID) []byte {
	h.scratch.user = strconv.AppendInt(h.scratch.user[:0], int64(id), 10)
	return h.scratch.user
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
	h.flushBatch(s)
	h.unshare(s)
	s.phase = closed
	s.close()
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
	s.user, s.lags, s.at, s.resume = nil, nil, position{}, nil
	if connecting {
		h.opening--
		h.connectNext()
	}
}

// decide tells the socket whether the session holds, once. A stream that is closed
// before that is known is not refused.
func (s *Stream) decide(refused error) {
	if s.decided {
		return
	}
	s.decided = true
	verdict := s.verdict // the socket's with the first that it hears
	if refused != nil {
		verdict <- refused
	}
	close(verdict)
}

// revoke tells the client why it must not come back as it is, and closes.
func (h *Hub) revoke(s *Stream, reason string) {
	h.write(s, revokedFrame(reason))
	h.end(s, reason)
}

// watchExpiry sets the timer of a session that ends before the next visit. Those
// that end later cost nothing.
func (h *Hub) watchExpiry(s *Stream) {
	at := time.UnixMilli(s.expires)
	if s.expiring || !s.verified || at.Sub(h.now) > h.cfg.Heartbeat {
		return
	}
	s.expiring = true
	h.timers.set(at, func() {
		if s.phase != closed {
			h.revoke(s, "expired")
		}
	})
}

// watched is a stream whose socket is looked at for progress.
type watched struct {
	stream *Stream
	sent   uint64    // bytes, when it was last looked at
	since  time.Time // no more were sent
}

// watch looks after a socket that has bytes pending.
func (h *Hub) watch(s *Stream) {
	if s.watched {
		return
	}
	s.watched = true
	_, sent := s.conn.Progress()
	h.watched = append(h.watched, watched{stream: s, sent: sent, since: h.now})
}

// sweepStalled closes the watched streams whose socket took nothing for too long.
func (h *Hub) sweepStalled() {
	kept := h.watched[:0]
	for _, w := range h.watched {
		if w.stream.phase == closed {
			continue
		}
		pending, sent := w.stream.conn.Progress()
		switch {
		case pending == 0 && !w.stream.blocked: // the kernel may have taken the last byte that it takes
			w.stream.watched = false
			continue
		case sent != w.sent:
			w.sent, w.since = sent, h.now
		case h.now.Sub(w.since) >= stallAfter:
			h.end(w.stream, "stalled")
			continue
		}
		kept = append(kept, w)
	}
	clear(h.watched[len(kept):])
	h.watched = kept
}

// Request is what a client asks for.
type Request struct {
	Session     chat.Session  // of an authenticated request; it is read again before anything is sent
	LastEventID string        // the position to resume from, as the client got it; empty: now
	Batch       time.Duration // how long an event may wait to be told together with others; 0: not at all

	gzip      *gzipped   // of a stream whose first piece is compressed; nil: it is not
	selection *selection // nil: everything
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
	s := newStream(h, r.Session, c)
	s.mode = r.mode()
	s.takeUp(r.Session.User, r.LastEventID, time.Now())
	if err := h.input(ctx, func() { h.register(s, r.Session.User) }); err != nil {
		h.open.Add(-1)
		return nil, err
	}
	return s, nil
}

func newStream(h *Hub, s chat.Session, c Conn) *Stream {
	return &Stream{
		hub: h, conn: c, verdict: make(chan error, 1),
		sessionID: s.ID, issued: s.Created.UnixMilli(), expires: s.Expires.UnixMilli(), foreign: s.Foreign,
	}
}
