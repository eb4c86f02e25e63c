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
	hubs            int // between which the clients move
	logs, users     int
	early           int // streams that are ready before anything happens
	steps           int
	rest            time.Duration // between two steps, at most
	changes         int           // percent of steps in which a user joins or leaves
	cuts            int           // percent of steps in which a connection is cut or comes back
	lose, dup, late int           // percent of copies
	deaf            int           // percent of entries of which a hub hears nothing at all
	fail            int           // percent of the time in which the table is down
	quick, slow     time.Duration // between which the latency of each read lies
	skew            time.Duration // of the writers' clocks; a ts may also be drawn 20 s before the commit
	cache           int
}

// drawHistory makes runs of three kinds. In one, hubs with some logs work through
// much of everything. In the second, a log or two begin to be tracked while few users
// do little but come and go, and reads overtake each other by far: what goes wrong
// while heads and memberships are on their way shows there. In the third, clients stay
// for minutes and move between hubs that hear little, so that their positions move up
// by audits and are resumed from.
func drawHistory(t *rapid.T) history {
	ms := func(from, to int, name string) time.Duration {
		return time.Duration(rapid.IntRange(from, to).Draw(t, name)) * time.Millisecond
	}
	h := history{
		seed:  rapid.Uint64().Draw(t, "seed"),
		hubs:  rapid.IntRange(1, 3).Draw(t, "hubs"),
		lose:  rapid.IntRange(0, 40).Draw(t, "lose"),
		dup:   rapid.IntRange(0, 40).Draw(t, "dup"),
		late:  rapid.IntRange(0, 60).Draw(t, "late"),
		fail:  rapid.IntRange(0, 20).Draw(t, "fail"),
		skew:  ms(0, 5000, "skew"),
		cuts:  rapid.IntRange(5, 40).Draw(t, "cuts"),
		cache: rapid.SampledFrom([]int{1, 20_000, 1 << 20}).Draw(t, "cache"),
	}
	h.logs, h.users = rapid.IntRange(1, 2).Draw(t, "logs"), rapid.IntRange(2, 3).Draw(t, "users")
	h.early = rapid.IntRange(0, 2).Draw(t, "early")
	h.quick, h.slow = 50*time.Millisecond, 400*time.Millisecond
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		h.logs, h.users = rapid.IntRange(1, 5).Draw(t, "logs"), rapid.IntRange(2, 5).Draw(t, "users")
		h.steps, h.rest = rapid.IntRange(20, 200).Draw(t, "steps"), 300*time.Millisecond
		h.changes = 22
		h.quick = ms(0, 200, "latency")
		h.slow = h.quick
	case 1, 2:
		h.steps, h.rest = rapid.IntRange(8, 24).Draw(t, "steps"), ms(20, 150, "rest")
		h.changes = rapid.IntRange(50, 90).Draw(t, "changes")
	default:
		h.logs = rapid.IntRange(1, 4).Draw(t, "logs")
		h.steps, h.rest = rapid.IntRange(20, 60).Draw(t, "steps"), ms(1000, 120_000, "rest")
		h.changes = rapid.IntRange(5, 30).Draw(t, "changes")
		h.deaf = rapid.IntRange(0, 20).Draw(t, "deaf")
	}
	return h
}

// TestRandomHistories: whatever is lost, doubled and overtaken, each client gets of
// each log what its user's intervals hold, in order, once, and nothing else, however
// often its connections break and whichever hub takes it next.
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

// client is an EventSource of the history with what the table was like around its
// beginning.
type client struct {
	user  chat.UserID
	conn  *fakeConn            // nil while it is away
	kept  string               // what came whole over the connections so far
	after map[chat.LogID]int64 // heads when it was first found ready: later entries must come; nil until then
	gone  bool                 // its session was ended or replaced
	batch time.Duration
	types []string     // its stream is narrowed to, as far as that takes no entry away
	logs  []chat.LogID // the same: nil is all
}

// raw is all that the client has read.
func (c *client) raw() string {
	if c.conn == nil {
		return c.kept
	}
	return c.kept + c.conn.text()
}

// cut breaks the connection off after some of what the hub has written. An
// unfinished block counts for nothing.
func (c *client) cut(n int) {
	text := c.conn.text()[:n]
	c.kept += text[:strings.LastIndex("\n\n"+text, "\n\n")]
	c.conn.stream.Closed()
	c.conn = nil
	if lastID(c.kept) == "" {
		c.after = nil // it never heard where it was
	}
}

type play struct {
	history
	t       *testing.T
	r       *rand.Rand
	store   *fakeStore
	hubs    []*Hub
	clients []*client
	copies  []chan struct{}
}

