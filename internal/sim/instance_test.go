package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"tidings/internal/app"
	"tidings/internal/stream"
)

// instance is one streamer, from its start on a machine of its own to its end.
type instance struct {
	// Constant after the start.
	w        *world
	name     string
	wire     *wire
	streamer *app.Streamer
	stop     context.CancelFunc
	done     chan struct{} // Run has returned

	mu      sync.Mutex
	conns   []*conn
	started bool
	ready   bool // its first probe came back
	leaving bool // asked to stop
	crashed bool
}

// start starts an instance under a new name; it is ready a while later.
func (w *world) start() *instance {
	w.mu.Lock()
	w.begun++
	in := &instance{w: w, name: fmt.Sprintf("streamer-%d", w.begun), done: make(chan struct{})}
	w.mu.Unlock()
	in.wire = w.newWire(in.name)
	in.wire.crash = func() { in.crash("at that call") }
	var ctx context.Context
	ctx, in.stop = context.WithCancel(context.Background())
	w.mu.Lock()
	w.instances = append(w.instances, in) // what others find there is whole
	w.mu.Unlock()
	go func() {
		defer close(in.done)
		if err := in.open(ctx); err != nil {
			return // stopped or crashed before
		}
		err := in.streamer.Run(ctx)
		w.logf(in.name, "has ended: %v", err)
		in.mu.Lock()
		defer in.mu.Unlock()
		if ctx.Err() == nil {
			w.fail("%s gave up by itself: %v", in.name, err)
		}
	}()
	return in
}

// open makes the instance, as often as it takes.
func (in *instance) open(ctx context.Context) error {
	cfg := in.wire.config()
	services, err := app.New(cfg, in.w.config, app.Options{Passwords: passwords, Now: in.w.clock(in.wire.rand), Log: in.w.logger(in.name)})
	if err != nil {
		panic(err)
	}
	c := app.StreamerConfig{Config: stream.Config{
		Instance: in.name, Seed: in.wire.rand.Uint64() | 1, CacheBytes: in.w.history.cache,
		Drain: in.w.history.drain, Slice: in.wire.rand.IntN(2) * (1 + in.wire.rand.IntN(3)),
	}}
	for try := 0; ctx.Err() == nil; try++ {
		// SQS refuses the name of a queue that was just deleted.
		c.Instance = fmt.Sprintf("%s-%d", in.name, try)
		if in.streamer, err = services.OpenStreamer(ctx, cfg, c, in.w.logger(in.name)); err == nil {
			break
		}
		in.w.logf(in.name, "can't start: %v", err)
		sleep(ctx, time.Second)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	in.streamer.Prober = onceReady{in, in.streamer.Prober}
	in.streamer.Pollers = in.w.history.pollers
	in.mu.Lock()
	in.started = true
	in.mu.Unlock()
	in.w.logf(in.name, "runs")
	return nil
}

// onceReady sends probes until the first came back: the rest of them would be half of
// what a quiet world does, and whether an instance is alive the world knows itself.
type onceReady struct {
	in *instance
	stream.Prober
}

// PublishProbe implements stream.Prober.
func (o onceReady) PublishProbe(ctx context.Context, instance string, cell int) error {
	if o.in.isReady() {
		return nil
	}
	return o.Prober.PublishProbe(ctx, instance, cell)
}

func (in *instance) isReady() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.started && !in.ready && in.streamer.Ready() {
		in.ready = true
		in.w.logf(in.name, "is ready")
	}
	return in.ready
}

// serves says whether clients reach the instance; leaving ones a while longer.
func (in *instance) serves(leaving bool) bool {
	ready := in.isReady()
	in.mu.Lock()
	defer in.mu.Unlock()
	return ready && !in.crashed && in.leaving == leaving
}

// pick is the load balancer: any instance that is ready. It may not know yet that one
// is leaving.
func (w *world) pick(r *rand.Rand) *instance {
	leaving := r.IntN(10) == 0
	var up []*instance
	w.mu.Lock()
	all := w.instances
	w.mu.Unlock()
	for _, in := range all {
		if in.serves(leaving) {
			up = append(up, in)
		}
	}
	if len(up) == 0 && leaving {
		for _, in := range all {
			if in.serves(false) {
				up = append(up, in)
			}
		}
	}
	if len(up) == 0 {
		return nil
	}
	return up[r.IntN(len(up))]
}

func (in *instance) add(k *conn) {
	in.mu.Lock()
	in.conns = append(in.conns, k)
	crashed := in.crashed
	in.mu.Unlock()
	if crashed {
		k.c.leave(k, "the machine is dead")
	}
}

func (in *instance) remove(k *conn) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.conns = slices.DeleteFunc(in.conns, func(o *conn) bool { return o == k })
}

// crash ends the machine at this instant: no call leaves it any more, its clients are
// cut, and its queue stays behind.
func (in *instance) crash(when string) {
	in.mu.Lock()
	if in.crashed {
		in.mu.Unlock()
		return
	}
	in.crashed = true
	conns := slices.Clone(in.conns)
	in.mu.Unlock()
	in.w.count("streamer crashed")
	in.w.logf(in.name, "crashes %s", when)
	in.wire.die()
	// Not at once: the crash may happen within a call that holds a client's lock.
	go func() {
		for _, k := range conns {
			k.c.leave(k, "its streamer crashed")
		}
		in.stop()
	}()
}

// leave stops the instance gracefully.
func (in *instance) leave() {
	in.mu.Lock()
	in.leaving = true
	in.mu.Unlock()
	in.w.count("streamer drained")
	in.w.logf(in.name, "is asked to stop")
	in.stop()
}

// alive are the instances that were neither stopped nor crashed.
func (w *world) alive() (out []*instance) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, in := range w.instances {
		in.mu.Lock()
		if !in.crashed && !in.leaving {
			out = append(out, in)
		}
		in.mu.Unlock()
	}
	return out
}
