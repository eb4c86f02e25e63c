package stream

import (
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"

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

// While too many streams are behind the hub takes no more in.
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
}