func (h history) run(t *testing.T) []string {
	p := &play{history: h, t: t, r: rand.New(rand.NewPCG(h.seed, 1)), store: newFakeStore()}
	latency := rand.New(rand.NewPCG(h.seed, 2))
	p.store.draw = func() time.Duration { return h.quick + time.Duration(latency.Int64N(int64(h.slow-h.quick)+1)) }
	p.store.skew = func() time.Duration {
		return time.Duration(latency.Int64N(int64(2*h.skew)+1)) - h.skew - time.Duration(latency.Int64N(4))*h.skew
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, h.hubs)
	for i := range h.hubs {
		hub := NewHub(Config{CacheBytes: h.cache, Slice: 1 + i, Seed: h.seed + uint64(i) + 1}, p.store, p.store, NewMetrics(prometheus.NewRegistry()), slog.New(slog.DiscardHandler))
		p.hubs = append(p.hubs, hub)
		go func() { ended <- hub.Run(ctx) }()
	}
	for range h.early {
		p.connect(p.newClient())
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
		if c.conn == nil && !c.gone {
			p.connect(c)
		}
		if c.conn != nil {
			c.conn.setSlow(false)
		}
	}
	time.Sleep(25 * time.Minute) // the last hints are on their way, retries too, and two audits
	synctest.Wait()
	p.look()
	var wrong []string
	for i, c := range p.clients {
		for _, w := range p.check(c) {
			wrong = append(wrong, fmt.Sprintf("client %d of user %d: %s", i, c.user, w))
		}
	}
	for _, d := range p.copies {
		<-d
	}
	cancel()
	for range p.hubs {
		if err := <-ended; err != nil {
			wrong = append(wrong, err.Error())
		}
	}
	return wrong
}

func (p *play) log(i int) chat.LogID  { return chat.LogID(fmt.Sprintf("c:%d", i)) }
func (p *play) someUser() chat.UserID { return chat.UserID(p.r.IntN(p.users) + 1) }
func (p *play) percent(n int) bool    { return p.r.IntN(100) < n }
func (p *play) someLog() chat.LogID   { return p.log(p.r.IntN(p.logs)) }

// step does one thing that happens in the world.
func (p *play) step() {
	switch {
	case len(p.clients) > 0 && p.percent(p.changes):
		p.change()
		return
	case len(p.clients) > 0 && p.percent(p.cuts):
		if c := p.clients[p.r.IntN(len(p.clients))]; c.conn != nil {
			c.cut(p.r.IntN(len(c.conn.text()) + 1))
		} else if !c.gone {
			p.connect(c)
		}
		return
	}
	switch n := p.r.IntN(78); {
	case n < 12 && len(p.clients) < maxPerUser || len(p.clients) == 0:
		p.connect(p.newClient())
	case n < 25:
		if c := p.clients[p.r.IntN(len(p.clients))]; c.conn != nil {
			c.conn.setSlow(p.percent(50))
		}
	case n < 28:
		down := p.percent(p.fail)
		p.store.set(func() { p.store.failing = down })
	default:
		for range 1 + p.r.IntN(30)*p.r.IntN(2) {
			p.tell(p.store.commit(message(p.someLog(), p.someUser())))
		}
	}
}

