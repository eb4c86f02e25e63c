package stream

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidings/internal/bus"
	"tidings/internal/chat"
)

// play is a history on its way: the table, the hubs, the clients, and the copies that
// are still to come.
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
