package sim

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"tidings/internal/app"
	"tidings/internal/chat"
	"tidings/internal/session"
	"tidings/local/aws"
)

const tableName = "tidings"

// passwords are never asked for: sessions are made in the store.
var passwords = session.NewPasswords(session.WithCost(8, 1))

// world is one run.
type world struct {
	// Constant after the set-up.
	seed    uint64
	history history
	server  *aws.Server
	config  app.Config
	tokens  *session.Tokens
	clean   *app.Services // reaches the AWS at once and always
	began   time.Time

	calm  atomic.Bool   // there are no faults, not yet or not any more
	over  chan struct{} // closed when the faults are over
	calls sync.WaitGroup
	late  sync.WaitGroup // transactions held on their way

	// Owned by the driver.
	rand      *rand.Rand
	users     []chat.UserID
	clients   []*client
	functions []*function
	callCount int
	said      int
	closed    int
	relay     *wire

	mu        sync.Mutex
	instances []*instance
	begun     int // instances so far
	logs      map[chat.LogID]*logState
	order     []*logState          // the same, as they were made
	answered  map[string]place     // messages that were answered with 2xx, by content
	logins    map[*login]bool      // of all
	gone      map[place]chat.Entry // entries that the world itself has deleted

	tracing sync.Mutex // the innermost lock
	trace   []note
	wrong   []string
	counts  map[string]int
}

// place is an entry's.
type place struct {
	log chat.LogID
	seq int64
}

// note is a line of the trace.
type note struct {
	at        time.Duration
	who, what string
}

func (w *world) logf(who, format string, args ...any) {
	n := note{time.Since(w.began), who, fmt.Sprintf(format, args...)}
	w.tracing.Lock()
	defer w.tracing.Unlock()
	w.trace = append(w.trace, n)
}

// fail notes a violation.
func (w *world) fail(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.logf("VIOLATION", "%s", text)
	w.tracing.Lock()
	defer w.tracing.Unlock()
	w.wrong = append(w.wrong, text)
}

func (w *world) count(what string) { w.countN(what, 1) }

func (w *world) countN(what string, n int) {
	w.tracing.Lock()
	defer w.tracing.Unlock()
	w.counts[what] += n
}

// source is the source of chance of one actor.
func (w *world) source(name string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails
	return rand.New(rand.NewPCG(w.seed, h.Sum64()))
}

// clock is one that is up to 5 s off.
func (w *world) clock(r *rand.Rand) func() time.Time {
	skew := time.Duration(r.Int64N(int64(10*time.Second))) - 5*time.Second
	return func() time.Time { return time.Now().Add(skew) }
}

// ghost is how long a server doesn't notice that a connection is dead: often not at all.
func (w *world) ghost(r *rand.Rand) time.Duration {
	if r.IntN(2) == 0 {
		return 0
	}
	return logUniform(r, 10*time.Millisecond, 90*time.Second)
}

