package stream

import (
	"slices"
	"testing"
	"time"

	"tidings/internal/bus"
	"tidings/internal/chat"
)

// TestEphemeral: told to the other members that are here now, if the hub knows
// the log as far as the writer did.
func TestEphemeral(t *testing.T) {
	for _, tc := range []struct {
		name string
		cfg  Config
		run  func(w *world)
	}{
		{"OthersAtHead", Config{}, ephemeralAtHead},
		{"BehindHead", Config{}, ephemeralBehind},
		{"SlowReader", Config{}, ephemeralSlow},
		{"BlockedAtHead", Config{}, ephemeralBlocked},
		{"StillPulling", Config{CacheBytes: 1}, ephemeralPulling},
		{"Removed", Config{}, ephemeralRemoved},
		{"RemovalKnownBeforeItsEntry", Config{}, ephemeralRemovedAhead},
		{"UntrackedLog", Config{}, ephemeralUntracked},
		{"AheadOfTheHub", Config{}, ephemeralAhead},
		{"Slices", Config{Slice: 2}, ephemeralSlices},
		{"AddedMeanwhile", Config{Slice: 1}, ephemeralAdded},
		{"ShedFirst", Config{Slice: 2}, ephemeralShed},
	} {
		t.Run(tc.name, func(t *testing.T) { scenario(t, tc.cfg, tc.run) })
	}
}

// typing is bob's, whose client knows the log up to head.
func typing(log chat.LogID, head int64) bus.Envelope {
	return bus.Envelope{Ephemeral: &chat.Ephemeral{
		Log: log, Head: head, Kind: chat.KindTyping, By: bob, Body: []byte("{\"conversationId\":\n\"1-2\"}"),
	}}
}

// ephemerals are the types of the events without an id.
func (c *fakeConn) ephemerals() (out []string) {
	for _, e := range c.events() {
		if e.Type != "" && e.EventID == "" {
			out = append(out, e.Type)
		}
	}
	return out
}

func ephemeralAtHead(w *world) {
	a, b, c := w.connect(ann), w.connect(bob), w.connect(cat)
	w.deliver(typing(log, 1))
	equal(w.T, "ann", a.ephemerals(), "typing")
	equal(w.T, "the writer", b.ephemerals())
	equal(w.T, "a stranger", c.ephemerals())
}

func ephemeralBehind(w *world) {
	a := w.connect(ann)
	w.message(log, bob)
	w.deliver(typing(log, 2))
	w.pass(time.Minute)
	equal(w.T, "ann", a.ephemerals())
}

func ephemeralSlow(w *world) {
	a := w.connect(ann)
	a.setSlow(true)
	for range 200 {
		w.send(w.message(log, bob))
	}
	w.deliver(typing(log, 1))
	equal(w.T, "ann", a.ephemerals())
	a.setSlow(false)
	w.pass(time.Second)
	equal(w.T, "ann, level again", a.ephemerals())
}

// The last message that the socket took filled it: nothing is missing, but there is
// no room.
func ephemeralBlocked(w *world) {
	a := w.connect(ann)
	a.setSlow(true)
	head := int64(1)
	for full := false; !full; {
		e := w.message(log, bob)
		w.send(e)
		head = e.Seq
		pending, _ := a.Progress()
		full = pending >= PendingHigh
	}
	w.deliver(typing(log, head))
	equal(w.T, "ann", a.ephemerals())
}

// The socket has room again, and what it missed is being read.
func ephemeralPulling(w *world) {
	a := w.connect(ann)
	a.setSlow(true)
	for range 200 {
		w.send(w.message(log, bob))
	}
	w.store.latency = 100 * time.Millisecond
	a.setSlow(false)
	w.settle()
	w.deliver(typing(log, 201))
	equal(w.T, "ann", a.ephemerals())
	w.pass(10 * time.Second)
	w.deliver(typing(log, 201))
	equal(w.T, "ann, level again", a.ephemerals(), "typing")
}

