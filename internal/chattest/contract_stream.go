package chattest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings/internal/chat"
)

func (c Contract) memberships(t *testing.T) {
	c.test(t, "OK", func(w *World) {
		alice, bob, carol := w.MustUser("alice"), w.MustUser("bob"), w.MustUser("carol")
		w.MustConversation(alice, bob)
		w.MustConversation(bob, carol)
		w.MustSend("c:2-3", 3, "x")
		w.MustSend("c:2-3", 2, "x")
		for user, want := range map[chat.UserID][]chat.Membership{
			1: {{Log: "c:1-2"}}, 2: {{Log: "c:1-2"}, {Log: "c:2-3", ReadCount: 2}}, 3: {{Log: "c:2-3", ReadCount: 1}}, 99: nil,
		} {
			for i := range want {
				want[i].User, want[i].Role, want[i].Intervals = user, "member", chat.Intervals{{From: 1}}
			}
			got, err := w.Memberships(w.Context(), user)
			slices.SortFunc(got, func(a, b chat.Membership) int { return strings.Compare(string(a.Log), string(b.Log)) })
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				w.Errorf("user %d: %v (-want +got)\n%s", user, err, diff)
			}
			for _, m := range want {
				one, err := w.Membership(w.Context(), user, m.Log)
				if diff := cmp.Diff(m, one); err != nil || diff != "" {
					w.Errorf("user %d, alone: %v (-want +got)\n%s", user, err, diff)
				}
			}
		}
	})
	c.test(t, "None", func(w *World) {
		log := w.mustPair()
		for user, log := range map[chat.UserID]chat.LogID{3: log, 99: log, 1: "c:1-3"} {
			if m, err := w.Membership(w.Context(), user, log); err != nil || len(m.Intervals) > 0 {
				w.Errorf("%s for user %d: %+v, %v", log, user, m, err)
			}
		}
	})
}

func (c Contract) position(t *testing.T) {
	// Many pages of entries, each a second after the one before.
	c.test(t, "OK", func(w *World) {
		log := w.mustPair()
		const last = 600
		ts := make([]int64, last+1)
		ts[1] = w.Now().UnixMilli()
		for seq := int64(2); seq <= last; seq++ {
			w.Advance(time.Second)
			ts[seq] = w.MustSend(log, 1, "x").TS
		}
		for _, s := range []struct{ ts, after, to, want int64 }{
			{ts[last], 0, last, last}, // nothing is later
			{ts[last] + 1, 0, last, last},
			{ts[last] - 1, 0, last, last - 1}, // the last one alone is
			{ts[last-1], 0, last, last - 1},
			{ts[last-24], 0, last, last - 24}, // at the edges of pages, if they have 25, 100 and 400
			{ts[last-25], 0, last, last - 25},
			{ts[last-26], 0, last, last - 26},
			{ts[last-125], 0, last, last - 125},
			{ts[last-126], 0, last, last - 126},
			{ts[last-525], 0, last, last - 525},
			{ts[1], 0, last, 1},
			{ts[1] - 1, 0, last, 0}, // all of them are
			{0, 0, last, 0},
			{0, 100, last, 100}, // as far back as was asked
			{ts[50], 100, last, 100},
			{ts[100], 100, last, 100},
			{ts[101], 100, last, 101},
			{0, last - 1, last, last - 1},
			{ts[40], 30, 50, 40}, // from the middle of the log
			{ts[50], 30, 50, 50},
			{0, 30, 50, 30},
			{0, 50, 50, 50}, // no entries at all
			{0, 60, 50, 50},
			{0, last, last + 10, last + 10},
		} {
			if got, err := w.Position(w.Context(), log, s.ts, s.after, s.to); err != nil || got != s.want {
				w.Errorf("later than %d in (%d, %d]: %d, %v, want %d", s.ts, s.after, s.to, got, err, s.want)
			}
		}
		if got, err := w.Position(w.Context(), "c:1-3", 0, 0, 9); err != nil || got != 9 {
			w.Errorf("a log that is not there: %d, %v", got, err)
		}
	})
}

func (c Contract) sessionsHold(t *testing.T) {
	// What it says of many is what Session says of each.
	c.test(t, "OK", func(w *World) {
		alice, bob := w.MustUser("alice").ID, w.MustUser("bob").ID
		held, ended := w.mustSession(alice, "s1"), w.mustSession(alice, "s2")
		early, other := w.foreign(bob, "f"), w.foreign(bob, "g")
		w.Advance(time.Minute)
		for _, s := range []chat.Session{ended, w.foreign(bob, "f")} {
			if _, err := w.EndSession(w.Context(), s); err != nil {
				w.Fatal(err)
			}
		}
		w.Advance(time.Second)
		late := w.foreign(bob, "f") // issued after the end of those with its ID
		expired := chat.Session{ID: "s3", User: bob, Created: w.Now().Add(-time.Hour), Expires: w.Now().Add(-time.Second)}
		if err := w.CreateSession(w.Context(), expired); err != nil {
			w.Fatal(err)
		}
		var ask []chat.Session
		var want []bool
		for _, s := range []struct {
			chat.Session
			holds bool
		}{
			{held, true},
			{ended, false},
			{early, false},
			{late, true}, // both under one ID
			{other, true},
			{held, true}, // a session of two streams
			{chat.Session{ID: "s1", User: bob}, false},
			{chat.Session{ID: "s1", User: 99}, false},
			{expired, true}, // that isn't asked
		} {
			ask, want = append(ask, s.Session), append(want, s.holds)
		}
		for n := 0; len(ask) < 100; n++ {
			s := w.mustSession(alice, fmt.Sprint("more-", n))
			ask, want = append(ask, s), append(want, true)
		}
		got, err := w.SessionsHold(w.Context(), ask)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			w.Errorf("%v (-want +got)\n%s", err, diff)
		}
		for i, s := range ask {
			if _, err := w.Session(w.Context(), s); (err == nil) != want[i] {
				w.Errorf("session %s of user %d alone: %v", s.ID, s.User, err)
			}
		}
	})
	c.test(t, "None", func(w *World) {
		if got, err := w.SessionsHold(w.Context(), nil); err != nil || len(got) != 0 {
			w.Errorf("%v, %v", got, err)
		}
	})
}
