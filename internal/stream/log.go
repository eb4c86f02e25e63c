package stream

import (
	"context"
	"encoding/json"
	"slices"

	"tidings/internal/chat"
)

// state is how far a log is known.
type state uint8

const (
	untracked state = iota // entries of it are none of the hub's business
	pending                // its head is being read; entries are held
	tracked                // last is the authority
)

// logState is a log in the hub. There is one for each conversation of everybody
// here, so its size counts: 112 bytes. What few logs need stands in aside.
type logState struct {
	id        chat.LogID
	key       logKey
	last      int64  // all up to here is delivered; valid when tracked
	ts        int64  // Unix ms: of the entry at last
	trackedAt uint64 // the turn in which the head was read, or entries were given up
	// verifiedAt is when a strong read of the head began whose position last has
	// reached, Unix ms.
	verifiedAt int64
	askedAt    int64   // Unix ms: when the head was last asked for
	members    []*user // with a seat in it
	aside      *aside  // nil: all of it is zero
	seats      int32   // that refer to it, also those of users who left
	queued     int32   // index in Hub.audited + 1; 0: not in it
	state      state
}

// logOf is the log by its id, untracked if it is new.
func (h *Hub) logOf(id chat.LogID) *logState {
	l := h.logs.get(id)
	if l == nil {
		l = &logState{id: id, key: keyOf(id)}
		h.logs.add(l)
	}
	return l
}

// track begins the tracking of a log that isn't.
func (h *Hub) track(l *logState) {
	if l.state == untracked {
		l.state = pending
		h.unread = append(h.unread, l)
	}
}

// readHeads reads the heads of all logs that became pending, in batches: one read
// in flight per log.
func (h *Hub) readHeads() {
	for batch := range slices.Chunk(h.unread, headsBatch) {
		logs := slices.Clone(batch)
		ids := make([]chat.LogID, len(logs))
		for i, l := range logs {
			ids[i] = l.id
		}
		var heads map[chat.LogID]chat.Head
		h.read(readHead, nil, func(ctx context.Context) (err error) {
			heads, err = h.store.Heads(ctx, ids)
			return err
		}, func() {
			for _, l := range logs {
				h.tracked(l, heads[l.id]) // a log without a head is empty
			}
		})
	}
	clear(h.unread)
	h.unread = h.unread[:0]
}

// tracked takes the head that was read. What was held goes on from there.
func (h *Hub) tracked(l *logState, head chat.Head) {
	l.state, l.last, l.ts = tracked, head.Seq, head.TS
	l.deletedAt(head.Deleted)
	l.trackedAt, l.verifiedAt = h.turns, h.readAt.UnixMilli()
	l.askedAt = l.verifiedAt
	waiting := slices.Clone(l.members) // some may leave with what was held
	if l.deleted() > 0 {
		h.leaveSeats(l, l.users())
	}
	h.enlist(l)
	if g := l.gap(); g != nil {
		g.forget(l.last)
		h.drain(l)
	}
	for _, u := range waiting {
		for _, s := range u.streams {
			if s.phase == live {
				h.pull(s)
			} else {
				h.advanceLater(s)
			}
		}
	}
}

// arrive takes an entry from the bus, or a hint of one (e is nil), and how it came.
func (h *Hub) arrive(id chat.LogID, seq int64, adds []chat.UserID, e *chat.Entry, w way) {
	h.ringAdded(id, seq, adds)
	l := h.logs.get(id)
	switch {
	case l == nil || l.state == untracked:
	case l.state == tracked && seq <= l.last:
		h.tally.duplicates++
	case l.state == tracked && seq == l.last+1 && e != nil:
		h.deliver(l, &entry{Entry: *e, way: w})
		h.drain(l)
	default:
		h.hold(l, seq, e, w)
	}
}

// deliver passes the entry after last on to the members that are here.
func (h *Hub) deliver(l *logState, e *entry) {
	l.last, l.ts = e.Seq, e.TS
	h.cache.add(l, e)
	h.ringAdded(l.id, e.Seq, e.Adds) // one that was read from the table rang nobody yet
	h.endSeats(l, e.Seq, e.TS, e.Removes)
	leaving := e.Removes
	if e.Kind == chat.KindDeleted {
		l.deletedAt(e.Seq)
		leaving = l.users()
	}
	if e.Kind == chat.KindSessionRevoked {
		h.sessionRevoked(l, e)
	}
	h.fanOut(l, e)
	h.leaveSeats(l, leaving)
}

// users are the members that are here.
func (l *logState) users() []chat.UserID {
	ids := make([]chat.UserID, len(l.members))
	for i, u := range l.members {
		ids[i] = u.id
	}
	return ids
}

// endSeats ends the membership of those whom the entry at seq removes. It is the
// last one that they get.
func (h *Hub) endSeats(l *logState, seq, ts int64, removed []chat.UserID) {
	for _, id := range removed {
		u := h.users[id]
		if u == nil || !u.admitted() {
			continue
		}
		slot := u.slotOf(l)
		switch {
		case slot >= 0 && u.iv(slot).Last() >= seq: // known already, maybe also a later return
		case slot >= 0 && u.iv(slot).Open():
			u.leave(slot, seq, ts)
		default:
			// A read that began before the removal may still be under way and
			// know nothing of it: have it read again.
			h.ring(u, l.id, seq)
		}
	}
}

// leaveSeats takes removed users out of the members, after they got their last
// entry.
func (h *Hub) leaveSeats(l *logState, removed []chat.UserID) {
	for _, id := range removed {
		u := h.users[id]
		if u == nil {
			continue
		}
		if slot := u.slotOf(l); slot >= 0 {
			h.place(u, slot)
		}
	}
}

// sessionRevoked ends the session's streams, whatever they still have to pull.
func (h *Hub) sessionRevoked(l *logState, e *entry) {
	var b chat.SessionRevokedBody
	if err := json.Unmarshal(e.Body, &b); err != nil || b.Session == "" {
		h.metrics.unencodable.Inc()
		h.log.ErrorContext(h.readCtx, "decode entry", "log", l.id, "seq", e.Seq, "kind", e.Kind, "error", err)
		return
	}
	for _, u := range slices.Clone(l.members) {
		for _, s := range slices.Clone(u.streams) {
			if b.Ends(s.session()) {
				h.revoke(s, "logout")
			}
		}
	}
}
