package stream

import (
	"container/heap"
	"context"
	"slices"
	"time"

	"tidings/internal/chat"
)

// The audit reads the heads of the tracked logs and the memberships and sessions of
// the connected users again and again, so that what the whole transport has lost is
// late and not lost, and so that the streams' positions may move up.
const (
	auditEvery   = 10 * time.Minute
	auditAtFirst = time.Minute      // while the instance is young: clients come with positions of others
	youth        = 15 * time.Minute // how long it is
	auditTick    = time.Second      // short beside the period, so that the reads are spread; long enough to fill batches
	auditAgain   = 30 * time.Second // within which logs are read whose heads couldn't be
	auditGrace   = 5 * time.Second  // how long a committed entry may be on its way
	sessionEvery = 5 * time.Minute  // bounds how long a revoked session lives when its entry is lost
)

func (h *Hub) auditPeriod() time.Duration {
	if h.now.Sub(h.started) < youth {
		return auditAtFirst
	}
	return auditEvery
}

// auditQueue are the tracked logs with members, as a heap: the one whose head was
// asked for longest ago comes first.
type auditQueue []*logState

func (q auditQueue) Len() int           { return len(q) }
func (q auditQueue) Less(i, k int) bool { return q[i].askedAt < q[k].askedAt }
func (q auditQueue) Swap(i, k int) {
	q[i], q[k] = q[k], q[i]
	q[i].queued, q[k].queued = int32(i+1), int32(k+1)
}

// Push implements heap.Interface.
func (q *auditQueue) Push(x any) {
	l := x.(*logState)
	*q = append(*q, l)
	l.queued = int32(len(*q))
}

// Pop implements heap.Interface.
func (q *auditQueue) Pop() any {
	old := *q
	l := old[len(old)-1]
	old[len(old)-1] = nil
	*q, l.queued = old[:len(old)-1], 0
	return l
}

// remove takes the log out, if it is in.
func (q *auditQueue) remove(l *logState) {
	if l.queued > 0 {
		heap.Remove(q, int(l.queued-1))
	}
}

// audit begins the reads that are due. It comes often, so that the table gets them
// evenly; what would be too many at once waits for the first that is done.
func (h *Hub) audit() {
	due := h.now.Add(-h.auditPeriod()).UnixMilli()
	for h.auditing < maxAudits && len(h.audited) > 0 && h.audited[0].askedAt <= due {
		var batch []*logState
		for len(batch) < headsBatch && len(h.audited) > 0 && h.audited[0].askedAt <= due {
			l := heap.Pop(&h.audited).(*logState)
			l.askedAt = h.now.UnixMilli()
			batch = append(batch, l)
		}
		h.readAgain(batch)
	}
}

// readAgain reads the heads of logs again. Meanwhile they don't stand in the queue. When
// it fails they go back there and come soon, each in another company, so that one head
// that can't be read is not the end of others' audit.
func (h *Hub) readAgain(logs []*logState) {
	ids := make([]chat.LogID, len(logs))
	for i, l := range logs {
		ids[i] = l.id
	}
	var heads map[chat.LogID]chat.Head
	j := h.read(readAudit, nil, func(ctx context.Context) (err error) {
		heads, err = h.store.Heads(ctx, ids)
		return err
	}, func() {
		h.auditRead()
		for _, l := range logs {
			h.verified(l, heads[l.id], h.readAt.UnixMilli())
			h.enlist(l)
		}
	})
	j.failed = func() {
		h.auditRead()
		for _, l := range logs {
			h.audited.remove(l) // its members may have left and come back
			l.askedAt += h.rand.Int64N(auditAgain.Milliseconds()) - h.auditPeriod().Milliseconds()
			h.enlist(l)
		}
	}
	h.auditing++
}

// auditRead makes room for another read; who waits for it needn't wait for the next tick.
func (h *Hub) auditRead() {
	if h.auditing == maxAudits {
		h.nextAudit = h.now
	}
	h.auditing--
}

