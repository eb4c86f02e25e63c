package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tidings/internal/chat"
)

// The size of the model test.
const (
	crowdSize  = 20
	hotUsers   = 6 // of them, in the hot group chats
	hotGroups  = 2
	cautious   = 8 // actors that do one thing after the other in a log, so that the model knows what comes of it
	wanderers  = 12
	defaultRun = 1500 // actions; MODEL_ACTIONS says otherwise
)

// A crowd does all that can be done to conversations, group chats and friends, many at
// once, while streams open and close and all that can go wrong with the AWS does. A
// model written from the contract says which frames each stream must have got, which
// it may have (around its ready and its end) and which it must not: nothing is lost,
// doubled, out of order within its log, or leaked. MODEL_SEED draws the same actions
// again; how they interleave is the machine's.
func TestDeliveryAgainstAModel(t *testing.T) {
	seed, actions := number("MODEL_SEED", uint64(time.Now().UnixNano())), number("MODEL_ACTIONS", defaultRun)
	t.Logf("MODEL_SEED=%d MODEL_ACTIONS=%d", seed, actions)
	sys := mustStart(t, nil)
	c := newCrowd(t, sys.URL, seed, int(actions))
	f := faults["All"]
	f.Seed = seed
	if err := sys.AWS.Faults().Set(f); err != nil {
		t.Fatal(err)
	}
	var streams, doers sync.WaitGroup
	for i := range wanderers {
		streams.Go(func() { c.wander(c.actor(100 + i)) })
	}
	for i := range cautious {
		doers.Go(func() { c.act(c.actor(i)) })
	}
	c.heat(&doers)
	doers.Wait()
	c.finish()
	streams.Wait()
	injected := sys.AWS.Faults().Counts()
	if err := sys.AWS.Faults().Set(faults["None"]); err != nil {
		t.Fatal(err)
	}
	for _, h := range c.hot {
		c.settle(h)
	}
	for _, l := range c.stay {
		l.sync(c.model)
		l.close()
		c.gone = append(c.gone, l)
	}
	frames, heard := 0, heardAt(c.gone)
	for _, l := range c.gone {
		c.verdict(l, heard)
		frames += len(l.got)
	}
	for _, p := range c.people {
		c.checkLists(p)
	}
	t.Logf("%d actions, %d frames on %d streams, injected %v", len(c.trace), frames, len(c.gone), injected)
}

func number(variable string, otherwise uint64) uint64 {
	if n, err := strconv.ParseUint(os.Getenv(variable), 10, 64); err == nil {
		return n
	}
	return otherwise
}

// crowd is the people, what they do, and their streams.
type crowd struct {
	*model
	t       *testing.T
	seed    uint64
	actions int
	people  []*person
	stay    []*listener // one of each, open all the time
	hot     []*hotGroup

	// Guarded by the model's mu.
	left   int // of the actions
	heated int // actions in hot group chats
	moved  *sync.Cond
	gone   []*listener
}

func newCrowd(t *testing.T, url string, seed uint64, actions int) *crowd {
	c := &crowd{model: newModel(), t: t, seed: seed, actions: actions, left: actions}
	c.moved = sync.NewCond(&c.mu)
	for i := range crowdSize {
		p := newPerson(t, url, "p"+strconv.Itoa(i))
		c.people = append(c.people, p)
		c.log(userLog(p.ref.ID)).members[p.ref.ID] = 1
		l := c.open(p)
		l.stays = true
		c.stay = append(c.stay, l)
	}
	t.Cleanup(func() {
		for _, l := range c.stay {
			l.close()
		}
	})
	return c
}

// more takes one of the actions that are left.
func (c *crowd) more() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left--
	c.moved.Broadcast()
	return c.left >= 0
}

// moreHot takes one for a hot group chat: no more than all others take, which are
// slower since they wait for each other.
func (c *crowd) moreHot(ready func() bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.left >= 0 && (!ready() || 2*c.heated > c.actions-c.left) {
		c.moved.Wait()
	}
	c.left--
	c.heated++
	c.moved.Broadcast()
	return c.left >= 0
}

