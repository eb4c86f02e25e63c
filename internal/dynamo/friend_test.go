package dynamo_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tidings/internal/chat"
	"tidings/internal/chattest"
	"tidings/internal/dynamo"
)

// friends is a world of people who may become friends.
type friends struct {
	*world
	alice, bob chat.UserRef
}

func newFriends(t *testing.T, limits dynamo.Limits) *friends {
	t.Helper()
	w := newWorld(t, limits)
	return &friends{w, w.MustUser("alice"), w.MustUser("bob")}
}

func (w *friends) change(c chat.FriendChange, me, other chat.UserRef) (chat.FriendAnswer, error) {
	return w.ChangeFriends(w.Context(), c, me, other, chattest.Fresh())
}

func (w *friends) must(c chat.FriendChange, me, other chat.UserRef) chat.FriendAnswer {
	w.Helper()
	for range 10 {
		a, err := w.change(c, me, other)
		var told *chat.Error
		switch {
		case err == nil:
			return a
		case !errors.As(err, &told) || told.Code != "overloaded": // a read was given up: nothing is done yet
			w.Fatalf("%s by %s: %v", c, me.Username, err)
		}
	}
	w.Fatalf("%s by %s: never answered", c, me.Username)
	return chat.FriendAnswer{}
}

func (w *friends) mustRefuse(want *chat.Error, c chat.FriendChange, me, other chat.UserRef) *chat.Error {
	w.Helper()
	var told *chat.Error
	if _, err := w.change(c, me, other); !errors.As(err, &told) || told.Code != want.Code {
		w.Fatalf("%s by %s: %v, want %v", c, me.Username, err, want)
	}
	return told
}

// lists are those of a user, as the table has them.
func (w *friends) lists(u chat.UserRef) lists {
	w.Helper()
	var l lists
	var err, err2 error
	l.Friends, _, err = w.Friends(w.Context(), u.ID, 0, chat.MaxPageSize)
	l.Incoming, l.Outgoing, err2 = w.FriendRequests(w.Context(), u)
	stored, err3 := w.StoredNotifications(w.Context(), u.ID, chat.MaxTS, 1000, false)
	if err := errors.Join(err, err2, err3); err != nil {
		w.Fatal(err)
	}
	for _, s := range stored.Page {
		n, err := s.Entry.Notification()
		if err != nil {
			w.Fatal(err)
		}
		n.Read = s.Read
		l.Notifications = append(l.Notifications, n)
	}
	l.Unread = stored.Unread
	return l
}

// checkStory checks that everybody's lists are what their own log tells.
func (w *friends) checkStory(users ...chat.UserRef) {
	w.Helper()
	for _, u := range users {
		client := newTold(u)
		for i, e := range w.mustEntries(chat.UserLog(u.ID)) {
			if e.Seq != int64(i+1) {
				w.Errorf("%s/%d follows %d", e.Log, e.Seq, i)
			}
			evs, err := e.Events()
			if err != nil {
				w.Fatal(err)
			}
			for _, ev := range evs {
				if err := client.apply(ev); err != nil {
					w.Fatal(err)
				}
			}
		}
		if diff := cmp.Diff(client.lists(), w.lists(u), cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(chat.Notification{})); diff != "" {
			w.Errorf("%s: log and lists differ (-log +lists)\n%s", u.Username, diff)
		}
	}
}

// kinds are the entries of a user's own log in short.
func (w *friends) kinds(u chat.UserRef) string {
	w.Helper()
	var out []string
	for _, e := range w.mustEntries(chat.UserLog(u.ID)) {
		k := string(e.Kind)
		if e.Kind == chat.KindFriendsChanged {
			b, err := e.Friends()
			if err != nil {
				w.Fatal(err)
			}
			k = string(b.Change)
		}
		out = append(out, k)
	}
	return strings.Join(out, " ")
}

func (w *friends) wantKinds(u chat.UserRef, want string) {
	w.Helper()
	if got := w.kinds(u); got != want {
		w.Errorf("log of %s: %q, want %q", u.Username, got, want)
	}
}

