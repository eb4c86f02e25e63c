package stream

import (
	"context"
	"net/http"
	"sync"
	"time"
)

const (
	writeChunk   = 8 << 10          // progress is seen in steps of this
	writeTimeout = 90 * time.Second // for one chunk; the hub gives up before that
	keepBuffer   = 4 << 10          // a larger buffer is given back when it is empty
)

// portable is the socket of whatever net/http serves: HTTP/2, and systems other than
// Linux. The handler's goroutine writes what the hub's loop has left in a buffer, so
// it and the state of the connection stay for as long as the stream: some 25 KiB.
type portable struct {
	// Constant.
	w    http.ResponseWriter
	rc   *http.ResponseController
	wake chan struct{} // something to send, or closing

	mu      sync.Mutex
	buf     []byte // taken since the writer last looked
	sending int    // bytes that the writer is at
	sent    uint64
	full    bool // the hub waits for Writable
	closing bool
	until   time.Time // when closing: nothing is sent after it
	ended   bool      // the handler has returned: w is no longer ours
}

func newPortable(w http.ResponseWriter) *portable {
	return &portable{w: w, rc: http.NewResponseController(w), wake: make(chan struct{}, 1)}
}

// Write implements Conn.
func (c *portable) Write(f Frame) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buf = f.AppendTo(c.buf)
	pending := c.sending + len(c.buf)
	c.full = c.full || pending >= PendingHigh
	return pending
}

// Flush implements Conn.
func (c *portable) Flush() {
	select {
	case c.wake <- struct{}{}:
	default: // the writer looks anyway
	}
}

// Progress implements Conn.
func (c *portable) Progress() (int, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sending + len(c.buf), c.sent
}

// Close implements Conn.
func (c *portable) Close() {
	c.mu.Lock()
	c.closing, c.until = true, time.Now().Add(closeTimeout)
	c.deadline(c.until) // also for a write that is stuck now
	c.mu.Unlock()
	c.Flush()
}

// serve implements socket. It returns when the stream has ended: closed by the hub, or
// the client is gone, which the request's context tells at once.
func (c *portable) serve(_ http.ResponseWriter, r *http.Request, s *Stream, first []byte) error {
	defer s.Closed()
	c.w.WriteHeader(http.StatusOK)
	// The server's time-out for requests would end the stream. A transport that
	// knows no deadlines has none to lift.
	_ = c.rc.SetReadDeadline(time.Time{})
	c.write(r.Context(), s, first)
	return nil
}

// write sends first and then what the hub writes, until the stream has ended.
func (c *portable) write(ctx context.Context, s *Stream, first []byte) {
	stop := context.AfterFunc(ctx, func() {
		c.mu.Lock()
		c.deadline(time.Now())
		c.mu.Unlock()
		s.Closed()
	})
	defer func() {
		stop()
		c.mu.Lock()
		c.ended = true
		c.mu.Unlock()
	}()
	if !c.send(ctx, s, first) {
		return
	}
	for {
		select {
		case <-c.wake:
		case <-ctx.Done():
			return
		case <-s.hub.Done():
			if closing, ok := c.sendPending(ctx, s); ok && !closing { // it never let this stream in
				c.send(ctx, s, s.farewell())
			}
			return
		}
		if closing, ok := c.sendPending(ctx, s); closing || !ok {
			return
		}
	}
}

// sendPending sends what the hub has written so far.
func (c *portable) sendPending(ctx context.Context, s *Stream) (closing, ok bool) {
	c.mu.Lock()
	b := c.buf
	c.buf = nil
	closing = c.closing
	c.mu.Unlock()
	if len(b) == 0 {
		return closing, true
	}
	if !c.send(ctx, s, b) {
		return closing, false
	}
	c.mu.Lock()
	if c.buf == nil && cap(b) <= keepBuffer {
		c.buf = b[:0]
	}
	c.mu.Unlock()
	return closing, true
}

// send writes b in chunks and flushes it.
func (c *portable) send(ctx context.Context, s *Stream, b []byte) bool {
	c.mu.Lock()
	c.sending = len(b)
	c.mu.Unlock()
	for len(b) > 0 {
		n := min(len(b), writeChunk)
		c.mu.Lock()
		if c.closing {
			c.deadline(c.until)
		} else {
			c.deadline(time.Now().Add(writeTimeout))
		}
		c.mu.Unlock()
		if ctx.Err() != nil { // looked at after the deadline was set: the context's end sets a nearer one
			return false
		}
		if _, err := c.w.Write(b[:n]); err != nil {
			return false
		}
		if b = b[n:]; len(b) == 0 {
			if err := c.rc.Flush(); err != nil {
				return false
			}
		}
		if c.progress(n) {
			s.Writable()
		}
	}
	return true
}

// progress counts sent bytes and says whether the hub is to be told.
func (c *portable) progress(n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sending -= n
	c.sent += uint64(n)
	if !c.full || c.sending+len(c.buf) > PendingLow {
		return false
	}
	c.full = false
	return true
}

// deadline bounds the write under way and those to come; mu must be held. A
// transport that knows no deadlines still ends with the request.
func (c *portable) deadline(t time.Time) {
	if !c.ended {
		_ = c.rc.SetWriteDeadline(t)
	}
}
