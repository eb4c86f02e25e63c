package stream

import (
	"testing"
	"testing/synctest"
	"time"
)

// kernelConn is a socket whose kernel took all that was written and says no more: there
// is nothing pending, and it isn't writable either until the client reads.
type kernelConn struct{ *fakeConn }

func (c kernelConn) Write(f Frame) int {
	c.fakeConn.Write(f)
	return PendingHigh
}

// A reader that has stopped is closed for it also when the last that was written just
// fitted into the kernel's buffer.
func TestStalledWithNothingPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		w.store.commit(changed(log, users(ann, bob), nil))
		c := kernelConn{&fakeConn{user: ann}}
		var err error
		if c.stream, err = w.hub.Open(t.Context(), Request{Session: w.session(ann, "s")}, c); err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.pass(stallAfter - time.Second)
		if c.isClosed() {
			t.Error("closed too early")
		}
		w.pass(sweepEvery + time.Second)
		if !c.isClosed() || w.closedFor("stalled") != 1 {
			t.Errorf("closed %v, as stalled %v", c.isClosed(), w.closedFor("stalled"))
		}
		c.stream.Closed()
		w.settle()
	})
}
