package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"tidings/internal/bus"
)

// Queue is the instance's own queue; *bus.Queue is one.
type Queue interface {
	Receive(ctx context.Context) ([]bus.Message, error)
	Delete(ctx context.Context, ms []bus.Message) error
	Renew(ctx context.Context) error
	Close(ctx context.Context) error
}

// Prober publishes the instance's probe; *bus.Topic is one.
type Prober interface {
	PublishProbe(ctx context.Context, instance string, cell int) error
}

const (
	renewEvery   = 30 * time.Second // a tenth of bus.LeaseTime
	probeEvery   = 10 * time.Second
	probeRetry   = time.Second // until the first one came back
	probeGood    = 35 * time.Second
	maxSkew      = 10 * time.Second           // of the clock; positions allow for it (settleTime)
	emptyTimeout = closeTimeout + time.Second // for streams to end
	leaveTimeout = 10 * time.Second           // for the queue to be deleted, however long that took
)

// Service runs a streamer: it moves messages from its queue to its hub.
type Service struct {
	// Constant.
	Hub      *Hub
	Queue    Queue
	Prober   Prober
	Instance string
	Cell     int
	Pollers  int // 2 if zero
	// ClockSkew is how far this machine's clock is off the table's, if that is known;
	// nil: not looked at.
	ClockSkew func() (time.Duration, bool)
	Log       *slog.Logger

	// Shared.
	probed  atomic.Int64 // when the own probe last came back, Unix ms; 0: never, or leaving
	leaving atomic.Bool
}

// Ready says whether the instance should get streams.
func (s *Service) Ready() bool { return s.Unready() == "" }

// Unready says why the instance should get no streams; "" if it should.
func (s *Service) Unready() string {
	switch {
	case s.leaving.Load():
		return "draining"
	case s.Hub.Full():
		return "full"
	case !s.clockRight():
		return "clock_skew" // above 10 s against the table's clock
	case time.Since(time.UnixMilli(s.probed.Load())) >= probeGood:
		return "probe_overdue" // the instance's own message through topic and queue
	}
	return ""
}

func (s *Service) clockRight() bool {
	if s.ClockSkew == nil {
		return true
	}
	skew, known := s.ClockSkew()
	return !known || skew.Abs() <= maxSkew
}

// Run runs the streamer until ctx ends, then sends the streams away, one after the
// other over the time that the hub is configured with, and deletes the queue. It
// returns an error, after the same leave-taking, when the queue is gone or its lease
// could not be renewed in time: then the instance must be replaced, for what it
// missed it can't know.
func (s *Service) Run(ctx context.Context) error {
	work, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	var tasks sync.WaitGroup
	for range max(1, s.pollers()) {
		tasks.Go(func() { stop(s.poll(work)) })
	}
	tasks.Go(func() { stop(s.renew(work)) })
	tasks.Go(func() { stop(s.probe(work)) })

	hubCtx, stopHub := context.WithCancel(context.WithoutCancel(ctx))
	defer stopHub()
	hubDone := make(chan error, 1)
	go func() { hubDone <- s.Hub.Run(hubCtx) }()

	var failed error
	select {
	case <-ctx.Done():
	case <-work.Done():
		failed = context.Cause(work)
	}
	s.leaving.Store(true)
	// Who is still here while others have left gets what comes meanwhile.
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.Hub.cfg.Drain+emptyTimeout)
	s.Hub.Drain(draining)
	cancel()
	stop(nil)
	tasks.Wait()
	stopHub()
	err := <-hubDone
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), emptyTimeout)
	s.Hub.waitEmpty(ending) // of those that came in the last moment
	cancel()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	if cerr := s.Queue.Close(closing); cerr != nil {
		err = errors.Join(err, fmt.Errorf("close queue: %w", cerr))
	}
	return errors.Join(failed, err)
}

func (s *Service) pollers() int {
	if s.Pollers == 0 {
		return 2
	}
	return s.Pollers
}

// poll moves messages until ctx ends or the queue is gone. While the hub is
// behind it waits, and the messages wait in the queue.
func (s *Service) poll(ctx context.Context) error {
	attempt := 0
	for ctx.Err() == nil {
		ms, err := s.Queue.Receive(ctx)
		switch {
		case errors.Is(err, bus.ErrQueueGone):
			return err
		case err != nil && ctx.Err() == nil:
			s.failed(ctx, "receive", err)
			pause(ctx, attempt)
			attempt++
			continue
		}
		attempt = 0
		if len(ms) == 0 {
			continue
		}
		if envelopes := s.decode(ms, time.Now()); len(envelopes) > 0 {
			if err := s.Hub.Deliver(ctx, envelopes); err != nil {
				return err // not deleted: the hub did not take them
			}
		}
		if err := s.Queue.Delete(ctx, ms); errors.Is(err, bus.ErrQueueGone) {
			return err
		} else if err != nil && ctx.Err() == nil {
			s.failed(ctx, "delete", err) // they come again, as duplicates
		}
	}
	return ctx.Err()
}

// decode reads the messages, which were received now. Probes end here; what can't be
// read is counted and dropped.
func (s *Service) decode(ms []bus.Message, now time.Time) []bus.Envelope {
	out := make([]bus.Envelope, 0, len(ms))
	for _, m := range ms {
		env, err := bus.Decode(m.Body)
		env.Received, env.Trace = now, m.Trace
		if env.Published > 0 {
			s.Hub.metrics.lag.Set(since(env.Published, now))
		}
		switch {
		case err != nil:
			s.Hub.metrics.decodeErrors.Inc()
			s.Log.Error("decode message", "error", err)
		case env.Probe == s.Instance:
			s.probed.Store(now.UnixMilli())
		case env.Probe == "":
			out = append(out, env)
		}
	}
	return out
}

// renew keeps the lease of the queue. It fails when the janitor may have taken
// the instance for dead.
func (s *Service) renew(ctx context.Context) error {
	t := time.NewTicker(renewEvery)
	defer t.Stop()
	until := time.Now().Add(bus.LeaseTime)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
		}
		began := time.Now()
		switch err := s.Queue.Renew(ctx); {
		case err == nil:
			until = began.Add(bus.LeaseTime)
		case errors.Is(err, bus.ErrQueueGone):
			return err
		case ctx.Err() == nil:
			s.failed(ctx, "renew", err)
			if time.Now().After(until) {
				return fmt.Errorf("lost the lease of the queue: %w", err)
			}
		}
	}
}

// probe sends the instance's probe again and again.
func (s *Service) probe(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := s.Prober.PublishProbe(ctx, s.Instance, s.Cell); err != nil && ctx.Err() == nil {
			s.failed(ctx, "probe", err)
		}
		every := probeEvery
		if s.probed.Load() == 0 {
			every = probeRetry
		}
		wait(ctx, every)
	}
	return ctx.Err()
}

func (s *Service) failed(ctx context.Context, call string, err error) {
	s.Hub.metrics.queueErrors.WithLabelValues(call).Inc()
	s.Log.WarnContext(ctx, "use the queue", "call", call, "error", err)
}

// pause is the backoff of a poller: 50 ms doubled up to 5 s, drawn from the upper
// half.
func pause(ctx context.Context, attempt int) {
	d := min(backoffFrom<<min(attempt, 10), backoffTo)
	wait(ctx, d/2+rand.N(d/2))
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
