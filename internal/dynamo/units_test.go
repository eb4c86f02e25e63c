package dynamo_test

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tidings/internal/chat"
	"tidings/internal/chattest"
	"tidings/internal/dynamo"
)

// What a message costs in the table's capacity units, and that it is the same for
// 2 members and for 1,000. docs/architecture.md repeats these numbers.
func TestMessageUnits(t *testing.T) {
	w := newWorld(t, dynamo.DefaultLimits)
	small := w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
	large := w.mustLargeGroup(1000)
	for _, c := range []struct {
		content, want string
	}{
		// Reads: head, membership, profile: a unit each. Writes: four items of up to
		// 1 KB, two units each in a transaction.
		{"hello", "BatchGetItem 3 + TransactWriteItems 8"},
		// 4,000 ASCII characters make an entry of 4 to 5 KB: 10 units instead of 2.
		{strings.Repeat("x", chat.MaxContent), "BatchGetItem 3 + TransactWriteItems 16"},
	} {
		for _, log := range []chat.LogID{small, large} {
			w.MustSend(log, 1, "the head's preview has its size from here on")
			w.units.Reset()
			w.MustSend(log, 1, c.content)
			if got := w.units.String(); got != c.want {
				t.Errorf("%d characters in %s: %s, want %s", len(c.content), log, got, c.want)
			}
		}
	}
	w.units.Reset()
	if _, err := w.AppendMessage(t.Context(), chat.Draft{Log: small, By: 1, Content: "x"}, chattest.Given("k", "h")); err != nil {
		t.Fatal(err)
	}
	if got, want := w.units.String(), "BatchGetItem 4 + TransactWriteItems 8"; got != want {
		t.Errorf("with an Idempotency-Key: %s, want %s", got, want)
	}
}

