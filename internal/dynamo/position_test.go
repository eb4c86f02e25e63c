package dynamo_test

import (
	"strings"
	"testing"
	"time"

	"tidings/internal/chat"
	"tidings/internal/dynamo"
)

// The usual answer lies within the first page; each further one holds four times as
// many entries. Short messages have some 250 bytes each and a unit is 4 KB.
func TestPositionUnits(t *testing.T) {
	w := newWorld(t, dynamo.Limits{})
	log := w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
	const last = 600
	ts := make([]int64, last+1)
	for seq := int64(2); seq <= last; seq++ {
		w.Advance(time.Second)
		ts[seq] = w.MustSend(log, 1, "hello").TS
	}
	for name, c := range map[string]struct {
		back int64 // how many entries are later
		want string
	}{
		"One":         {1, "Query 2"},
		"OnePage":     {24, "Query 2"},
		"PageAndOne":  {25, "Query 2 + Query 7"},
		"TwoPages":    {124, "Query 2 + Query 7"},
		"ThreePages":  {500, "Query 2 + Query 7 + Query 26"},
		"FourthIsCut": {530, "Query 2 + Query 7 + Query 26 + Query 5"}, // by the log's beginning
	} {
		t.Run(name, func(t *testing.T) {
			w.units.Reset()
			got, err := w.Position(t.Context(), log, ts[last-c.back], 0, last)
			if err != nil || got != last-c.back {
				t.Errorf("%d, %v, want %d", got, err, last-c.back)
			}
			if units := w.units.String(); units != c.want {
				t.Errorf("%s, want %s", units, c.want)
			}
		})
	}
	t.Run("Nothing", func(t *testing.T) {
		w.units.Reset()
		if got, err := w.Position(t.Context(), log, 0, last, last); err != nil || got != last || w.units.String() != "" {
			t.Errorf("%d, %v: %s", got, err, w.units)
		}
	})
}

// Entries that the table has deleted are older than any that somebody asks for.
func TestPositionOfGoneEntries(t *testing.T) {
	w := newWorld(t, dynamo.Limits{})
	log := w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
	for range 8 { // 2 to 9
		w.Advance(time.Second)
		w.MustSend(log, 1, "x")
	}
	ts := map[int64]int64{}
	for _, e := range w.mustEntries(log) {
		ts[e.Seq] = e.TS
	}
	for _, seq := range []string{"1", "2", "3", "6", "9"} {
		w.mustDamage("L#"+string(log), "E#00000000000"+seq, "", nil)
	}
	for _, c := range []struct{ ts, after, to, want int64 }{
		{ts[4], 0, 9, 4},
		{ts[5], 0, 9, 6}, // 7 is the oldest that is later
		{ts[6], 0, 9, 6},
		{ts[8], 0, 9, 9}, // 9 would be later
		{0, 0, 9, 3},     // 4 is the oldest at all
		{0, 0, 3, 3},
		{0, 5, 6, 6},
	} {
		if got, err := w.Position(t.Context(), log, c.ts, c.after, c.to); err != nil || got != c.want {
			t.Errorf("later than %d in (%d, %d]: %d, %v, want %d", c.ts, c.after, c.to, got, err, c.want)
		}
	}
}

// The sessions of a batch cost what they cost alone, those of two streams once.
func TestSessionsHoldUnits(t *testing.T) {
	w := newWorld(t, dynamo.Limits{})
	alice := w.MustUser("alice").ID
	var ss []chat.Session
	for i := range 100 {
		ss = append(ss, chat.Session{ID: strings.Repeat("s", i/2+1), User: alice, Created: w.Now(), Foreign: i%2 == 1})
	}
	w.units.Reset()
	if holds, err := w.SessionsHold(t.Context(), ss); err != nil || holds[0] || !holds[1] {
		t.Errorf("%v, %v", holds, err)
	}
	if got, want := w.units.String(), "BatchGetItem 50"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
