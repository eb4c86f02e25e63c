package sim

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

var errDead = errors.New("the machine is dead")

// wire is the way of one machine to the AWS. It takes time, and it may stall, or die
// with its machine.
type wire struct {
	w    *world
	name string
	next http.RoundTripper
	life context.Context // of the machine
	die  context.CancelFunc
	calm bool // always

	mu      sync.Mutex
	rand    *rand.Rand
	sources map[string]*rand.Rand // by operation, so that what one draws doesn't change the others
	stalled time.Time             // calls hang until then
	crashIn int                   // calls until the machine crashes by itself; 0: it doesn't
	crash   func()
}

func (w *world) newWire(name string) *wire {
	x := &wire{w: w, name: name, next: w.server.Client().Transport, rand: w.source(name), sources: map[string]*rand.Rand{}}
	x.life, x.die = context.WithCancel(context.Background())
	return x
}

// quietWire is one without faults of its own, and whose user tries again for long.
func (w *world) quietWire(name string) *wire {
	x := w.newWire(name)
	x.calm = true
	return x
}

// config is that of the machine's AWS clients.
func (x *wire) config() awssdk.Config {
	cfg := x.w.server.Config()
	cfg.Credentials = awssdk.AnonymousCredentials{} // signing would be half of the work
	cfg.HTTPClient = &http.Client{Transport: x}
	cfg.Retryer = func() awssdk.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.RateLimiter = ratelimit.None
			if x.calm {
				o.MaxAttempts = 30
			}
			o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
				return 23 * time.Millisecond << attempt, nil
			})
		})
	}
	return cfg
}

// between draws a time, as likely in each of the orders of magnitude.
func (x *wire) between(from, to time.Duration) time.Duration {
	x.mu.Lock()
	defer x.mu.Unlock()
	return logUniform(x.rand, from, to)
}

func logUniform(r *rand.Rand, from, to time.Duration) time.Duration {
	if to <= from {
		return from
	}
	return time.Duration(float64(from) * math.Exp(r.Float64()*math.Log(float64(to)/float64(from))))
}

// trip is what befalls one call.
type trip struct {
	out, back time.Duration
	held      time.Duration // the request reaches the table so much later, whoever still waits for it
	broken    bool          // the answer is lost
}

// draw draws it from the source of the request that makes the call, if there is one.
func (x *wire) draw(ctx context.Context, op string) trip {
	mu, r := &x.mu, (*rand.Rand)(nil)
	if c := callOf(ctx); c != nil {
		mu, r = &c.mu, c.rand
	}
	mu.Lock()
	defer mu.Unlock()
	if r == nil {
		if r = x.sources[op]; r == nil {
			r = x.w.source(x.name + op)
			x.sources[op] = r
		}
	}
	h := &x.w.history
	if x.calm || x.w.calm.Load() {
		return trip{out: logUniform(r, time.Millisecond, 3*time.Millisecond), back: logUniform(r, time.Millisecond, 3*time.Millisecond)}
	}
	quick, slow := h.quick, h.slow
	if callOf(ctx) == nil && (op == "GetItem" || op == "BatchGetItem" || op == "Query") {
		quick, slow = h.readQuick, h.readSlow
	}
	t := trip{out: logUniform(r, quick, slow), back: logUniform(r, quick, slow)}
	if op == "ReceiveMessage" {
		return t
	}
	switch p := r.Float64(); {
	case p < h.verySlow/2:
		t.out = logUniform(r, time.Second, 20*time.Second)
	case p < h.verySlow:
		t.back = logUniform(r, time.Second, 20*time.Second)
	}
	if op == "TransactWriteItems" {
		switch p := r.Float64(); {
		case p < h.late:
			t.held = logUniform(r, 5*time.Second, 10*time.Second)
		case p < h.late+h.unanswered:
			t.broken = true
		}
	}
	return t
}

// RoundTrip implements http.RoundTripper.
func (x *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil {
			return nil, err
		}
	}
	ctx := r.Context()
	_, op, found := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if !found {
		op = "SNS"
	}
	if err := x.alive(ctx); err != nil {
		return nil, err
	}
	t := x.draw(ctx, op)
	if err := x.pass(ctx, t.out); err != nil {
		return nil, err
	}
	if t.held > 0 {
		x.w.count("transaction held on its way")
		x.w.late.Go(func() {
			sleep(context.Background(), t.held)
			if resp, err := x.send(context.WithoutCancel(ctx), r, op, body); err == nil {
				x.w.logf("table", "took a transaction of %s after %v: %s", x.name, t.held, resp.Status)
			}
		})
		if err := x.pass(ctx, time.Minute); err != nil {
			return nil, err
		}
		return nil, io.ErrUnexpectedEOF
	}
	resp, err := x.send(ctx, r, op, body)
	if err != nil {
		return nil, err
	}
	if op == "TransactWriteItems" && resp.StatusCode == http.StatusOK {
		if c := callOf(ctx); c != nil && c.diesAfterCommit {
			x.w.count("publish lost after commit")
			c.kill()
		} else if t.broken {
			x.w.count("transaction done but not answered")
			return nil, io.ErrUnexpectedEOF
		}
	}
	if err := x.pass(ctx, t.back); err != nil {
		return nil, err
	}
	return resp, nil
}

// alive counts a call, which may be the machine's last.
func (x *wire) alive(ctx context.Context) error {
	x.mu.Lock()
	var crash func()
	if x.crashIn > 0 {
		if x.crashIn--; x.crashIn == 0 {
			crash = x.crash
		}
	}
	x.mu.Unlock()
	if crash != nil {
		crash()
	}
	if c := callOf(ctx); c != nil && c.dies() {
		x.w.count("function died")
		c.kill()
	}
	if x.life.Err() != nil {
		return errDead
	}
	return ctx.Err()
}

// pass lets the time pass, and what the wire is stalled for. It ends when the faults are
// over.
func (x *wire) pass(ctx context.Context, d time.Duration) error {
	select {
	case <-x.w.over: // the usual milliseconds
		sleep(ctx, min(d, 3*time.Millisecond))
		if x.life.Err() != nil {
			return errDead
		}
		return ctx.Err()
	default:
	}
	for {
		t := time.NewTimer(d)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-x.life.Done():
			t.Stop()
			return errDead
		case <-x.w.over:
			t.Stop()
			return nil
		case <-t.C:
		}
		x.mu.Lock()
		d = time.Until(x.stalled)
		x.mu.Unlock()
		if d <= 0 {
			return nil
		}
	}
}

// send is the call itself, at this instant. A poll that finds nothing goes on, as if
// it might last longer: empty answers are no news to anybody.
func (x *wire) send(ctx context.Context, r *http.Request, op string, body []byte) (*http.Response, error) {
	if op == "ReceiveMessage" {
		var stop context.CancelFunc
		ctx, stop = context.WithCancel(ctx)
		defer context.AfterFunc(x.life, stop)()
		defer stop()
	}
	began := time.Now()
	for {
		in := r.WithContext(ctx)
		in.Body, in.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		resp, err := x.next.RoundTrip(in)
		if err != nil {
			return nil, err
		}
		if op == "TransactWriteItems" && resp.StatusCode == http.StatusOK {
			x.w.committed(x.name, body)
		}
		if op != "ReceiveMessage" || resp.StatusCode != http.StatusOK || resp.ContentLength > 2 || time.Since(began) > 3*time.Minute {
			return resp, nil
		}
	}
}

func (x *wire) stall(d time.Duration) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.stalled = time.Now().Add(d)
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
