package stream

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
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
