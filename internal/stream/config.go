package stream

import (
	"math/rand/v2"
	"runtime"
	"time"
)

// Config is what an operator chooses. A zero field takes its default.
type Config struct {
	Instance       string        // this streamer's name, unique per start
	MaxConnections int           // 15,000: at 3 KiB each they are not what fills an instance; their reconnect storm is
	MaxConnecting  int           // 32: connects that read the table at once; the others wait their turn
	Heartbeat      time.Duration // 25 s, at most 30 s: many proxies cut a silent connection at 30 s
	CacheBytes     int           // 2 MiB of recent entries, some 2,300: at 100 a second the newest 23 s; who lost a connection is back in 2 to 5; twice as much while entries are passed on
	Drain          time.Duration // 25 s over which streams are sent away on a stop: within the 30 s that containers get by default
	Slice          int           // 128: streams to which an entry is passed on at once, in about a millisecond; then others have a turn
	Writers        int           // GOMAXPROCS: goroutines that send at once; more than processors would only meet
	NoCompression  bool          // also for clients that ask for it: where something on the way holds compressed text back
	Seed           uint64        // of what the hub draws by chance; 0: drawn itself
}

func (c Config) withDefaults() Config {
	set := func(p *int, def int) {
		if *p <= 0 {
			*p = def
		}
	}
	set(&c.MaxConnections, 15_000)
	set(&c.MaxConnecting, 32)
	set(&c.CacheBytes, 2<<20)
	set(&c.Slice, 128)
	set(&c.Writers, runtime.GOMAXPROCS(0))
	if c.Heartbeat <= 0 {
		c.Heartbeat = 25 * time.Second
	}
	if c.Drain <= 0 {
		c.Drain = 25 * time.Second
	}
	if c.Seed == 0 {
		c.Seed = rand.Uint64()
	}
	c.Heartbeat = min(c.Heartbeat, 30*time.Second)
	return c
}

// GCPercent is what a streamer's process sets for its garbage collector, unless GOGC
// says otherwise. What lives is nearly all streams, which change slowly, so the heap
// that Go's default of 100 leaves empty would be half of a stream's memory. At 50 each
// of 15,000 takes 2.6 KiB instead of 3.3, and what makes garbage more CPU: a connect
// 57 µs instead of 52. 25 would save 0.2 KiB more.
const GCPercent = 50

// What nobody has a reason to choose.
const (
	maxPerUser = 20 // streams of one user on an instance: tabs and devices; the oldest gives way

	gapWait       = 50 * time.Millisecond // how long an overtaken entry may take; SNS and SQS reorder within that
	holdTries     = 6                     // fruitless reads of a gap before its head is questioned: some 3 s
	bellTries     = 8                     // reads of a membership that doesn't show the addition yet: some 10 s
	maxHeld       = 256                   // entries held per log; beyond, only the highest seq is kept and the rest is read
	headsBatch    = 100                   // keys of one DynamoDB BatchGetItem
	sessionsBatch = 100                   // the same
	pullBatch     = 64                    // entries asked for at once for one slow stream: about what PendingHigh holds

	linger     = 10 * time.Minute // a log without local members stays tracked so long: reconnects find it warm
	maxLinger  = 100_000          // such logs, some 250 bytes each; beyond, the longest idle go first
	sweepEvery = 5 * time.Second  // idle logs and stalled sockets are looked at so often
	stallAfter = 60 * time.Second // a socket that takes no byte for so long is dead or no use

	maxReads    = 128 // store reads at once; more than MaxConnecting needs, so that gaps don't wait for connects
	maxAudits   = 32  // of them for the audit of heads, 100 each: nobody waits for those
	readTimeout = 5 * time.Second
	readShares  = time.Second // reads that begin within it have one time-out: 4 to 5 s
	backoffFrom = 50 * time.Millisecond
	backoffTo   = 5 * time.Second

	retryFrom     = 2 * time.Second // how soon a browser comes back by itself, drawn for each stream
	retryTo       = 5 * time.Second
	reconnectFrom = 500 * time.Millisecond // when the instance goes away
	reconnectTo   = 3 * time.Second        // the slots of the drain spread already
	fullFrom      = 15 * time.Second       // when the instance is full: somebody must leave first
	fullTo        = 45 * time.Second

	inboxSize = 64               // inputs that wait for the loop: batches of messages, connects, sockets' news
	maxBurst  = time.Millisecond // of handling inputs before what they wrote is flushed

	maxGathered = 512 << 10 // bytes written that wait for that: or one entry for everybody would be copied for each at once

	wheelSlots = 100 // of the heartbeat wheel: 250 ms each at the default
)