// enlist has a tracked log with members audited when its time comes.
func (h *Hub) enlist(l *logState) {
	if l.queued == 0 && l.state == tracked && len(l.members) > 0 {
		heap.Push(&h.audited, l)
	}
}

// verified takes a head that was read strongly, at (Unix ms). What the hub lacks of
// it then is usually on its way.
func (h *Hub) verified(l *logState, head chat.Head, at int64) {
	if l.state != tracked {
		return
	}
	if l.last >= head.Seq {
		l.verifiedAt = max(l.verifiedAt, at)
		return
	}
	h.timers.set(h.now.Add(auditGrace), func() {
		switch {
		case l.state != tracked:
		case l.last >= head.Seq:
			l.verifiedAt = max(l.verifiedAt, at)
		default:
			h.metrics.unheard.Add(float64(head.Seq - l.last))
			h.log.ErrorContext(h.readCtx, "the bus didn't bring committed entries", "log", l.id, "last", l.last, "head", head.Seq)
			h.hold(l, head.Seq, nil, way{path: byAudit}) // the next audit finds them delivered
		}
	})
}

// verifySoon audits all logs of a user whose list of positions has grown long, and
// their memberships.
func (h *Hub) verifySoon(u *user) {
	for i := range u.seats {
		if l := u.seats[i].log; l.queued > 0 && h.now.UnixMilli()-l.verifiedAt >= auditAtFirst.Milliseconds() {
			l.askedAt = min(l.askedAt, h.now.Add(-h.auditPeriod()).UnixMilli()) // behind those that are late
			heap.Fix(&h.audited, int(l.queued-1))
		}
	}
	if h.now.UnixMilli()-u.verifiedAt >= auditAtFirst.Milliseconds() {
		h.auditUser(u)
	}
}

// auditUser reads the memberships of a user again.
func (h *Hub) auditUser(u *user) {
	if u.auditing {
		return
	}
	u.auditing = true
	here := func() bool { return h.users[u.id] == u }
	var ms []chat.Membership
	h.read(readMemberships, here, func(ctx context.Context) (err error) {
		ms, err = h.store.Memberships(ctx, u.id)
		return err
	}, func() {
		if !here() {
			return
		}
		u.auditing = false
		for _, m := range ms {
			if h.learn(u, m) {
				h.metrics.unheardMemberships.Inc()
			}
		}
		u.verifiedAt = max(u.verifiedAt, h.readAt.UnixMilli())
	})
}

// auditStream is the part of a visit that is about what must be read again.
func (h *Hub) auditStream(s *Stream) {
	if s.phase != live {
		return
	}
	if h.now.UnixMilli()-s.user.verifiedAt >= h.auditPeriod().Milliseconds() {
		h.auditUser(s.user)
	}
	if !s.rechecking && h.now.UnixMilli()-s.heldAt >= sessionEvery.Milliseconds() {
		s.rechecking = true // once, however long the table is down
		h.rechecked = append(h.rechecked, s)
	}
}

// recheckSessions reads again whether the sessions of streams still hold.
func (h *Hub) recheckSessions() {
	h.rechecked = slices.DeleteFunc(h.rechecked, func(s *Stream) bool { return s.phase == closed })
	for batch := range slices.Chunk(h.rechecked, sessionsBatch) {
		streams := slices.Clone(batch)
		sessions := make([]chat.Session, len(streams))
		for i, s := range streams {
			sessions[i] = s.session()
		}
		var hold []bool
		h.read(readSession, nil, func(ctx context.Context) (err error) {
			hold, err = h.sessions.SessionsHold(ctx, sessions)
			return err
		}, func() {
			for i, s := range streams {
				s.rechecking, s.heldAt = false, h.readAt.UnixMilli()
				if s.phase != closed && !hold[i] {
					h.revoke(s, "logout")
				}
			}
		})
	}
	clear(h.rechecked)
	h.rechecked = h.rechecked[:0]
}
