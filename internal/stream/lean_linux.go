package stream

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// maxHeard is how many bytes a client may send after its request. A stream needs
	// none of them; who goes on sending gets no more of our time.
	maxHeard = 16 << 10
	// deadAfter is how long the kernel waits for a client to acknowledge anything. By
	// its own measure it would take a vanished phone for alive for some 15 minutes,
	// since the frames of a quiet stream all fit into its buffer. It is later than the
	// hub, which counts the reason: that notices at the next heartbeat, after 30 s at
	// most, and looks every 5 s whether stallAfter is over.
	deadAfter = 100 * time.Second
	// keepOutput is the most that a buffer may hold and still be used again.
	keepOutput = 16 << 10
)

// lean is the socket of a connection that was taken over from net/http: a descriptor
// and 64 bytes. What the hub writes in one turn is gathered in a borrowed buffer and
// leaves in one send; only what the kernel doesn't take stays.
//
// TLS must have ended before, at the balancer: a descriptor knows nothing of it.
type lean struct {
	// Constant.
	poller *poller
	stream *Stream // set by serve, before the poller knows the socket

	mu      sync.Mutex
	out     *output // taken but not sent; nil: nothing
	sent    uint64
	fd      int32  // -1: not taken over yet, or closed
	heard   uint16 // bytes that the client sent
	full    bool   // the hub waits for Writable
	polled  bool   // the poller tells when the kernel takes bytes
	closing bool   // ends when out is sent
	failed  bool   // a send has failed: takes no more, the poller will hear of it
}

// output is a buffer of bytes to be sent; those before off are.
type output struct {
	b   []byte
	off int
}

var outputs = sync.Pool{New: func() any { return &output{b: make([]byte, 0, 512)} }}

// newSocket takes connections of HTTP/1 over. Others, and those of a server that hides
// them, stay with net/http.
func (h *Handler) newSocket(w http.ResponseWriter, r *http.Request) socket {
	switch w.(type) {
	case *answer:
	case http.Hijacker:
		if r.ProtoMajor != 1 || r.TLS != nil {
			return newPortable(w)
		}
	default:
		return newPortable(w)
	}
	return &lean{poller: &h.poller, fd: -1}
}

// takeOver takes the descriptor of the connection and says how many bytes came after
// the request and are lost.
func takeOver(w http.ResponseWriter) (fd, heard int, err error) {
	if a, ok := w.(*answer); ok {
		fd, a.fd = a.fd, -1
		return fd, 0, nil
	}
	conn, in, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return -1, 0, err
	}
	defer func() { _ = conn.Close() }() // the descriptor has a life of its own
	fd, err = descriptor(conn)
	return fd, in.Reader.Buffered(), err
}

// Write implements Conn.
func (c *lean) Write(f Frame) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed {
		return 0
	}
	if c.out == nil {
		c.out = outputs.Get().(*output)
	}
	c.out.b = f.AppendTo(c.out.b)
	pending := c.pending()
	c.full = c.full || pending >= PendingHigh
	return pending
}

func (c *lean) pending() int {
	if c.out == nil {
		return 0
	}
	return len(c.out.b) - c.out.off
}

// Flush implements Conn.
func (c *lean) Flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fd >= 0 && !c.polled {
		c.send()
	}
}

// Progress implements Conn.
func (c *lean) Progress() (int, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pending(), c.sent
}

// Close implements Conn.
func (c *lean) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closing = true
	if c.fd >= 0 {
		c.leave()
	}
}

// serve implements socket. The goroutine of the handler ends with it.
func (c *lean) serve(w http.ResponseWriter, _ *http.Request, s *Stream, first []byte) error {
	c.stream = s
	fd, heard, err := takeOver(w)
	if err != nil {
		s.Closed()
		return fmt.Errorf("take over the connection: %w", err)
	}
	if err := c.begin(fd, heard, append(head(http.StatusOK, w.Header()), first...)); err != nil {
		_ = unix.Close(fd)
		s.Closed()
		return fmt.Errorf("poll the connection: %w", err)
	}
	// The loop closes every stream that it let in. One that still waits for its
	// verdict may have come too late for that.
	select {
	case <-s.verdict:
		s.verdict = nil // has served
		return nil
	case <-s.hub.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closing && !c.failed {
		c.push(s.farewell())
		c.closing = true
		c.send()
		c.leave()
	}
	return nil
}

// descriptor duplicates that of a TCP connection.
func descriptor(conn net.Conn) (fd int, err error) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return -1, fmt.Errorf("a %T is no plain TCP connection", conn)
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return -1, err
	}
	fd = -1
	var dup error
	err = raw.Control(func(old uintptr) {
		if fd, dup = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0); dup == nil {
			// An old kernel may not know it; then its own patience counts.
			_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(deadAfter.Milliseconds()))
		}
	})
	if err = errors.Join(err, os.NewSyscallError("fcntl", dup)); err != nil {
		return -1, err
	}
	return fd, nil
}

// head is a response's header. The body of a stream ends with its connection: it is
// never whole anyway, each event shows its own end, and unlike chunks that is good for
// HTTP/1.0 too, which proxies still speak by default.
func head(status int, header http.Header) []byte {
	header.Set("Connection", "close")
	header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	b := &output{b: append(make([]byte, 0, 512), "HTTP/1.1 "+strconv.Itoa(status)+" "+http.StatusText(status)+"\r\n"...)}
	_ = header.Write(b) // to memory
	return append(b.b, "\r\n"...)
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.b = append(o.b, p...)
	return len(p), nil
}

