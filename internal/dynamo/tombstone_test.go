package dynamo_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"tidings/internal/chat"
	"tidings/internal/chattest"
	"tidings/internal/dynamo"
)

// mustTombstone checks that the user's membership ended with the entry, and that it
// says when: not before the entry's own time, and less than a second after it. The
// item goes with the entry.
func (w *world) mustTombstone(u chat.UserRef, e chat.Entry) {
	w.Helper()
	alone, err := w.Membership(w.Context(), u.ID, e.Log)
	if err != nil {
		w.Fatal(err)
	}
	all, err := w.Memberships(w.Context(), u.ID)
	if err != nil || len(all) != 1 || !reflect.DeepEqual(all[0], alone) {
		w.Errorf("%+v among all (%v), %+v alone", all, err, alone)
	}
	if alone.Intervals.Open() || alone.Intervals.Last() != e.Seq {
		w.Errorf("intervals %s, left with %d", alone.Intervals, e.Seq)
	}
	if late := alone.LeftAt - e.TS; late < 0 || late >= 1000 {
		w.Errorf("left at %d, %d ms after the entry", alone.LeftAt, late)
	}
	it := w.mustGet("U#"+u.ID.String(), "M#"+string(e.Log))
	if ttl := num(time.UnixMilli(e.TS).Add(8 * 24 * time.Hour).Unix()); !reflect.DeepEqual(it["ttl"], ttl) || it["since"] != nil {
		w.Errorf("item %v, want ttl %v", it, ttl)
	}
}

func TestLeftAt(t *testing.T) {
	remove := func(w *world, by chat.UserID, u chat.UserRef) chat.Entry {
		w.Helper()
		e, err := w.RemoveMember(w.Context(), by, climbers, u)
		if err != nil {
			w.Fatal(err)
		}
		return e
	}
	for name, moment := range map[string]time.Duration{"InTheSecond": 0, "AtItsBeginning": 322 * time.Millisecond, "AtItsEnd": 321 * time.Millisecond} {
		t.Run("Left"+name, func(t *testing.T) {
			w := newWorld(t, dynamo.Limits{})
			us := w.mustGroup(2)
			w.Advance(time.Minute + moment)
			w.mustTombstone(us[1], remove(w, 2, us[1]))
		})
	}
	t.Run("Removed", func(t *testing.T) {
		w := newWorld(t, dynamo.Limits{})
		us := w.mustGroup(2)
		w.Advance(time.Minute)
		w.mustTombstone(us[1], remove(w, 1, us[1]))
	})
	// The log is ahead of the clock of who ends the membership.
	t.Run("ClockBehind", func(t *testing.T) {
		w := newWorld(t, dynamo.Limits{})
		us := w.mustGroup(2)
		w.MustSend(climbers, 1, "x")
		w.Advance(-time.Hour)
		w.mustTombstone(us[1], remove(w, 1, us[1]))
	})
	t.Run("LastOneOut", func(t *testing.T) {
		w := newWorld(t, dynamo.Limits{})
		us := w.mustGroup(1)
		w.Advance(time.Minute)
		w.mustTombstone(us[0], remove(w, 1, us[0]))
	})
	// The memberships in a deleted group chat are closed later, by those who list it,
	// and tell the time of the deletion.
	t.Run("GroupDeleted", func(t *testing.T) {
		w := newWorld(t, dynamo.Limits{})
		us := w.mustGroup(2)
		w.Advance(time.Minute)
		e, err := w.DeleteGroup(t.Context(), 1, climbers)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Messages(t.Context(), 2, climbers, chat.Page{Limit: 40}); !errors.Is(err, chat.NotFoundIn(climbers)) {
			t.Errorf("the history of a deleted group chat: %v", err)
		}
		w.Advance(time.Hour)
		if vs, err := w.Conversations(t.Context(), 2, chat.GroupPrefix); err != nil || len(vs) != 0 {
			t.Fatalf("%+v, %v", vs, err)
		}
		w.mustTombstone(us[1], e)
	})
	t.Run("StillThere", func(t *testing.T) {
		w := newWorld(t, dynamo.Limits{})
		w.mustGroup(2)
		if m, err := w.Membership(t.Context(), 2, climbers); err != nil || m.LeftAt != 0 {
			t.Errorf("%+v, %v", m, err)
		}
	})
}

// Who comes back has an item without an end, and has read what was written before.
func TestRejoin(t *testing.T) {
	for name, c := range map[string]struct {
		between func(w *world)
		want    string
	}{
		"OK":           {func(*world) {}, "1-3 6-"},
		"AfterItsTime": {func(w *world) { w.Advance(9 * 24 * time.Hour) }, "1-3 6-"}, // not deleted yet
		"TombstoneGone": {func(w *world) { // deleted between the read and the transaction
			w.races.before("TransactWriteItems", func() { w.mustDamage("U#2", "M#"+string(climbers), "", nil) })
		}, "6-"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, dynamo.Limits{})
			us := w.mustGroup(2)
			w.MustSend(climbers, 1, "read by nobody else") // 2
			if _, err := w.RemoveMember(t.Context(), 1, climbers, us[1]); err != nil {
				t.Fatal(err)
			}
			w.MustSend(climbers, 1, "x")
			w.MustSend(climbers, 1, "x")
			c.between(w)
			if _, err := w.AddMembers(t.Context(), 1, climbers, us[1:], chattest.Fresh()); err != nil {
				t.Fatal(err)
			}
			m, err := w.Membership(t.Context(), 2, climbers)
			if err != nil || m.Intervals.String() != c.want || m.LeftAt != 0 || m.ReadCount != 3 {
				t.Errorf("%+v, %v, want intervals %s", m, err, c.want)
			}
			if it := w.mustGet("U#2", "M#"+string(climbers)); it["ttl"] != nil || !reflect.DeepEqual(it["since"], num(6)) {
				t.Errorf("item %v", it)
			}
			w.Advance(time.Minute)
			e, err := w.RemoveMember(t.Context(), 1, climbers, us[1])
			if err != nil {
				t.Fatal(err)
			}
			w.mustTombstone(us[1], e)
		})
	}
}