// logger writes what the product warns of into the trace, when somebody will read it.
func (w *world) logger(name string) *slog.Logger {
	if !tracing() {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(logHandler{w, name})
}

type logHandler struct {
	w    *world
	name string
}

func (h logHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }
func (h logHandler) WithAttrs([]slog.Attr) slog.Handler           { return h }
func (h logHandler) WithGroup(string) slog.Handler                { return h }

func (h logHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	r.Attrs(func(a slog.Attr) bool {
		fmt.Fprintf(&b, " %s=%v", a.Key, a.Value)
		return true
	})
	h.w.logf(h.name, "says: %s%s", r.Message, b.String())
	return nil
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// newWorld makes the table, the users and their first logs, without any fault.
func newWorld(seed uint64) *world {
	w := &world{
		seed: seed, began: time.Now(), over: make(chan struct{}), logs: map[chat.LogID]*logState{}, answered: map[string]place{},
		logins: map[*login]bool{}, gone: map[place]chat.Entry{}, counts: map[string]int{},
	}
	w.rand = w.source("driver")
	w.history = drawHistory(w.source("history"))
	w.calm.Store(true)
	w.server = must(aws.New(aws.Options{}))
	ctx := context.Background()
	cfg := w.quietWire("set-up").config()
	key := []byte(strings.Repeat("k", 32))
	topic := must(sns.NewFromConfig(cfg).CreateTopic(ctx, &sns.CreateTopicInput{Name: awssdk.String("tidings")}))
	w.config = app.Config{Table: tableName, TopicARN: *topic.TopicArn, SessionKeys: [][]byte{key}, Cells: 1}
	w.tokens = must(session.NewTokens(key))
	w.clean = must(app.New(cfg, w.config, app.Options{Passwords: passwords, Log: w.logger("set-up")}))
	if err := w.clean.Store.CreateTable(ctx); err != nil {
		panic(err)
	}
	for i := range w.history.users {
		name := fmt.Sprintf("user%d", i+1)
		u := must(w.clean.Store.CreateUser(ctx, chat.User{UserRef: chat.UserRef{Username: name, DisplayName: name}, Created: time.Now()}))
		w.users = append(w.users, u.ID)
	}
	for i := range w.history.functions {
		w.functions = append(w.functions, w.newFunction(fmt.Sprintf("function-%d", i+1)))
	}
	return w
}

// newLogin logs a user in, without a password.
func (w *world) newLogin(user chat.UserID) *login {
	now := time.Now()
	id := fmt.Sprintf("session-%d", len(w.logins)+1)
	s := chat.Session{ID: id, User: user, Created: now, Expires: now.Add(chat.SessionLifetime).Truncate(time.Second)}
	if err := w.clean.Store.CreateSession(context.Background(), s); err != nil {
		panic(err)
	}
	l := &login{id: id, token: must(w.tokens.Sign(s))}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.logins[l] = true
	return l
}

// run is a run from its beginning to its end.
func (w *world) run() {
	stopRelay := w.follow()
	for range w.history.streamers {
		w.start()
	}
	w.populate()
	time.Sleep(w.history.warmUp)
	w.stir()
	w.settleDown()
	w.await(w.newOracle())
	w.coda()
	o := w.newOracle()
	w.await(o) // what came late meanwhile may have more behind it
	o.check()
	for _, c := range w.clients {
		c.end()
	}
	w.mu.Lock()
	all := slices.Clone(w.instances)
	w.mu.Unlock()
	for _, in := range all {
		in.stop()
		<-in.done
	}
	stopRelay()
	if err := w.server.Close(); err != nil {
		w.fail("close the AWS: %v", err)
	}
	for name, n := range w.server.Faults().Counts() {
		w.countN(name, int(n))
	}
}

// settleDown ends all faults and waits for what is still on its way.
func (w *world) settleDown() {
	w.logf("world", "the faults are over")
	w.setFaults(aws.FaultConfig{})
	w.calm.Store(true)
	close(w.over)
	for _, in := range w.alive() {
		in.wire.mu.Lock()
		in.wire.crashIn = 0
		in.wire.mu.Unlock()
	}
	w.calls.Wait()
	w.late.Wait()
	for len(w.alive()) < 2 {
		w.start()
	}
	for _, c := range w.clients {
		c.set(func() {
			c.away, c.slowTill = time.Time{}, time.Time{}
			if c.conn != nil {
				c.conn.look()
			}
		})
	}
}

func (w *world) setFaults(c aws.FaultConfig) {
	if err := w.server.Faults().Set(c); err != nil {
		panic(err)
	}
}

// quietTime is how long everything may take to arrive after the faults: the longest
// delay of a copy, the audit's 10 minutes, and a gap to be filled after it.
const quietTime = 15 * time.Minute

// await lets time pass until everybody has everything, and nothing is being done: what
// a client need not get, since it was there before it, may begin to come at any time.
func (w *world) await(o *oracle) {
	until := time.Now().Add(quietTime)
	for synctest.Wait(); time.Now().Before(until) && !o.complete(); synctest.Wait() {
		time.Sleep(5*time.Second + time.Duration(w.rand.IntN(1000)))
	}
	w.logf("world", "everybody has everything: %v", o.complete())
}

// coda is some more that happens while nothing is wrong any more, and must arrive soon:
// what the audit would find later is late, and an addition or a hint may not wait for it.
func (w *world) coda() {
	owner, other := w.twoUsers()
	a := w.request(w.rand, w.newLogin(owner).token, http.MethodPost, "/api/groupchats", fmt.Sprintf(`{"name":"the last group","memberIds":[%d]}`, other), "")
	if a.status != http.StatusCreated {
		w.fail("the last group was answered %d %s", a.status, a.body)
		return
	}
	if w.rand.IntN(2) == 0 { // one that the relay alone tells of
		w.append(w.db(), w.order[len(w.order)-1].id, owner, 1)
	}
	linger := 20 * time.Second // for what comes too much, too
	if w.rand.IntN(8) == 0 {
		linger = 5 * time.Minute
	}
	time.Sleep(linger)
	o, last := w.newOracle(), w.order[len(w.order)-1].id
	for _, c := range w.clients {
		c.mu.Lock()
		if _, e := o.missing(o.logs[last], c.view(), c.last[last], c.since); e != nil && o.active(c) {
			w.fail("%s: the last group is late", c.name)
		}
		c.mu.Unlock()
	}
}