// change lets a user join or leave a log.
func (p *play) change() {
	l, u := p.someLog(), p.someUser()
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

// tell sends each hub an entry as writers and relay do: a copy that may be lost,
// doubled and late, and a hint that comes in the end, or else the audit must find it.
func (p *play) tell(e chat.Entry) {
	for _, hub := range p.hubs {
		if p.percent(p.deaf) {
			continue
		}
		copies := 1
		if p.percent(p.dup) {
			copies = 2
		}
		for range copies {
			if p.percent(p.lose) {
				continue
			}
			p.later(hub, p.delay(20), bus.Envelope{Entry: &e})
		}
		hint := bus.Envelope{Hints: []bus.Hint{{Log: e.Log, Seq: e.Seq, Adds: e.Adds}}}
		p.later(hub, 200*time.Millisecond+p.delay(3000), hint)
		if p.percent(p.dup) {
			p.later(hub, p.delay(60_000), hint)
		}
	}
}

func (p *play) delay(ms int) time.Duration {
	if p.percent(p.late) {
		ms *= 20
	}
	return time.Duration(p.r.IntN(ms)) * time.Millisecond
}

func (p *play) later(hub *Hub, d time.Duration, env bus.Envelope) {
	done := make(chan struct{})
	p.copies = append(p.copies, done)
	go func() {
		defer close(done)
		time.Sleep(d)
		if err := hub.Deliver(context.Background(), []bus.Envelope{env}); err != nil {
			p.t.Error(err)
		}
	}()
}

func (p *play) newClient() *client {
	c := &client{user: p.someUser()}
	if p.percent(30) {
		c.batch = minBatch + time.Duration(p.r.Int64N(int64(maxBatch-minBatch)))
	}
	if p.percent(20) {
		c.types = []string{"conversation_update", "typing"} // all members get one of each entry
	}
	if p.percent(20) {
		c.logs = []chat.LogID{p.someLog(), p.someLog(), "c:98-99"}
	}
	p.clients = append(p.clients, c)
	return c
}

func (p *play) connect(c *client) {
	s := chat.Session{ID: c.user.String(), User: c.user, Expires: time.Now().Add(chat.SessionLifetime)}
	p.store.set(func() { p.store.sessions[s.ID] = s })
	c.conn = &fakeConn{user: c.user}
	st, err := p.hubs[p.r.IntN(len(p.hubs))].Open(p.t.Context(), Request{Session: s, LastEventID: lastID(c.kept), Batch: c.batch, selection: newSelection(slices.Clone(c.types), slices.Clone(c.logs))}, c.conn)
	if err != nil {
		p.t.Error(err)
	}
	c.conn.stream = st
}

// look notes which clients have a position, and which connections the hub ended.
func (p *play) look() {
	for _, c := range p.clients {
		if c.after == nil && lastID(c.raw()) != "" {
			c.after = p.heads()
		}
		if c.conn != nil && c.conn.isClosed() {
			c.gone = len(c.conn.named("revoked")) > 0
			c.cut(len(c.conn.text()))
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

// check compares what the client got with the table.
func (p *play) check(c *client) (wrong []string) {
	raw := c.raw()
	first := lastID(raw) != ""
	switch {
	case !first && !c.gone:
		wrong = append(wrong, "never ready")
	case c.gone:
		wrong = append(wrong, "replaced")
	}
	for _, e := range parseEvents(raw) {
		if e.Event == "reset" {
			wrong = append(wrong, "reset: "+string(e.Data))
		}
	}
	got := seqsOf(raw)
	for i := range p.logs {
		l := p.log(i)
		if w := p.checkLog(c, l, got[l]); w != "" {
			wrong = append(wrong, w)
		}
	}
	return wrong
}

func (p *play) checkLog(c *client, l chat.LogID, got []int64) string {
	iv := p.store.members[c.user][l]
	if c.logs != nil && !slices.Contains(c.logs, l) {
		if len(got) > 0 {
			return fmt.Sprintf("%s: got %v, not asked for", l, got)
		}
		return ""
	}
	for i, s := range got {
		switch {
		case !iv.Contains(s):
			return fmt.Sprintf("%s: got %d, not in %v: leaked", l, s, iv) + p.story(c, l, s)
		case i > 0 && s <= got[i-1]:
			return fmt.Sprintf("%s: got %d after %d", l, s, got[i-1]) + p.story(c, l, s)
		}
	}
	// From the first one it got, and from after ready in any case, no entry is missing.
	from := c.after[l]
	if len(got) > 0 {
		from = min(from, got[0])
	}
	for _, e := range p.store.logs[l] {
		if iv.Contains(e.Seq) && e.Seq > from && !slices.Contains(got, e.Seq) {
			return fmt.Sprintf("%s: %d is missing in %v (ready at %d, intervals %v)", l, e.Seq, ranges(got), c.after[l], iv) + p.story(c, l, e.Seq)
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

// story is what the client read of the log around an entry and where its connections
// began, for somebody who looks for the mistake.
func (p *play) story(c *client, l chat.LogID, seq int64) string {
	var lines []string
	at := map[int]bool{}
	note := func(n int) {
		for i := n - 8; i < n+8; i++ {
			at[i] = true
		}
	}
	for block := range strings.SplitSeq(c.raw(), "\n\n") {
		id, _ := parseCursor(lastID(block + "\n\n"))
		_, event, durable := strings.Cut(block, `"eventId":`)
		switch {
		case durable && strings.HasPrefix(event, `"`+string(l)+"/"):
			if strings.HasPrefix(event, fmt.Sprintf(`"%s/%d/`, l, seq)) {
				note(len(lines))
			}
			lines = append(lines, fmt.Sprintf("%s w=%d %v", event, id.w, id.marks))
		case strings.Contains(block, "event: ready"), strings.Contains(block, "event: reset"):
			lines = append(lines, fmt.Sprintf("%s w=%d %v", block, id.w, id.marks))
		case strings.HasPrefix(block, "id: ") && !strings.Contains(block, "\n"):
			lines = append(lines, fmt.Sprintf("position w=%d %v", id.w, id.marks))
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n    key %d", keyOf(l))
	for i, line := range lines {
		if at[i] {
			b.WriteString("\n    " + line)
		}
	}
	for _, e := range p.store.logs[l] {
		if e.Seq > seq-4 && e.Seq < seq+4 {
			fmt.Fprintf(&b, "\n    %d at %d %v %v", e.Seq, e.TS, e.Adds, e.Removes)
		}
	}
	return b.String()
}
