package stream

import (
	"fmt"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidings/internal/bus"
	"tidings/internal/chat"
)

// sink is a socket that takes everything.
type sink struct{ bytes int }

func (s *sink) Write(f Frame) int       { s.bytes += f.Len(); return 0 }
func (s *sink) Flush()                  {}
func (s *sink) Progress() (int, uint64) { return 0, uint64(s.bytes) }
func (s *sink) Close()                  {}

// benchHub has n users with one stream each, all members of the log, and its
// loop is the benchmark.
func benchHub(b *testing.B, n int, modes ...func() *mode) *Hub {
	b.Helper()
	store := newFakeStore()
	h := NewHub(Config{}, store, store, NewMetrics(prometheus.NewRegistry()), slog.New(slog.DiscardHandler))
	all := make([]chat.UserID, n)
	for i := range all {
		all[i] = chat.UserID(i + 1)
	}
	store.commit(changed(log, all, nil))
	store.commit(message(log, 1))
	for _, u := range all {
		openSink(b, h, store, u)
	}
	runUntil(b, h, n)
	for _, m := range modes {
		for _, u := range h.users {
			u.streams[0].mode = m()
		}
	}
	return h
}

func openSink(b *testing.B, h *Hub, store *fakeStore, u chat.UserID) {
	b.Helper()
	s := logIn(store, u)
	h.register(newStream(h, s, &sink{}), u)
}

// logIn gives the user a session.
func logIn(store *fakeStore, u chat.UserID) chat.Session {
	s := chat.Session{ID: u.String(), User: u, Expires: time.Now().Add(time.Hour)}
	store.set(func() { store.sessions[s.ID] = s })
	return s
}

// runUntil turns the loop by hand until n streams are live.
func runUntil(b testing.TB, h *Hub, n int) {
	b.Helper()
	for {
		h.turn()
		ready := 0
		for _, u := range h.users {
			for _, s := range u.streams {
				if s.phase == live {
					ready++
				}
			}
		}
		if ready == n {
			return
		}
		h.take(<-h.results)
	}
}

// passOn turns the loop by hand until everybody has what was delivered.
func passOn(h *Hub) {
	for h.turn(); len(h.behind) > 0; {
		h.turn()
	}
}

// benchMessage is a message of a hundred characters.
func benchMessage() chat.Entry {
	alice, bob := chat.UserRef{ID: 1, Username: "alice", DisplayName: "Alice Liddell"}, chat.UserRef{ID: 2, Username: "bob", DisplayName: "Bob"}
	e := message(log, 1)
	e.Body = mustJSON(chat.MessageBody{
		Sender: alice, Members: []chat.UserRef{alice, bob},
		Content: "Shall we meet at the climbing hall tomorrow at seven? I bring the rope if you take the quickdraws.",
	})
	e.TS = time.Now().UnixMilli()
	return e
}

// BenchmarkDeliver is one message of three events to n live streams, without
// decoding and writing.
func BenchmarkDeliver(b *testing.B) {
	for _, n := range []int{1, 20, 1000} {
		b.Run(fmt.Sprintf("streams=%d", n), func(b *testing.B) { benchDeliver(b, benchHub(b, n), n) })
		b.Run(fmt.Sprintf("gzip/streams=%d", n), func(b *testing.B) {
			benchDeliver(b, benchHub(b, n, func() *mode { return &mode{gzip: &gzipped{}} }), n)
		})
	}
}

func benchDeliver(b *testing.B, h *Hub, n int) {
	e := benchMessage()
	e.Seq = h.logs.get(log).last
	env := bus.Envelope{Entry: &e}
	out := h.users[chat.UserID(n)].streams[0].conn.(*sink)
	before := out.bytes
	b.ReportAllocs()
	for b.Loop() {
		e.Seq++
		h.take(func() { h.deliverEnvelope(&env) })
		passOn(h)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/stream")
	b.ReportMetric(float64(out.bytes-before)/float64(b.N), "B/message")
}

// BenchmarkDuplicate is what a duplicate costs the loop.
func BenchmarkDuplicate(b *testing.B) {
	h := benchHub(b, 20)
	e := benchMessage()
	e.Seq = 1
	env := bus.Envelope{Entry: &e}
	b.ReportAllocs()
	for b.Loop() {
		h.deliverEnvelope(&env)
	}
}

// BenchmarkDuplicateDecoded is what a duplicate costs from the bytes on.
func BenchmarkDuplicateDecoded(b *testing.B) {
	h := benchHub(b, 20)
	e := benchMessage()
	e.Seq = 1
	raw, err := bus.Encode(bus.Envelope{Entry: &e, Published: 1})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		env, err := bus.Decode(raw)
		if err != nil {
			b.Fatal(err)
		}
		h.deliverEnvelope(&env)
	}
}

// BenchmarkEncode makes the frames of one message.
func BenchmarkEncode(b *testing.B) {
	h := benchHub(b, 1)
	e := benchMessage()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.encodeEntry(&entry{Entry: e}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMemory is the hub's own memory for an idle stream whose user has ten
// conversations, each shared with one other user here.
func BenchmarkMemory(b *testing.B) {
	const n, conversations = 5000, 10
	var perStream float64
	for b.Loop() {
		store := newFakeStore()
		h := NewHub(Config{MaxConnecting: 64}, store, store, NewMetrics(prometheus.NewRegistry()), slog.New(slog.DiscardHandler))
		for u := range n {
			for k := range conversations / 2 {
				a, c := chat.UserID(u+1), chat.UserID((u+k*37+1)%n+1)
				store.commit(changed(chat.ConversationLog(chat.ConversationID(a, c)), users(a, c), nil))
			}
		}
		sessions := make([]chat.Session, n)
		for u := range n {
			sessions[u] = logIn(store, chat.UserID(u+1))
		}
		before := heapInUse()
		for _, s := range sessions {
			h.register(newStream(h, s, &sink{}), s.User)
		}
		runUntil(b, h, n)
		for _, u := range h.users {
			u.streams[0].verdict = nil // as the socket does when it has heard it
		}
		perStream = float64(heapInUse()-before) / n
		runtime.KeepAlive(h)
		runtime.KeepAlive(store)
		runtime.KeepAlive(sessions)
	}
	b.ReportMetric(perStream, "B/stream")
}

func heapInUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
