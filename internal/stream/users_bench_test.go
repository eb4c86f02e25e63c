package stream

import (
	"context"
	"flag"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidings/internal/chat"
)

var usersFlag = flag.Int("users", 50_000, "how many users BenchmarkUsers has; a million take 3 GiB and some minutes")

// peers is how many others each user of BenchmarkUsers has a conversation with.
const peers = 10

// computed is a table of users with ten 1:1 conversations each, of which it keeps
// nothing.
type computed struct{}

func (computed) Heads(_ context.Context, logs []chat.LogID) (map[chat.LogID]chat.Head, error) {
	heads := make(map[chat.LogID]chat.Head, len(logs))
	for _, l := range logs {
		heads[l] = chat.Head{Log: l, Seq: 1, TS: 1}
	}
	return heads, nil
}

func (computed) Entries(context.Context, chat.LogID, int64, int64) ([]chat.Entry, error) {
	return nil, nil
}

func (computed) Position(_ context.Context, _ chat.LogID, _, _, to int64) (int64, error) {
	return to, nil
}

// peer is the other one of a user's conversation k, for whom that one is theirs.
func (computed) peer(user chat.UserID, k int) chat.UserID {
	return (user - 1) ^ (1 << k) + 1
}

func (c computed) Memberships(_ context.Context, user chat.UserID) ([]chat.Membership, error) {
	ms := make([]chat.Membership, peers)
	for k := range ms {
		id := chat.ConversationLog(chat.ConversationID(user, c.peer(user, k)))
		ms[k] = chat.Membership{Log: id, User: user, Intervals: chat.Intervals{{From: 1}}}
	}
	return ms, nil
}

func (computed) Membership(context.Context, chat.UserID, chat.LogID) (chat.Membership, error) {
	return chat.Membership{}, nil
}

func (computed) Session(_ context.Context, s chat.Session) (chat.Session, error) { return s, nil }

func (computed) SessionsHold(_ context.Context, ss []chat.Session) ([]bool, error) {
	hold := make([]bool, len(ss))
	for i := range hold {
		hold[i] = true
	}
	return hold, nil
}

// BenchmarkUsers is one hub with as many users as -users says, each with a stream and
// ten conversations, without sockets: what a user takes, what a connect, a heartbeat
// and an entry cost in CPU time, and what one round of the garbage collector does.
func BenchmarkUsers(b *testing.B) {
	n := *usersFlag
	for b.Loop() {
		var table computed
		h := NewHub(Config{MaxConnections: n, MaxConnecting: 64}, table, table, NewMetrics(prometheus.NewRegistry()), slog.New(slog.DiscardHandler))
		before := heapInUse()
		per := func(what string, times int, f func()) {
			began := cpuTime(b)
			f()
			b.ReportMetric(float64(cpuTime(b)-began)/float64(times), what)
		}
		per("cpu-ns/connect", n, func() { connectAll(h, n) })
		b.ReportMetric(float64(heapInUse()-before)/float64(n), "B/user")
		per("cpu-ns/heartbeat", n, func() {
			for range wheelSlots {
				h.now = h.wheel.next
				h.beat()
				h.flush()
			}
		})
		const entries = 100_000
		e := benchMessage()
		per("cpu-ns/entry", entries, func() {
			for range entries {
				u := chat.UserID(rand.IntN(n) + 1)
				e.Log = chat.ConversationLog(chat.ConversationID(u, table.peer(u, rand.IntN(peers))))
				if l := h.logs.get(e.Log); l != nil {
					e.Seq = l.last + 1
				}
				h.take(func() { h.arrive(e.Log, e.Seq, nil, &e, way{}) })
				h.flush()
			}
		})
		per("cpu-ns/gc", 1, runtime.GC)
		runtime.KeepAlive(h)
	}
}

// cpuTime is what the process has used so far, ns: true also where others work.
func cpuTime(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// connectAll opens n streams and turns the loop by hand until they are live.
func connectAll(h *Hub, n int) {
	for u := range n {
		s := newStream(h, chat.Session{ID: chat.UserID(u + 1).String(), User: chat.UserID(u + 1), Expires: time.Now().Add(time.Hour)}, &sink{})
		h.register(s, chat.UserID(u+1))
		for h.opening >= h.cfg.MaxConnecting || u == n-1 && h.opening > 0 {
			h.turn()
			if h.reading > 0 {
				h.take(<-h.results)
			}
		}
	}
	for _, u := range h.users {
		u.streams[0].verdict = nil // as the socket does when it has heard it
	}
}
