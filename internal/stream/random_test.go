package stream

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"pgregory.net/rapid"

	"tidings/internal/bus"
	"tidings/internal/chat"
)

// history is one random run: its size and how bad the transport is.
type history struct {
	seed            uint64
	logs, users     int
	early           int // streams that are ready before anything happens
	steps           int
	rest            time.Duration // between two steps, at most
	changes         int           // percent of steps in which a user joins or leaves
	lose, dup, late int           // percent of copies
	fail            int           // percent of the time in which the table is down
	quick, slow     time.Duration // between which the latency of each read lies
	cache           int
}

// drawHistory makes runs of two kinds. In one, a hub with some logs works through
// much of everything. In the other, a log or two begin to be tracked while few users
// do little but come and go, and reads overtake each other by far: what goes wrong
// while heads and memberships are on their way shows there.
func drawHistory(t *rapid.T) history {
	ms := func(from, to int, name string) time.Duration {
		return time.Duration(rapid.IntRange(from, to).Draw(t, name)) * time.Millisecond
	}
	h := history{
		seed:  rapid.Uint64().Draw(t, "seed"),
		lose:  rapid.IntRange(0, 40).Draw(t, "lose"),
		dup:   rapid.IntRange(0, 40).Draw(t, "dup"),
		late:  rapid.IntRange(0, 60).Draw(t, "late"),
		fail:  rapid.IntRange(0, 20).Draw(t, "fail"),
		cache: rapid.SampledFrom([]int{1, 20_000, 1 << 20}).Draw(t, "cache"),
	}
	if rapid.IntRange(0, 3).Draw(t, "restless") > 0 {
		h.logs, h.users = rapid.IntRange(1, 2).Draw(t, "logs"), rapid.IntRange(2, 3).Draw(t, "users")
		h.early = rapid.IntRange(0, 2).Draw(t, "early")
		h.steps, h.rest = rapid.IntRange(8, 24).Draw(t, "steps"), ms(20, 150, "rest")
		h.changes = rapid.IntRange(50, 90).Draw(t, "changes")
		h.quick, h.slow = 50*time.Millisecond, 400*time.Millisecond
		return h
	}
	h.logs, h.users = rapid.IntRange(1, 5).Draw(t, "logs"), rapid.IntRange(2, 5).Draw(t, "users")
	h.steps, h.rest = rapid.IntRange(20, 200).Draw(t, "steps"), 300*time.Millisecond
	h.changes = 22
	h.quick = ms(0, 200, "latency")
	h.slow = h.quick
	return h
}

// TestRandomHistories: whatever is lost, doubled and overtaken, each stream gets
// of each log what its user's intervals hold, in order, once, and nothing else.
// Each entry is finally hinted, as the relay does.
func TestRandomHistories(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := drawHistory(rt)
		var wrong []string
		synctest.Test(t, func(t *testing.T) { wrong = h.run(t) })
		if len(wrong) > 0 {
			rt.Fatalf("%+v:\n%s", h, strings.Join(wrong, "\n"))
		}
	})
}

// client is one stream of the history with what the table was like around its
// beginning.
type client struct {
	*fakeConn
	before map[chat.LogID]int64 // heads when it was opened: later entries may come
	after  map[chat.LogID]int64 // heads when it was found ready: later entries must come; nil until then
	until  map[chat.LogID]int64 // heads when it was cut; nil: never
}

type play struct {
	history
	t       *testing.T
	r       *rand.Rand
	store   *fakeStore
	hub     *Hub
	clients []*client
	copies  []chan struct{}
}

func (h history) run(t *testing.T) []string {
	p := &play{history: h, t: t, r: rand.New(rand.NewPCG(h.seed, 1)), store: newFakeStore()}
	latency := rand.New(rand.NewPCG(h.seed, 2))
	p.store.draw = func() time.Duration { return h.quick + time.Duration(latency.Int64N(int64(h.slow-h.quick)+1)) }
	p.hub = NewHub(Config{CacheBytes: h.cache}, p.store, p.store, NewMetrics(prometheus.NewRegistry()), slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.hub.Run(ctx) }()
	for range h.early {
		if err := p.connect(p.user()); err != nil {
			t.Error(err)
		}
	}
	if h.early > 0 {
		time.Sleep(4 * h.slow)
		synctest.Wait()
		p.look()
	}
	for range h.steps {
		p.step()
		time.Sleep(time.Duration(p.r.Int64N(int64(h.rest))))
		synctest.Wait()
		p.look()
	}
	p.store.set(func() { p.store.failing = false })
	for _, c := range p.clients {
		c.setSlow(false)
	}
	time.Sleep(5 * time.Minute) // the last hints are on their way, retries too
	synctest.Wait()
	p.look()
	var wrong []string
	for i, c := range p.clients {
		got := c.seqs()
		for l := range p.logs() {
			if w := p.check(c, p.log(l), got[p.log(l)]); w != "" {
				wrong = append(wrong, fmt.Sprintf("client %d of user %d: %s", i, c.user, w))
			}
		}
	}
	for _, d := range p.copies {
		<-d
	}
	cancel()
	if err := <-ended; err != nil {
		wrong = append(wrong, err.Error())
	}
	return wrong
}

func (p *play) logs() int            { return p.history.logs }
func (p *play) log(i int) chat.LogID { return chat.LogID(fmt.Sprintf("c:%d", i)) }
func (p *play) user() chat.UserID    { return chat.UserID(p.r.IntN(p.users) + 1) }
func (p *play) percent(n int) bool   { return p.r.IntN(100) < n }
func (p *play) someClient() *client  { return p.clients[p.r.IntN(len(p.clients))] }
func (p *play) someLog() chat.LogID  { return p.log(p.r.IntN(p.logs())) }

