package stream

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
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
