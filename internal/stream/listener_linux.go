package stream

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	eventsPath = "/api/events"
	// maxHead is how long a request may be that the listener takes itself. Cookies and
	// a cursor have some 6 KiB; what is longer is net/http's.
	maxHead = 16 << 10
	// silentTime is how long the kernel keeps a connection without a request to itself,
	// at a fraction of what it costs as a descriptor.
	silentTime = 10 * time.Second
)

// Listen listens on a TCP address for an http.Server. Connections that begin with the
// request for a stream never reach net/http, which halves what they cost; all others,
// and those that don't show their request whole at once, are what Accept returns. When
// there is no free descriptor it refuses connections at once, so that a balancer or a
// browser tries elsewhere or later.
//
// TLS must end before, at the balancer.
func (h *Handler) Listen(address string) (net.Listener, error) {
	c := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var failed error
		err := raw.Control(func(fd uintptr) { failed = setOptions(int(fd)) })
		return errors.Join(err, failed)
	}}
	c.SetMultipathTCP(false) // it knows none of the options, and no browser speaks it
	tcp, err := c.Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tcp.Close() }() // the file is the listener from now on
	file, err := tcp.(*net.TCPListener).File()
	if err != nil {
		return nil, err
	}
	raw, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	h.warnOfLimit()
	return &listener{h: h, addr: tcp.Addr(), file: file, raw: raw, spare: openSpare(), head: make([]byte, maxHead)}, nil
}

// warnOfLimit says so when fewer descriptors may be open than streams.
func (h *Handler) warnOfLimit() {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err == nil && limit.Cur < uint64(h.Hub.cfg.MaxConnections) {
		h.Log.Warn("the limit of open files is below that of streams", "files", limit.Cur, "streams", h.Hub.cfg.MaxConnections)
	}
}

// setOptions sets what connections inherit from their listener.
func setOptions(fd int) error {
	return os.NewSyscallError("setsockopt", errors.Join(
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(deadAfter.Milliseconds())),
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, int(silentTime.Seconds())),
	))
}

// listener is what Listen returns. One goroutine calls Accept, that of http.Server.
type listener struct {
	h    *Handler
	addr net.Addr
	file *os.File
	raw  syscall.RawConn // of file

	// Owned by Accept.
	spare int    // a descriptor to give up when there is no other; -1: lost
	head  []byte // what a connection shows
}

// Addr implements net.Listener.
func (l *listener) Addr() net.Addr { return l.addr }

// Close implements net.Listener.
func (l *listener) Close() error { return l.file.Close() }

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	for {
		fd, err := l.accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			if l.spare >= 0 {
				_ = unix.Close(l.spare)
				l.spare = -1
			}
			return nil, err
		case err == unix.EMFILE || err == unix.ENFILE:
			l.h.Hub.metrics.refused.Inc()
			if l.refuse() {
				continue
			}
			return nil, temporary{err}
		case err == unix.ECONNABORTED:
			continue
		case err != nil: // of the network or for want of memory: none is the listener's end
			return nil, temporary{err}
		}
		n, _ := receive(fd, l.head, unix.MSG_PEEK)
		if end, ok := streamRequest(l.head[:n]); ok {
			go l.h.admit(fd, bytes.Clone(l.head[:end]))
			continue
		}
		conn, err := goConn(fd)
		if err != nil {
			l.h.Hub.metrics.refused.Inc()
			continue
		}
		return conn, nil
	}
}

// temporary is an error after which net/http waits a moment and calls Accept again.
type temporary struct{ error }

func (temporary) Timeout() bool   { return false }
func (temporary) Temporary() bool { return true }

// accept waits for a connection.
func (l *listener) accept() (fd int, err error) {
	werr := l.raw.Read(func(on uintptr) bool {
		fd, err = acceptFrom(int(on))
		return err != unix.EAGAIN && err != unix.EINTR
	})
	if werr != nil {
		return -1, net.ErrClosed
	}
	return fd, err
}

// acceptFrom takes a connection and doesn't ask whose it is: that would be garbage.
func acceptFrom(on int) (fd int, err error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(on), 0, 0, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(n), nil
}

// refuse gives the spare descriptor up to take the next connection and end it. It
// says whether it could; else the connection waits.
func (l *listener) refuse() bool {
	if l.spare >= 0 {
		_ = unix.Close(l.spare)
	}
	taken := false
	_ = l.raw.Control(func(on uintptr) { // it fails when the listener is closed, which accept tells
		fd, err := acceptFrom(int(on))
		if taken = err == nil; taken {
			_ = unix.Close(fd)
		}
	})
	l.spare = openSpare()
	return taken
}

// openSpare opens a descriptor of nothing, -1 if there is none left.
func openSpare() int {
	fd, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	return fd
}

// goConn makes the descriptor a net.Conn, and closes it if it can't.
func goConn(fd int) (net.Conn, error) {
	f := os.NewFile(uintptr(fd), "")
	defer func() { _ = f.Close() }() // FileConn has its own
	return net.FileConn(f)
}

// streamRequest says whether b begins with a whole request for a stream, and where
// that ends.
func streamRequest(b []byte) (end int, ok bool) {
	rest, ok := bytes.CutPrefix(b, []byte("GET "+eventsPath))
	if !ok || len(rest) == 0 || rest[0] != ' ' && rest[0] != '?' {
		return 0, false
	}
	line, _, _ := bytes.Cut(rest, []byte("\r\n"))
	end = bytes.Index(b, []byte("\r\n\r\n")) + 4
	return end, end > 4 && (bytes.HasSuffix(line, []byte(" HTTP/1.1")) || bytes.HasSuffix(line, []byte(" HTTP/1.0")))
}

// roomy grows the stack of a new goroutine at once to what a connect needs. Grown step
// by step, below deep calls, it would be a fifteenth of what the connect costs.
//
//go:noinline
func roomy(i int) byte {
	var room [12 << 10]byte
	return room[i%len(room)] // any, or the compiler would leave no room
}

// admit serves the stream that was requested.
func (h *Handler) admit(fd int, request []byte) {
	roomy(len(request))
	a := &answer{fd: fd, header: http.Header{}}
	defer func() {
		if p := recover(); p != nil { // as in net/http, it ends one connection and not all
			h.Log.Error("serve stream", "panic", p, "stack", string(debug.Stack()))
			a.status, a.body = http.StatusInternalServerError, nil
		}
		a.end()
	}()
	if _, err := discard(fd, len(request)); err != 0 {
		return // the client is gone, and so will the answer be
	}
	r, err := http.ReadRequest(bufio.NewReaderSize(bytes.NewReader(request), len(request)))
	if err != nil || r.Host == "" && r.ProtoAtLeast(1, 1) { // RFC 9112 section 3.2
		problem(a, http.StatusBadRequest, "bad_request", "This is no HTTP request.")
		return
	}
	h.ServeHTTP(a, r)
}

// answer is the http.ResponseWriter of a request that the listener took. What is
// written is sent when the handler returns, unless a socket takes the connection.
type answer struct {
	fd     int // -1: taken
	header http.Header
	status int // 0: 200
	body   []byte
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.body = append(a.body, b...)
	return len(b), nil
}

// end sends the answer and closes the connection, if it wasn't taken.
func (a *answer) end() {
	if a.fd < 0 {
		return
	}
	a.header.Set("Content-Length", strconv.Itoa(len(a.body)))
	_, _ = send(a.fd, append(head(max(a.status, http.StatusOK), a.header), a.body...)) // a new connection has room for it; one that is gone needs no answer
	_ = unix.Close(a.fd)
}
