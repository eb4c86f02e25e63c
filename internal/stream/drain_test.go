package stream

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tidings/internal/chat"
)

// leaver is a client that notes when it will be back after it was sent away.
type leaver struct {
	stream *Stream
	began  time.Time

	mu    sync.Mutex
	delay time.Duration
	told  int
	left  time.Duration // since began; 0: not sent away
	back  time.Duration // then, and delay
}

var reconnectText = regexp.MustCompile(`^retry: (\d+)\nevent: reconnect\ndata: {"delayMs":(\d+)}\n\n$`)

func (l *leaver) Write(f Frame) int {
	m := reconnectText.FindStringSubmatch(string(f.AppendTo(nil)))
	if m == nil || m[1] != m[2] {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	ms, _ := strconv.Atoi(m[1]) // digits
	l.delay = time.Duration(ms) * time.Millisecond
	l.told++
	return 0
}
func (l *leaver) Flush()                  {}
func (l *leaver) Progress() (int, uint64) { return 0, 0 }
func (l *leaver) Close() {
	l.mu.Lock()
	l.left = time.Since(l.began)
	l.back = l.left + l.delay
	l.mu.Unlock()
	go l.stream.Closed()
}

// TestDrainIsEven: 15,000 streams leave within the drain time, and their clients come
// back at an even rate.
func TestDrainIsEven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const streams = 15_000
		w := newWorld(t, Config{MaxConnecting: 1000})
		all := make([]*leaver, streams)
		for i := range all {
			all[i] = &leaver{}
			var err error
			if all[i].stream, err = w.hub.Open(t.Context(), Request{Session: w.session(chat.UserID(i+1), strconv.Itoa(i))}, all[i]); err != nil {
				t.Fatal(err)
			}
		}
		w.settle()
		began := time.Now()
		for _, l := range all {
			l.began = began
		}
		w.hub.Drain(t.Context())
		if took := time.Since(began); took > 25*time.Second+drainStep || took < 24*time.Second || w.hub.Connections() != 0 {
			t.Errorf("%d streams are left after %v", w.hub.Connections(), took)
		}
		var perSecond []int
		perTenth, inOrder := map[time.Duration]int{}, 0
		for i, l := range all {
			if perTenth[l.left/(100*time.Millisecond)]++; i > 0 && l.left >= all[i-1].left {
				inOrder++
			}
			if l.told != 1 || l.delay < reconnectFrom || l.delay > reconnectTo {
				t.Fatalf("stream %d was told %d times to come back after %v", i, l.told, l.delay)
			}
			for int(l.back/time.Second) >= len(perSecond) {
				perSecond = append(perSecond, 0)
			}
			perSecond[l.back/time.Second]++
		}
		t.Logf("reconnects a second: %v", perSecond)
		most := 0
		for _, n := range perSecond {
			most = max(most, n)
		}
		if mean := streams / len(perSecond); most > 2*mean {
			t.Errorf("at most %d reconnects in a second, %d on average", most, mean)
		}
		for at, n := range perTenth {
			if n > 2*streams/250 {
				t.Errorf("%d left in the tenth of a second at %v", n, at*100*time.Millisecond)
			}
		}
		if inOrder > streams*6/10 { // one user's streams would leave together
			t.Errorf("%d of %d left after the one before them", inOrder, streams)
		}
	})
}

// While it drains the hub takes nobody in, and those who are left get what comes.
func TestDrainGoesOn(t *testing.T) {
	scenario(t, Config{}, func(w *world) {
		var all []*fakeConn
		for range 10 {
			all = append(all, w.open(ann, "s"))
		}
		w.settle()
		drained := make(chan struct{})
		go func() { w.hub.Drain(w.Context()); close(drained) }()
		w.pass(12 * time.Second)
		left := 0
		w.send(w.message(log, bob))
		for _, c := range all {
			switch {
			case !c.isClosed():
				left++
				equal(w.T, "ann", c.ids(), missed(2)...)
			case !strings.Contains(c.text(), "event: reconnect"):
				w.Error("closed without a word")
			}
		}
		if left < 4 || left > 6 {
			w.Errorf("%d of 10 are left after half the time", left)
		}
		if _, err := w.hub.Open(w.Context(), Request{Session: w.session(bob, "b")}, &fakeConn{}); !errors.Is(err, ErrClosed) {
			w.Errorf("a new stream: %v", err)
		}
		for _, c := range all { // one goes by itself before it is its turn
			if !c.isClosed() {
				c.stream.Closed()
				break
			}
		}
		w.pass(14 * time.Second)
		told := 0
		for _, c := range all {
			if told += len(c.named("reconnect")); !c.isClosed() {
				w.Error("a stream is left")
			}
			c.stream.Closed()
		}
		if told != len(all)-1 {
			w.Errorf("%d of %d were told", told, len(all)-1)
		}
		<-drained
	})
}

// A stream that is let in after the others got their slots is sent away at once.
func TestDrainLateComer(t *testing.T) {
	scenario(t, Config{}, func(w *world) {
		w.connect(bob)
		go w.hub.Drain(w.Context())
		w.pass(time.Second)
		c := &fakeConn{user: ann}
		c.stream = newStream(w.hub, w.session(ann, "s"), c)
		w.within(func(h *Hub) { h.register(c.stream, ann) })
		if n := len(c.named("reconnect")); n != 1 || !c.isClosed() {
			w.Errorf("told %d times, closed %v", n, c.isClosed())
		}
	})
}
