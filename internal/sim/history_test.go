package sim

import (
	"math/rand/v2"
	"time"

	"tidings/local/aws"
)

// history is what a run is like: its size, and how bad everything is.
type history struct {
	kind                string
	users, functions    int
	streamers           int
	conversations       int // at the beginning
	groups              int
	early               int // clients that are there from the beginning
	warmUp              time.Duration
	steps               int
	rest                time.Duration // the longest between two steps
	menu                menu
	absence             time.Duration // the longest of a client
	content             int           // characters of a message, at most
	cache, pollers      int           // of a streamer
	drain, relayLag     time.Duration
	lossy               float64 // how much of the time copies are lost
	mostDelay           time.Duration
	quick, slow         time.Duration // between which a call's way to the AWS, and back, lies
	readQuick, readSlow time.Duration // likewise, for a streamer's reads of the table
	verySlow            float64       // of calls take seconds
	late, unanswered    float64       // of transactions: held on the way; done but not answered
	dies, silent        float64       // of requests: the function dies; it does so after the commit
	cuts                float64       // of connections break early
	crowd               int           // logs of a user besides
}

// menu are the things that may happen next, by how often.
type menu []choice

type choice struct {
	weight int
	act    func(*world)
}

func (m menu) draw(r *rand.Rand) func(*world) {
	sum := 0
	for _, c := range m {
		sum += c.weight
	}
	n := r.IntN(sum)
	for _, c := range m {
		if n -= c.weight; n < 0 {
			return c.act
		}
	}
	panic("unreachable")
}

// What happens in an ordinary world: some of everything.
var ordinary = menu{
	{30, (*world).say},
	{4, (*world).sayMuch},
	{5, (*world).add},
	{5, (*world).remove},
	{2, (*world).makeGroup},
	{2, (*world).makeConversation},
	{1, (*world).rename},
	{1, (*world).deleteGroup},
	{1, (*world).handOver},
	{2, (*world).read},
	{1, (*world).readAll},
	{1, (*world).typing},
	{2, (*world).befriend},
	{2, (*world).logOut},
	{4, (*world).join},
	{7, (*world).cutClient},
	{5, (*world).sendAway},
	{2, (*world).reopen},
	{2, (*world).slowDown},
	{2, (*world).crash},
	{2, (*world).drain},
	{2, (*world).stall},
	{2, (*world).stallRelay},
	{2, (*world).changeFaults},
}

// Who belongs to what changes all the time while clients come and go: what goes wrong
// while heads and memberships are on their way shows there.
var restless = menu{
	{14, (*world).say},
	{2, (*world).sayMuch},
	{14, (*world).add},
	{14, (*world).remove},
	{3, (*world).makeGroup},
	{2, (*world).makeConversation},
	{1, (*world).deleteGroup},
	{1, (*world).handOver},
	{1, (*world).befriend},
	{1, (*world).logOut},
	{8, (*world).join},
	{12, (*world).cutClient},
	{4, (*world).sendAway},
	{2, (*world).crash},
	{1, (*world).drain},
	{1, (*world).stall},
	{1, (*world).changeFaults},
}

// Little is said, and clients are away for long.
var sleepy = menu{
	{20, (*world).say},
	{4, (*world).add},
	{4, (*world).remove},
	{2, (*world).makeGroup},
	{2, (*world).makeConversation},
	{2, (*world).befriend},
	{1, (*world).logOut},
	{3, (*world).join},
	{4, (*world).cutClient},
	{10, (*world).sendAway},
	{1, (*world).reopen},
	{2, (*world).crash},
	{2, (*world).drain},
	{2, (*world).stall},
	{2, (*world).changeFaults},
}

// Much is written while clients read slowly.
var talkative = menu{
	{30, (*world).say},
	{20, (*world).sayMuch},
	{2, (*world).add},
	{2, (*world).remove},
	{3, (*world).join},
	{4, (*world).cutClient},
	{3, (*world).sendAway},
	{10, (*world).slowDown},
	{1, (*world).crash},
	{1, (*world).stall},
}

