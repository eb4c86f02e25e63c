package stream

import (
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"
)

// meeting is a socket whose Flush ends when that of another has begun, too.
type meeting struct {
	sink
	begun, other chan struct{}
}

func (c *meeting) Flush() {
	close(c.begun)
	<-c.other
}

// Many sockets are flushed by several writers at once: one would wait for ever here. Few
// are by the loop itself, one after the other.
func TestFlushSharesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHub(Config{Writers: 2}, nil, nil, NewMetrics(prometheus.NewRegistry()), slog.New(slog.DiscardHandler))
		flushed := 0
		for _, n := range []int{2 * minShare, 2*minShare - 1} {
			a := &meeting{begun: make(chan struct{}), other: make(chan struct{})}
			b := &meeting{begun: a.other, other: a.begun}
			for i := range n {
				s := &Stream{hub: h, conn: &sink{}}
				switch {
				case n < 2*minShare:
					s.conn = &counted{n: &flushed}
				case i == 0:
					s.conn = a
				case i == n-1:
					s.conn = b
				}
				h.put(s, Frame{Tail: newline})
			}
			h.flush()
			if len(h.dirty) != 0 || h.gathered != 0 {
				t.Errorf("%d streams are left, %d bytes", len(h.dirty), h.gathered)
			}
		}
		if flushed != 2*minShare-1 {
			t.Errorf("%d of few were flushed", flushed)
		}
	})
}

// counted is a socket that counts without a lock.
type counted struct {
	sink
	n *int
}

func (c *counted) Flush() { *c.n++ }
