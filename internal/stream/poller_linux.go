package stream

import (
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// poller tells lean sockets that their client is gone or takes bytes again. Its
// goroutine and its epoll set live while it has sockets, so nobody has to close it.
type poller struct {
	mu      sync.Mutex
	set     int // descriptor of the epoll set
	file    *os.File
	sockets []*lean // by descriptor
	open    int
}

// pollBatch is how many events are taken from the kernel at once.
const pollBatch = 128

// What the kernel is asked for: input and the client's end always, room for output
// only after it had none.
const (
	pollIdle  = unix.EPOLLIN | unix.EPOLLRDHUP
	pollWrite = pollIdle | unix.EPOLLOUT
)

// add takes c in, whose descriptor is set.
func (p *poller) add(c *lean) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == 0 {
		if err := p.start(); err != nil {
			return err
		}
	}
	fd := int(c.fd)
	for len(p.sockets) <= fd {
		p.sockets = append(p.sockets, nil)
	}
	p.sockets[fd] = c
	p.open++
	if err := unix.EpollCtl(p.set, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: pollIdle, Fd: c.fd}); err != nil {
		p.forget(fd)
		return os.NewSyscallError("epoll_ctl", err)
	}
	return nil
}

// start makes the set and its goroutine; mu must be held. The goroutine waits for the
// set as for any file, in the runtime's own poller: it costs no thread.
func (p *poller) start() error {
	set, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(set, true); err != nil {
		_ = unix.Close(set)
		return os.NewSyscallError("fcntl", err)
	}
	file := os.NewFile(uintptr(set), "epoll")
	raw, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return err
	}
	p.set, p.file = set, file
	go p.run(raw)
	return nil
}

// forget takes the descriptor out and says whether it was the last; then the set is
// gone. mu must be held.
func (p *poller) forget(fd int) (last bool) {
	p.sockets[fd] = nil
	if p.open--; p.open > 0 {
		return false
	}
	_ = p.file.Close() // nothing was written to it
	p.sockets = nil
	return true
}

// run hands the events of one set to its sockets until the set is closed.
func (p *poller) run(raw syscall.RawConn) {
	events := make([]unix.EpollEvent, pollBatch)
	for {
		n := 0
		err := raw.Read(func(set uintptr) bool {
			n, _ = unix.EpollWait(int(set), events, 0) // EINTR is all that can happen to it
			return n != 0
		})
		if err != nil {
			return
		}
		for _, e := range events[:max(0, n)] {
			if p.handle(e) {
				return
			}
		}
	}
}

// handle says whether the set has ended with the event.
func (p *poller) handle(e unix.EpollEvent) (ended bool) {
	p.mu.Lock()
	c := p.sockets[e.Fd]
	p.mu.Unlock()
	fd, writable := c.event(e.Events)
	if writable {
		c.stream.Writable()
	}
	if fd < 0 {
		return false
	}
	p.mu.Lock()
	last := p.forget(fd)
	// Nobody else closes descriptors of the set. So none can name another
	// connection while an event of it is under way.
	_ = unix.Close(fd)
	p.mu.Unlock()
	c.stream.Closed()
	return last
}
