package stream

import "time"

// idleList are the logs without local members, the longest idle first.
type idleList struct {
	oldest, newest *logState
	n              int
}

func (i *idleList) add(l *logState, now time.Time) {
	a := l.put()
	a.idleSince = now.UnixMilli()
	if a.older = i.newest; a.older != nil {
		a.older.aside.newer = l
	} else {
		i.oldest = l
	}
	i.newest = l
	i.n++
}

// remove takes the log out, if it is in.
func (i *idleList) remove(l *logState) {
	a := l.aside
	if a == nil || a.idleSince == 0 {
		return
	}
	if a.older != nil {
		a.older.aside.newer = a.newer
	} else {
		i.oldest = a.newer
	}
	if a.newer != nil {
		a.newer.aside.older = a.older
	} else {
		i.newest = a.older
	}
	a.older, a.newer, a.idleSince = nil, nil, 0
	l.tidy()
	i.n--
}

// sweepIdle stops tracking logs that were long enough without members. What such
// a log holds is processed before it goes.
func (h *Hub) sweepIdle() {
	for n := h.idle.n; n > 0; n-- {
		l := h.idle.oldest
		if h.now.UnixMilli()-l.aside.idleSince < linger.Milliseconds() && h.idle.n <= maxLinger {
			return
		}
		h.idle.remove(l)
		if l.state == pending || l.gap() != nil {
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
		h.logs.remove(l)
	}
}
