package stream

import (
	"context"
	"slices"

	"tidings/internal/chat"
)

// user is somebody with streams here.
type user struct {
	id      chat.UserID
	streams []*Stream
	seats   []seat              // the first is that in the user's own log; a slot keeps its number
	slots   map[*logState]int32 // log → slot, once there are too many seats to look through
	stays   map[int32]stays     // by slot, where there was more than one that goes on
	bells   map[chat.LogID]*bell

	verifiedAt int64 // Unix ms: when a read of the memberships began that is taken in
	auditing   bool  // they are being read again
}

// fewSeats are looked through faster than a map.
const fewSeats = 32

// slotOf is the user's slot for the log, -1 if there is none.
func (u *user) slotOf(l *logState) int32 {
	if u.slots != nil {
		if slot, ok := u.slots[l]; ok {
			return slot
		}
		return -1
	}
	for i := range u.seats {
		if u.seats[i].log == l {
			return int32(i)
		}
	}
	return -1
}

// admitted says whether one of the user's streams has had its turn to read the
// table. Before that there is nothing to keep up to date.
func (u *user) admitted() bool { return u.seats[0].at >= 0 }

// userOf is the user with that id, new if they had no stream.
func (h *Hub) userOf(id chat.UserID) *user {
	u := h.users[id]
	if u == nil {
		u = &user{id: id}
		h.users[id] = u
		h.sit(u, h.logOf(chat.UserLog(id)), chat.Intervals{{From: 1}}, 0)
	}
	return u
}

// sit gives the user a seat. For streams that are live the log is new as a whole,
// so they pull it from the first entry that was ever theirs: had the user been a
// member before the stream began, the memberships read then had shown it.
func (h *Hub) sit(u *user, l *logState, iv chat.Intervals, leftAt int64) int32 {
	slot := int32(len(u.seats))
	u.seats = append(u.seats, seat{log: l, at: -1})
	u.stay(slot, iv, leftAt)
	l.seats++
	switch {
	case u.slots != nil:
		u.slots[l] = slot
	case len(u.seats) > fewSeats:
		u.slots = make(map[*logState]int32, 2*fewSeats)
		for i := range u.seats {
			u.slots[u.seats[i].log] = int32(i)
		}
	}
	for _, s := range u.streams {
		if s.phase == live && s.follows(slot) {
			s.lags = append(s.lags, lag{slot: slot, pos: iv[0].From - 1})
		}
	}
	return slot
}

// expect makes room for n seats at once, so that no half-empty slice stays.
func (u *user) expect(n int) {
	u.seats = slices.Grow(u.seats, max(0, n+1-len(u.seats)))
}

// pin keeps the positions of live streams in a log where they are: what the seat says
// is about to change.
func (u *user) pin(slot int32) {
	for _, s := range u.streams {
		if s.phase == live && s.lagAt(slot) < 0 && s.follows(slot) {
			s.lags = append(s.lags, lag{slot: slot, pos: s.pos(slot)})
		}
	}
}

// learn takes a membership that was read, unless something newer is known. It says
// whether that was news.
func (h *Hub) learn(u *user, m chat.Membership) bool {
	if len(m.Intervals) == 0 {
		return false
	}
	l := h.logOf(m.Log)
	slot := u.slotOf(l)
	leftAt := m.LeftAt
	if leftAt == 0 && !m.Intervals.Open() {
		leftAt = h.now.UnixMilli()
	}
	news := slot < 0
	switch {
	case slot < 0:
		slot = h.sit(u, l, m.Intervals, leftAt)
	case m.Intervals.Last() < u.iv(slot).Last():
		return false
	case !slices.Equal(m.Intervals, u.iv(slot)):
		news = m.Intervals.Last() > u.iv(slot).Last()
		u.pin(slot)
		u.stay(slot, m.Intervals, leftAt)
	}
	h.place(u, slot)
	for _, s := range u.streams {
		if s.phase == live {
			h.pull(s)
		} else {
			h.advanceLater(s) // maybe it waited for just this log
		}
	}
	return news
}

// place makes the user one of the log's members here, or takes them out, as the
// seat's intervals say.
func (h *Hub) place(u *user, slot int32) {
	s := &u.seats[slot]
	l := s.log
	in := u.member(slot) || l.state == tracked && u.iv(slot).Last() > l.last
	switch {
	case in && s.at < 0:
		u.pin(slot) // the log may have been tracked below what a stream pulled without it
		s.at = int32(len(l.members))
		l.members = append(l.members, u)
		h.idle.remove(l)
		h.enlist(l)
		h.track(l)
	case !in && s.at >= 0:
		h.unplace(s)
	}
}

func (h *Hub) unplace(s *seat) {
	l := s.log
	end := len(l.members) - 1
	if moved := l.members[end]; int(s.at) != end {
		l.members[s.at] = moved
		moved.seats[moved.slotOf(l)].at = s.at
	}
	l.members[end] = nil
	l.members = l.members[:end]
	s.at = -1
	if end == 0 {
		h.audited.remove(l)
		h.idle.add(l, h.now)
	}
}

// leave forgets a user without streams.
func (h *Hub) leave(u *user) {
	delete(h.users, u.id)
	for i := range u.seats {
		s := &u.seats[i]
		if s.at >= 0 {
			h.unplace(s)
		}
		s.log.seats--
		h.release(s.log)
	}
	u.seats, u.slots, u.stays, u.bells = nil, nil, nil, nil
}

// bell is the read of a membership that an entry rang for.
type bell struct {
	seq   int64 // the change that the membership must show
	tries int
}

// ringAdded rings for the added users that are here and don't know yet.
func (h *Hub) ringAdded(id chat.LogID, seq int64, adds []chat.UserID) {
	for _, a := range adds {
		u := h.users[a]
		if u == nil || !u.admitted() {
			continue
		}
		if l := h.logs.get(id); l != nil {
			if slot := u.slotOf(l); slot >= 0 && u.iv(slot).Last() >= seq {
				continue
			}
		}
		h.ring(u, id, seq)
	}
}

// ring reads the user's membership of the log, until it shows the change at seq.
func (h *Hub) ring(u *user, id chat.LogID, seq int64) {
	if b := u.bells[id]; b != nil {
		b.seq = max(b.seq, seq)
		return
	}
	if u.bells == nil {
		u.bells = map[chat.LogID]*bell{}
	}
	b := &bell{seq: seq}
	u.bells[id] = b
	h.answer(u, id, b)
}

func (h *Hub) answer(u *user, id chat.LogID, b *bell) {
	var m chat.Membership
	h.read(readMembership, func() bool { return u.bells[id] == b }, func(ctx context.Context) (err error) {
		m, err = h.store.Membership(ctx, u.id, id)
		return err
	}, func() {
		if u.bells[id] != b {
			return
		}
		if m.Intervals.Last() < b.seq && b.tries < bellTries {
			b.tries++
			h.timers.set(h.now.Add(h.backoff(b.tries)), func() { h.answer(u, id, b) })
			return
		}
		if m.Intervals.Last() < b.seq {
			h.metrics.bellsLost.Inc()
			h.log.ErrorContext(h.readCtx, "the membership doesn't show an announced change", "user", u.id, "log", id, "seq", b.seq)
		}
		delete(u.bells, id)
		h.learn(u, m)
		for _, s := range u.streams {
			h.advanceLater(s)
		}
	})
}
