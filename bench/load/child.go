package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

type reader struct {
	ep      int
	t       *Target
	first   int
	group   int
	net     int
	conns   []conn
	sas     []unix.SockaddrInet4
	buf     []byte
	scratch []byte

	window   int
	queue    []int32 // slots to open
	opening  int
	churning bool
	wantOpen bool

	r       report
	lat     hist
	base    uint32
	each    bool
	eachSeq uint32
	eachCnt int
	expect  uint64
	marks   int // marks seen in the current read
	now     int64
	lazy    time.Duration // pause after each batch of events: cheaper, but coarser times
	in      []byte
}

func childMain() {
	runtime.LockOSThread()
	d := &reader{buf: make([]byte, 256<<10)}
	var err error
	if d.ep, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		fatal(err)
	}
	unix.SetNonblock(0, true)
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: -1}
	if err := unix.EpollCtl(d.ep, unix.EPOLL_CTL_ADD, 0, &ev); err != nil {
		fatal(err)
	}
	evs := make([]unix.EpollEvent, 512)
	for {
		n, err := unix.EpollWait(d.ep, evs, -1)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			fatal(err)
		}
		for i := range evs[:n] {
			e := &evs[i]
			if e.Fd < 0 {
				d.commands()
				continue
			}
			if c := &d.conns[e.Fd]; c.gen == e.Pad && c.state != stDead {
				d.event(e.Fd, c, e.Events)
			}
		}
		d.open()
		if d.lazy > 0 {
			ts := unix.NsecToTimespec(int64(d.lazy))
			unix.Nanosleep(&ts, nil)
		}
	}
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, "load:", err)
	os.Exit(1)
}

func (d *reader) send(r *report) {
	b, _ := json.Marshal(r)
	os.Stdout.Write(append(b, '\n'))
}

func (d *reader) commands() {
	var b [64 << 10]byte
	n, err := unix.Read(0, b[:])
	if err == unix.EAGAIN || err == unix.EINTR {
		return
	}
	if n <= 0 {
		os.Exit(0)
	}
	d.in = append(d.in, b[:n]...)
	for {
		i := bytes.IndexByte(d.in, '\n')
		if i < 0 {
			return
		}
		var c cmd
		if err := json.Unmarshal(d.in[:i], &c); err != nil {
			fatal(err)
		}
		d.in = d.in[i+1:]
		d.command(&c)
	}
}

func (d *reader) command(c *cmd) {
	switch c.Op {
	case "init":
		if err := c.Target.readLines(); err != nil {
			fatal(err)
		}
		d.t, d.first, d.group, d.net = c.Target, c.First, c.Group, c.Net
		d.conns = make([]conn, c.Last-c.First)
		for i := range d.conns {
			d.conns[i].user = uint32(c.First + i)
		}
		for _, a := range d.t.Addrs {
			host, port, err := net.SplitHostPort(a)
			if err != nil {
				fatal(err)
			}
			sa := unix.SockaddrInet4{}
			copy(sa.Addr[:], net.ParseIP(host).To4())
			sa.Port, _ = strconv.Atoi(port)
			d.sas = append(d.sas, sa)
		}
		d.send(&report{Op: "init"})
	case "connect":
		d.window = c.Window
		for i := range d.conns {
			if d.conns[i].state == stDead {
				d.queue = append(d.queue, int32(i))
			}
		}
		d.wantOpen = true
	case "churn":
		d.window = c.Window
		step := max(1, len(d.conns)/max(1, c.Count))
		for i := 0; i < len(d.conns) && len(d.queue) < c.Count; i += step {
			d.queue = append(d.queue, int32(i))
		}
		d.churning = true
		d.wantOpen = true
	case "phase":
		d.r = report{Open: d.r.Open}
		d.lat = hist{}
		d.lazy = time.Duration(c.LazyUS) * time.Microsecond
		d.base, d.each, d.eachSeq, d.eachCnt, d.expect = c.Base, c.Each, 0, 0, 0
		d.send(&report{Op: "phase"})
	case "expect":
		d.expect = c.Expect
		d.check()
	case "report":
		r := d.r
		r.Op = "report"
		r.Lat = &d.lat
		d.send(&r)
	default:
		fatal(fmt.Errorf("unknown command %q", c.Op))
	}
}

func (d *reader) check() {
	if d.expect > 0 && d.r.Received >= d.expect {
		d.expect = 0
		d.send(&report{Op: "expect", LastTS: d.r.LastTS})
	}
}

// open starts queued connections while the window allows it.
func (d *reader) open() {
	for d.opening < d.window && len(d.queue) > 0 {
		i := d.queue[len(d.queue)-1]
		d.queue = d.queue[:len(d.queue)-1]
		c := &d.conns[i]
		if c.state != stDead {
			d.close(c)
		}
		d.opening++
		if err := d.dial(i, c); err != nil {
			d.openFailed(i, c, err.Error())
		}
	}
	if d.wantOpen && d.opening == 0 && len(d.queue) == 0 {
		d.wantOpen, d.churning = false, false
		r := d.r
		r.Op = "open"
		d.send(&r)
	}
}

