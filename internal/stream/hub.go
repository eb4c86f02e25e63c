package stream

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"tidings/internal/bus"
	"tidings/internal/chat"
)

// Errors of a hub that takes no stream.
var (
	ErrFull   = errors.New("the instance holds as many streams as it may")
	ErrClosed = errors.New("the hub has ended, or is about to")
)

// Hub is the state machine between the bus and the streams. Run runs it; the
// other methods are safe for concurrent use.
type Hub struct {
	// Constant.
	cfg      Config
	store    Store
	sessions Sessions
	metrics  *Metrics
	log      *slog.Logger
	inbox    chan func() // inputs
	results  chan func() // of store reads
	done     chan struct{}

	// Shared.
	left     chan struct{} // a hint that open went down
	open     atomic.Int64  // streams from Open until their socket said Closed
	draining atomic.Bool   // Open takes no more
	workers  sync.WaitGroup

	// Owned by the loop.
	started time.Time
	now     time.Time // of this turn
	turns   uint64    // inputs handled so far: the loop's own clock, which never stands still
	rand    *rand.Rand
	readCtx context.Context // of store reads; ends with the loop
	readAt  time.Time       // when the read began whose result is being taken

	attempts   context.Context // of the reads that begin up to attemptsTo
	attemptsTo time.Time

	logs       logIndex
	users      map[chat.UserID]*user
	streams    int // registered
	cache      cache
	selections map[string]*selection // by key
	idle       idleList              // without local members, the longest first
	audited    auditQueue            // with members and tracked, by when the head was last asked for
	rechecked  []*Stream             // whose session is to be read again
	scratch    scratch
	timers     timers
	wheel      wheel
	watched    []watched // that have bytes pending
	nextSweep  time.Time
	auditing   int // reads of heads under way
	nextAudit  time.Time
	dirty      []*Stream   // written to since the last flush
	gathered   int         // bytes so written
	deliveries []delivery  // since the last flush
	behind     []behind    // to pull, a slice a turn
	notes      []note      // to be told, of what is left of that
	unread     []*logState // pending, their head read not yet begun
	advancing  []*Stream   // opening, to be looked at when this turn's results are in
	queued     []*readJob
	reading    int
	opening    int       // streams whose connect reads the table
	waiting    []*Stream // for their turn to do so
	tally      tally
}

// NewHub makes a hub; nothing happens before Run.
func NewHub(cfg Config, store Store, sessions Sessions, metrics *Metrics, log *slog.Logger) *Hub {
	cfg = cfg.withDefaults()
	h := &Hub{
		cfg: cfg, store: store, sessions: sessions, metrics: metrics, log: log,
		inbox: make(chan func(), inboxSize), results: make(chan func(), maxReads), done: make(chan struct{}), left: make(chan struct{}, 1),
		rand:  rand.New(rand.NewPCG(cfg.Seed, cfg.Seed)),
		users: map[chat.UserID]*user{},
		cache: cache{max: cfg.CacheBytes},
	}
	h.begin(context.Background())
	return h
}

// Run runs the hub until ctx ends. Then every stream is told to reconnect and
// closed, and all store reads have ended when it returns.
func (h *Hub) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	h.begin(ctx)
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	for {
		alarm.Reset(h.turn())
		select {
		case <-ctx.Done():
			h.sendAllAway()
			cancel()
			close(h.done)
			h.workers.Wait()
			return nil
		case f := <-h.inputs():
			h.take(f)
		case f := <-h.results:
			h.take(f)
		case <-alarm.C:
			h.now = time.Now()
		}
	}
}

// begin sets the loop's clock.
func (h *Hub) begin(ctx context.Context) {
	h.readCtx, h.attempts = ctx, nil
	h.now = time.Now()
	h.started = h.now
	h.wheel.begin(h.now, h.cfg.Heartbeat)
	h.nextSweep, h.nextAudit = h.now.Add(sweepEvery), h.now.Add(auditTick)
}

