package stream

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"go.uber.org/goleak"

	"tidings/internal/bus"
	"tidings/internal/chat"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a hub, its table and its clients in a bubble of fake time.
type world struct {
	*testing.T
	store *fakeStore
	hub   *Hub
	reg   *prometheus.Registry
	stop  func()
}

func newWorld(t *testing.T, cfg Config) *world {
	t.Helper()
	w := &world{T: t, store: newFakeStore(), reg: prometheus.NewRegistry()}
	w.hub = NewHub(cfg, w.store, w.store, NewMetrics(w.reg), slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.hub.Run(ctx) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(w.stop)
	return w
}

// settle waits until everybody waits for something outside.
func (w *world) settle() { synctest.Wait() }

func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// within runs f in the hub's loop, to look at what it owns.
func (w *world) within(f func(h *Hub)) {
	w.Helper()
	if err := w.hub.input(w.Context(), func() { f(w.hub) }); err != nil {
		w.Fatal(err)
	}
	w.settle()
}

// logState is what the hub knows of the log now.
func (w *world) logState(id chat.LogID) (l logState) {
	w.Helper()
	w.within(func(h *Hub) { l = *h.logs.get(id) })
	return l
}

// opening is how many connects have their turn to read the table.
func (w *world) opening() (n int) {
	w.Helper()
	w.within(func(h *Hub) { n = h.opening })
	return n
}

// slowTable gives the reads that begin from now on that latency.
func (w *world) slowTable(latency time.Duration) {
	w.store.set(func() { w.store.latency = latency })
}

func (w *world) session(user chat.UserID, id string) chat.Session {
	s := chat.Session{ID: id, User: user, Expires: time.Now().Add(chat.SessionLifetime)}
	w.store.set(func() { w.store.sessions[id] = s })
	return s
}

// open connects without waiting for ready.
func (w *world) open(user chat.UserID, session string) *fakeConn {
	w.Helper()
	return w.openAs(w.session(user, session))
}

func (w *world) openAs(session chat.Session) *fakeConn {
	w.Helper()
	return w.request(Request{Session: session})
}

func (w *world) request(r Request) *fakeConn {
	w.Helper()
	c := &fakeConn{user: r.Session.User}
	if r.gzip != nil {
		c.gzip, c.raw = true, r.gzip.begin(nil)
	}
	var err error
	if c.stream, err = w.hub.Open(w.Context(), r, c); err != nil {
		w.Fatalf("open: %v", err)
	}
	return c
}

// connect opens a stream and waits for ready.
func (w *world) connect(user chat.UserID) *fakeConn {
	w.Helper()
	c := w.open(user, "session of "+user.String())
	w.settle()
	if got := c.named("ready"); len(got) != 1 {
		w.Fatalf("user %v got %d ready events", user, len(got))
	}
	return c
}

func (w *world) send(es ...chat.Entry) {
	w.Helper()
	var envs []bus.Envelope
	for _, e := range es {
		envs = append(envs, bus.Envelope{Entry: &e, Published: time.Now().UnixMilli()})
	}
	w.deliver(envs...)
}

func (w *world) hint(es ...chat.Entry) {
	w.Helper()
	var hints []bus.Hint
	for _, e := range es {
		hints = append(hints, bus.Hint{Log: e.Log, Seq: e.Seq, Adds: e.Adds})
	}
	w.deliver(bus.Envelope{Hints: hints})
}

func (w *world) deliver(envs ...bus.Envelope) {
	w.Helper()
	if err := w.hub.Deliver(w.Context(), envs); err != nil {
		w.Fatalf("deliver: %v", err)
	}
	w.settle()
}

// message commits a message without telling anybody.
func (w *world) message(log chat.LogID, by chat.UserID) chat.Entry {
	return w.store.commit(message(log, by))
}

// created commits a log's entry that changes its members.
func (w *world) changed(log chat.LogID, adds, removes []chat.UserID) chat.Entry {
	return w.store.commit(changed(log, adds, removes))
}

func message(log chat.LogID, by chat.UserID) chat.Entry {
	ref := chat.UserRef{ID: by, Username: "user" + by.String(), DisplayName: "User " + by.String()}
	return chat.Entry{Log: log, Kind: chat.KindMessage, By: by, N: 1, Body: mustJSON(chat.MessageBody{
		Sender: ref, Content: "hello <all>", Members: []chat.UserRef{ref},
	})}
}

func changed(log chat.LogID, adds, removes []chat.UserID) chat.Entry {
	by := append(slices.Clone(adds), removes...)[0]
	return chat.Entry{
		Log: log, Kind: chat.KindCreated, By: by, Adds: adds, Removes: removes,
		Body: mustJSON(chat.CreatedBody{Members: []chat.UserRef{{ID: by}}}),
	}
}

func mustJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func users(ids ...chat.UserID) []chat.UserID { return ids }

func equal[T cmp.Ordered](t *testing.T, what string, got []T, want ...T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// metric sums a metric over its labels.
func (w *world) metric(name string) float64 {
	w.Helper()
	return w.sum(name, func(*dto.Metric) bool { return true })
}

func (w *world) sum(name string, which func(*dto.Metric) bool) float64 {
	w.Helper()
	families, err := w.reg.Gather()
	if err != nil {
		w.Fatal(err)
	}
	var sum float64
	for _, f := range families {
		if f.GetName() == "tidings_streamer_"+name {
			for _, m := range f.GetMetric() {
				if !which(m) {
					continue
				}
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// closedFor is how many streams ended for the reason.
func (w *world) closedFor(reason string) float64 {
	w.Helper()
	return w.sum("closed_total", func(m *dto.Metric) bool { return m.GetLabel()[0].GetValue() == reason })
}