func (d *reader) dial(i int32, c *conn) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	c.gen++
	c.fd, c.state, c.carry, c.maxSeq, c.window = int32(fd), stConnecting, nil, 0, 0
	unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	// The pid spreads successive runs over addresses, clear of TIME_WAIT ports.
	src := unix.SockaddrInet4{Addr: [4]byte{127, byte(d.net), byte(os.Getpid()), byte(1 + i%8)}}
	if err := unix.Bind(fd, &src); err != nil {
		return err
	}
	sa := d.sas[int(c.user)%len(d.sas)]
	if err := unix.Connect(fd, &sa); err != nil && err != unix.EINPROGRESS {
		return err
	}
	ev := unix.EpollEvent{Events: unix.EPOLLOUT | unix.EPOLLIN | unix.EPOLLET, Fd: i, Pad: c.gen}
	return unix.EpollCtl(d.ep, unix.EPOLL_CTL_ADD, fd, &ev)
}

func (d *reader) close(c *conn) {
	if c.state == stOpen {
		d.r.Open--
	}
	unix.Close(int(c.fd))
	c.state, c.carry, c.fd = stDead, nil, -1
}

func (d *reader) openFailed(i int32, c *conn, why string) {
	d.opening--
	d.close(c)
	if c.tries++; c.tries < 4 {
		d.queue = append(d.queue, i)
		return
	}
	d.r.Failed++
	d.r.Err = why
}

func (d *reader) event(i int32, c *conn, events uint32) {
	if c.state == stConnecting {
		if events&(unix.EPOLLERR|unix.EPOLLHUP) != 0 {
			e, _ := unix.GetsockoptInt(int(c.fd), unix.SOL_SOCKET, unix.SO_ERROR)
			d.openFailed(i, c, "connect: "+unix.Errno(e).Error())
			return
		}
		if events&unix.EPOLLOUT == 0 {
			return
		}
		v := vars{user: int(c.user), group: int(c.user) / d.group}
		if v.user < len(d.t.lines) {
			v.line = d.t.lines[v.user]
		}
		addr := d.t.Addrs[int(c.user)%len(d.sas)]
		req := encode(&d.t.Subscribe, addr, &v)
		if n, err := unix.Write(int(c.fd), req); n != len(req) {
			d.openFailed(i, c, fmt.Sprint("write: ", err))
			return
		}
		c.state = stHeader
		ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET, Fd: i, Pad: c.gen}
		unix.EpollCtl(d.ep, unix.EPOLL_CTL_MOD, int(c.fd), &ev)
		return
	}
	for {
		n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(c.fd), uintptr(unsafe.Pointer(unsafe.SliceData(d.buf))), uintptr(len(d.buf)))
		if errno == unix.EAGAIN {
			return
		}
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 || n == 0 {
			d.lost(i, c, "closed by the server")
			return
		}
		if !d.feed(i, c, d.buf[:n]) {
			return
		}
		if int(n) < len(d.buf) && events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) == 0 {
			return
		}
	}
}

func (d *reader) lost(i int32, c *conn, why string) {
	if c.state == stOpen {
		d.r.Dropped++
		d.r.Err = why
		d.close(c)
		return
	}
	d.openFailed(i, c, why)
}

func (d *reader) feed(i int32, c *conn, b []byte) bool {
	if c.state == stHeader {
		rest, done, ok := c.head(b)
		if !ok {
			d.openFailed(i, c, fmt.Sprintf("response %.80q", rest))
			return false
		}
		if !done {
			return true
		}
		c.state, c.tries = stOpen, 0
		d.opening--
		d.r.Open++
		if b = rest; len(b) == 0 {
			return true
		}
	}
	d.marks = 0
	d.now = time.Now().UnixNano()
	d.r.Reads++
	d.r.Bytes += uint64(len(b))
	ok := c.body(b, d.scan)
	if d.marks == 0 {
		d.r.Other++
	}
	if !ok {
		d.lost(i, c, "end of stream")
	}
	return ok
}

var prefix = []byte(markPrefix)

func (d *reader) scan(c *conn, b []byte) {
	if c.carry != nil {
		d.scratch = append(append(d.scratch[:0], c.carry...), b...)
		c.carry, b = nil, d.scratch
	}
	for {
		i := bytes.Index(b, prefix)
		if i < 0 {
			if n := len(b); n > 0 && b[n-1] == 'S' {
				c.carry = []byte{'S'}
			} else if n > 1 && b[n-2] == 'S' && b[n-1] == 'B' {
				c.carry = []byte{'S', 'B'}
			}
			return
		}
		if len(b)-i < markLen {
			c.carry = bytes.Clone(b[i:])
			return
		}
		if m, ok := parseMark(b[i:]); ok {
			d.marks++
			d.delivery(c, m)
		}
		b = b[i+markLen:]
	}
}

func (d *reader) delivery(c *conn, m mark) {
	if m.seq < d.base {
		d.r.Stale++
		return
	}
	if m.kind == kindUser && m.to != c.user || m.kind == kindGroup && m.to != c.user/uint32(d.group) {
		d.r.Misrouted++
		return
	}
	switch c.seen(m.seq) {
	case 1:
		d.r.Dup++
		return
	case 2, 3:
		d.r.Reordered++
	}
	if d.r.Received == 0 {
		d.r.FirstTS = d.now
	}
	d.r.Received++
	d.r.LastTS = d.now
	d.lat.add(d.now - m.ts)
	if d.each {
		if m.seq != d.eachSeq {
			d.eachSeq, d.eachCnt = m.seq, 0
		}
		if d.eachCnt++; d.eachCnt == d.r.Open {
			d.send(&report{Op: "each", Seq: m.seq, LastTS: d.now})
		}
	}
	if d.expect > 0 {
		d.check()
	}
}
