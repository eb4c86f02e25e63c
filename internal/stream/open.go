package stream

import (
	"context"
	"crypto/rand"
	"errors"

	"tidings/internal/chat"
)

// register is the first step of a connect: from here on what happens to the user
// is noticed. The user's oldest stream gives way to one too many, so that a
// flapping phone doesn't lock its owner out.
func (h *Hub) register(s *Stream, id chat.UserID) {
	u := h.userOf(id)
	s.user = u
	s.pos = make([]int64, len(u.seats))
	u.streams = append(u.streams, s)
	h.streams++
	h.metrics.connections.Set(float64(h.streams))
	h.wheel.add(s, h.rand)
	h.waiting = append(h.waiting, s)
	if len(u.streams) > maxPerUser {
		h.revoke(u.streams[0], "replaced")
	}
	h.connectNext()
}

// connectNext lets waiting streams read the table, as many as may at once.
func (h *Hub) connectNext() {
	for h.opening < h.cfg.MaxConnecting && len(h.waiting) > 0 {
		s := h.waiting[0]
		h.waiting[0] = nil
		if h.waiting = h.waiting[1:]; len(h.waiting) == 0 {
			h.waiting = nil
		}
		h.opening++
		s.phase = greeting
		h.place(s.user, 0) // the user's own log is always theirs
		h.advanceLater(s)
	}
}

// advanceLater looks at an opening stream once all results of the turn are in.
func (h *Hub) advanceLater(s *Stream) {
	if !s.advancing && (s.phase == greeting || s.phase == settling) {
		s.advancing = true
		h.advancing = append(h.advancing, s)
	}
}

func (h *Hub) advanceOpening() {
	for i := 0; i < len(h.advancing); i++ {
		s := h.advancing[i]
		h.advancing[i] = nil
		s.advancing = false
		switch s.phase {
		case greeting:
			// The session is read after this: a log-out before it shows there,
			// a later one is an entry above last.
			if s.user.seats[0].log.state == tracked {
				h.ask(s)
			}
		case settling:
			h.settle(s)
		}
	}
	h.advancing = h.advancing[:0]
}

// ask reads the session, once, and the memberships.
func (h *Hub) ask(s *Stream) {
	s.phase, s.askedAt = asking, h.turns
	u := s.user
	wanted := func() bool { return s.phase == asking }
	got := func() {
		if s.outstanding--; s.outstanding == 0 {
			s.phase = settling
			h.advanceLater(s)
		}
	}
	s.outstanding = 1
	if !s.verified {
		s.outstanding++
		h.askSession(s, wanted, got)
	}
	var ms []chat.Membership
	h.read(readMemberships, wanted, func(ctx context.Context) (err error) {
		ms, err = h.store.Memberships(ctx, u.id)
		return err
	}, func() {
		if s.phase != asking {
			return
		}
		u.expect(len(ms))
		for _, m := range ms {
			h.learn(u, m)
		}
		got()
	})
}

func (h *Hub) askSession(s *Stream, wanted func() bool, got func()) {
	var session chat.Session
	var ended bool
	h.read(readSession, wanted, func(ctx context.Context) (err error) {
		session, err = h.sessions.Session(ctx, s.session)
		if ended = errors.Is(err, chat.ErrSessionEnded); ended {
			return nil
		}
		return err
	}, func() {
		switch {
		case s.phase != asking:
		case ended:
			s.decide(chat.ErrSessionEnded)
			h.revoke(s, "logout")
		case session.Expired(h.now):
			s.decide(chat.ErrSessionEnded)
			h.revoke(s, "expired")
		default:
			s.decide(nil)
			s.expires, s.verified = session.Expires, true
			h.watchExpiry(s)
			got()
		}
	})
}

// settle fixes the positions once all logs of the user are tracked. A removal
// that a newly read head includes was never delivered here, so memberships that
// were read before the head are read again.
func (h *Hub) settle(s *Stream) {
	u := s.user
	if len(u.bells) > 0 {
		return // answer comes back here
	}
	again := false
	for i := range u.seats {
		seat := &u.seats[i]
		if seat.at < 0 {
			continue
		}
		if seat.log.state != tracked {
			return // tracked comes back here
		}
		again = again || seat.log.trackedAt > s.askedAt
	}
	if again {
		h.ask(s)
		return
	}
	for slot := range u.seats {
		s.pos[slot] = h.start(&u.seats[slot])
		h.lagIfBehind(s, int32(slot))
	}
	s.phase = live
	h.opening--
	h.write(s, control("ready", readyData{ConnectionID: rand.Text()}))
	h.connectNext()
	h.pull(s)
}

// start is where a stream begins in a log: what it does not know yet is what
// comes from now on.
func (h *Hub) start(seat *seat) int64 {
	if seat.at < 0 {
		return seat.iv.Last()
	}
	return seat.log.last
}
