package stream

import (
	"testing"

	"tidings/internal/chat"
)

// What is kept of a log has no holes: after positions that were given up, those
// before them are not found by counting.
func TestCacheAfterAHole(t *testing.T) {
	c, l := cache{max: 1 << 20}, &logState{}
	for _, seq := range []int64{2, 3, 6, 7} {
		c.add(l, &entry{Entry: chat.Entry{Seq: seq}})
	}
	for seq := range int64(10) {
		e := l.cached(seq)
		if want := seq == 6 || seq == 7; (e != nil) != want || e != nil && e.Seq != seq {
			t.Errorf("entry %d: got %+v", seq, e)
		}
	}
	if want := 2 * entryOverhead; c.size != want {
		t.Errorf("size %d, want %d", c.size, want)
	}
}
