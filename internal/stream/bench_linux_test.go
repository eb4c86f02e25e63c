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

// BenchmarkFlush is the sending of one frame to each of 1,024 clients over loopback, by
// one writer and by two: the time, not the CPU. They read when the clock stands.
func BenchmarkFlush(b *testing.B) {
	for _, writers := range []int{1, 2} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) { benchFlush(b, writers, 1024) })
	}
}

func benchFlush(b *testing.B, writers, n int) {
	h := benchHub(b, n)
	h.cfg.Writers = writers
	handler := &Handler{Hub: h}
	clients := make([]int, 0, n)
	for _, u := range h.users {
		server, client := connection(b)
		fd, err := descriptor(client)
		if err != nil {
			b.Fatal(err)
		}
		_ = client.Close() // fd is the connection now
		c := &lean{poller: &handler.poller, fd: -1, stream: u.streams[0]}
		u.streams[0].conn = c
		if err := c.begin(server, 0, nil); err != nil {
			b.Fatal(err)
		}
		clients = append(clients, fd)
	}
	frame := Frame{Head: eventHead, User: []byte("1"), Tail: make([]byte, 400)}
	b.ResetTimer()
	for range b.N {
		b.StopTimer()
		for _, fd := range clients {
			_, _ = discard(fd, 1<<20)
		}
		for _, u := range h.users {
			h.put(u.streams[0], frame)
		}
		b.StartTimer()
		h.flush()
	}
	b.StopTimer()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n)/1000, "µs/stream")
	close(h.done) // what the sockets have to say
	for _, fd := range clients {
		_ = unix.Close(fd)
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
	fd, client := connection(b)
	go func() {
		_, _ = io.Copy(io.Discard, client)
		_ = client.Close()
	}()
	return fd
}

// connection is both ends of one over loopback.
func connection(b *testing.B) (server int, client net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		b.Fatal(err)
	}
	conn, err := l.Accept()
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if server, err = descriptor(conn); err != nil {
		b.Fatal(err)
	}
	return server, client
}

// threadTime is the CPU that this thread has used, in ns.
func threadTime(b *testing.B) int64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
