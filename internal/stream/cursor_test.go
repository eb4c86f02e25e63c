package stream

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"tidings/internal/chat"
)

func (c cursor) text() string {
	b, _ := c.append(nil, nil)
	return string(b)
}

func TestCursor(t *testing.T) {
	for name, c := range map[string]cursor{
		"Empty":     {},
		"Quiet":     {user: 7, w: 1_790_000_000_000},
		"Narrowed":  {user: 7, w: 1_790_000_000_000, selection: 0xdeadbeef},
		"Full":      {user: 7, w: 5, full: true},
		"Positions": {user: 1 << 40, w: 1, marks: []mark{{keyOf("c:1-2"), 0, 0}, {keyOf("u:1"), 1 << 40, 3}, {1<<48 - 1, 17, 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := parseCursor(c.text())
			if !ok {
				t.Fatalf("%q is refused", c.text())
			}
			if d := gocmp.Diff(c, got, gocmp.AllowUnexported(cursor{}, mark{})); d != "" {
				t.Error(d)
			}
			for i := range len(c.text()) {
				b := []byte(c.text())
				if b[i]++; b[i] == c.text()[i] {
					continue
				}
				if _, ok := parseCursor(string(b)); ok {
					t.Errorf("damaged at %d it is taken", i)
				}
			}
		})
	}
	for _, bad := range []string{"", "A", "AAAA", "hello world", strings.Repeat("A", maxCursor+1), base64.RawURLEncoding.EncodeToString([]byte{1, 0, 0, 0, 0, 0, 0})} {
		if _, ok := parseCursor(bad); ok {
			t.Errorf("%q is taken", bad)
		}
	}
}

// More logs than fit are no position: the cursor says so, and stays short.
func TestCursorFull(t *testing.T) {
	c := cursor{user: 1, w: time.Now().UnixMilli()}
	for i := range maxMarks + 1 {
		c.marks = append(c.marks, mark{key: keyOf(chat.LogID(fmt.Sprint("g:", i))), seq: 1000})
		got, ok := parseCursor(c.text())
		if full := i == maxMarks; !ok || got.full != full || full != (len(got.marks) == 0) || len(c.text()) > maxCursor {
			t.Fatalf("%d marks: %d characters, %d read, full %v, %v", i+1, len(c.text()), len(got.marks), got.full, ok)
		}
	}
	// Very long logs need more bytes each.
	c = cursor{user: 1, w: time.Now().UnixMilli()}
	for i := range maxMarks {
		c.marks = append(c.marks, mark{key: keyOf(chat.LogID(fmt.Sprint("g:", i))), seq: 1 << 40})
	}
	if got, ok := parseCursor(c.text()); !ok || !got.full || len(c.text()) > maxCursor {
		t.Errorf("%d characters, %+v, %v", len(c.text()), got, ok)
	}
}

// The longest id is 2,000 characters; a longer one would say that it is full.
func TestCursorLongest(t *testing.T) {
	longest := 0
	for extra := range 500 { // bytes
		c := cursor{user: 1, w: time.Now().UnixMilli()}
		for i := range 150 {
			m := mark{key: logKey(i), seq: 1}
			for n := min(3, max(0, extra-3*i)); n > 0; n-- {
				m.seq <<= 7
			}
			c.marks = append(c.marks, m)
		}
		fits := base64.RawURLEncoding.EncodedLen(len(c.appendRaw(nil))) <= 2000
		got, ok := parseCursor(c.text())
		if !ok || got.full == fits || len(got.marks) != map[bool]int{true: 150}[fits] {
			t.Fatalf("%d bytes more: %d characters, full %v, %d marks, %v", extra, len(c.text()), got.full, len(got.marks), ok)
		}
		longest = max(longest, len(c.text()))
	}
	if longest != 2000 {
		t.Errorf("the longest has %d characters", longest)
	}
}

// What has the right checksum, which is no secret, may be wrong all the same.
func TestCursorForged(t *testing.T) {
	signed := func(parts ...any) string {
		var raw []byte
		for _, p := range parts {
			switch p := p.(type) {
			case int:
				raw = append(raw, byte(p))
			case uint64:
				raw = binary.AppendUvarint(raw, p)
			}
		}
		return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(raw, crc32.Checksum(raw, castagnoli)))
	}
	marks := func(n int, seq uint64) (parts []any) {
		parts = []any{1, 7, uint64(5)}
		for i := range n {
			parts = append(parts, 0, 0, 0, 0, 0, i, seq)
		}
		return parts
	}
	good := signed(marks(1, 4)...)
	for _, tc := range []struct {
		name, text string
		ok         bool
	}{
		{"Good", good, true},
		{"LargestNumber", signed(1, 7, uint64(1<<62)), true},
		{"MostMarks", signed(marks(150, 4)...), true},
		{"OtherVersion", signed(2, 7, uint64(5)), false},
		{"UnknownFlag", signed(1|1<<6, 7, uint64(5)), false},
		{"EndsInUser", signed(1, 0x80, 0x80), false},
		{"EndsBeforeW", signed(1, 0x80, 1), false},
		{"EndsInSelection", signed(1|flagSelection, 7, 1, 2, 3), false},
		{"EndsInKey", signed(1, 7, 5, 1, 2, 3), false},
		{"EndsBeforePosition", signed(1, 7, 5, 1, 2, 3, 4, 5, 6), false},
		{"EndsInPosition", signed(1, 7, 5, 1, 2, 3, 4, 5, 6, 0x80), false},
		{"NumberTooLarge", signed(1, 7, uint64(1<<62+1)), false},
		{"NegativeNumber", signed(1, 7, uint64(1<<63)), false},
		{"NumberOfElevenBytes", signed(1, 7, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1), false},
		{"OneMarkTooMany", signed(marks(151, 4)...), false},
		{"TooLong", signed(marks(150, 1<<60)...), false},
		{"LineBreak", good[:9] + "\n" + good[9:], false},
		{"LineBreakAtTheEnd", good + "\r\n", false},
		{"Padded", good + "=", false},
		{"NotASCII", good[:9] + "é" + good[9:], false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if c, ok := parseCursor(tc.text); ok != tc.ok {
				t.Errorf("%+v, %v", c, ok)
			}
		})
	}
	c, _ := parseCursor(signed(1, 7, uint64(5), 0, 0, 0, 0, 0, 9, uint64(1<<62)))
	if want := (mark{key: 9, seq: 1 << 60}); !slices.Equal(c.marks, []mark{want}) {
		t.Errorf("%+v", c.marks)
	}
}

