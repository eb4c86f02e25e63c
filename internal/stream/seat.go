package stream

import (
	"math"
	"slices"

	"tidings/internal/chat"
)

// seat is a user's place in a log, kept while the user is here, also after they left
// the log. There is one for each user and log, so its size counts: 16 bytes.
type seat struct {
	log  *logState
	from uint32 // the usual: the one interval of membership began there and goes on; 0: user.stays tells
	at   int32  // index in log.members, -1 when not in it
}

// stays are the memberships of one who has left a log, or did so before.
type stays struct {
	iv     chat.Intervals // as the item and entries say; one may be open although the log is deleted
	leftAt int64          // Unix ms: not before the entry that ended the newest, 0 while it is open
}

// iv are the intervals of membership; they must not be changed.
func (u *user) iv(slot int32) chat.Intervals {
	if from := u.seats[slot].from; from > 0 {
		return chat.Intervals{{From: int64(from)}}
	}
	return u.stays[slot].iv
}

// stay takes intervals, at least one. They are kept, and must not be changed.
func (u *user) stay(slot int32, iv chat.Intervals, leftAt int64) {
	if from := iv[0].From; len(iv) == 1 && iv.Open() && from <= math.MaxUint32 {
		u.seats[slot].from = uint32(from)
		delete(u.stays, slot)
		return
	}
	if u.stays == nil {
		u.stays = map[int32]stays{}
	}
	u.seats[slot].from = 0
	u.stays[slot] = stays{iv: iv, leftAt: leftAt}
}

// leave closes the open interval with the entry at seq.
func (u *user) leave(slot int32, seq, ts int64) {
	iv := slices.Clone(u.iv(slot))
	iv[len(iv)-1].To = seq
	u.stay(slot, iv, ts)
}

// cut ends the membership with the entry at seq, where it is thought to go on: what is
// known from there on is wrong. It says whether that was so.
func (u *user) cut(slot int32, seq, ts int64) bool {
	i := slices.IndexFunc(u.iv(slot), func(i chat.Interval) bool { return seq > i.From && (i.To == 0 || seq < i.To) })
	if i < 0 {
		return false
	}
	u.pin(slot)
	iv := slices.Clone(u.iv(slot)[:i+1])
	iv[i].To = seq
	u.stay(slot, iv, ts)
	return true
}

// target is where a stream that pulls from the seat ends; not ok while the log's
// head is not known.
func (u *user) target(slot int32) (to int64, ok bool) {
	s := &u.seats[slot]
	if s.at < 0 {
		return u.last(slot), true
	}
	return s.log.last, s.log.state == tracked
}

// member says whether the membership goes on. A deleted log ends all of them, but their
// intervals stay as they are known: an end put there could hide that somebody was
// removed before, which a read under way may tell.
func (u *user) member(slot int32) bool {
	return u.iv(slot).Open() && u.seats[slot].log.deleted() == 0
}

// last is the last entry of one who has left.
func (u *user) last(slot int32) int64 {
	if iv := u.iv(slot); !iv.Open() {
		return iv.Last()
	}
	return u.seats[slot].log.deleted()
}

// newest is the newest entry that a stream may have from the seat, or one not
// before it, and its ts; valid when target is.
func (u *user) newest(slot int32) (seq, ts int64) {
	switch s := &u.seats[slot]; {
	case s.at >= 0:
		return s.log.last, s.log.ts
	case u.iv(slot).Open():
		return s.log.deleted(), s.log.ts
	default:
		return u.iv(slot).Last(), u.stays[slot].leftAt
	}
}

// next is the first position after pos that the member may see, a very high one
// if there is none.
func (u *user) next(slot int32, pos int64) int64 {
	for _, i := range u.iv(slot) {
		if i.To == 0 || i.To > pos {
			return max(i.From, pos+1)
		}
	}
	return math.MaxInt64
}
