package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener of connections in memory, whose deadlines keep fake time.
type pipes struct {
	in   chan net.Conn
	done context.Context
	end  context.CancelFunc
}

func newPipes(t *testing.T) *pipes {
	p := &pipes{in: make(chan net.Conn)}
	p.done, p.end = context.WithCancel(t.Context())
	return p
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.in:
		return c, nil
	case <-p.done.Done():
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.end(); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.in <- server
	return client
}

// dribble writes one byte a second and says when the connection was cut.
func dribble(c net.Conn, text string) time.Duration {
	began := time.Now()
	for i := range len(text) {
		if _, err := c.Write([]byte{text[i]}); err != nil {
			break
		}
		time.Sleep(time.Second)
	}
	return time.Since(began)
}

// Who sends a request slowly, or none, is cut off and holds no descriptor; who sends
// one in time is answered.
func TestServeCutsTheSlow(t *testing.T) {
	const whole = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
	for _, tc := range []struct {
		name     string
		at, slow string // sent at once, then dribbled
		want     time.Duration
	}{
		{"Header", "", "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", 10 * time.Second},
		{"Body", whole, strings.Repeat("x", 100), 30 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			served(t, func(c net.Conn) {
				go func() { _, _ = io.Copy(io.Discard, c) }() // a pipe holds no answers
				_, _ = io.WriteString(c, tc.at)
				if got := dribble(c, tc.slow); got < tc.want || got > tc.want+time.Second {
					t.Errorf("cut after %v, want %v", got, tc.want)
				}
			})
		})
	}
	t.Run("Silence", func(t *testing.T) {
		served(t, func(c net.Conn) {
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			r := bufio.NewReader(c)
			resp, err := http.ReadResponse(r, nil)
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Fatalf("%v, %v", resp, err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			began := time.Now()
			if _, err := r.ReadByte(); err != io.EOF || time.Since(began) != 2*time.Minute {
				t.Errorf("%v after %v of silence, want the end after 2m", err, time.Since(began))
			}
		})
	})
	t.Run("LongHeader", func(t *testing.T) {
		served(t, func(c net.Conn) {
			go func() {
				_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 40<<10)+"\r\n\r\n")
			}()
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil || resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
				t.Errorf("%v, %v, want 431", resp, err)
			}
		})
	})
}

// served serves a port and runs f with a connection to it.
func served(t *testing.T, f func(c net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		l := newPipes(t)
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
		p, err := serve(func(string) (net.Listener, error) { return l, nil }, 0, h, func(err error) { t.Errorf("served until %v", err) })
		if err != nil {
			t.Fatal(err)
		}
		c := l.dial()
		f(c)
		_ = c.Close()
		p.close()
		time.Sleep(time.Second) // fake; net/http lingers after a refusal
	})
}
