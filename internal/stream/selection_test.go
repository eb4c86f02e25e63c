package stream

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidings/internal/bus"
	"tidings/internal/chat"
)

// other is a log of ann and cat.
const other chat.LogID = "c:1-3"

func narrowed(types string, logs ...chat.LogID) *selection {
	var list []string
	if types != "" {
		list = strings.Split(types, ",")
	}
	return newSelection(list, logs)
}

// connectNarrow opens a stream of ann that wants the selection alone.
func (w *world) connectNarrow(sel *selection, position string) *fakeConn {
	w.Helper()
	c := w.request(Request{Session: w.session(ann, "narrow"), LastEventID: position, selection: sel})
	w.settle()
	return c
}

func TestSelection(t *testing.T) {
	for name, run := range map[string]func(w *world){
		"Types": selectTypes, "Logs": selectLogs, "BothMustFit": selectBoth, "Foreign": selectForeign, "JoinedLater": selectJoined,
		"Ephemerals": selectEphemerals, "PositionOfAnotherSelection": selectAnother, "LogOutEndsItAll": selectLogOut,
		"PositionAfterManyUnwanted": selectPassed, "UnwantedLogsDontOverflow": selectOverflow, "HoleInAnUnwantedLog": selectHole,
		"SlowReader": selectSlow, "Shared": selectShared, "PositionMovesUp": selectRefreshed, "Batch": selectBatch,
	} {
		t.Run(name, func(t *testing.T) { scenario(t, Config{}, run) })
	}
}

func selectTypes(w *world) {
	a := w.connectNarrow(narrowed("notification"), "")
	w.send(w.message(log, bob), w.message(log, ann), w.message(log, bob))
	equal(w.T, "notifications", a.frames(), "c:1-2/2/2 @", "c:1-2/4/2 @")
	c, ok := parseCursor(a.position())
	if !ok || len(c.marks) != 1 || c.marks[0] != (mark{keyOf(log), 4, 0}) {
		w.Errorf("position %+v: the entry is through", c)
	}
	position := a.position()
	w.send(w.message(log, bob))
	b := w.connectNarrow(narrowed("notification"), position)
	w.ready(b, true)
	equal(w.T, "what was missed", b.frames(), "c:1-2/5/2 @")
}

func selectLogs(w *world) {
	w.changed(other, users(ann, cat), nil)
	a := w.connectNarrow(narrowed("", other), "")
	w.send(w.message(log, bob), w.message(other, cat), w.message(log, bob))
	equal(w.T, "of the log alone", a.ids(), "c:1-3/2/1", "c:1-3/2/2", "c:1-3/2/3")
	position := a.position()
	w.send(w.message(log, bob), w.message(other, cat))
	b := w.connectNarrow(narrowed("", other), position)
	equal(w.T, "what was missed", b.ids(), "c:1-3/3/1", "c:1-3/3/2", "c:1-3/3/3")
}

func selectBoth(w *world) {
	w.changed(other, users(ann, cat), nil)
	a := w.connectNarrow(narrowed("message,typing", other), "")
	w.send(w.message(log, bob), w.message(other, cat))
	w.deliver(typing(log, 1))
	equal(w.T, "messages of the log", a.ids(), "c:1-3/2/1")
	equal(w.T, "ephemerals", a.ephemerals())
}

// A log that isn't the user's is silent, whoever asks for it.
func selectForeign(w *world) {
	foreign := chat.LogID("c:2-3")
	w.changed(foreign, users(bob, cat), nil)
	w.connect(cat)
	a := w.connectNarrow(narrowed("", foreign), "")
	w.ready(a, false)
	w.send(w.message(log, bob), w.message(foreign, bob))
	w.deliver(typing(foreign, 1))
	equal(w.T, "events", a.frames())
}

