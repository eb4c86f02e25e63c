package stream

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"tidings/internal/bus"
	"tidings/internal/chat"
)

// overLean runs the test over the transports whose connections are taken over.
func overLean(t *testing.T, test func(t *testing.T, over transport)) {
	for _, name := range []string{"HTTP1", "HTTP1/Listen"} {
		t.Run(name, func(t *testing.T) { test(t, transports[name]) })
	}
}

const streamRequestText = "GET /api/events HTTP/1.1\r\nHost: x\r\nAuthorization: ann\r\n\r\n"

// wire is a client that sees every byte.
type wire struct {
	*testing.T
	*net.TCPConn
	in *bufio.Reader
}

// dial connects, and sends a text. A window of 0 is the system's own.
func (s *site) dial(window int, text string) *wire {
	s.Helper()
	d := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		cerr := raw.Control(func(fd uintptr) {
			if window > 0 {
				err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, window)
			}
		})
		return errors.Join(cerr, err)
	}}
	c, err := d.DialContext(s.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = c.Close() })
	w := &wire{T: s.T, TCPConn: c.(*net.TCPConn), in: bufio.NewReader(c)}
	w.send(text)
	return w
}

func (w *wire) send(text string) {
	w.Helper()
	if _, err := w.TCPConn.Write([]byte(text)); err != nil {
		w.Fatal(err)
	}
}

// until reads up to and with the text.
func (w *wire) until(text string) string {
	w.Helper()
	if err := w.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		w.Fatal(err)
	}
	var b strings.Builder
	for !strings.HasSuffix(b.String(), text) {
		line, err := w.in.ReadString(text[len(text)-1])
		b.WriteString(line)
		if err != nil {
			w.Fatalf("%v instead of %q, after %q", err, text, b.String())
		}
	}
	return b.String()
}

// stream opens a stream and reads up to ready.
func (s *site) stream(window int) *wire {
	s.Helper()
	w := s.dial(window, streamRequestText)
	w.until("\"resumed\":false}\n\n")
	return w
}

// say sends ann and bob a message of at least that many bytes.
func (s *site) say(bytes int) {
	s.Helper()
	m := message(log, bob)
	m.Body = mustJSON(chat.MessageBody{Sender: chat.UserRef{ID: bob}, Content: strings.Repeat("x", bytes), Members: []chat.UserRef{{ID: bob}}})
	e := s.store.commit(m)
	if err := s.hub.Deliver(s.Context(), []bus.Envelope{{Entry: &e}}); err != nil {
		s.Fatal(err)
	}
}

// left waits until the hub has that many streams.
func (s *site) left(n int) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 10*time.Second)
	defer cancel()
	for s.hub.Connections() > n {
		select {
		case <-s.hub.left:
		case <-ctx.Done():
			s.Fatalf("%d streams are left, want %d", s.hub.Connections(), n)
		}
	}
}

// pendingBytes is what the sockets of ann's streams hold.
func (s *site) pendingBytes() (all []int) {
	s.Helper()
	done := make(chan struct{})
	if err := s.hub.input(s.Context(), func() {
		for _, st := range s.hub.users[ann].streams {
			n, _ := st.conn.Progress()
			all = append(all, n)
		}
		close(done)
	}); err != nil {
		s.Fatal(err)
	}
	<-done
	return all
}

// A stream costs no goroutine: of the server's or of net/http's.
func TestTakenOverHoldsNothing(t *testing.T) { overLean(t, testTakenOverHoldsNothing) }

func testTakenOverHoldsNothing(t *testing.T, over transport) {
	s := newSite(t, over, Config{})
	first := s.stream(0)
	before := runtime.NumGoroutine()
	for range maxPerUser - 1 {
		s.stream(0)
	}
	s.say(10)
	first.until("c:1-2/2/3\"}\n")
	if after := runtime.NumGoroutine(); after > before+maxPerUser/4 { // some of net/http may not have ended yet
		t.Errorf("%d goroutines with one stream, %d with %d", before, after, maxPerUser)
	}
	for _, n := range s.pendingBytes() {
		if n > 0 {
			t.Errorf("%d bytes are held for a client that reads", n)
		}
	}
}

// The size is a promise, and 64 is a size class of the allocator.
func TestLeanSize(t *testing.T) {
	if n := unsafe.Sizeof(lean{}); n > 64 {
		t.Errorf("a socket has %d bytes", n)
	}
}

func TestTakenOverHeader(t *testing.T) { overLean(t, testTakenOverHeader) }