// The key of a log is part of the format: it must never change.
func TestLogKey(t *testing.T) {
	for id, want := range map[chat.LogID]logKey{"c:1-2": 0x99f57a94b52a, "u:42": 0x2fe55dce9bc3} {
		if got := keyOf(id); got != want {
			t.Errorf("%q: %#x, want %#x", id, got, want)
		}
	}
	seen := map[logKey]bool{}
	for i := range 200_000 {
		k := keyOf(chat.LogID(fmt.Sprintf("c:%d-%d", i%700, i)))
		if seen[k] || k >= 1<<48 {
			t.Fatalf("%d: %#x", i, k)
		}
		seen[k] = true
	}
}

// FuzzCursor: whatever comes, nothing breaks, and what is taken is what was given.
func FuzzCursor(f *testing.F) {
	f.Add(cursor{user: 1, w: 2, marks: []mark{{3, 4, 1}, {5, 6, 0}}}.text())
	f.Add(cursor{user: 1, selection: 9, full: true}.text())
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		c, ok := parseCursor(text)
		if !ok {
			return
		}
		again, ok := parseCursor(c.text())
		if d := gocmp.Diff(c, again, gocmp.AllowUnexported(cursor{}, mark{})); !ok || d != "" {
			t.Errorf("%q: %v %s", text, ok, d)
		}
	})
}

// TestCursorLength prints how long cursors are: of the conversations of a user, which
// half are groups, some had an entry since w.
func TestCursorLength(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, conversations := range []int{10, 100, 1000} {
		for _, lively := range []int{3, 10, 50} {
			if lively > conversations {
				continue
			}
			var lengths []int
			for range 100 {
				c := cursor{user: chat.UserID(r.IntN(1_000_000)), w: time.Now().UnixMilli()}
				for i := range lively {
					id := chat.ConversationLog(chat.ConversationID(c.user, chat.UserID(r.IntN(1_000_000))))
					if i%2 == 0 {
						id = chat.GroupLog(fmt.Sprintf("0190-%x", r.Uint64()))
					}
					c.marks = append(c.marks, mark{key: keyOf(id), seq: int64(r.ExpFloat64() * 1000)})
				}
				lengths = append(lengths, len(c.text()))
			}
			slices.Sort(lengths)
			t.Logf("%4d conversations, %2d lively: %d bytes (%d to %d)", conversations, lively, lengths[50], lengths[0], lengths[99])
			if lengths[99] > 30+14*lively {
				t.Errorf("%d bytes for %d lively conversations", lengths[99], lively)
			}
		}
	}
}

func BenchmarkCursor(b *testing.B) {
	for _, lively := range []int{0, 3, 10, 50} {
		b.Run(fmt.Sprintf("lively=%d", lively), func(b *testing.B) {
			c := cursor{user: 123_456, w: time.Now().UnixMilli()}
			for i := range lively {
				c.marks = append(c.marks, mark{key: keyOf(chat.LogID(fmt.Sprint("g:", i))), seq: 1000})
			}
			var text, scratch []byte
			b.ReportAllocs()
			for b.Loop() {
				text, scratch = c.append(text[:0], scratch)
			}
			b.ReportMetric(float64(len(text)), "bytes")
		})
	}
}
