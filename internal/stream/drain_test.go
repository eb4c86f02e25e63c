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
	back  time.Duration // since began; 0: not sent away
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
	l.back = time.Since(l.began) + l.delay
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
		for i, l := range all {
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
		w.pass(14 * time.Second)
		for _, c := range all {
			if !c.isClosed() {
				w.Error("a stream is left")
			}
			c.stream.Closed()
		}
		<-drained
	})
}
