package stream

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"tidings/internal/bus"
)

// BenchmarkSend is one message of three events to n clients over loopback, plain and
// compressed: the CPU of the hub's thread, which does all of it and the receiver's half
// of TCP, and the bytes that each got.
func BenchmarkSend(b *testing.B) {
	for _, n := range []int{2, 20, 200} {
		b.Run(fmt.Sprintf("plain/streams=%d", n), func(b *testing.B) { benchSend(b, n, func() *mode { return nil }) })
		b.Run(fmt.Sprintf("gzip/streams=%d", n), func(b *testing.B) { benchSend(b, n, func() *mode { return &mode{gzip: &gzipped{}} }) })
	}
}

func benchSend(b *testing.B, n int, modeOf func() *mode) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	h := benchHub(b, n, modeOf)
	handler := &Handler{Hub: h}
	sockets := make([]*lean, 0, n)
	for _, u := range h.users {
		c := &lean{poller: &handler.poller, fd: -1, stream: u.streams[0]}
		u.streams[0].conn = c
		if err := c.begin(accepted(b), 0, nil); err != nil {
			b.Fatal(err)
		}
		sockets = append(sockets, c)
	}
	e := benchMessage()
	e.Seq = h.logs.get(log).last
	env := bus.Envelope{Entry: &e}
	before := threadTime(b)
	b.ResetTimer()
	for range b.N {
		e.Seq++
		h.take(func() { h.deliverEnvelope(&env) })
		passOn(h)
	}
	b.StopTimer()
	spent := threadTime(b) - before
	close(h.done) // what the sockets have to say
	sent := uint64(0)
	for _, c := range sockets {
		_, s := c.Progress()
		sent += s
		c.mu.Lock()
		c.fail()
		c.mu.Unlock()
	}
	b.ReportMetric(float64(spent)/float64(b.N)/float64(n)/1000, "µs/stream")
	b.ReportMetric(float64(sent)/float64(b.N)/float64(n), "B/stream")
}

// accepted is the descriptor of a connection whose other end reads all that comes.
func accepted(b *testing.B) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	go func() {
		_, _ = io.Copy(io.Discard, client)
		_ = client.Close()
	}()
	server, err := l.Accept()
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	fd, err := descriptor(server)
	if err != nil {
		b.Fatal(err)
	}
	return fd
}

// threadTime is the CPU that this thread has used, in ns.
func threadTime(b *testing.B) int64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