func drawHistory(r *rand.Rand) history {
	h := history{
		users: 2 + r.IntN(4), functions: 2 + r.IntN(2), streamers: 2 + r.IntN(2),
		conversations: 1 + r.IntN(2), groups: 1 + r.IntN(2), early: 1 + r.IntN(4),
		steps: 20 + r.IntN(30), rest: time.Duration(2+r.IntN(10)) * time.Second, menu: ordinary,
		absence: 3 * time.Minute, content: 40, cache: []int{1, 20_000, 1 << 20}[r.IntN(3)], pollers: 1 + r.IntN(2),
		drain: 25 * time.Second, relayLag: 300 * time.Millisecond,
		lossy: r.Float64() * 0.4, mostDelay: []time.Duration{200 * time.Millisecond, 3 * time.Second, 150 * time.Second}[r.IntN(3)],
		quick: time.Millisecond, slow: time.Duration(10+r.IntN(90)) * time.Millisecond,
		verySlow: r.Float64() * 0.01, late: r.Float64() * 0.02, unanswered: r.Float64() * 0.06,
		dies: r.Float64() * 0.05, silent: r.Float64() * 0.15, cuts: r.Float64() * 0.4,
	}
	if r.IntN(4) == 0 {
		h.streamers = 4
	}
	h.readQuick, h.readSlow = h.quick, h.slow
	switch n := r.IntN(100); {
	case n < 31:
		h.kind = "ordinary"
	case n < 70:
		h.kind, h.menu = "restless", restless
		h.users, h.streamers = 2+r.IntN(2), 2
		h.conversations, h.groups = r.IntN(2), 1+r.IntN(2)
		h.steps, h.rest = 12+r.IntN(24), time.Duration(50+r.IntN(500))*time.Millisecond
		h.slow = time.Duration(3+r.IntN(30)) * time.Millisecond
		h.readQuick, h.readSlow = 30*time.Millisecond, time.Duration(100+r.IntN(700))*time.Millisecond
		h.verySlow, h.dies = h.verySlow/4, h.dies/2
		h.absence = 20 * time.Second
	case n < 80:
		h.kind, h.menu = "sleepy", sleepy
		h.steps, h.rest, h.absence = 12+r.IntN(14), time.Duration(30+r.IntN(200))*time.Second, 20*time.Minute
		if r.IntN(3) == 0 {
			h.absence = 5 * time.Hour
		}
	case n < 84:
		h.kind, h.menu = "old", sleepy // streamers audit rarely then
		h.warmUp, h.steps, h.rest = 16*time.Minute, 12+r.IntN(14), time.Duration(5+r.IntN(60))*time.Second
		h.lossy = 0.3 + r.Float64()*0.3
	case n < 89:
		h.kind, h.menu, h.content = "talkative", talkative, 3900
		h.steps, h.rest = 20+r.IntN(20), time.Duration(1+r.IntN(5))*time.Second
	case n < 92:
		h.kind = "burst"
		h.steps = 14
		h.menu = append(menu{{20, (*world).flood}}, ordinary...)
		h.users, h.streamers = 2, 2
	case n < 94:
		h.kind, h.crowd, h.users, h.streamers = "crowd", 30, 2+r.IntN(2), 2
	case n < 97:
		h.kind, h.menu = "days", append(menu{{12, (*world).closeDown}}, sleepy...)
		h.rest, h.steps = 20*time.Second, 12
	default:
		h.kind = "hole"
		h.menu = append(menu{{12, (*world).punch}}, ordinary...)
	}
	return h
}

// drawFaults draws the faults of the AWS for the time to come.
func (h *history) drawFaults(r *rand.Rand) aws.FaultConfig {
	c := aws.FaultConfig{
		Seed: r.Uint64(), Duplicate: r.Float64() * 0.3, Delay: r.Float64() * 0.5, MaxDelay: h.mostDelay, Reorder: r.Float64() * 0.4,
		DropRedeliver: r.Float64() * 0.05, RedeliverAfter: logUniform(r, 100*time.Millisecond, 30*time.Second),
		PublishFail: r.Float64() * 0.1, Throttle: r.Float64() * 0.05, Conflict: r.Float64() * 0.05,
		StaleRead: 0.5, MaxStale: 3 * time.Second,
	}
	if r.Float64() < 0.7 {
		c.Lose = h.lossy
	}
	if r.IntN(5) == 0 {
		c.Lose, c.Delay, c.Reorder = 0, c.Delay/5, c.Reorder/5
	}
	return c
}
