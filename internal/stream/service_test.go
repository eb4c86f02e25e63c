package stream

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tidings/internal/bus"
	"tidings/internal/chat"
)

// fakeQueue is topic and queue in one.
type fakeQueue struct {
	instance string
	messages chan bus.Message

	mu      sync.Mutex
	lost    bool // probes are published but don't arrive
	gone    error
	unread  error // what Receive alone says
	failing error
	renewed int
	deleted int
	closed  bool
}

func newFakeQueue() *fakeQueue {
	return &fakeQueue{instance: "i", messages: make(chan bus.Message, 1000)}
}

func (q *fakeQueue) state() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return errors.Join(q.gone, q.failing)
}

func (q *fakeQueue) received() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return errors.Join(q.gone, q.failing, q.unread)
}

func (q *fakeQueue) set(change func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	change()
}

func (q *fakeQueue) Receive(ctx context.Context) ([]bus.Message, error) {
	poll := time.NewTimer(20 * time.Second)
	defer poll.Stop()
	if err := q.received(); err != nil {
		return nil, err
	}
	select {
	case m := <-q.messages:
		return []bus.Message{m}, nil
	case <-poll.C:
		return nil, q.received()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (q *fakeQueue) Delete(_ context.Context, ms []bus.Message) error {
	q.set(func() { q.deleted += len(ms) })
	return q.state()
}

func (q *fakeQueue) Renew(context.Context) error {
	err := q.state()
	if err == nil {
		q.set(func() { q.renewed++ })
	}
	return err
}

func (q *fakeQueue) Close(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	q.set(func() { q.closed = true })
	return nil
}

func (q *fakeQueue) PublishProbe(_ context.Context, instance string, _ int) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.lost && q.failing == nil {
		q.put(bus.Envelope{Probe: instance})
	}
	return q.failing
}

func (q *fakeQueue) put(env bus.Envelope) {
	b, err := bus.Encode(env)
	if err != nil {
		panic(err)
	}
	q.messages <- bus.Message{Body: b}
}

// TestService tells when an instance is ready and when it gives up.
func TestService(t *testing.T) {
	for _, tc := range []struct {
		name string
		run  func(w *world, s *Service, q *fakeQueue)
		end  error // of Run, nil: ended by its context
	}{
		{"ReadyWhenTheProbeCameBack", serviceReady, nil},
		{"NotReadyWhenProbesStayOut", serviceProbesLost, nil},
		{"NotReadyByTheProbeOfAnother", serviceForeignProbe, nil},
		{"NotReadyWhenNearlyFull", serviceNearlyFull, nil},
		{"NotReadyWithAWrongClock", serviceWrongClock, nil},
		{"Delivers", serviceDelivers, nil},
		{"GarbageCountedAndDropped", serviceGarbage, nil},
		{"QueueGone", serviceQueueGone, bus.ErrQueueGone},
		{"QueueGoneSaysReceiveAlone", serviceReceiveGone, bus.ErrQueueGone},
		{"LeaseLost", serviceLeaseLost, errFlaky},
		{"RidesOutAnOutage", serviceOutage, nil},
		{"QueueDeletedAfterTheLastSocket", serviceLastSocket, nil},
		{"QueueDeletedDespiteAStuckSocket", serviceStuckSocket, nil},
		{"DrainsAndDeliversMeanwhile", serviceDrains, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, Config{})
				w.stop() // the service runs its own
				w.hub = NewHub(Config{}, w.store, w.store, w.hub.metrics, slog.New(slog.DiscardHandler))
				q := newFakeQueue()
				s := &Service{Hub: w.hub, Queue: q, Prober: q, Instance: "i", Log: slog.New(slog.DiscardHandler)}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				ended := make(chan error, 1)
				go func() { ended <- s.Run(ctx) }()
				tc.run(w, s, q)
				if tc.end == nil {
					cancel()
				}
				if err := <-ended; !errors.Is(err, tc.end) {
					t.Errorf("Run: %v, want %v", err, tc.end)
				}
				if s.Ready() {
					t.Error("ready after the end")
				}
				if !q.closed {
					t.Error("the queue was left behind")
				}
			})
		})
	}
}

var errFlaky = errors.New("no route to host")

func serviceWrongClock(w *world, s *Service, _ *fakeQueue) {
	w.pass(time.Second)
	for skew, want := range map[time.Duration]bool{
		0: true, 10 * time.Second: true, 10*time.Second + time.Millisecond: false,
		-10 * time.Second: true, -10*time.Second - time.Millisecond: false,
	} {
		if s.ClockSkew = func() (time.Duration, bool) { return skew, true }; s.Ready() != want {
			w.Errorf("%v off: ready %v", skew, !want)
		}
		if reason := s.Unready(); !want && reason != "clock_skew" {
			w.Errorf("%v off: %q", skew, reason)
		}
		if s.ClockSkew = func() (time.Duration, bool) { return skew, false }; !s.Ready() {
			w.Error("not ready because nothing is known yet")
		}
	}
}

func serviceReady(w *world, s *Service, q *fakeQueue) {
	w.settle()
	if !s.Ready() {
		w.Error("not ready")
	}
	w.pass(time.Hour)
	if !s.Ready() {
		w.Error("not ready an hour later")
	}
	if q.renewed < 119 {
		w.Errorf("renewed %d times in an hour", q.renewed)
	}
	c := w.connect(ann)
	go func() {
		<-w.hub.Done()
		c.stream.Closed() // as the socket does
	}()
}

