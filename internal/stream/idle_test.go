package stream

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestIdleList: whatever comes and goes, both ways through the list lead to all that is
// in it, in order.
func TestIdleList(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var list idleList
	var want []*logState
	for n := range 5000 {
		if r.IntN(2) == 0 {
			l := &logState{}
			list.remove(l) // is not in it
			list.add(l, time.UnixMilli(int64(n+1)))
			if want = append(want, l); l.aside.idleSince != int64(n+1) {
				t.Fatalf("since %d", l.aside.idleSince)
			}
		} else if len(want) > 0 {
			i := r.IntN(len(want))
			list.remove(want[i])
			if want[i].aside != nil {
				t.Fatal("a log that was removed still refers to the list")
			}
			want = slices.Delete(want, i, i+1)
		}
		var there, back []*logState
		for l := list.oldest; l != nil; l = l.aside.newer {
			there = append(there, l)
		}
		for l := list.newest; l != nil; l = l.aside.older {
			back = append(back, l)
		}
		slices.Reverse(back)
		if !slices.Equal(there, want) || !slices.Equal(back, want) || list.n != len(want) {
			t.Fatalf("%d forwards, %d backwards, counted %d, want %d", len(there), len(back), list.n, len(want))
		}
	}
}

// TestAuditQueue: who was asked longest ago comes first, whoever came and went.
func TestAuditQueue(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	h := &Hub{}
	in := map[*logState]bool{}
	for range 5000 {
		switch r.IntN(3) {
		case 0, 1:
			l := &logState{state: tracked, members: make([]*user, 1), askedAt: r.Int64N(1000)}
			h.enlist(l)
			h.enlist(l) // once
			in[l] = true
		default:
			for l := range in {
				h.audited.remove(l)
				h.audited.remove(l) // is not in it any more
				delete(in, l)
				break
			}
		}
		if len(h.audited) != len(in) {
			t.Fatalf("%d logs, want %d", len(h.audited), len(in))
		}
		for i, l := range h.audited {
			if int(l.queued) != i+1 || !in[l] || i > 0 && l.askedAt < h.audited[(i-1)/2].askedAt {
				t.Fatalf("log %d of %d is out of place", i, len(in))
			}
		}
	}
}