func (c *crowd) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = min(c.left, -1)
	c.moved.Broadcast()
}

// wander opens streams of anybody for a while, and ends half of them when they have
// all that is theirs and half of them anyhow.
func (c *crowd) wander(a *actor) {
	for {
		l := c.open(a.anyone())
		if l == nil {
			return
		}
		c.mu.Lock()
		for until := c.left - 5 - a.rng.IntN(200); c.left > max(until, -1); {
			c.moved.Wait()
		}
		over := c.left < 0
		c.mu.Unlock()
		if a.rng.IntN(2) == 0 {
			l.sync(c.model)
		}
		l.close()
		c.mu.Lock()
		c.gone = append(c.gone, l)
		c.mu.Unlock()
		if over {
			return
		}
	}
}

// actor does one thing after the other.
type actor struct {
	*crowd
	rng    *rand.Rand
	number int
	sent   int
	begin  int64  // of the last request
	answer string // to it
}

func (c *crowd) actor(number int) *actor {
	return &actor{crowd: c, rng: rand.New(rand.NewPCG(c.seed, uint64(number))), number: number}
}

func (a *actor) anyone() *person { return a.people[a.rng.IntN(len(a.people))] }

// send sends as a client does, again after a 5xx or a broken line, and gives the final
// status and whether there were such.
func (a *actor) send(p *person, method, path, body string) (status int, again bool) {
	a.begin = a.tick()
	a.sent++
	var header []string
	if method == "POST" {
		header = []string{"Idempotency-Key", fmt.Sprintf("%d/%d", a.number, a.sent)}
	}
	for try := range 50 {
		var err error
		if status, a.answer, err = p.call(method, path, body, header...); err == nil && status < 500 {
			a.mu.Lock()
			a.trace = append(a.trace, fmt.Sprintf("[%d, %d] %s %s %s %s: %d after %d", a.begin, a.tick(), p.ref.Username, method, path, body, status, try+1))
			a.mu.Unlock()
			return status, try > 0
		}
	}
	a.t.Errorf("%s %s %s %s: not taken in 50 tries: %d %s", p.ref.Username, method, path, body, status, a.answer)
	return status, true
}

// ask sends what can be done or must be refused. When a first try was done and its
// answer lost, a further one may be answered with repeated.
func (a *actor) ask(p *person, method, path, body string, done, refused, repeated int) bool {
	status, again := a.send(p, method, path, body)
	want := done
	if refused != 0 {
		want = refused
	}
	if status != want && !(again && refused == 0 && status == repeated) {
		a.t.Errorf("%s %s %s %s: %d %s, want %d", p.ref.Username, method, path, body, status, a.answer, want)
	}
	return refused == 0
}

// tell appends an entry that the last request made.
func (a *actor) tell(id string, e modelEntry, adds, removes []chat.UserID) {
	e.begin, e.end = a.begin, a.tick()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.model.append(id, e, adds, removes)
}

// decode reads the last answer.
func (a *actor) decode(out any) {
	if err := json.Unmarshal([]byte(a.answer), out); err != nil {
		a.t.Errorf("%s: %v", a.answer, err)
	}
}

func pathOf(id string) string {
	if after, ok := strings.CutPrefix(id, "g:"); ok {
		return "/api/groupchats/" + after
	}
	return "/api/conversations/" + id[2:]
}

// someLog is a conversation or group chat, mostly one of the user's.
func (a *actor) someLog(u chat.UserID, prefix string) *modelLog {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all, mine []*modelLog
	for id, l := range a.logs {
		if strings.HasPrefix(id, prefix) && id[0] != 'u' && !l.hot && len(l.entries) > 0 {
			all = append(all, l)
			if l.members[u] > 0 {
				mine = append(mine, l)
			}
		}
	}
	if len(mine) > 0 && a.rng.IntN(12) > 0 {
		all = mine
	}
	if len(all) == 0 {
		return nil
	}
	slices.SortFunc(all, func(x, y *modelLog) int { return strings.Compare(x.id, y.id) })
	return all[a.rng.IntN(len(all))]
}
