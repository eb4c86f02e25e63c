package stream

import (
	"math/rand/v2"
	"slices"
	"testing"

	"tidings/internal/chat"
)

// rewinding is a log with a member's times in it and a client's w: what of it the
// client lacks can be counted out.
type rewinding struct {
	store *fakeStore
	iv    chat.Intervals
	end   int64
	w     int64
}

func drawRewinding(r *rand.Rand) rewinding {
	x := rewinding{store: newFakeStore(), end: 1 + r.Int64N(12)}
	var ts int64
	for seq := range x.end + r.Int64N(4) { // the hub may be behind
		ts += 1 + r.Int64N(3)
		x.store.logs[log] = append(x.store.logs[log], chat.Entry{Log: log, Seq: seq + 1, TS: ts})
	}
	for at := 1 + r.Int64N(4); at < x.end+3; at += 1 + r.Int64N(3) {
		i := chat.Interval{From: at}
		if at += 1 + r.Int64N(5); r.IntN(4) > 0 {
			i.To = at
		}
		if x.iv = append(x.iv, i); i.To == 0 {
			break
		}
	}
	x.w = r.Int64N(ts + 2)
	return x
}

// lacks are the entries up to end that the member may see and that are later than w.
func (x rewinding) lacks() (seqs []int64) {
	for _, e := range x.store.logs[log] {
		if e.Seq <= x.end && x.iv.Contains(e.Seq) && e.TS > x.w {
			seqs = append(seqs, e.Seq)
		}
	}
	return seqs
}

// after are the entries that a stream at pos has to pull.
func (x rewinding) after(pos int64) (seqs []int64) {
	for _, in := range x.iv.Within(pos+1, x.end) {
		seqs = append(seqs, upTo(in.From, in.To)...)
	}
	return seqs
}

// TestRewind: behind the position that is found lies exactly what the client lacks,
// whatever the table and the cache hold.
func TestRewind(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	cached := 0
	for range 20_000 {
		x := drawRewinding(r)
		if len(x.iv) == 0 {
			continue
		}
		got, err := findBack(t.Context(), x.store, log, x.iv, x.end, x.w)
		if err != nil || got.tooMuch || !slices.Equal(x.after(got.pos), x.lacks()) {
			t.Fatalf("%v up to %d, w %d of %v: found %+v, %v; lacks %v", x.iv, x.end, x.w, times(x.store.logs[log]), got, err, x.lacks())
		}
		l := &logState{}
		c := cache{max: 1 << 20}
		for _, e := range x.store.logs[log][r.IntN(len(x.store.logs[log])):] {
			c.add(l, &entry{Entry: e})
		}
		if keep := r.IntN(len(l.recent()) + 2); keep == 0 {
			l.aside = nil
		} else if keep < len(l.recent()) {
			l.aside.recent = l.aside.recent[:keep] // another log's: this one isn't known up to end
		}
		pos, ok := l.before(x.w, x.end)
		if ok && (pos > x.end || !slices.Equal(x.after(pos), x.lacks())) {
			t.Fatalf("%v up to %d, w %d of %v: %d of the cache %v; lacks %v", x.iv, x.end, x.w, times(x.store.logs[log]), pos, ranges(seqsIn(l)), x.lacks())
		}
		if known := seqsIn(l); len(known) > 0 && known[len(known)-1] >= x.end && (known[0] == 1 || l.recent()[0].TS <= x.w) != ok {
			t.Fatalf("w %d, up to %d of %v, cache %v: known %v", x.w, x.end, times(x.store.logs[log]), ranges(known), ok)
		}
		if ok {
			cached++
		}
	}
	if cached < 2000 {
		t.Errorf("the cache knew %d times", cached)
	}
}

func times(es []chat.Entry) (ts []int64) {
	for _, e := range es {
		ts = append(ts, e.TS)
	}
	return ts
}

func seqsIn(l *logState) (seqs []int64) {
	for _, e := range l.recent() {
		seqs = append(seqs, e.Seq)
	}
	return seqs
}

// However long a client was away, its connect reads back no more than a stream may
// have to pull, and where that is too much it is told so.
func TestRewindIsBounded(t *testing.T) {
	for _, tc := range []struct {
		name    string
		iv      chat.Intervals
		end     int64
		older   int64 // entries that the client has
		tooMuch bool
	}{
		{"All", chat.Intervals{{From: 1}}, 1000, 0, false},
		{"AllAndOneMore", chat.Intervals{{From: 1}}, 1002, 0, true},
		{"LaterOnes", chat.Intervals{{From: 1}}, 5000, 4000, false},
		{"LaterOnesAndOneMore", chat.Intervals{{From: 1}}, 5000, 3998, true},
		{"InTwoTimes", chat.Intervals{{From: 1, To: 500}, {From: 5001}}, 5500, 0, false},
		{"InTwoTimesAndOneMore", chat.Intervals{{From: 1, To: 501}, {From: 5001}}, 5501, 0, true},
		{"NotYetBack", chat.Intervals{{From: 1, To: 4000}, {From: 7000}}, 5000, 2990, true},
		{"OfTheOlderTimeNothing", chat.Intervals{{From: 1, To: 4000}, {From: 5001}}, 6000, 5000, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newFakeStore()
			for seq := int64(1); seq <= tc.end; seq++ {
				s.logs[log] = append(s.logs[log], chat.Entry{Log: log, Seq: seq, TS: seq})
			}
			x := rewinding{store: s, iv: tc.iv, end: tc.end, w: tc.older}
			got, err := findBack(t.Context(), s, log, tc.iv, tc.end, tc.older)
			if err != nil || got.tooMuch != tc.tooMuch {
				t.Fatalf("%+v, %v", got, err)
			}
			if !tc.tooMuch && !slices.Equal(x.after(got.pos), x.lacks()) {
				t.Errorf("%d to pull behind %d, it lacks %d", len(x.after(got.pos)), got.pos, len(x.lacks()))
			}
			if s.looked > 1002 {
				t.Errorf("%d entries asked for", s.looked)
			}
		})
	}
}
