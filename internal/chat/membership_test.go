package chat

import (
	"testing"

	"pgregory.net/rapid"
)

func TestIntervals(t *testing.T) {
	iv := Intervals{{5, 17}, {20, 0}}
	for seq, want := range map[int64]bool{4: false, 5: true, 17: true, 18: false, 19: false, 20: true, 1 << 40: true} {
		if got := iv.Contains(seq); got != want {
			t.Errorf("Contains(%d) = %v", seq, got)
		}
	}
	if iv.String() != "5-17 20-" || iv.Last() != 20 || !iv.Open() {
		t.Errorf("%q, last %d, open %v", iv, iv.Last(), iv.Open())
	}
	if closed := iv[:1]; closed.Open() || closed.Last() != 17 {
		t.Errorf("%q, last %d, open %v", closed, closed.Last(), closed.Open())
	}
	if none := Intervals(nil); none.Open() || none.Last() != 0 || none.Contains(1) {
		t.Error("no intervals contain something")
	}
}

func TestParseIntervals(t *testing.T) {
	t.Run("OK", rapid.MakeCheck(func(t *rapid.T) {
		var iv Intervals
		at := int64(0)
		for range rapid.IntRange(0, MaxIntervals).Draw(t, "n") {
			from := at + rapid.Int64Range(1, 1000).Draw(t, "from")
			at = from + rapid.Int64Range(0, 1000).Draw(t, "to")
			iv = append(iv, Interval{from, at})
		}
		if len(iv) > 0 && rapid.Bool().Draw(t, "open") {
			iv[len(iv)-1].To = 0
		}
		back, err := ParseIntervals(iv.String())
		if err != nil || back.String() != iv.String() || back.Open() != iv.Open() {
			t.Fatalf("%q came back as %q: %v", iv, back, err)
		}
	}))
	for _, bad := range []string{"5", "x-1", "1-x", "-", "1--2 3"} {
		if _, err := ParseIntervals(bad); err == nil {
			t.Errorf("ParseIntervals(%q) took it", bad)
		}
	}
}