func TestChangeFriends(t *testing.T) {
	t.Run("Accepted", func(t *testing.T) {
		w := newFriends(t, dynamo.Limits{})
		a := w.must(chat.FriendRequested, w.alice, w.bob)
		if a.Status != 201 || a.Entry.Log != "u:1" || a.Theirs.Log != "u:2" || a.Theirs.By != 1 {
			t.Errorf("%+v", a)
		}
		w.checkStory(w.alice, w.bob)
		w.Advance(time.Minute)
		if a := w.must(chat.FriendAccepted, w.bob, w.alice); a.Status != 200 || a.Theirs.Kind != chat.KindFriendAccepted {
			t.Errorf("%+v", a)
		}
		w.checkStory(w.alice, w.bob)
		w.wantKinds(w.alice, "requested friend_accepted")
		w.wantKinds(w.bob, "friend_request accepted")
		l := w.lists(w.bob)
		if len(l.Friends) != 1 || l.Friends[0].Since != chat.Millis(w.Now().UnixMilli()) || l.Unread != 0 {
			t.Errorf("bob: %+v", l)
		}
		if l := w.lists(w.alice); l.Unread != 1 {
			t.Errorf("alice: %+v", l)
		}
		// Accepting again says the same and tells nobody.
		again := w.must(chat.FriendAccepted, w.bob, w.alice)
		if !again.Replayed || again.Entry.Seq != l.Friends[0].Seq || again.Theirs.Seq != 0 {
			t.Errorf("%+v", again)
		}
		w.mustRefuse(chat.ErrAlreadyFriends, chat.FriendRequested, w.alice, w.bob)
		w.mustRefuse(chat.ErrAlreadyFriends, chat.FriendRequested, w.bob, w.alice)
		w.mustRefuse(chat.ErrRequestNotFound, chat.FriendWithdrawn, w.alice, w.bob)
		w.mustRefuse(chat.ErrRequestNotFound, chat.FriendDeclined, w.bob, w.alice)
		w.checkStory(w.alice, w.bob)
	})
	t.Run("Crossing", func(t *testing.T) {
		w := newFriends(t, dynamo.Limits{})
		w.must(chat.FriendRequested, w.alice, w.bob)
		w.mustRefuse(chat.ErrRequestExists, chat.FriendRequested, w.alice, w.bob)
		if a := w.must(chat.FriendRequested, w.bob, w.alice); a.Status != 200 {
			t.Errorf("%+v", a)
		}
		w.wantKinds(w.alice, "requested friend_accepted")
		w.wantKinds(w.bob, "friend_request accepted")
		w.checkStory(w.alice, w.bob)
	})
	t.Run("Unfriended", func(t *testing.T) {
		w := newFriends(t, dynamo.Limits{})
		w.mustRefuse(chat.ErrFriendNotFound, chat.FriendUnfriended, w.alice, w.bob)
		w.must(chat.FriendRequested, w.alice, w.bob)
		w.must(chat.FriendAccepted, w.bob, w.alice)
		w.must(chat.FriendUnfriended, w.alice, w.bob)
		w.wantKinds(w.bob, "friend_request accepted unfriended")
		w.checkStory(w.alice, w.bob)
		w.mustRefuse(chat.ErrFriendNotFound, chat.FriendUnfriended, w.bob, w.alice)
	})
	// A request that is answered after its notification has expired.
	t.Run("NotificationExpired", func(t *testing.T) {
		w := newFriends(t, dynamo.Limits{})
		w.must(chat.FriendRequested, w.alice, w.bob)
		w.mustDeleteNotes("u:2")
		w.must(chat.FriendAccepted, w.bob, w.alice)
		w.wantKinds(w.bob, "friend_request accepted")
		if n := len(w.lists(w.bob).Notifications); n != 0 {
			t.Errorf("%d notifications came back", n)
		}
	})
}

