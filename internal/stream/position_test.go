package stream

import (
	"strings"
	"time"

	"tidings/internal/chat"
)

// at is w and the marks of the client's position.
func (w *world) at(c *fakeConn) cursor {
	w.Helper()
	got, ok := parseCursor(c.position())
	if !ok {
		w.Fatalf("position %q", c.position())
	}
	return got
}

func positionByReads(w *world) {
	began := time.Now()
	a := w.connect(ann)
	if got := w.at(a).w; got != began.Add(-settleTime).UnixMilli() {
		w.Errorf("w is %v before the first read", began.UnixMilli()-got)
	}
	w.pass(2 * auditAtFirst)
	w.store.set(func() { w.store.failing = true })
	down := time.Now()
	w.pass(time.Hour)
	w.store.set(func() { w.store.failing = false })
	w.send(w.message(log, bob))
	if got := w.at(a).w; got > down.Add(-settleTime).UnixMilli() || got < began.UnixMilli() {
		w.Errorf("w is %v after the last read that came back", time.UnixMilli(got).Sub(down))
	}
	w.pass(5 * time.Minute)
	w.send(w.message(log, bob))
	if got := w.at(a).w; got < down.Add(time.Hour-settleTime).UnixMilli() {
		w.Errorf("w is %v before now", time.Since(time.UnixMilli(got)))
	}
}

// While the entry that a head told of isn't delivered, w stays.
func positionWaits(w *world) {
	a := w.connect(ann)
	w.pass(time.Second)
	w.message(log, bob)
	began := time.Now()
	hidden := w.store.gone[log]
	w.store.set(func() { w.store.gone[log] = 2 }) // not visible yet
	w.pass(auditAtFirst + auditGrace + time.Second)
	w.store.set(func() { w.store.gone[log] = hidden })
	if got := w.logState(log).verifiedAt; got >= began.UnixMilli() {
		w.Errorf("verified %v after the entry that is missing", time.UnixMilli(got).Sub(began))
	}
	w.pass(3 * auditAtFirst)
	equal(w.T, "ann", a.ids(), missed(2)...)
	if got := w.logState(log).verifiedAt; got < began.UnixMilli() {
		w.Error("never verified again")
	}
}

func positionHourly(w *world) {
	a := w.connect(ann)
	first := w.at(a)
	w.pass(tellEvery + time.Minute)
	blocks := strings.Split(a.text(), "\n\n")
	n := 0
	for _, b := range blocks {
		if strings.HasPrefix(b, "id: ") && !strings.Contains(b, "\n") {
			n++
		}
	}
	if n != 2 {
		w.Errorf("%d positions in an hour", n)
	}
	if got := w.at(a); got.w < first.w+(tellEvery-auditEvery-5*time.Minute).Milliseconds() {
		w.Errorf("the second is %v after the first", time.Duration(got.w-first.w)*time.Millisecond)
	}
}

// For a socket that hardly takes anything the position waits as all else does.
func positionSlow(w *world) {
	a := w.connect(ann)
	a.setSlow(true)
	for range 100 {
		w.send(w.message(log, bob))
	}
	told := strings.Count(a.text(), "id: ")
	for range 90 {
		w.pass(50 * time.Second)
		a.takes(1)
	}
	if got := strings.Count(a.text(), "id: "); got != told || a.isClosed() {
		w.Errorf("%d positions told in 75 minutes, closed %v", got-told, a.isClosed())
	}
	a.setSlow(false)
	w.pass(time.Minute)
	equal(w.T, "ann", a.seqs()[log], upTo(2, 101)...)
}

// While either heads or memberships can't be read, w stays.
func positionByBoth(w *world) {
	a := w.connect(ann)
	w.grown()
	for _, kind := range []string{"heads", "memberships"} {
		w.pass(time.Hour)
		w.store.set(func() { w.store.broken = kind })
		down := time.Now()
		w.send(w.message(log, bob)) // it is listed until w has moved
		w.pass(30 * time.Minute)
		w.send(w.message(log, bob))
		if got := w.at(a).w; got > down.Add(-settleTime).UnixMilli() {
			w.Errorf("without %s w is %v after the last read", kind, time.UnixMilli(got).Sub(down))
		}
		w.store.set(func() { w.store.broken = "" })
		w.pass(30 * time.Minute)
		w.send(w.message(log, bob))
		if got := w.at(a).w; got < down.Add(30*time.Minute).UnixMilli() {
			w.Errorf("with %s again w is %v after", kind, time.UnixMilli(got).Sub(down))
		}
	}
}

