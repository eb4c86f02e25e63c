package stream

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"tidings/internal/bus"
	"tidings/internal/chat"
)

// connectBatch opens a stream that gathers for that long.
func (w *world) connectBatch(user chat.UserID, window time.Duration, position string) *fakeConn {
	w.Helper()
	c := w.request(Request{Session: w.session(user, "batch of "+user.String()), Batch: window, LastEventID: position})
	w.settle()
	return c
}

func TestBatch(t *testing.T) {
	for name, run := range map[string]func(w *world){
		"TogetherInOneFrame": batchTogether, "OwnEventsComeBehind": batchOwnEvents, "BoundedInBytes": batchBounded,
		"CutWhileItWaits": batchCut, "BeforeReset": batchBeforeReset, "BeforeTheEnd": batchBeforeTheEnd,
		"EphemeralsAlone": batchEphemeral, "EachHasItsTime": batchTimers, "ClientGone": batchGone, "Compressed": batchCompressed,
		"WhatWasMissed": batchMissed,
	} {
		// With this seed no heartbeat, behind which a batch goes, falls into the time of a test.
		t.Run(name, func(t *testing.T) { scenario(t, Config{Seed: 1}, run) })
	}
}

// frames are the frames with events of users, each with the events' ids and whether it
// has a position.
func (c *fakeConn) frames() (out []string) {
	for block := range strings.SplitSeq(c.text(), "\n\n") {
		if events := parseEvents(block); len(events) > 0 && events[0].Event == "message" {
			text := strings.Join(idsOf(block), " ")
			if lastID(block+"\n\n") != "" {
				text += " @"
			}
			out = append(out, text)
		}
	}
	return out
}

func batchTogether(w *world) {
	a, plain := w.connectBatch(ann, 50*time.Millisecond, ""), w.connect(ann)
	w.send(w.message(log, bob))
	w.pass(30 * time.Millisecond)
	w.send(w.message(log, ann))
	w.pass(19 * time.Millisecond)
	equal(w.T, "before the time", a.frames())
	w.pass(time.Millisecond)
	equal(w.T, "one frame", a.frames(), "c:1-2/2/1 c:1-2/2/2 c:1-2/2/3 c:1-2/3/3 @")
	equal(w.T, "a plain stream", plain.frames(), "c:1-2/2/1 @", "c:1-2/2/2 @", "c:1-2/2/3 @", "c:1-2/3/3 @")
	w.send(w.message(log, bob))
	b := w.connectBatch(ann, 50*time.Millisecond, a.position())
	w.pass(50 * time.Millisecond)
	equal(w.T, "what follows on the position", b.frames(), "c:1-2/4/1 c:1-2/4/2 c:1-2/4/3 @")
}

// What the stream itself has to say stands behind the events before it.
func batchOwnEvents(w *world) {
	a := w.connectBatch(ann, time.Second, "")
	for _, own := range []func(h *Hub){
		func(h *Hub) { h.write(a.stream, heartbeatFrame(h.now)) },
		func(h *Hub) { h.tell(a.stream) },
	} {
		before := a.text()
		w.send(w.message(log, bob))
		w.within(own)
		news := strings.TrimPrefix(a.text(), before)
		if !strings.HasPrefix(news, "data: [") || strings.Count(news, "\n\n") != 2 {
			w.Errorf("got %q", news)
		}
	}
}

func batchBounded(w *world) {
	a := w.connectBatch(ann, time.Second, "")
	for range 2 { // 40 KB each, in three events
		m := message(log, bob)
		m.Body = mustJSON(chat.MessageBody{Sender: chat.UserRef{ID: bob}, Content: strings.Repeat("hello ", 7000), Members: []chat.UserRef{{ID: bob}}})
		w.send(w.store.commit(m))
	}
	w.send(w.message(log, bob))
	equal(w.T, "without waiting", a.frames(), "c:1-2/2/1 c:1-2/2/2 c:1-2/2/3 @", "c:1-2/3/1 c:1-2/3/2 c:1-2/3/3 @")
}

// What waits is not in the client's position: a cut loses nothing.
func batchCut(w *world) {
	a := w.connectBatch(ann, time.Second, "")
	w.send(w.message(log, bob))
	position := a.position()
	a.stream.Closed()
	w.settle()
	b := w.connectBatch(ann, time.Millisecond, position)
	w.pass(time.Millisecond)
	equal(w.T, "after the cut", b.frames(), "c:1-2/2/1 c:1-2/2/2 c:1-2/2/3 @")
}

// What waits when too much was missed is told before that, with its own position: who is
// cut between the two comes back with it and is told all the same.
func batchBeforeReset(w *world) {
	a := w.connectBatch(ann, time.Second, "")
	w.send(w.message(log, bob))
	w.within(func(h *Hub) { h.restart(a.stream, resetExpired) })
	i := strings.Index(a.text(), "event: reset")
	if i < 0 || !strings.Contains(a.text()[:i], `"eventId":"c:1-2/2/3"`) {
		w.Fatalf("got %q", a.text())
	}
	before, ok := parseCursor(lastID(a.text()[:i]))
	if !ok || len(before.marks) != 1 || before.marks[0].seq != 2 || before.w == 0 {
		w.Errorf("the position before the reset: %+v", before)
	}
}

