package stream

import (
	"context"
	"net/http"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// trickle is a client that takes each chunk just before its deadline.
type trickle struct {
	header http.Header
	takes  time.Duration // for each chunk

	mu    sync.Mutex
	until time.Time // guarded by mu
}

func (c *trickle) Header() http.Header { return c.header }
func (c *trickle) WriteHeader(int)     {}
func (c *trickle) Flush()              {}

func (c *trickle) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = t
	return nil
}

func (c *trickle) Write(b []byte) (int, error) {
	time.Sleep(c.takes)
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Now().After(c.until) {
		return 0, os.ErrDeadlineExceeded
	}
	return len(b), nil
}

// A stream that is closed ends within closeTimeout, however much is pending and
// however well the client times what it takes.
func TestPortableCloseIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		c := newPortable(&trickle{header: http.Header{}, takes: closeTimeout - time.Second})
		s, err := w.hub.Open(t.Context(), Request{Session: w.session(ann, "a")}, c)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.write(context.Background(), s, []byte("retry: 1\n\n"))
		}()
		c.Write(Frame{Head: make([]byte, 600<<10)})
		c.Flush()
		time.Sleep(10 * time.Second)
		c.Close()
		began := time.Now()
		<-done
		if took := time.Since(began); took > 2*closeTimeout {
			t.Errorf("ended %v after Close, want about %v", took, closeTimeout)
		}
		s.Closed()
	})
}