// A request ends without a friendship, and what then may be asked again.
func TestFriendRequestEnds(t *testing.T) {
	t.Run("Declined", func(t *testing.T) {
		w := newFriends(t, dynamo.Limits{})
		w.must(chat.FriendRequested, w.alice, w.bob)
		w.must(chat.FriendDeclined, w.bob, w.alice)
		w.checkStory(w.alice, w.bob)
		w.wantKinds(w.alice, "requested declined")
		w.wantKinds(w.bob, "friend_request declined")
		w.mustRefuse(chat.ErrRequestNotFound, chat.FriendAccepted, w.bob, w.alice)
		w.Advance(time.Hour)
		if e := w.mustRefuse(chat.DeclinedRecently(0), chat.FriendRequested, w.alice, w.bob); e.RetryAfter < 22*time.Hour || e.RetryAfter > 23*time.Hour {
			t.Errorf("again after %v", e.RetryAfter)
		}
		// The other way round is no repetition; nor is what comes after a friendship.
		w.must(chat.FriendRequested, w.bob, w.alice)
		w.must(chat.FriendAccepted, w.alice, w.bob)
		w.must(chat.FriendUnfriended, w.bob, w.alice)
		w.must(chat.FriendRequested, w.alice, w.bob)
		w.checkStory(w.alice, w.bob)
	})
	t.Run("DeclinedLongAgo", func(t *testing.T) {
		w := newFriends(t, dynamo.Limits{})
		w.must(chat.FriendRequested, w.alice, w.bob)
		w.must(chat.FriendDeclined, w.bob, w.alice)
		w.Advance(chat.DeclinedFor + time.Second)
		w.must(chat.FriendRequested, w.alice, w.bob) // over the tombstone, whether or not it is still there
		w.must(chat.FriendDeclined, w.bob, w.alice)
		w.mustRefuse(chat.DeclinedRecently(0), chat.FriendRequested, w.alice, w.bob)
		w.checkStory(w.alice, w.bob)
	})
	t.Run("Withdrawn", func(t *testing.T) {
		w := newFriends(t, dynamo.Limits{})
		w.must(chat.FriendRequested, w.alice, w.bob)
		w.mustRefuse(chat.ErrRequestNotFound, chat.FriendWithdrawn, w.bob, w.alice)
		w.mustRefuse(chat.ErrRequestNotFound, chat.FriendAccepted, w.alice, w.bob)
		w.must(chat.FriendWithdrawn, w.alice, w.bob)
		w.mustRefuse(chat.ErrRequestNotFound, chat.FriendAccepted, w.bob, w.alice)
		w.wantKinds(w.bob, "friend_request withdrawn")
		if l := w.lists(w.bob); l.Unread != 0 || len(l.Incoming) != 0 {
			t.Errorf("bob: %+v", l)
		}
		w.must(chat.FriendRequested, w.alice, w.bob)
		w.checkStory(w.alice, w.bob)
	})
}

func TestChangeFriendsIdempotency(t *testing.T) {
	w := newFriends(t, dynamo.Limits{})
	ask := func(key, hash string) (chat.FriendAnswer, error) {
		return w.ChangeFriends(t.Context(), chat.FriendRequested, w.alice, w.bob, chattest.Given(key, hash))
	}
	first, err := ask("k", "h")
	if err != nil {
		t.Fatal(err)
	}
	w.must(chat.FriendDeclined, w.bob, w.alice)
	w.Advance(chat.DeclinedFor - time.Hour)
	// The first answer stays the answer, whatever happened since.
	again, err := ask("k", "h")
	first.Replayed, first.Theirs = true, chat.Entry{}
	if diff := cmp.Diff(first, again); err != nil || diff != "" {
		t.Errorf("%v (-first +again)\n%s", err, diff)
	}
	if _, err := ask("k", "other"); !errors.Is(err, chat.ErrIdempotencyMismatch) {
		t.Errorf("another request with the key: %v", err)
	}
	// A refusal is not kept.
	if _, err := ask("k2", "h"); !errors.Is(err, chat.DeclinedRecently(0)) {
		t.Errorf("%v", err)
	}
	w.Advance(time.Hour + time.Second)
	if a, err := ask("k2", "h"); err != nil || a.Status != 201 {
		t.Errorf("%+v %v", a, err)
	}
	w.checkStory(w.alice, w.bob)
}