func testTakenOverHeader(t *testing.T, over transport) {
	s := newSite(t, over, Config{})
	for _, version := range []string{"1.1", "1.0"} {
		w := s.dial(0, strings.Replace(streamRequestText, "1.1", version, 1))
		head := w.until("\r\n\r\n")
		if !strings.HasPrefix(head, "HTTP/1.1 200 OK\r\n") || !strings.Contains(head, "\r\nConnection: close\r\n") || !strings.Contains(head, "\r\nDate: ") {
			t.Errorf("HTTP/%s: %q", version, head)
		}
		if b := w.until("\n\n"); !strings.HasPrefix(b, "retry: ") {
			t.Errorf("HTTP/%s: the body begins with %q", version, b)
		}
	}
}

// What a client sends after its request is nobody's business, up to a bound.
func TestTakenOverInput(t *testing.T) { overLean(t, testTakenOverInput) }

func testTakenOverInput(t *testing.T, over transport) {
	s := newSite(t, over, Config{})
	pipelined := s.dial(0, streamRequestText+streamRequestText)
	pipelined.until("\"resumed\":false}\n\n")
	garbage := s.stream(0)
	_ = garbage.SetWriteDeadline(time.Now().Add(10 * time.Second))
	for err := error(nil); err == nil; {
		if _, err = garbage.TCPConn.Write(make([]byte, 1024)); errors.Is(err, context.DeadlineExceeded) {
			t.Error("may send for ever")
		}
	}
	s.left(1)
	s.say(10)
	if got := pipelined.until("c:1-2/2/3\"}\n"); strings.Contains(got, "HTTP/1.1") {
		t.Errorf("the second request was answered: %q", got)
	}
}

// A client that is reset while much is on its way to it ends alone.
func TestTakenOverReset(t *testing.T) { overLean(t, testTakenOverReset) }

func testTakenOverReset(t *testing.T, over transport) {
	s := newSite(t, over, Config{})
	other, stalled := s.stream(0), s.stream(4096)
	for seq := 2; slices.Max(s.pendingBytes()) == 0; seq++ {
		s.say(50_000)
		other.until("/" + strconv.Itoa(seq) + "/3\"}\n")
	}
	if err := stalled.SetLinger(0); err != nil {
		t.Fatal(err)
	}
	_ = stalled.Close()
	s.left(1)
	s.say(10)
	other.until("/3\"}\n")
}

// One that reads nothing holds nobody up, and what is kept for it is bounded. It goes
// on exactly where it stopped.
func TestTakenOverStalled(t *testing.T) { overLean(t, testTakenOverStalled) }

func testTakenOverStalled(t *testing.T, over transport) {
	s := newSite(t, over, Config{CacheBytes: 1 << 20})
	other, stalled := s.stream(0), s.stream(4096)
	const n, size = 400, 20_000
	for seq := 2; seq < n+2; seq++ {
		s.say(size)
		other.until("/" + strconv.Itoa(seq) + "/3\"}\n")
		if most := slices.Max(s.pendingBytes()); most > PendingHigh+3*size {
			t.Fatalf("%d bytes are held", most)
		}
	}
	if slices.Max(s.pendingBytes()) == 0 {
		t.Fatal("nothing is held: the reader was not slow")
	}
	for seq := 2; seq < n+2; seq++ {
		for part := 1; part <= 3; part++ {
			b := stalled.until("\n\n")
			for strings.HasPrefix(b, "event: heartbeat\n") {
				b = stalled.until("\n\n")
			}
			if want := "\"eventId\":\"c:1-2/" + strconv.Itoa(seq) + "/" + strconv.Itoa(part) + "\"}\nid: "; !strings.Contains(b, want) {
				t.Fatalf("instead of %s: %.300q", want, b)
			}
		}
	}
}

// A stream that has ended takes closeTimeout to go at most, whatever its client does.
func TestTakenOverCloseIsBounded(t *testing.T) {
	s := newSite(t, transports["HTTP1"], Config{})
	other, stalled := s.stream(0), s.stream(4096)
	for seq := 2; slices.Max(s.pendingBytes()) == 0; seq++ {
		s.say(50_000)
		other.until("/" + strconv.Itoa(seq) + "/3\"}\n")
	}
	began := time.Now()
	e := s.store.commit(revokedEntry("ann"))
	if err := s.hub.Deliver(t.Context(), []bus.Envelope{{Entry: &e}}); err != nil {
		t.Fatal(err)
	}
	other.until("event: revoked\ndata: {\"reason\":\"logout\"}\n\n")
	if _, err := other.in.ReadByte(); err != io.EOF {
		t.Errorf("the stream ends with %v", err)
	}
	s.left(0)
	if took := time.Since(began); took < closeTimeout || took > 2*closeTimeout {
		t.Errorf("it took %v", took)
	}
	if _, err := io.Copy(io.Discard, stalled.in); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the stalled client sees %v", err)
	}
}

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