func selectJoined(w *world) {
	a := w.connectNarrow(narrowed("", other), "")
	w.send(w.changed(other, users(ann, cat), nil), w.message(other, cat), w.message(log, bob))
	equal(w.T, "from the first entry", a.seqs()[other], 1, 2)
	equal(w.T, "of the other log", a.seqs()[log])
	w.send(w.changed(other, nil, users(ann)), w.message(other, cat))
	equal(w.T, "to the last", a.seqs()[other], 1, 2, 3)
}

func selectEphemerals(w *world) {
	a := w.connectNarrow(narrowed("typing"), "")
	b := w.connectNarrow(narrowed("message"), "")
	w.send(w.message(log, bob))
	w.deliver(typing(log, 2))
	equal(w.T, "typing", a.ephemerals(), "typing")
	equal(w.T, "nothing else", a.ids())
	equal(w.T, "not asked for", b.ephemerals())
}

func selectAnother(w *world) {
	narrow := w.connectNarrow(narrowed("notification", log), "").position()
	for name, sel := range map[string]*selection{
		"none": nil, "another type": narrowed("message", log), "another log": narrowed("notification", other), "fewer": narrowed("notification"),
	} {
		w.checkReset(name, w.connectNarrow(sel, narrow), "selection")
	}
	w.checkReset("narrower", w.connectNarrow(narrowed("notification"), w.connect(ann).position()), "selection")
	same := w.connectNarrow(narrowed("notification,notification", log, log), narrow)
	w.ready(same, true)
}

func (w *world) checkReset(name string, c *fakeConn, reason string) {
	w.Helper()
	if got := c.named("reset"); len(got) != 1 || got[0] != fmt.Sprintf(`{"reason":%q}`, reason) {
		w.Errorf("%s: resets %v, want one: %s", name, got, reason)
	}
}

// Whatever a stream is narrowed to, it ends with its session.
func selectLogOut(w *world) {
	a := w.connectNarrow(narrowed("message", other), "")
	w.send(w.store.commit(revokedEntry("narrow")))
	if len(a.named("revoked")) != 1 || !a.isClosed() {
		w.Errorf("got %q", a.text())
	}
}

// What isn't wanted counts as sent: the client is told so now and then, and doesn't go
// through it again when it comes back.
func selectPassed(w *world) {
	a := w.connectNarrow(narrowed("notification"), "")
	for range maxPassed - 1 {
		w.send(w.message(log, ann))
	}
	start := a.position()
	w.send(w.message(log, ann))
	c, ok := parseCursor(a.position())
	if a.position() == start || !ok || len(c.marks) != 1 || c.marks[0].seq != maxPassed+1 {
		w.Fatalf("position %+v", c)
	}
	equal(w.T, "frames", a.frames())
	for range maxPassed - 1 {
		w.send(w.message(log, ann))
	}
	at := a.position()
	if again, _ := parseCursor(at); again.marks[0] != c.marks[0] {
		w.Errorf("told again after %+v", again)
	}
	w.send(w.message(log, bob)) // its own id tells, and the count begins anew
	w.send(w.message(log, ann))
	if again, _ := parseCursor(a.position()); again.marks[0].seq != 2*maxPassed+1 {
		w.Errorf("position %+v", again)
	}
}

// More than can be replayed, of what isn't wanted: no reason to fetch the lists.
func selectOverflow(w *world) {
	w.changed(other, users(ann, cat), nil)
	byLog := w.connectNarrow(narrowed("", other), "").position()
	byType := w.connectNarrow(narrowed("friends_changed,typing"), "").position()
	both := w.connectNarrow(narrowed("message"), "").position()
	for range maxReplay + 1 {
		w.send(w.message(log, bob))
	}
	w.send(w.message(other, cat))
	a := w.connectNarrow(narrowed("", other), byLog)
	w.ready(a, true)
	equal(w.T, "what was missed", a.seqs()[other], 2)
	w.ready(w.connectNarrow(narrowed("friends_changed,typing"), byType), true)
	w.checkReset("wanted", w.connectNarrow(narrowed("message"), both), "overflow")
}