func batchBeforeTheEnd(w *world) {
	a, b := w.connectBatch(ann, time.Second, ""), w.connectBatch(bob, time.Second, "")
	w.send(w.message(log, cat), w.store.commit(revokedEntry("batch of "+ann.String())))
	w.stop()
	for name, c := range map[string]*fakeConn{"revoked": a, "reconnect": b} {
		i, k := strings.Index(c.text(), `"eventId":"c:1-2/2/3"`), strings.Index(c.text(), "event: "+name)
		if i < 0 || k < i || !c.isClosed() {
			w.Errorf("%s: got %q", name, c.text())
		}
	}
}

func batchEphemeral(w *world) {
	a := w.connectBatch(ann, 50*time.Millisecond, "")
	w.deliver(typing(log, 1), typing(log, 1))
	w.pass(50 * time.Millisecond)
	w.send(w.message(log, ann))
	w.deliver(typing(log, 2))
	w.pass(50 * time.Millisecond)
	equal(w.T, "frames", a.frames(), "", "c:1-2/2/3 @")
	equal(w.T, "ephemerals", a.ephemerals(), "typing", "typing", "typing")
}

// A batch that went early doesn't shorten the time of the next.
func batchTimers(w *world) {
	a := w.connectBatch(ann, time.Second, "")
	w.send(w.message(log, ann))
	w.pass(500 * time.Millisecond)
	w.within(func(h *Hub) { h.write(a.stream, heartbeatFrame(h.now)) })
	w.send(w.message(log, ann))
	w.pass(999 * time.Millisecond)
	equal(w.T, "before the time of the second", a.frames(), "c:1-2/2/3 @")
	w.pass(time.Millisecond)
	equal(w.T, "then", a.frames(), "c:1-2/2/3 @", "c:1-2/3/3 @")
}

func batchGone(w *world) {
	a := w.connectBatch(ann, time.Second, "")
	w.send(w.message(log, bob))
	a.stream.Closed()
	w.settle()
	written := a.text()
	w.pass(2 * time.Second)
	if a.text() != written {
		w.Error("written to after its end")
	}
}

func batchCompressed(w *world) {
	plain := w.connectBatch(ann, 50*time.Millisecond, "")
	packed := w.request(Request{Session: w.session(ann, "packed"), Batch: 50 * time.Millisecond, gzip: &gzipped{}})
	w.settle()
	w.send(w.message(log, bob), w.message(log, ann), w.message(log, bob))
	w.deliver(typing(log, 4))
	w.pass(50 * time.Millisecond)
	equal(w.T, "frames", packed.frames(), plain.frames()...)
	if got := len(packed.ids()); got != 7 {
		w.Errorf("%d events", got)
	}
}

// Who comes back gets what was missed in batches, too, and each whole.
func batchMissed(w *world) {
	a := w.connectBatch(ann, 50*time.Millisecond, "")
	position := a.position()
	a.stream.Closed()
	for range 200 {
		w.send(w.message(log, bob))
	}
	b := w.connectBatch(ann, 50*time.Millisecond, position)
	w.pass(time.Second)
	if n := len(b.ids()); n != 600 {
		w.Errorf("%d events", n)
	}
	for _, f := range b.frames() {
		if !strings.HasSuffix(f, "/3 @") {
			w.Errorf("a frame ends within an entry: %q", f)
		}
	}
	if n := len(b.frames()); n < 4 || n > 20 {
		w.Errorf("%d frames", n)
	}
}

func TestBatchOverHTTP(t *testing.T) { overEach(t, testBatchOverHTTP) }

func testBatchOverHTTP(t *testing.T, over transport) {
	s := newSite(t, over, Config{})
	for query, code := range map[string]string{
		"batch=0": "out_of_range", "batch=1001": "out_of_range", "batch=": "out_of_range", "batch=050": "out_of_range",
		"batch=1s": "out_of_range", "batch=-5": "out_of_range", "batch=99999999999999999999": "out_of_range",
		"batch=50&batch=50": "repeated", "batch=%zz": "malformed",
	} {
		resp := s.ask(t.Context(), http.MethodGet, "?"+query, "Authorization", "ann")
		var p struct {
			Code   string
			Errors []chat.FieldError
		}
		if err := json.NewDecoder(resp.Body).Decode(&p); err != nil || resp.StatusCode != 422 || p.Code != "validation_failed" ||
			len(p.Errors) != 1 || p.Errors[0].Path != "batch" || p.Errors[0].Code != code {
			t.Errorf("%s: status %d, %+v, %v", query, resp.StatusCode, p, err)
		}
	}
	resp := s.ask(t.Context(), http.MethodGet, "?batch=20&other=%zz&lastEventId=", "Authorization", "ann")
	e := s.store.commit(message(log, bob))
	if err := s.hub.Deliver(t.Context(), []bus.Envelope{{Entry: &e}}); err != nil {
		t.Fatal(err)
	}
	text := readUntil(t, resp.Body, "]\n")
	if n := strings.Count(text[strings.Index(text, "data: [")+1:], `{"userId":1,`); n != 3 {
		t.Errorf("%d events: %q", n, text)
	}
}

func readUntil(t *testing.T, r io.Reader, end string) string {
	t.Helper()
	var b strings.Builder
	for buf := make([]byte, 1); !strings.HasSuffix(b.String(), end); {
		if _, err := r.Read(buf); err != nil {
			t.Fatalf("%v after %q", err, b.String())
		}
		b.Write(buf)
	}
	return b.String()
}
