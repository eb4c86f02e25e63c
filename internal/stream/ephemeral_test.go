package stream

import (
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
		run  func(w *world)
	}{
		{"OthersAtHead", ephemeralAtHead},
		{"BehindHead", ephemeralBehind},
		{"SlowReader", ephemeralSlow},
		{"Removed", ephemeralRemoved},
		{"UntrackedLog", ephemeralUntracked},
	} {
		t.Run(tc.name, func(t *testing.T) { scenario(t, Config{}, tc.run) })
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