func selectHole(w *world) {
	w.changed(other, users(ann, cat), nil)
	narrow, plain := w.connectNarrow(narrowed("", other), ""), w.connect(ann)
	w.message(log, bob)
	w.message(log, bob)
	w.store.set(func() { w.store.gone[log] = 3 })
	w.hint(w.message(log, bob))
	w.pass(time.Minute)
	w.checkReset("a stream of all", plain, "expired")
	if got := narrow.named("reset"); len(got) != 0 {
		w.Errorf("a narrowed stream: %v", got)
	}
	w.send(w.message(other, cat))
	equal(w.T, "goes on", narrow.seqs()[other], 2)
}

// A narrowed stream that pulls passes over what it doesn't want, too.
func selectSlow(w *world) {
	w.changed(other, users(ann, cat), nil)
	a := w.connectNarrow(narrowed("notification", log), "")
	a.setSlow(true)
	for range 300 {
		w.send(w.message(log, bob), w.message(log, ann), w.message(other, cat))
	}
	if a.pending < PendingHigh {
		w.Fatalf("only %d bytes are pending", a.pending)
	}
	a.setSlow(false)
	w.settle()
	if n := len(a.ids()); n != 300 {
		w.Errorf("%d events", n)
	}
	for i, id := range a.ids() {
		if want := fmt.Sprintf("c:1-2/%d/2", 2*i+2); id != want {
			w.Fatalf("%s instead of %s", id, want)
		}
	}
}

// Streams that want the same share it, and what is decided once; who has gone leaves
// nothing.
func selectShared(w *world) {
	a, b := w.connectNarrow(narrowed("message", log), ""), w.connectNarrow(narrowed("message", log), "")
	c := w.connectNarrow(narrowed("message", other), "")
	w.within(func(h *Hub) {
		if a.stream.selection() != b.stream.selection() || len(h.selections) != 2 {
			w.Errorf("%d selections", len(h.selections))
		}
	})
	w.send(w.message(log, bob), w.message(log, ann), w.message(log, bob))
	for _, c := range []*fakeConn{a, b} {
		equal(w.T, "both", c.ids(), "c:1-2/2/1", "c:1-2/4/1")
	}
	for _, c := range []*fakeConn{a, b, c} {
		c.stream.Closed()
	}
	w.within(func(h *Hub) {
		if len(h.selections) != 0 {
			w.Errorf("%d selections left", len(h.selections))
		}
	})
}

// A narrowed stream's position moves up like any, and only by the logs that it follows.
func selectRefreshed(w *world) {
	w.changed(other, users(ann, cat), nil)
	a := w.connectNarrow(narrowed("", other), "")
	w.send(w.message(other, cat), w.message(log, bob))
	before, _ := parseCursor(a.position())
	w.pass(tellEvery + time.Minute)
	after, ok := parseCursor(a.position())
	if !ok || after.w <= before.w || len(after.marks) != 0 || after.selection != narrowed("", other).hash {
		w.Errorf("from %+v to %+v", before, after)
	}
}

func selectBatch(w *world) {
	a := w.request(Request{Session: w.session(ann, "narrow"), Batch: 50 * time.Millisecond, selection: narrowed("message,typing"), gzip: &gzipped{}})
	w.settle()
	w.send(w.message(log, bob), w.message(log, ann), w.message(log, bob))
	w.deliver(typing(log, 4))
	w.pass(50 * time.Millisecond)
	equal(w.T, "one frame", a.frames(), "c:1-2/2/1 c:1-2/4/1 @")
	equal(w.T, "ephemerals", a.ephemerals(), "typing")
}