// Her second tab's connect has read that ann has left, before the entry came that
// says so.
func ephemeralRemovedAhead(w *world) {
	a := w.connect(ann)
	w.connect(bob)
	w.changed(log, nil, users(ann)) // 2
	w.connect(ann)
	w.deliver(typing(log, 1))
	equal(w.T, "ann", a.ephemerals())
}

func ephemeralRemoved(w *world) {
	a := w.connect(ann)
	w.connect(bob)
	w.send(w.changed(log, nil, users(ann)))
	w.deliver(typing(log, 2))
	equal(w.T, "ann", a.ephemerals())
}

func ephemeralUntracked(w *world) {
	a := w.connect(ann)
	w.deliver(typing("c:8-9", 0))
	equal(w.T, "ann", a.ephemerals())
}

// Her last instance was further than this one.
func ephemeralAhead(w *world) {
	w.connect(bob)
	w.message(log, bob) // 2
	c := cursor{user: ann, w: time.Now().Add(-time.Minute).UnixMilli(), marks: []mark{{keyOf(log), 2, 0}}}
	a := w.resume(ann, c.text())
	w.ready(a, true)
	w.deliver(typing(log, 1))
	equal(w.T, "ann", a.ephemerals(), "typing")
}

// A slice is told at once; the others by and by, those who have left or ended meanwhile
// not.
func ephemeralSlices(w *world) {
	conns := w.crowd(9)
	removal := w.changed(group, nil, users(7))
	note := typing(group, 1)
	w.within(func(h *Hub) {
		h.deliverEnvelope(&note)
		told := 0
		for _, c := range conns {
			told += len(c.ephemerals())
		}
		if told > 2 {
			w.Errorf("%d were told at once, want a slice of 2", told)
		}
		h.deliverEnvelope(&bus.Envelope{Entry: &removal})
		h.end(conns[7].stream, "client")
	})
	for _, c := range conns {
		want := []string{"typing"}
		if c.user == bob || c.user == 7 || c.user == 8 {
			want = nil
		}
		equal(w.T, c.user.String(), c.ephemerals(), want...)
	}
}

// What entries leave of the slices is for ephemerals, and what there is no room for is
// dropped, except for those who need not wait.
func ephemeralShed(w *world) {
	conns := w.crowd(9)
	note1, note2 := typing(group, 1), typing(group, 1)
	w.within(func(h *Hub) {
		h.notes = make([]note, maxNotes)
		h.deliverEnvelope(&note1)
		if len(h.notes) != maxNotes {
			w.Errorf("%d ephemerals wait", len(h.notes))
		}
		h.notes = nil
		h.deliverEnvelope(&note2)
		waiting := len(h.notes)
		h.behind = []behind{{conns[0].stream, &fanOut{left: 9}}, {conns[0].stream, &fanOut{left: 9}}}
		h.nextSlice()
		if len(h.notes) != waiting || waiting != 6 {
			w.Errorf("%d of %d ephemerals wait for a slice of entries", len(h.notes), waiting)
		}
	})
	for i, c := range conns {
		want := []string{"typing", "typing"}[:2-min(1, i/3)] // of the first, two were told beside the writer
		if c.user == bob {
			want = nil
		}
		equal(w.T, c.user.String(), c.ephemerals(), want...)
	}
}

// Somebody is added while what somebody typed before still waits to be told.
func ephemeralAdded(w *world) {
	w.crowd(9)
	c := w.connect(10)
	second, third := w.message(group, 1), w.changed(group, users(10), nil)
	note := typing(group, 1)
	w.deliver(bus.Envelope{Entry: &third}) // held, but its bell is answered
	w.within(func(h *Hub) {
		h.deliverEnvelope(&note)
		h.deliverEnvelope(&bus.Envelope{Entry: &second})
	})
	equal(w.T, "added", c.ephemerals())
	if seqs := c.seqs()[group]; !slices.Equal(seqs, []int64{3}) {
		w.Errorf("got %v", seqs)
	}
}