func TestChangeFriendsLimits(t *testing.T) {
	t.Run("ErrRateLimited", func(t *testing.T) {
		w := newFriends(t, dynamo.Limits{Requests: 2})
		carol := w.MustUser("carol")
		w.must(chat.FriendRequested, w.alice, w.bob)
		w.must(chat.FriendRequested, w.alice, carol)
		w.must(chat.FriendWithdrawn, w.alice, carol)
		e := w.mustRefuse(chat.RateLimited(0), chat.FriendRequested, w.alice, carol)
		if e.RetryAfter != time.Hour-4*time.Minute-5678*time.Millisecond {
			t.Errorf("again after %v", e.RetryAfter)
		}
		w.mustRefuse(chat.ErrRequestExists, chat.FriendRequested, w.alice, w.bob) // the state says no before the rate does
		w.must(chat.FriendRequested, carol, w.alice)
		w.must(chat.FriendRequested, w.alice, carol) // which accepts, and asks for nothing
		w.Advance(e.RetryAfter)
		w.must(chat.FriendWithdrawn, w.alice, w.bob)
		w.must(chat.FriendRequested, w.alice, w.bob)
		w.checkStory(w.alice, w.bob, carol)
	})
	t.Run("ErrTooManyRequests", func(t *testing.T) {
		w := newFriends(t, dynamo.Limits{})
		for i := range chat.MaxRequests {
			id := chat.UserID(1000 + i)
			w.mustPut(attributes{"PK": str("U#2"), "SK": str("FREQ#" + id.String()), "seq": num(1), "ts": num(1), "told": num(1), "user": str(`{"id":1000}`)})
		}
		w.mustRefuse(chat.ErrTooManyRequests, chat.FriendRequested, w.alice, w.bob)
		in, _, err := w.FriendRequests(t.Context(), w.bob)
		if err != nil || len(in) != chat.MaxRequests {
			t.Errorf("%d incoming, %v", len(in), err)
		}
		w.must(chat.FriendRequested, w.bob, w.alice) // asking is still possible
	})
}

func TestFriendsPages(t *testing.T) {
	w := newFriends(t, dynamo.Limits{})
	for i := range 11 {
		u := w.MustUser(fmt.Sprintf("user%d", i))
		w.must(chat.FriendRequested, w.alice, u)
		w.must(chat.FriendAccepted, u, w.alice)
	}
	var got []string
	for after := chat.UserID(0); ; {
		page, more, err := w.Friends(t.Context(), 1, after, 4)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range page {
			got = append(got, f.User.ID.String())
			after = f.User.ID
		}
		if !more {
			break
		}
	}
	if got := strings.Join(got, " "); got != "10 11 12 13 3 4 5 6 7 8 9" {
		t.Errorf("order %s", got)
	}
}

func TestFriendUnits(t *testing.T) {
	w := newFriends(t, dynamo.DefaultLimits)
	carol := w.MustUser("carol")
	for _, c := range []struct {
		what, want string
		call       func()
	}{
		{"request", "BatchGetItem 6 + Query 1 + Query 1 + TransactWriteItems 22", func() { w.must(chat.FriendRequested, w.alice, w.bob) }},
		{"accept", "BatchGetItem 5 + TransactWriteItems 22", func() { w.must(chat.FriendAccepted, w.bob, w.alice) }},
		{"unfriend", "BatchGetItem 5 + TransactWriteItems 14", func() { w.must(chat.FriendUnfriended, w.bob, w.alice) }},
		{"request again", "BatchGetItem 6 + Query 1 + Query 1 + TransactWriteItems 22", func() { w.must(chat.FriendRequested, carol, w.alice) }},
		{"decline", "BatchGetItem 5 + TransactWriteItems 16", func() { w.must(chat.FriendDeclined, w.alice, carol) }},
		{"friends", "Query 1", func() { _, _, _ = w.Friends(t.Context(), 1, 0, 50) }},
		{"requests", "Query 1 + Query 1", func() { _, _, _ = w.FriendRequests(t.Context(), w.alice) }},
	} {
		w.units.Reset()
		c.call()
		if got := w.units.String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
}