func TestSelectionKey(t *testing.T) {
	a, b := narrowed("read,message", other, log), narrowed("message,read,read", log, other, log)
	if a.key != b.key || a.hash != b.hash {
		t.Errorf("%q and %q", a.key, b.key)
	}
	hashes := map[uint32]string{0: "none"}
	for _, s := range []*selection{a, narrowed("read"), narrowed("message"), narrowed("", log), narrowed("", other), narrowed("message", log), narrowed("message,read")} {
		if same, twice := hashes[s.hash]; twice {
			t.Errorf("%q has the hash of %q", s.key, same)
		}
		hashes[s.hash] = s.key
	}
	if newSelection(nil, nil) != nil {
		t.Error("nothing selects something")
	}
}

// Whatever entries make is followed by who asks for it: held to all events that the
// tests of internal/chat pin.
func TestMayMake(t *testing.T) {
	files, err := filepath.Glob("../chat/testdata/event_*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			f := strings.SplitN(line, " ", 4)
			log, _, durable := strings.Cut(f[1], "/")
			if durable && !narrowed(f[2]).follows(chat.LogID(log)) {
				t.Errorf("%s: %s makes %s", file, log, f[2])
			}
		}
	}
	for typ, log := range map[string]chat.LogID{"conversation_update": "g:x", "group_update": "c:1-2", "typing": "c:1-2", "receipt": "g:x", "read": "c:1-2"} {
		if narrowed(typ).follows(log) {
			t.Errorf("%s never makes %s", log, typ)
		}
	}
}

func TestSelectionOverHTTP(t *testing.T) { overEach(t, testSelectionOverHTTP) }

func testSelectionOverHTTP(t *testing.T, over transport) {
	s := newSite(t, over, Config{})
	const group = "01890a5d-ac96-774b-bcce-b302099a8057"
	var types, ids []string
	for i := range maxLogs + 1 {
		types = append(types, fmt.Sprint("t", i))
		ids = append(ids, fmt.Sprintf("conversationId=1-%d", i+2))
	}
	for _, tc := range []struct{ query, path, code string }{
		{"types=", "types", "event_type"},
		{"types=a,,b", "types", "event_type"},
		{"types=a%20b", "types", "event_type"},
		{"types=" + strings.Repeat("a", maxTypeBytes+1), "types", "event_type"},
		{"types=%zz", "types", "malformed"},
		{"types=" + strings.Join(types[:maxTypes+1], ","), "types", "too_many"},
		{"conversationId=2-1", "conversationId", "conversation_id"},
		{"conversationId=", "conversationId", "conversation_id"},
		{"groupChatId=x", "groupChatId", "group_chat_id"},
		{"groupChatId=" + strings.ToUpper(group), "groupChatId", "group_chat_id"},
		{strings.Join(ids, "&"), "conversationId", "too_many"},
		{"groupChatId=" + group + "&" + strings.Join(ids[:maxLogs], "&"), "conversationId", "too_many"},
	} {
		resp := s.ask(t.Context(), http.MethodGet, "?"+tc.query, "Authorization", "ann")
		var p struct {
			Code   string
			Errors []chat.FieldError
		}
		if err := json.NewDecoder(resp.Body).Decode(&p); err != nil || resp.StatusCode != 422 || p.Code != "validation_failed" ||
			len(p.Errors) != 1 || p.Errors[0].Path != tc.path || p.Errors[0].Code != tc.code {
			t.Errorf("%s: status %d, %+v, %v", tc.query, resp.StatusCode, p, err)
		}
	}
	largest := "types=" + strings.Join(types[:maxTypes-1], ",") + "&types=message&types=message&" + strings.Join(ids[:maxLogs-1], "&") + "&groupChatId=" + group
	resp := s.ask(t.Context(), http.MethodGet, "?"+largest, "Authorization", "ann", "Last-Event-ID", strings.Repeat("A", maxCursor))
	e := s.store.commit(message(log, bob))
	if err := s.hub.Deliver(t.Context(), []bus.Envelope{{Entry: &e}}); err != nil {
		t.Fatal(err)
	}
	text := readUntil(t, resp.Body, `/1"}`)
	if strings.Contains(text, "notification") || !strings.Contains(text, `"type":"message"`) {
		t.Errorf("got %q", text)
	}
}