// The other routes, in the same units.
func TestRouteUnits(t *testing.T) {
	w := newWorld(t, dynamo.DefaultLimits)
	alice, bob := w.MustUser("alice"), w.MustUser("bob")
	log := w.MustConversation(alice, bob)
	for range 50 {
		w.MustSend(log, 1, "hello")
	}
	for _, c := range []struct {
		name, want string
		call       func() error
	}{
		{"read", "BatchGetItem 3 + TransactWriteItems 8", func() error {
			_, err := w.MarkRead(t.Context(), 2, log, 40, chattest.Fresh())
			return err
		}},
		{"history of 40", "Query 3 + GetItem 1", func() error {
			_, err := w.Messages(t.Context(), 2, log, chat.Page{Limit: 40})
			return err
		}},
		{"one conversation", "BatchGetItem 1 + GetItem 1", func() error {
			_, err := w.View(t.Context(), 2, log)
			return err
		}},
		{"list of one", "Query 1 + BatchGetItem 1 + Query 1", func() error {
			_, err := w.Conversations(t.Context(), 2, chat.ConversationPrefix)
			return err
		}},
		{"new conversation", "BatchGetItem 1 + Query 0.5 + Query 0.5 + TransactWriteItems 14", func() error {
			_, err := w.CreateConversation(t.Context(), 1, []chat.UserRef{alice, w.carol()}, chattest.Fresh())
			return err
		}},
		{"new group chat of 3", "Query 0.5 + Query 0.5 + Query 0.5 + TransactWriteItems 18", func() error {
			_, err := w.CreateGroup(t.Context(), climbers, "climbers", []chat.UserRef{alice, bob, w.carol()}, chattest.Fresh())
			return err
		}},
		{"removal", "BatchGetItem 2 + GetItem 1 + TransactWriteItems 12", func() error {
			_, err := w.RemoveMember(t.Context(), 1, climbers, bob)
			return err
		}},
		{"addition", "BatchGetItem 2 + BatchGetItem 1 + Query 0.5 + TransactWriteItems 12", func() error {
			_, err := w.AddMembers(t.Context(), 1, climbers, []chat.UserRef{bob}, chattest.Fresh())
			return err
		}},
		{"new name", "BatchGetItem 2 + TransactWriteItems 8", func() error {
			_, err := w.RenameGroup(t.Context(), 1, climbers, "walkers")
			return err
		}},
	} {
		w.units.Reset()
		if err := c.call(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got := w.units.String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func (w *world) carol() chat.UserRef {
	return chat.UserRef{ID: 3, Username: "carol", DisplayName: "carol"}
}

// What it costs to count the memberships of somebody who has as many as one can have:
// half a unit for each 4 KB of them, tombstones too.
func TestFullestUserUnits(t *testing.T) {
	w := newWorld(t, dynamo.DefaultLimits)
	alice, bob := w.MustUser("alice"), w.MustUser("bob")
	for i := range chat.MaxMemberships - 1 {
		w.mustPut(attributes{
			"PK": str("U#2"), "SK": str(fmt.Sprintf("M#g:01890a5d-ac96-774b-bcce-%012d", i)), "role": str("member"),
			"iv": str("1000-"), "since": num(1000), "readn": num(1000), "rw": num(176_000_000), "rc": num(1),
		})
	}
	w.MustConversation(alice, bob)
	w.units.Reset()
	_, err := w.CreateConversation(t.Context(), 2, []chat.UserRef{bob, w.carol()}, chattest.Fresh())
	if !errors.Is(err, chat.ErrTooManyConversations) {
		t.Errorf("err %v", err)
	}
	calls := w.units.Calls()
	dearest := slices.MaxFunc(calls, func(a, b chattest.Call) int { return cmp.Compare(a.Units, b.Units) })
	if want := (chattest.Call{Op: "Query", Units: 21.5}); len(calls) != 3 || dearest != want {
		t.Errorf("%s, want three calls, of which the dearest is %v", w.units, want)
	}
}

// mustLargeGroup makes a group chat of n members, user 1 the owner, by the calls
// that the routes make.
func (w *world) mustLargeGroup(n int) chat.LogID {
	w.Helper()
	owner := chat.UserRef{ID: 1, Username: "alice", DisplayName: "alice"}
	if _, err := w.CreateGroup(w.Context(), climbers, "climbers", []chat.UserRef{owner}, chattest.Fresh()); err != nil {
		w.Fatal(err)
	}
	var batch []chat.UserRef
	for id := chat.UserID(2); id <= chat.UserID(n); id++ {
		batch = append(batch, chat.UserRef{ID: id, Username: "user" + id.String(), DisplayName: "User " + id.String()})
		if len(batch) < chat.MaxAdded && id < chat.UserID(n) {
			continue
		}
		if _, err := w.AddMembers(w.Context(), 1, climbers, batch, chattest.Fresh()); err != nil {
			w.Fatal(err)
		}
		batch = batch[:0]
	}
	return climbers
}

// A group chat of as many members as there may be: how long it takes to fill, that
// nobody more gets in, and that a message costs what it costs for two.
func TestLargestGroup(t *testing.T) {
	const n = chat.MaxGroupMembers
	w := newWorld(t, dynamo.Limits{})
	w.MustUser("alice")
	start := time.Now()
	log := w.mustLargeGroup(n)
	took := time.Since(start)
	w.MustSend(log, 1, "the head's preview has its size from here on")
	w.units.Reset()
	w.MustSend(log, 1, "hello")
	if got, want := w.units.String(), "BatchGetItem 3 + TransactWriteItems 8"; got != want {
		t.Errorf("a message to %d members: %s, want %s", n, got, want)
	}
	if h := w.mustHead(log); h.Group.MemberCount != n || len(h.Shards) > 256 {
		t.Errorf("%d members, %d shards", h.Group.MemberCount, len(h.Shards))
	}
	one := []chat.UserRef{{ID: 1 << 40}}
	if _, err := w.AddMembers(t.Context(), 1, log, one, chattest.Fresh()); !errors.Is(err, chat.ErrGroupFull) {
		t.Errorf("one more than %d: %v", n, err)
	}
	fmt.Printf("group chat: %d members in batches of %d in %v\n", n, chat.MaxAdded, took.Round(time.Millisecond))
}
