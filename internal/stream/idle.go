package stream

import "time"

// idleList are the logs without local members, the longest idle first.
type idleList struct {
	oldest, newest *logState
	n              int
}

func (i *idleList) add(l *logState, now time.Time) {
	l.idleSince = now.UnixMilli()
	if l.older = i.newest; l.older != nil {
		l.older.newer = l
	} else {
		i.oldest = l
	}
	i.newest = l
	i.n++
}

// remove takes the log out, if it is in.
func (i *idleList) remove(l *logState) {
	if l.idleSince == 0 {
		return
	}
	if l.older != nil {
		l.older.newer = l.newer
	} else {
		i.oldest = l.newer
	}
	if l.newer != nil {
		l.newer.older = l.older
	} else {
		i.newest = l.older
	}
	l.older, l.newer, l.idleSince = nil, nil, 0
	i.n--
}

// sweepIdle stops tracking logs that were long enough without members. What such
// a log holds is processed before it goes.
func (h *Hub) sweepIdle() {
	for n := h.idle.n; n > 0; n-- {
		l := h.idle.oldest
		if h.now.UnixMilli()-l.idleSince < linger.Milliseconds() && h.idle.n <= maxLinger {
			return
		}
		h.idle.remove(l)
		if l.state == pending || l.gap != nil {
			h.idle.add(l, h.now)
			continue
		}
		l.state = untracked
		h.cache.drop(l)
		h.release(l)
	}
}

// release forgets a log that nobody refers to.
func (h *Hub) release(l *logState) {
	if l.state == untracked && l.seats == 0 {
		delete(h.logs, l.id)
	}
}
