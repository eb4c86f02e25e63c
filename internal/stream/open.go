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
	h.share(s)
	u.streams = append(u.streams, s)
	h.streams++
	h.metrics.connections.Set(float64(h.streams))
	h.wheel.add(s, h.rand)
	if h.draining.Load() {
		h.sendAway(s)
		return
	}
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
		u.verifiedAt = max(u.verifiedAt, h.readAt.UnixMilli())
		got()
	})
}

func (h *Hub) askSession(s *Stream, wanted func() bool, got func()) {
	asked := s.session()
	var session chat.Session
	var ended bool
	h.read(readSession, wanted, func(ctx context.Context) (err error) {
		session, err = h.sessions.Session(ctx, asked)
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
			s.expires, s.verified, s.heldAt = session.Expires.UnixMilli(), true, h.now.UnixMilli()
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
		if seat.at < 0 && !u.iv(int32(i)).Open() {
			continue
		}
		if seat.at >= 0 && seat.log.state != tracked {
			return // tracked comes back here
		}
		again = again || seat.log.trackedAt > s.askedAt
	}
	if again {
		h.ask(s)
		return
	}
	if s.resume != nil && !h.resolve(s) {
		return // a read comes back here
	}
	resumed := s.resume != nil
	if resumed {
		missed := s.backlog()
		h.metrics.replay.Observe(float64(missed))
		if missed > maxReplay {
			h.giveUp(s, resetOverflow)
			resumed = false
		}
	}
	s.resume, s.phase = nil, live // level where there is no lag
	h.refresh(s)
	h.greet(s, resumed)
	h.pull(s)
}

// greet tells the client where it begins. The socket hears that the session holds when
// all of that is written, and so sends it together with its header.
func (h *Hub) greet(s *Stream, resumed bool) {
	if !s.opened {
		s.opened = true
		h.opening--
		if s.reset == noReset { // else the new position comes with the reset: nobody must have the one without the other
			h.tell(s)
		}
		h.write(s, control("ready", readyData{ConnectionID: rand.Text(), Resumed: resumed}))
		h.connectNext()
	}
	if resumed {
		h.metrics.resumes.Inc()
	}
	if s.reset != noReset {
		h.metrics.resets.WithLabelValues(s.reset.String()).Inc()
		f := control("reset", resetData{Reason: s.reset.String()})
		f.ID = h.here(s)
		h.write(s, f)
		s.reset = noReset
	}
	s.decide(nil)
}