// step does one thing that happens in the world.
func (p *play) step() {
	if len(p.clients) > 0 && p.percent(p.changes) {
		p.change()
		return
	}
	switch n := p.r.IntN(78); {
	case n < 12 || len(p.clients) == 0:
		if err := p.connect(p.user()); err != nil {
			p.t.Error(err)
		}
	case n < 17:
		if c := p.someClient(); c.until == nil {
			c.until = p.heads()
			c.stream.Closed()
		}
	case n < 25:
		c := p.someClient()
		c.setSlow(p.percent(50))
	case n < 28:
		down := p.percent(p.fail)
		p.store.set(func() { p.store.failing = down })
	default:
		for range 1 + p.r.IntN(30)*p.r.IntN(2) {
			p.tell(p.store.commit(message(p.someLog(), p.user())))
		}
	}
}

// change lets a user join or leave a log.
func (p *play) change() {
	l, u := p.someLog(), p.user()
	p.store.mu.Lock()
	iv := p.store.members[u][l]
	p.store.mu.Unlock()
	switch {
	case iv.Open():
		p.tell(p.store.commit(changed(l, nil, users(u))))
	case len(iv) < chat.MaxIntervals:
		p.tell(p.store.commit(changed(l, users(u), nil)))
	}
}

// tell sends an entry as writers and relay do: a copy that may be lost, doubled
// and late, and a hint that comes in the end.
func (p *play) tell(e chat.Entry) {
	copies := 1
	if p.percent(p.dup) {
		copies = 2
	}
	for range copies {
		if p.percent(p.lose) {
			continue
		}
		p.later(p.delay(20), bus.Envelope{Entry: &e})
	}
	hint := bus.Envelope{Hints: []bus.Hint{{Log: e.Log, Seq: e.Seq, Adds: e.Adds}}}
	p.later(200*time.Millisecond+p.delay(3000), hint)
	if p.percent(p.dup) {
		p.later(p.delay(60_000), hint)
	}
}

func (p *play) delay(ms int) time.Duration {
	if p.percent(p.late) {
		ms *= 20
	}
	return time.Duration(p.r.IntN(ms)) * time.Millisecond
}

func (p *play) later(d time.Duration, env bus.Envelope) {
	done := make(chan struct{})
	p.copies = append(p.copies, done)
	go func() {
		defer close(done)
		time.Sleep(d)
		if err := p.hub.Deliver(context.Background(), []bus.Envelope{env}); err != nil {
			p.t.Error(err)
		}
	}()
}

func (p *play) connect(u chat.UserID) error {
	s := chat.Session{ID: fmt.Sprint("s", len(p.clients)), User: u, Expires: time.Now().Add(chat.SessionLifetime)}
	p.store.set(func() { p.store.sessions[s.ID] = s })
	c := &client{fakeConn: &fakeConn{user: u}, before: p.heads()}
	st, err := p.hub.Open(p.t.Context(), s, c.fakeConn)
	c.stream = st
	p.clients = append(p.clients, c)
	return err
}

// look notes which streams are ready.
func (p *play) look() {
	for _, c := range p.clients {
		if c.after == nil && c.until == nil && len(c.named("ready")) > 0 {
			c.after = p.heads()
		}
		if c.until == nil && c.isClosed() { // too many of one user, or stalled
			c.until = p.heads()
			for l := range c.until {
				c.until[l] = 0 // whatever it got
			}
			c.stream.Closed()
		}
	}
}

func (p *play) heads() map[chat.LogID]int64 {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	out := map[chat.LogID]int64{}
	for l, es := range p.store.logs {
		out[l] = int64(len(es))
	}
	return out
}

// check compares what the client got of the log with the table.
func (p *play) check(c *client, l chat.LogID, got []int64) string {
	iv := p.store.members[c.user][l]
	for i, s := range got {
		switch {
		case !iv.Contains(s):
			return fmt.Sprintf("%s: got %d, not in %v: leaked", l, s, iv)
		case i > 0 && s <= got[i-1]:
			return fmt.Sprintf("%s: got %d after %d", l, s, got[i-1])
		}
	}
	if c.after == nil {
		if len(got) > 0 {
			return fmt.Sprintf("%s: got %v before ready", l, ranges(got))
		}
		if c.until == nil {
			return "never ready"
		}
		return ""
	}
	var must []int64
	for _, e := range p.store.logs[l] {
		if iv.Contains(e.Seq) && e.Seq > c.after[l] && c.until == nil {
			must = append(must, e.Seq)
		}
	}
	// From the first one it got, and from after ready in any case, no entry is missing.
	if len(got) > 0 {
		for _, e := range p.store.logs[l] {
			if iv.Contains(e.Seq) && e.Seq > got[0] && e.Seq < got[len(got)-1] && !slices.Contains(got, e.Seq) {
				return fmt.Sprintf("%s: %d is missing in %v", l, e.Seq, ranges(got))
			}
		}
	}
	for _, s := range must {
		if !slices.Contains(got, s) {
			return fmt.Sprintf("%s: %d is missing in %v (ready at %d, intervals %v)", l, s, ranges(got), c.after[l], iv)
		}
	}
	return ""
}

// ranges shortens ascending numbers.
func ranges(s []int64) (out chat.Intervals) {
	for _, n := range s {
		if k := len(out) - 1; k >= 0 && out[k].To == n-1 {
			out[k].To = n
		} else {
			out = append(out, chat.Interval{From: n, To: n})
		}
	}
	return out
}
