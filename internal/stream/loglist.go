package stream

import "time"

// logList are logs in the order in which they came in. A log is in one list at most.
type logList struct {
	oldest, newest *logState
	n              int
}

func (i *logList) add(l *logState, now time.Time) {
	l.list, l.since = i, now.UnixMilli()
	if l.older = i.newest; l.older != nil {
		l.older.newer = l
	} else {
		i.oldest = l
	}
	i.newest = l
	i.n++
}

// addFirst puts the log before all others.
func (i *logList) addFirst(l *logState, since int64) {
	l.list, l.since = i, since
	if l.newer = i.oldest; l.newer != nil {
		l.newer.older = l
	} else {
		i.newest = l
	}
	i.oldest = l
	i.n++
}

func (i *logList) remove(l *logState) {
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
	l.older, l.newer, l.list = nil, nil, nil
	i.n--
}

// sweepIdle stops tracking logs that were long enough without members. What such
// a log holds is processed before it goes.
func (h *Hub) sweepIdle() {
	for n := h.idle.n; n > 0; n-- {
		l := h.idle.oldest
		if h.now.UnixMilli()-l.since < linger.Milliseconds() && h.idle.n <= maxLinger {
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