// take handles an input and those that wait behind it, so that frames for one
// stream leave in one write. It stops at a bound, so that they don't wait long.
func (h *Hub) take(f func()) {
	h.now = time.Now()
	for {
		h.turns++
		f()
		if time.Since(h.now) > maxBurst {
			return
		}
		select {
		case f = <-h.inputs():
		case f = <-h.results:
		default:
			return
		}
	}
}

// inputs are those that the loop takes now: none while it is overloaded.
func (h *Hub) inputs() <-chan func() {
	if h.overloaded() {
		return nil
	}
	return h.inbox
}

// turn does what is due and says how long the loop may sleep then.
func (h *Hub) turn() time.Duration {
	h.timers.fire(h.now)
	h.beat()
	if !h.now.Before(h.nextSweep) {
		h.nextSweep = h.now.Add(sweepEvery)
		h.sweepIdle()
		h.sweepStalled()
	}
	if !h.now.Before(h.nextAudit) {
		h.nextAudit = h.now.Add(auditTick)
		h.audit()
	}
	h.recheckSessions()
	h.advanceOpening()
	h.nextSlice()
	h.readHeads()
	h.startReads()
	h.flush()
	h.metrics.settle(&h.tally)
	h.metrics.cacheBytes.Set(float64(h.cache.size))
	h.metrics.logs.Set(float64(h.logs.len()))
	if len(h.behind)+len(h.notes) > 0 {
		return 0
	}
	next := h.nextSweep
	if h.nextAudit.Before(next) {
		next = h.nextAudit
	}
	if t := h.wheel.next; t.Before(next) {
		next = t
	}
	if t, ok := h.timers.next(); ok && t.Before(next) {
		next = t
	}
	return max(0, time.Until(next))
}

// input hands f to the loop, waiting while the inbox is full.
func (h *Hub) input(ctx context.Context, f func()) error {
	select {
	case <-h.done: // the inbox may have room, but nobody looks at it
		return ErrClosed
	default:
	}
	select {
	case h.inbox <- f:
		return nil
	case <-h.done:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Deliver hands messages of the bus to the hub, waiting while it is behind. When
// it returns nil the hub has taken them over, in memory.
func (h *Hub) Deliver(ctx context.Context, envelopes []bus.Envelope) error {
	return h.input(ctx, func() {
		for i := range envelopes {
			h.deliverEnvelope(&envelopes[i])
		}
	})
}

func (h *Hub) deliverEnvelope(env *bus.Envelope) {
	w := way{published: env.Published, received: env.Received, trace: env.Trace}
	switch {
	case env.Entry != nil:
		h.tally.entries++
		h.arrive(env.Entry.Log, env.Entry.Seq, env.Entry.Adds, env.Entry, w)
	case env.Ephemeral != nil:
		h.ephemeral(env.Ephemeral)
	default:
		w.path = byHint
		for _, hint := range env.Hints {
			h.tally.hints++
			h.arrive(hint.Log, hint.Seq, hint.Adds, nil, w)
		}
	}
}

// Connections is how many streams are open.
func (h *Hub) Connections() int { return int(h.open.Load()) }

// waitEmpty waits until all sockets said Closed.
func (h *Hub) waitEmpty(ctx context.Context) {
	for h.Connections() > 0 {
		select {
		case <-h.left:
		case <-ctx.Done():
			return
		}
	}
}

// Full says whether the instance should get no more streams: a little before it
// refuses them, so that a load balancer has time to look elsewhere.
func (h *Hub) Full() bool { return h.Connections()*100 >= h.cfg.MaxConnections*95 }

// Listeners is how many streams the user has here.
func (h *Hub) Listeners(ctx context.Context, id chat.UserID) (int, error) {
	answer := make(chan int, 1)
	err := h.input(ctx, func() {
		n := 0
		if u := h.users[id]; u != nil {
			n = len(u.streams)
		}
		answer <- n
	})
	if err != nil {
		return 0, err
	}
	select {
	case n := <-answer:
		return n, nil
	case <-h.done:
		return 0, ErrClosed
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// Done closes when Run has sent all streams away.
func (h *Hub) Done() <-chan struct{} { return h.done }