// WriteString implements io.StringWriter, which http.Header looks for.
func (o *output) WriteString(s string) (int, error) {
	o.b = append(o.b, s...)
	return len(s), nil
}

// begin starts sending: head, then what the hub has written meanwhile.
func (c *lean) begin(fd, heard int, head []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fd, c.heard = int32(fd), uint16(min(heard, maxHeard))
	if err := c.poller.add(c); err != nil {
		c.fd, c.failed = -1, true
		c.release()
		return err
	}
	written := c.out
	c.out = nil
	c.push(head)
	if written != nil {
		c.push(written.b)
		written.release()
	}
	c.send()
	if c.closing {
		c.leave()
	}
	return nil
}

// push appends to what is to be sent; mu must be held.
func (c *lean) push(b []byte) {
	if c.out == nil {
		c.out = outputs.Get().(*output)
	}
	c.out.b = append(c.out.b, b...)
}

// send sends what the kernel takes; mu must be held.
func (c *lean) send() {
	if c.out != nil {
		b := c.out.b[c.out.off:]
		n, err := send(int(c.fd), b)
		c.sent += uint64(n)
		c.out.off += n
		switch {
		case n == len(b):
			c.release()
		case err != 0 && err != unix.EAGAIN:
			c.fail()
			return
		case c.out.off >= len(c.out.b)/2: // or a slow reader's buffer would grow for ever
			c.out.b = c.out.b[:copy(c.out.b, c.out.b[c.out.off:])]
			c.out.off = 0
		}
	}
	// The hub calls from its loop, where Writable must not be called: the poller does
	// it in its turn.
	c.poll(c.out != nil || c.full)
}

// poll has the poller tell when the kernel takes bytes, or no more; mu must be held.
func (c *lean) poll(on bool) {
	if on == c.polled {
		return
	}
	events := uint32(pollIdle)
	if on {
		events = pollWrite
	}
	c.polled = on
	if err := unix.EpollCtl(c.poller.set, unix.EPOLL_CTL_MOD, int(c.fd), &unix.EpollEvent{Events: events, Fd: c.fd}); err != nil {
		c.fail() // out of kernel memory
	}
}

// leave ends the connection when what is pending is sent, at once if nothing is; mu
// must be held, and closing be set. The poller hears of the end as of any other.
func (c *lean) leave() {
	if c.out != nil {
		time.AfterFunc(closeTimeout, c.cut)
		return
	}
	_ = unix.Shutdown(int(c.fd), unix.SHUT_RDWR) // fails where there is no connection any more
}

// cut ends the connection although not all was sent.
func (c *lean) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fd >= 0 {
		c.fail()
	}
}

// fail gives the connection up; mu must be held. The kernel drops what it still holds.
func (c *lean) fail() {
	c.failed = true
	c.release()
	_ = unix.SetsockoptLinger(int(c.fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	_ = unix.Shutdown(int(c.fd), unix.SHUT_RDWR)
}

// event takes what the poller was told. It returns the descriptor if the connection
// has ended, else -1, and whether the hub is to be told that the socket is writable.
func (c *lean) event(events uint32) (ended int, writable bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0, events&unix.EPOLLIN != 0 && !c.hear():
		fd := int(c.fd)
		c.fd, c.failed = -1, true
		c.release()
		return fd, false
	case events&unix.EPOLLOUT == 0:
		return -1, false
	}
	c.send()
	if c.failed {
		return -1, false
	}
	if writable = c.full && c.pending() <= PendingLow; writable {
		c.full = false
		c.poll(c.out != nil)
	}
	if c.closing && c.out == nil {
		c.leave()
	}
	return -1, writable
}

// hear discards what the client sends. False: it has ended, or sends too much.
func (c *lean) hear() bool {
	n, err := discard(int(c.fd), 4*maxHeard)
	if err != 0 {
		return err == unix.EAGAIN
	}
	heard := int(c.heard) + n
	c.heard = uint16(min(heard, maxHeard))
	return n > 0 && heard < maxHeard
}

// release gives the buffer back; mu must be held.
func (c *lean) release() {
	if c.out != nil {
		c.out.release()
		c.out = nil
	}
}

func (o *output) release() {
	if cap(o.b) <= keepOutput {
		o.b, o.off = o.b[:0], 0
		outputs.Put(o)
	}
}

// send and the other two are system calls that never wait, so the scheduler need not
// know of them: of some 8 µs that a send costs, 2 more would be the runtime's.
func send(fd int, b []byte) (int, unix.Errno) {
	return transfer(unix.SYS_SENDTO, fd, unsafe.Pointer(unsafe.SliceData(b)), len(b), unix.MSG_NOSIGNAL)
}

func receive(fd int, b []byte, flags int) (int, unix.Errno) {
	return transfer(unix.SYS_RECVFROM, fd, unsafe.Pointer(unsafe.SliceData(b)), len(b), flags)
}

// discard receives at most n bytes of TCP and copies none.
func discard(fd, n int) (int, unix.Errno) {
	return transfer(unix.SYS_RECVFROM, fd, nil, n, unix.MSG_TRUNC)
}

func transfer(call uintptr, fd int, b unsafe.Pointer, n, flags int) (int, unix.Errno) {
	for {
		done, _, err := unix.RawSyscall6(call, uintptr(fd), uintptr(b), uintptr(n), uintptr(flags|unix.MSG_DONTWAIT), 0, 0)
		switch err {
		case 0:
			return int(done), 0
		case unix.EINTR:
		default:
			return 0, err
		}
	}
}
