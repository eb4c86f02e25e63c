package stream

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestStreamRequest(t *testing.T) {
	for text, want := range map[string]bool{
		streamRequestText:                                  true,
		streamRequestText + "more":                         true,
		"GET /api/events?types=message HTTP/1.0\r\n\r\n":   true,
		"GET /api/events HTTP/1.1\r\nHost: x\r\n":          false,
		"GET /api/events HTTP/2.0\r\n\r\n":                 false,
		"GET /api/events\r\n\r\n":                          false,
		"GET /api/eventsx HTTP/1.1\r\n\r\n":                false,
		"GET /api/events/ws HTTP/1.1\r\n\r\n":              false,
		"POST /api/events HTTP/1.1\r\n\r\n":                false,
		"GET http://x/api/events HTTP/1.1\r\n\r\n":         false,
		"GET /api/events":                                  false,
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":                 false,
		"":                                                 false,
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03":     false,
		"GET /api/events HTTP/1.1\nHost: x\n\n":            false,
		"GET /api/events HTTP/1.1\r\nHost: x\r\nX: \r\n\r": false,
	} {
		end, ok := streamRequest([]byte(text))
		if ok != want || ok && end != strings.Index(text, "\r\n\r\n")+4 {
			t.Errorf("%q: %d %v", text, end, ok)
		}
	}
}

// What the listener takes is for net/http a request for the stream too, or none at all.
func FuzzStreamRequest(f *testing.F) {
	f.Add([]byte(streamRequestText))
	f.Add([]byte("GET /api/events?types=message HTTP/1.0\r\nLast-Event-ID: x\r\n\r\n"))
	f.Add([]byte("GET /api/events HTTP/1.1\nHost: x\r\nContent-Length: 3\r\n\r\nabc"))
	f.Fuzz(func(t *testing.T, b []byte) {
		end, ok := streamRequest(b)
		if !ok {
			return
		}
		if end > len(b) || !bytes.HasSuffix(b[:end], []byte("\r\n\r\n")) {
			t.Fatalf("%q ends at %d", b, end)
		}
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(b[:end])))
		if err == nil && (r.Method != http.MethodGet || r.URL.Path != eventsPath || r.URL.Host != "") {
			t.Errorf("%q is %s %s for net/http", b, r.Method, r.URL)
		}
	})
}

// What is no plain request for a stream is answered as net/http does.
func TestListenPassesOn(t *testing.T) {
	s := newSite(t, transports["HTTP1/Listen"], Config{})
	for request, want := range map[string]string{
		"POST /api/events HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n":                        "HTTP/1.1 405 ",
		"GET /api/events HTTP/1.1\r\nHost: x\r\nAuthorization: ann\r\nContent-Length: 1\r\n\r\nx":  "HTTP/1.1 400 ",
		"GET /api/events HTTP/1.1\r\nAuthorization: ann\r\n\r\n":                                   "HTTP/1.1 400 ",
		"GET /api/events HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n":                                "HTTP/1.1 400 ",
		"GET /api/events HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 3*maxHead) + "\r\n\r\n": "HTTP/1.1 431 ",
	} {
		w := s.dial(0, request)
		if got := w.until("\r\n"); !strings.HasPrefix(got, want) {
			t.Errorf("%.60q: %q", request, got)
		}
	}
	// A request that comes in two pieces, and one on a connection that had another.
	w := s.dial(0, streamRequestText[:30])
	w.send(streamRequestText[30:])
	w.until("\"resumed\":false}\n\n")
	w = s.dial(0, strings.Replace(streamRequestText, "ann", "nobody", 1))
	w.until("\"code\":\"unauthenticated\"}")
	w = s.dial(0, strings.Replace(streamRequestText, "GET", "PUT", 1)+streamRequestText)
	w.until("HTTP/1.1 405 Method Not Allowed\r\n")
	w.until("\"resumed\":false}\n\n")
}

// Ten thousand connections that never finish their request cost little, go when their
// time is over, and keep nobody out. Their other ends are in a process of their own: one
// may open 20,000 files.
func TestListenHalfOpen(t *testing.T) {
	if address := os.Getenv(halfOpen); address != "" {
		openHalf(t, address)
		return
	}
	s := newSite(t, func(h http.Handler) *httptest.Server { return listening(h, 5*time.Second) }, Config{})
	clients := exec.Command(os.Args[0], "-test.run=^TestListenHalfOpen$", "-test.v")
	clients.Env = append(os.Environ(), halfOpen+"="+strings.TrimPrefix(s.url, "http://"))
	out, err := clients.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := clients.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "all are open" {
	}
	s.stream(0)
	var rest strings.Builder
	for lines.Scan() {
		rest.WriteString(lines.Text() + "\n")
	}
	if err := clients.Wait(); err != nil || !strings.Contains(rest.String(), "all are closed") {
		t.Errorf("%v: %s", err, rest.String())
	}
}

// halfOpen is the variable by which the clients' process knows where to go.
const halfOpen = "TIDINGS_HALF_OPEN"

// openHalf opens connections of which some say nothing and most do not say all, and
// waits until the latter are closed. Those who say nothing are the kernel's, for longer.
func openHalf(t *testing.T, address string) {
	const silent, started = 2000, 8000
	var all []net.Conn
	for i := range silent + started {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		defer c.Close()
		if i < silent {
			continue
		}
		if _, err := c.Write([]byte(streamRequestText[:40])); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		all = append(all, c)
	}
	fmt.Println("all are open")
	for i, c := range all {
		_ = c.SetReadDeadline(time.Now().Add(30 * time.Second)) // or the read fails
		if b, err := io.ReadAll(c); err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Fatalf("connection %d: %q, %v", i, b, err)
		}
	}
	fmt.Println("all are closed")
}

// Without a free descriptor connections are refused at once, and taken again when there
// is one. Those that are there go on.
func TestListenWithoutDescriptors(t *testing.T) {
	s := newSite(t, transports["HTTP1/Listen"], Config{})
	old := s.stream(0)
	waiting := make([]int, 5) // of clients, made while they still can be
	for i := range waiting {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = unix.Close(fd) }()
		waiting[i] = fd
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Setrlimit(unix.RLIMIT_NOFILE, &limit) }()
	next, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	_ = unix.Close(next) // the lowest that is free: with this limit there is none
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(next), Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.url, "http://"))
	to := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	to.Port, _ = strconv.Atoi(port)
	for _, fd := range waiting {
		if err := unix.Connect(fd, to); err != nil {
			t.Fatal(err)
		}
		if _, err := unix.Write(fd, []byte(streamRequestText)); err != nil {
			t.Fatal(err)
		}
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 10}); err != nil {
			t.Fatal(err)
		}
		if n, err := unix.Read(fd, make([]byte, 100)); n > 0 || err != nil && err != unix.ECONNRESET {
			t.Errorf("%d bytes, %v, instead of a refusal", n, err)
		}
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	s.stream(0)
	s.say(10)
	old.until("c:1-2/2/3\"}\n")
}
