package stream

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tidings/internal/chat"
)

func limitSettle(w *world) {
	w.pass(time.Hour)
	a := w.connect(ann)
	if got := time.Now().UnixMilli() - w.at(a).w; got != 60_000 {
		w.Errorf("w is %d ms before the reads", got)
	}
}

// The position of a quiet client is told after an hour, at its next heartbeat.
func limitTell(w *world) {
	a := w.connect(ann)
	told := func() int { return strings.Count(a.text(), "id: ") }
	w.pass(time.Hour - time.Second)
	equal(w.T, "positions before the hour", []int{told()}, 1)
	w.pass(26 * time.Second)
	equal(w.T, "positions after it", []int{told()}, 2)
	w.pass(30 * time.Minute)
	w.send(w.message(log, bob)) // tells it, too
	w.pass(time.Hour - time.Second)
	equal(w.T, "positions with an event's three", []int{told()}, 5)
}

func limitListed(w *world) {
	const most = 24
	for i := range most + 1 {
		w.changed(chat.LogID(fmt.Sprint("c:", i)), users(ann, bob), nil)
	}
	w.pass(time.Hour)
	a := w.connect(ann)
	for range 2 {
		w.grown()
		w.pass(2 * auditEvery)
		was := w.store.count("memberships")
		n := most
		if len(a.ids()) > 0 {
			n++
		}
		for i := range n {
			w.send(w.message(chat.LogID(fmt.Sprint("c:", i)), bob))
		}
		w.pass(2 * time.Minute)
		for i := range n {
			w.send(w.message(chat.LogID(fmt.Sprint("c:", i)), bob))
		}
		w.pass(5 * time.Minute)
		got := w.store.count("memberships") - was
		if n == most && got > 1 || n > most && (got < 3 || got > 8) {
			w.Errorf("%d logs listed: %d reads of memberships in seven minutes", n, got)
		}
	}
}

// In an instance's first 15 minutes it audits every minute, then every ten. Heads are
// looked at every second, memberships with each heartbeat.
func limitAudit(w *world) {
	w.connect(ann)
	began := time.Now()
	late := map[string]time.Duration{"heads": time.Second, "memberships": 25 * time.Second}
	reads, last := map[string][]time.Duration{}, map[string]int{}
	for kind := range late {
		reads[kind], last[kind] = []time.Duration{0}, w.store.count(kind)
	}
	for range 75 * 60 {
		w.pass(time.Second)
		for kind := range late {
			if n := w.store.count(kind); n > last[kind] {
				reads[kind], last[kind] = append(reads[kind], time.Since(began)), n
			}
		}
	}
	for kind, at := range reads {
		for i, t := range at[1:] {
			every := time.Minute
			if t > 15*time.Minute {
				every = 10 * time.Minute
			}
			if gap := t - at[i]; gap < every || gap > every+late[kind]+time.Second {
				w.Errorf("%s were read %v and %v after the beginning", kind, at[i], t)
			}
			if at[i] < 14*time.Minute-late[kind] && t > 15*time.Minute {
				w.Errorf("%s were not read in the last minute of the instance's youth, but after %v and %v", kind, at[i], t)
			}
		}
		if len(at) < 16 {
			w.Errorf("%s were read %d times in 75 minutes", kind, len(at))
		}
	}
}

// Of 4,000 logs that are due at once 3,200 are asked for, and the rest when the first
// are there. Two reads may be of memberships.
func limitAudits(w *world) {
	for i := range 2000 {
		w.changed(chat.LogID(fmt.Sprint("c:", i)), users(ann), nil)
		w.changed(chat.LogID(fmt.Sprint("g:", i)), users(bob), nil)
	}
	w.connect(ann)
	w.connect(bob)
	w.slowTable(3 * time.Second)
	w.store.set(func() { w.store.most = 0 })
	before := w.store.count("heads")
	w.pass(auditAtFirst + 10*time.Second)
	if got := w.store.most; got < 32 || got > 34 {
		w.Errorf("%d reads at once", got)
	}
	if got := w.store.count("heads") - before; got < 40 || got > 44 {
		w.Errorf("%d reads of heads", got)
	}
}

func limitGrace(w *world) {
	w.connect(ann)
	w.pass(30 * time.Second)
	w.message(log, bob)
	before := w.store.count("heads")
	for w.store.count("heads") == before {
		w.pass(time.Millisecond)
	}
	w.pass(5*time.Second - 10*time.Millisecond)
	if got := w.metric("unheard_entries_total"); got != 0 {
		w.Errorf("%v counted as lost within five seconds", got)
	}
	w.pass(20 * time.Millisecond)
	if got := w.metric("unheard_entries_total"); got != 1 {
		w.Errorf("%v counted as lost after five seconds", got)
	}
}

func limitSessions(w *world) {
	a := w.connect(ann)
	w.pass(5*time.Minute - time.Second)
	equal(w.T, "reads within five minutes", []int{w.store.count("sessions")}, 0)
	w.pass(26 * time.Second)
	equal(w.T, "reads then", []int{w.store.count("sessions")}, 1)
	w.pass(5*time.Minute - 27*time.Second)
	equal(w.T, "reads within five minutes of that", []int{w.store.count("sessions")}, 1)
	w.pass(52 * time.Second)
	equal(w.T, "reads then", []int{w.store.count("sessions")}, 2)
	if a.isClosed() {
		w.Error("closed")
	}
}

func limitSessionsBatch(w *world) {
	var all []*fakeConn
	for i := range 101 {
		all = append(all, w.connect(chat.UserID(i+10)))
	}
	w.store.set(func() { delete(w.store.sessions, "session of 110") })
	w.within(func(h *Hub) { // as if they all were due now
		for _, c := range all {
			h.rechecked = append(h.rechecked, c.stream)
		}
	})
	equal(w.T, "reads of 101 sessions", []int{w.store.count("sessions")}, 2)
	if open := slices.IndexFunc(all, (*fakeConn).isClosed); open != 100 {
		w.Errorf("stream %d is the first that is closed", open)
	}
}
