package stream

import (
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidings/internal/bus"
	"tidings/internal/chat"
)

// What is for everybody goes to a slice of them at a time; what is for one of those that
// wait need not wait with them. All of them get all, also the one who is put out with it
// and those who come and go meanwhile, and a later entry doesn't overtake it.
func TestSlices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{Slice: 2})
		group, n := chat.LogID("g:all"), 9
		all := make([]chat.UserID, n)
		for i := range all {
			all[i] = chat.UserID(i + 1)
		}
		w.store.commit(changed(group, all, nil))
		own := changed("c:1-9", users(1, 9), nil)
		w.store.commit(own)
		conns := make([]*fakeConn, n)
		for i, u := range all {
			conns[i] = w.connect(u)
		}
		last, gone := conns[n-1], conns[n-2]
		out := w.changed(group, nil, users(8))
		second, unicast := w.message(group, 1), w.message("c:1-9", 1)
		w.within(func(h *Hub) {
			h.deliverEnvelope(&bus.Envelope{Entry: &out})
			told := 0
			for _, c := range conns {
				told += len(c.ids())
			}
			if told != 2 {
				t.Errorf("%d were told at once, want a slice of 2", told)
			}
			h.deliverEnvelope(&bus.Envelope{Entry: &second})
			h.deliverEnvelope(&bus.Envelope{Entry: &unicast})
			h.end(conns[3].stream, "client")
		})
		equal(t, "last", last.ids(), "c:1-9/2/1", "c:1-9/2/2", "c:1-9/2/3", "g:all/2/3", "g:all/3/1", "g:all/3/2", "g:all/3/3")
		equal(t, "removed", gone.ids(), "g:all/2/3")
		for i, c := range conns {
			if seqs := c.seqs()[group]; i != 3 && i != n-2 && !slices.Equal(seqs, []int64{2, 3}) && !slices.Equal(seqs, []int64{2, 3, 3, 3}) {
				t.Errorf("user %d got %v of the group", i+1, seqs)
			}
		}
		if got := w.hub.behind; len(got) > 0 {
			t.Errorf("%d are behind still", len(got))
		}
	})
}

// While too many streams are behind, or too much waits for them, the hub takes no more in.
func TestSlicesHoldInputs(t *testing.T) {
	h := NewHub(Config{}, nil, nil, NewMetrics(prometheus.NewRegistry()), slog.New(slog.DiscardHandler))
	h.behind = make([]behind, maxBehind)
	if h.inputs() != nil {
		t.Error("takes inputs")
	}
	h.behind = h.behind[1:]
	if h.inputs() == nil {
		t.Error("takes no inputs")
	}
	h.cache.size = 2*h.cache.max + 1
	if h.inputs() != nil {
		t.Error("takes inputs while the cache overflows")
	}
	h.behind = nil
	if h.inputs() == nil {
		t.Error("takes no inputs although nobody waits")
	}
}

// Who waits for a slice finds the entry in the cache, whatever came since.
func TestSlicesReadNothing(t *testing.T) {
	scenario(t, Config{Slice: 1, CacheBytes: 1}, func(w *world) {
		conns := w.crowd(20)
		first, second := w.message(group, 1), w.message(group, 1)
		others := []chat.Entry{w.message(log, bob), w.message(log, bob)}
		w.send(first, others[0], second, others[1])
		for _, c := range conns[1:] {
			if seqs := c.seqs()[group]; !slices.Equal(seqs, []int64{2, 3}) {
				t.Errorf("user %d got %v", c.user, seqs)
			}
		}
		if n := w.store.count("entries"); n > 0 {
			t.Errorf("%d reads of the table", n)
		}
		w.send(w.message(log, bob))
		w.within(func(h *Hub) {
			if h.cache.oldest != h.cache.newest {
				t.Errorf("%d bytes are kept for nobody", h.cache.size)
			}
		})
	})
}

// What was missing comes in one go and for everybody: as much of it is passed on as may
// be behind, and the rest later.
func TestSlicesHoldWhatWasMissing(t *testing.T) {
	for name, come := range map[string]func(h *Hub, l *logState, es []chat.Entry){
		"Held": func(h *Hub, _ *logState, es []chat.Entry) {
			for _, e := range slices.Backward(es) {
				h.deliverEnvelope(&bus.Envelope{Entry: &e})
			}
		},
		"Read": func(h *Hub, l *logState, es []chat.Entry) {
			top := es[len(es)-1]
			h.deliverEnvelope(&bus.Envelope{Entry: &top})
			for range 2 { // the second time finds it overloaded
				h.filled(l, l.gap(), top.Seq-1, es[:len(es)-1])
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			scenario(t, Config{Slice: 30}, func(w *world) {
				conns := w.crowd(300)
				es := make([]chat.Entry, maxHeld)
				for i := range es {
					es[i] = w.store.commit(groupEntry(chat.KindRenamed))
				}
				most := 0
				w.within(func(h *Hub) {
					l := h.logs.get(group)
					come(h, l, es)
					most = len(h.behind)
					h.fill(l, l.gap())
					if l.gap().tries > 0 || len(h.queued) > 0 {
						t.Errorf("%d tries, %d reads, while it is overloaded", l.gap().tries, len(h.queued))
					}
				})
				w.pass(10 * time.Second)
				if n := w.store.count("entries"); name == "Held" && n > 0 {
					t.Errorf("%d reads although nothing is missing", n)
				}
				if limit := maxBehind + len(conns); most > limit {
					t.Errorf("%d wait for their slices, want at most %d", most, limit)
				}
				for _, c := range []*fakeConn{conns[0], conns[100], conns[299]} {
					if got := ranges(c.seqs()[group]); len(got) != 1 || got[0] != (chat.Interval{From: 2, To: maxHeld + 1}) {
						t.Errorf("user %d got %v", c.user, got)
					}
				}
			})
		})
	}
}

// crowd is a group of n users that are connected.
func (w *world) crowd(n int) []*fakeConn {
	w.Helper()
	ids, conns := make([]chat.UserID, n), make([]*fakeConn, n)
	for i := range ids {
		ids[i] = chat.UserID(i + 1)
	}
	w.store.commit(groupEntry(chat.KindCreated, ids...))
	for i, id := range ids {
		conns[i] = w.connect(id)
	}
	return conns
}