func serviceProbesLost(w *world, s *Service, q *fakeQueue) {
	q.set(func() { q.lost = true })
	w.pass(time.Minute)
	first := s.Ready()
	q.set(func() { q.lost = false })
	w.pass(probeEvery)
	back := s.Ready()
	q.set(func() { q.lost = true })
	w.pass(probeGood + probeEvery)
	if lost := s.Unready(); !back || lost != "probe_overdue" {
		w.Errorf("ready at first %v, with probes %v, without again %q", first, back, lost)
	}
}

func serviceForeignProbe(w *world, s *Service, q *fakeQueue) {
	q.set(func() { q.lost = true })
	w.settle()
	w.pass(probeGood + probeEvery) // one may have been under way
	q.put(bus.Envelope{Probe: "other"})
	w.settle()
	if s.Ready() {
		w.Error("ready although only another's probe came")
	}
}

// A load balancer needs time to look elsewhere.
func serviceNearlyFull(w *world, s *Service, _ *fakeQueue) {
	w.hub.cfg.MaxConnections = 20 // read by Open and Full alone
	w.settle()
	var all []*fakeConn
	for u := range 19 {
		if !s.Ready() {
			w.Errorf("not ready with %d of 20 streams", u)
		}
		all = append(all, w.connect(chat.UserID(u+10)))
	}
	if reason := s.Unready(); reason != "full" {
		w.Errorf("%q with 19 of 20 streams", reason)
	}
	for _, c := range all {
		c.stream.Closed()
	}
}

func serviceDelivers(w *world, _ *Service, q *fakeQueue) {
	w.changed(log, users(ann, bob), nil)
	a := w.connect(ann)
	e := w.message(log, bob)
	q.put(bus.Envelope{Entry: &e})
	w.settle()
	equal(w.T, "ann", a.seqs()[log], 2)
	if q.deleted != 2 { // the probe too
		w.Errorf("%d messages deleted, want 2", q.deleted)
	}
	go func() {
		<-w.hub.Done()
		a.stream.Closed()
	}()
}

func serviceGarbage(w *world, _ *Service, q *fakeQueue) {
	q.messages <- bus.Message{Body: []byte(`{"v":2,"entry":[]}`)}
	q.messages <- bus.Message{Body: []byte("\x00")}
	w.settle()
	if n := w.metric("decode_errors_total"); n != 2 {
		w.Errorf("%v errors counted, want 2", n)
	}
	if q.deleted != 3 {
		w.Errorf("%d messages deleted, want 3", q.deleted)
	}
}

func serviceQueueGone(w *world, _ *Service, q *fakeQueue) {
	w.settle()
	q.set(func() { q.gone = bus.ErrQueueGone })
	w.pass(time.Minute)
}

// The lease is renewed as if nothing were, and yet there is nothing to receive from.
func serviceReceiveGone(w *world, _ *Service, q *fakeQueue) {
	w.settle()
	q.set(func() { q.unread = bus.ErrQueueGone })
	w.pass(21 * time.Second) // the long poll ends
	select {
	case <-w.hub.Done():
	default:
		w.Fatal("goes on without a queue")
	}
}

func serviceLeaseLost(w *world, _ *Service, q *fakeQueue) {
	w.settle()
	q.set(func() { q.failing = errFlaky })
	w.pass(bus.LeaseTime - time.Minute)
	select {
	case <-w.hub.Done():
		w.Error("gave up although the lease holds")
	default:
	}
	w.pass(2 * time.Minute)
}

func serviceOutage(w *world, s *Service, q *fakeQueue) {
	w.settle()
	q.set(func() { q.failing = errFlaky })
	w.pass(2 * time.Minute)
	if s.Ready() {
		w.Error("ready although nothing arrives")
	}
	q.set(func() { q.failing = nil })
	w.pass(30 * time.Second)
	if !s.Ready() {
		w.Error("not ready again")
	}
}

// The instance has streams until their sockets have ended, not until they were told
// to go.
func serviceLastSocket(w *world, _ *Service, q *fakeQueue) {
	w.settle()
	c := w.connect(ann)
	go func() {
		<-w.hub.Done()
		time.Sleep(2 * time.Second)
		q.set(func() {
			if q.closed {
				w.Error("the queue was deleted before the last socket had ended")
			}
		})
		c.stream.Closed()
	}()
}

// A socket that never says Closed: Run gives up on it and still has time to delete
// the queue.
func serviceStuckSocket(w *world, _ *Service, _ *fakeQueue) {
	w.settle()
	w.connect(ann)
}

// Half-way through the drain half of the streams are there, and get what comes.
func serviceDrains(w *world, s *Service, q *fakeQueue) {
	w.settle()
	var all []*fakeConn
	for i := range 20 {
		all = append(all, w.connect(chat.UserID(i+10)))
	}
	w.changed(log, users(bob), nil)
	for _, c := range all {
		w.send(w.changed(log, users(c.user), nil))
	}
	w.pass(time.Second)
	go func() {
		time.Sleep(12 * time.Second)
		e := w.message(log, bob)
		q.put(bus.Envelope{Entry: &e})
		time.Sleep(time.Second)
		left := 0
		for _, c := range all {
			if !c.isClosed() {
				left++
				if got := c.seqs()[log]; len(got) == 0 || got[len(got)-1] != e.Seq {
					w.Errorf("user %v got %v", c.user, got)
				}
			}
		}
		if left < 8 || left > 12 || s.Unready() != "draining" {
			w.Errorf("%d of 20 are left half-way, unready: %q", left, s.Unready())
		}
		time.Sleep(13 * time.Second)
		for _, c := range all {
			if !c.isClosed() {
				w.Errorf("user %v is left", c.user)
			}
			c.stream.Closed()
		}
	}()
}
