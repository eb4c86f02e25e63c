package sim

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tidings/internal/chat"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "run this seed alone and print its trace")
	seedsFlag = flag.Int("seeds", 0, "how many seeds to run instead of the usual ones")
	firstFlag = flag.Uint64("first", 1, "the first of them")
	stopFlag  = flag.Bool("stop", false, "stop at the first that fails")
)

// The race detector makes everything some eight times slower, and looks for something
// else than seldom histories.
var fixedSeeds, freshSeeds = uint64(150), 50

func init() {
	if raceDetector {
		fixedSeeds, freshSeeds = 30, 10
	}
}

func tracing() bool { return *seedFlag != 0 }

func TestMain(m *testing.M) {
	flag.Parse()
	// One processor repeats itself better, and two runs at once are two processes. The
	// heap of a run is small: most of the collector's work would be to begin.
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1)
	}
	debug.SetGCPercent(800)
	debug.SetTraceback("all") // of a panic: runSeed's frame has the seed
	os.Exit(m.Run())
}

// total is what the worlds of a test did together.
type total struct {
	runs   int
	failed []uint64
	counts map[string]int
	kinds  map[string]int
	took   time.Duration
	times  map[string]time.Duration // by kind of history
}

// runSeed runs one world and prints it if something is wrong.
func (s *total) runSeed(t *testing.T, seed uint64) (wrong []string) {
	began := time.Now()
	var w *world
	defer func() { // a world that stands still is a violation too
		if p := recover(); p != nil {
			t.Errorf("seed %d: %v", seed, p)
			panic(p)
		}
	}()
	watch := time.AfterFunc(2*time.Minute, func() { fmt.Printf("seed %d runs for two minutes\n", seed) })
	defer watch.Stop()
	synctest.Test(t, func(*testing.T) {
		w = newWorld(seed)
		w.run()
	})
	s.runs++
	s.took += time.Since(began)
	s.times[w.history.kind] += time.Since(began)
	for name, n := range w.counts {
		s.counts[name] += n
	}
	s.kinds[w.history.kind]++
	names := w.shortNames()
	if tracing() || len(w.wrong) > 0 && len(s.failed) < 3 {
		h := w.history
		h.menu = nil // functions, which tell nothing
		t.Logf("seed %d: %+v\n%s", seed, h, names.Replace(w.story()))
	}
	if len(w.wrong) > 0 {
		s.failed = append(s.failed, seed)
		t.Errorf("seed %d (go test ./internal/sim -run TestWorld -seed=%d -v):\n%s", seed, seed, names.Replace(strings.Join(w.wrong, "\n")))
	}
	return w.wrong
}

// shortNames are those of the group chats.
func (w *world) shortNames() *strings.Replacer {
	var names []string
	for i, l := range w.order {
		if l.id.Is(chat.GroupPrefix) {
			names = append(names, l.id.ID(), fmt.Sprint("G", i))
		}
	}
	return strings.NewReplacer(names...)
}

// story is the trace.
func (w *world) story() string {
	var b strings.Builder
	for _, n := range w.trace {
		fmt.Fprintf(&b, "%14s %-20s %s\n", n.at.Truncate(time.Microsecond), n.who, n.what)
	}
	return b.String()
}

func (s *total) report() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d runs, %v each, failed: %v", s.runs, s.took/time.Duration(max(1, s.runs)), s.failed)
	for _, kind := range slices.Sorted(maps.Keys(s.kinds)) {
		fmt.Fprintf(&b, "\n%9d %s, %v each", s.kinds[kind], kind, (s.times[kind] / time.Duration(s.kinds[kind])).Round(time.Microsecond))
	}
	for _, name := range slices.Sorted(maps.Keys(s.counts)) {
		fmt.Fprintf(&b, "\n%9d %s", s.counts[name], name)
	}
	return b.String()
}

// TestWorld runs worlds: a fixed set of seeds and some fresh ones, unless flags say
// which.
func TestWorld(t *testing.T) {
	s := &total{counts: map[string]int{}, kinds: map[string]int{}, times: map[string]time.Duration{}}
	defer func() { t.Log(s.report()) }()
	switch {
	case *seedFlag != 0:
		s.runSeed(t, *seedFlag)
		return
	case *seedsFlag > 0:
		for i := range uint64(*seedsFlag) {
			if wrong := s.runSeed(t, *firstFlag+i); len(wrong) > 0 && *stopFlag {
				return
			}
		}
		return
	}
	for i := range fixedSeeds {
		s.runSeed(t, 1+i)
	}
	for range freshSeeds {
		s.runSeed(t, rand.Uint64()|1<<63)
	}
	for _, name := range happenings {
		if s.counts[name] == 0 && !raceDetector {
			t.Errorf("in %d runs there was not one: %s", s.runs, name)
		}
	}
}

// happenings must be among what some hundred worlds do, or they are emptier than they
// look.
var happenings = []string{
	"durable events", "ephemeral events", "events in batches", "durable events on narrowed streams", "reset: selection", "resumed", "reset: overflow", "reset: expired",
	"streamer crashed", "streamer drained", "streamer stalled", "relay stalled", "function died", "publish lost after commit",
	"transaction done but not answered", "transaction held on its way", "request repeated",
	"stream cut", "stream cut within", "client away", "slow reader", "log-out", "flood", "closed for days", "entry gone from the table",
	"duplicate", "delay", "reorder", "lose", "dropRedeliver", "publishFail", "throttle", "conflict",
}