// A position is verified as of when its read began, however late the answer comes or
// what it told of is delivered: of what is committed meanwhile it says nothing.
func positionReadTime(w *world) {
	verified := func() int64 { return w.logState(log).verifiedAt }
	member := func() (at int64) {
		w.within(func(h *Hub) { at = h.users[ann].verifiedAt })
		return at
	}
	w.slowTable(2 * time.Second)
	began := time.Now()
	a := w.open(ann, "s")
	w.pass(2 * time.Second) // the own log
	w.pass(2 * time.Second) // session and memberships
	if got := member(); got != began.Add(2*time.Second).UnixMilli() {
		w.Errorf("memberships verified %v after the beginning", time.UnixMilli(got).Sub(began))
	}
	w.pass(2 * time.Second) // the log
	if got := verified(); got != began.Add(4*time.Second).UnixMilli() {
		w.Errorf("tracked as of %v after the beginning", time.UnixMilli(got).Sub(began))
	}
	w.pass(10 * time.Second)
	w.ready(a, false)
	for was := member(); member() == was; { // the audit
		w.pass(100 * time.Millisecond)
	}
	if got := time.Since(time.UnixMilli(member())); got < 2*time.Second {
		w.Errorf("memberships verified %v ago by a read of two seconds", got)
	}
	e := w.message(log, bob)
	heads, was := w.store.count("heads"), verified()
	for w.store.count("heads") < heads+2 { // of the own log, of the other
		w.pass(100 * time.Millisecond)
	}
	w.pass(time.Second)
	if verified() != was {
		w.Error("verified before the entry that the head told of was delivered")
	}
	w.send(e)
	second := w.message(log, bob) // lost
	w.pass(6 * time.Second)
	if got := verified(); got <= was || got >= second.TS {
		w.Errorf("verified %v before the lost entry, %v after the one before", second.TS-got, got-e.TS)
	}
}

// In an instance's youth heads and memberships are read every minute, at times of their
// own. Positions move at most once a minute all the same.
func positionSteps(w *world) {
	a := w.connect(ann)
	var moved []time.Time
	last := w.at(a).w
	for range 14 * 12 {
		w.pass(5 * time.Second)
		w.send(w.message(log, bob))
		if got := w.at(a).w; got != last {
			moved, last = append(moved, time.Now()), got
		}
	}
	for i, m := range moved {
		if i > 0 && m.Sub(moved[i-1]) < time.Minute {
			w.Errorf("moved again after %v", m.Sub(moved[i-1]))
		}
	}
	if len(moved) < 7 {
		w.Errorf("moved %d times in 14 minutes", len(moved))
	}
}

// An entry whose ts is w is covered by it, that of the next millisecond is listed.
func positionExact(w *world) {
	a := w.connect(ann)
	for _, e := range []chat.Entry{message(log, bob), changed(log, nil, users(ann))} {
		e = w.store.commit(e)
		w.send(e)
		w.pass(10 * time.Second)
		for _, later := range []int64{1, 0} {
			w.within(func(h *Hub) {
				at := e.TS - later + settleTime.Milliseconds()
				h.logs.all(func(l *logState) { l.verifiedAt = at })
				a.stream.user.verifiedAt = at
				h.refresh(a.stream)
				h.tell(a.stream)
			})
			if got := w.at(a); got.w != e.TS-later || len(got.marks) != int(later) {
				w.Errorf("w is %d before entry %d: %v listed", e.TS-got.w, e.Seq, got.marks)
			}
		}
	}
}

// Entries that give the user no frames are in no list.
func positionNothing(w *world) {
	a := w.connect(ann)
	w.send(w.store.commit(chat.Entry{
		Log: chat.UserLog(ann), Kind: chat.KindSessionRevoked, By: ann, Body: mustJSON(chat.SessionRevokedBody{Session: "another"}),
	}))
	w.send(w.message(log, bob))
	if got := w.at(a).marks; len(got) != 1 || got[0].key != keyOf(log) {
		w.Errorf("listed: %v", got)
	}
}
