package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"tidings/internal/chat"
)

// client is a plain EventSource of one user on one device. It keeps its position over
// everything that happens to it, and all that it got.
type client struct {
	// Constant.
	w     *world
	name  string
	user  chat.UserID
	rand  *rand.Rand // of its own goroutine
	done  chan struct{}
	batch int  // ms over which events are gathered for it, 0: each comes alone
	kind  bool // a block without an id leaves the position as it is, as in browsers

	mu       sync.Mutex
	login    *login // whose token it sends
	narrow   narrow // what its EventSource object asks for
	url      string // the position that its EventSource object was made with, in the URL
	lastID   string // the EventSource's last event ID string
	urlOf    string // the selection that url is a position of
	idOf     string // the same of lastID
	got      []event
	since    time.Time               // when it got the position that it goes on from, or was told of a gap
	last     map[chat.LogID]position // since then
	conn     *conn
	conns    []*conn
	away     time.Time // it doesn't connect before
	failed   bool      // answered with an error status: an EventSource gives up then
	ended    bool
	slowTill time.Time     // it reads nothing until then
	poke     chan struct{} // something of the above has changed
}

// login is one session of a user.
type login struct {
	id, token string
	loggedOut bool // the log-out was answered; guarded by the world's lock
}

// event is a block that was dispatched, or an id without data.
type event struct {
	at             time.Time
	conn           *conn
	id, name, data string
	hasID          bool // the block had an id field of its own
	place          place
	part           int // of a durable event; 0: it is none
}

func (w *world) newClient(user chat.UserID, l *login) *client {
	name := fmt.Sprintf("client %d of user %d", len(w.clients)+1, user)
	c := &client{w: w, name: name, user: user, rand: w.source(name), login: l, done: make(chan struct{}), kind: w.rand.IntN(2) == 0, last: map[chat.LogID]position{}, poke: make(chan struct{}, 1)}
	if w.rand.IntN(4) == 0 {
		c.batch = int(logUniform(w.rand, 1, 1000))
	}
	c.narrow = w.drawNarrow(w.rand)
	w.clients = append(w.clients, c)
	go c.run()
	return c
}

// set changes the client's state and lets it look at it.
func (c *client) set(change func()) {
	c.mu.Lock()
	change()
	c.mu.Unlock()
	select {
	case c.poke <- struct{}{}:
	default:
	}
}

// run connects again and again, as an EventSource does.
func (c *client) run() {
	defer close(c.done)
	retry := 3 * time.Second
	for c.wait(logUniform(c.rand, 100*time.Microsecond, 20*time.Millisecond)) {
		if k := c.connect(); k != nil {
			select {
			case <-k.ended:
			case <-k.gone:
			}
			c.leave(k, "the response ended")
			if k.parser.retry > 0 {
				retry = k.parser.retry
			}
		}
		if !c.wait(c.jitter(retry)) {
			return
		}
	}
}

// jitter draws a retry time anew, from the range that it was drawn from.
func (c *client) jitter(d time.Duration) time.Duration {
	from, to := 2*time.Second, 5*time.Second
	switch {
	case d < from:
		from, to = 500*time.Millisecond, 2*time.Second
	case d > to:
		from, to = 5*time.Second, 45*time.Second
	}
	return from + time.Duration(c.rand.Int64N(int64(to-from)))
}

// wait lets d pass, and what the client is away for; who gave up waits for another
// log-in. It says whether the client goes on.
func (c *client) wait(d time.Duration) bool {
	until := time.Now().Add(d)
	for {
		c.mu.Lock()
		ended, failed := c.ended, c.failed
		rest := max(time.Until(until), time.Until(c.away))
		c.mu.Unlock()
		if ended {
			return false
		}
		if failed {
			<-c.poke
			continue
		}
		if rest <= 0 {
			return true
		}
		t := time.NewTimer(rest)
		select {
		case <-t.C:
		case <-c.poke:
		}
		t.Stop()
	}
}

// connect opens a connection to any living instance; nil if there is none.
func (c *client) connect() *conn {
	in := c.w.pick(c.rand)
	if in == nil {
		c.w.logf(c.name, "finds nobody to connect to")
		return nil
	}
	k := &conn{
		c: c, in: in, began: time.Now(), cutAt: -1, header: http.Header{}, rand: rand.New(rand.NewPCG(c.rand.Uint64(), 0)),
		ended: make(chan struct{}), gone: make(chan struct{}), rearm: make(chan struct{}, 1),
	}
	k.ctx, k.cancel = context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(k.ctx, http.MethodGet, "/api/events", nil)
	if err != nil {
		panic(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	c.mu.Lock()
	c.conn, k.n, k.login, k.narrow = k, len(c.conns)+1, c.login, c.narrow
	c.conns = append(c.conns, k)
	r.Header.Set("Cookie", "tidings.session="+c.login.token)
	query := url.Values{}
	if c.batch > 0 {
		query.Set("batch", strconv.Itoa(c.batch))
	}
	if c.url != "" {
		query.Set("lastEventId", c.url)
		k.lastID, k.foreign = c.url, c.urlOf != c.narrow.key()
	}
	c.narrow.ask(query)
	r.URL.RawQuery = query.Encode()
	if c.lastID != "" {
		r.Header.Set("Last-Event-ID", c.lastID)
		k.lastID, k.foreign = c.lastID, c.idOf != c.narrow.key()
	}
	if !c.w.calm.Load() && c.rand.Float64() < c.w.history.cuts {
		k.cutAt = c.rand.IntN(1 << (5 + c.rand.IntN(11)))
	}
	c.mu.Unlock()
	c.w.logf(c.name, "connects to %s for the %d. time, position %s", in.name, k.n, shortID(k.lastID))
	in.add(k)
	go func() {
		defer close(k.ended)
		defer in.remove(k)
		in.streamer.Events.ServeHTTP(k, r)
	}()
	return k
}

func shortID(id string) string {
	if id == "" {
		return "none"
	}
	return "…" + id[max(0, len(id)-6):]
}

// leave ends the client's side of the connection. The server notices at once, or some
// time later.
func (c *client) leave(k *conn, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leaveLocked(k, why, 0)
}

func (c *client) leaveLocked(k *conn, why string, ghost time.Duration) {
	if k.isGone {
		return
	}
	k.checkBeat(time.Now())
	k.isGone = true
	close(k.gone)
	c.w.logf(c.name, "is off %s: %s", k.in.name, why)
	if ghost > 0 {
		time.AfterFunc(ghost, k.cancel)
	} else {
		k.cancel()
	}
	if k.status != 0 && k.status != http.StatusOK {
		c.failed = true
		c.w.logf(c.name, "was answered %d and gives up", k.status)
	}
}

// cut breaks the connection that the client has, if any.
func (c *client) cut(why string, ghost time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		c.leaveLocked(c.conn, why, ghost)
	}
}

// end ends the client for good and waits for it.
func (c *client) end() {
	c.set(func() { c.ended = true })
	c.cut("the page is closed", 0)
	<-c.done
	for _, k := range c.conns {
		k.cancel()
		<-k.ended
	}
}
