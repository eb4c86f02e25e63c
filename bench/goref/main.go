// Command goref is the floor that a streamer in Go can reach: an epoll loop, one send a
// delivery, and no history, rights, positions or slow readers. It serves the stream
// on the address given, and POST /pub?t=CHANNEL on the port 50 above.
package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	header    = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n\r\n"
	heartbeat = 10 * time.Second
	everybody = "all"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: goref HOST:PORT")
	}
	if err := run(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func run(address string) error {
	addr, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	h := &hub{channels: map[string][]*client{}}
	go func() {
		for range time.Tick(heartbeat) {
			h.publish(everybody, []byte(":\n\n"))
		}
	}()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /pub", func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		h.publish(r.URL.Query().Get("t"), slices.Concat([]byte("data: "), data, []byte("\n\n")))
	})
	failed := make(chan error, 2)
	go func() {
		failed <- http.ListenAndServe(netip.AddrPortFrom(addr.Addr(), addr.Port()+50).String(), mux)
	}()
	go func() { failed <- serve(address, h) }()
	return <-failed
}

// client is one connection.
type client struct {
	fd       int // -1: closed; guarded by hub.mu
	channels []string
}

// hub knows who listens to what.
type hub struct {
	mu       sync.RWMutex
	channels map[string][]*client
}

func (h *hub) join(c *client) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, name := range c.channels {
		h.channels[name] = append(h.channels[name], c)
	}
}

func (h *hub) leave(c *client) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, name := range c.channels {
		all := h.channels[name]
		i := slices.Index(all, c)
		all[i] = all[len(all)-1]
		h.channels[name] = all[:len(all)-1]
	}
	c.fd = -1
}

// publish sends the frame; what a socket doesn't take is lost.
func (h *hub) publish(channel string, frame []byte) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, c := range h.channels[channel] {
		_, _, _ = unix.RawSyscall6(unix.SYS_SENDTO, uintptr(c.fd), uintptr(unsafe.Pointer(unsafe.SliceData(frame))), uintptr(len(frame)),
			unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	}
}

// serve accepts, reads one request a connection and waits for its end.
func serve(address string, h *hub) error {
	var c net.ListenConfig
	c.SetMultipathTCP(false)
	l, err := c.Listen(context.Background(), "tcp", address)
	if err != nil {
		return err
	}
	defer l.Close() // and it isn't collected before
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		return err
	}
	defer file.Close()
	on := int(file.Fd())
	set, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	if err := errors.Join(unix.SetNonblock(on, true), watch(set, on)); err != nil {
		return err
	}
	clients := map[int]*client{}
	events := make([]unix.EpollEvent, 256)
	buf := make([]byte, 16<<10)
	for {
		n, err := unix.EpollWait(set, events, -1)
		if err != nil && err != unix.EINTR {
			return err
		}
		for _, e := range events[:max(0, n)] {
			if int(e.Fd) == on {
				acceptAll(set, on)
				continue
			}
			fd := int(e.Fd)
			n, err := unix.Read(fd, buf)
			switch {
			case err == unix.EAGAIN:
			case n <= 0:
				if c := clients[fd]; c != nil {
					h.leave(c)
					delete(clients, fd)
				}
				_ = unix.Close(fd)
			case clients[fd] == nil:
				c := &client{fd: fd, channels: append(channels(buf[:n]), everybody)}
				clients[fd] = c
				_, _ = unix.Write(fd, []byte(header))
				h.join(c)
			}
		}
	}
}

func acceptAll(set, on int) {
	for {
		fd, _, err := unix.Accept4(on, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != nil {
			return
		}
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		if watch(set, fd) != nil {
			_ = unix.Close(fd)
		}
	}
}

func watch(set, fd int) error {
	return unix.EpollCtl(set, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP, Fd: int32(fd)})
}

// channels are the values of the request's query.
func channels(request []byte) (all []string) {
	line, _, _ := bytes.Cut(request, []byte("\r\n"))
	_, query, _ := strings.Cut(string(line), "?")
	query, _, _ = strings.Cut(query, " ")
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil
	}
	for _, v := range values {
		all = append(all, v...)
	}
	return all
}
