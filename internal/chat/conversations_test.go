package chat_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings/internal/chat"
	"tidings/internal/chattest"
)

func TestOpen(t *testing.T) {
	// Opened by one, then by the other: one conversation, told once.
	t.Run("OK", func(t *testing.T) {
		w := newWorld(t)
		alice, bob := w.MustUser("alice"), w.MustUser("bob")
		c, status, err := w.conversations.Open(t.Context(), 2, 1, chattest.Fresh())
		want := chat.Conversation{
			ID: "1-2", Seq: 1, Members: []chat.UserRef{alice, bob}, UpdatedAt: chat.Millis(w.Now().UnixMilli()),
			ConversationView: &chat.ConversationView{MemberSeq: 1},
		}
		if diff := cmp.Diff(want, c); err != nil || status != 201 || diff != "" {
			t.Errorf("status %d, %v (-want +got)\n%s", status, err, diff)
		}
		w.MustSend("c:1-2", 2, "hello")
		c, status, err = w.conversations.Open(t.Context(), 1, 2, chattest.Fresh())
		if err != nil || status != 200 || c.ID != "1-2" || c.Seq != 2 || c.UnreadCount != 1 {
			t.Errorf("from the other side: %+v, %d, %v", c, status, err)
		}
		if es := w.bus.Entries(); len(es) != 1 || es[0].Kind != chat.KindCreated || len(es[0].Shards) != 2 {
			t.Errorf("published %+v", es)
		}
	})
	t.Run("Idempotent", func(t *testing.T) {
		w := newWorld(t)
		w.MustUser("alice")
		w.MustUser("bob")
		open := func() (chat.Conversation, int, error) {
			return w.conversations.Open(t.Context(), 1, 2, chattest.Given("k", "h"))
		}
		first, _, err := open()
		if err != nil {
			t.Fatal(err)
		}
		w.MustSend("c:1-2", 2, "what happens in between changes no answer")
		w.Advance(time.Minute)
		again, status, err := open()
		if diff := cmp.Diff(first, again); err != nil || status != 201 || diff != "" {
			t.Errorf("status %d, %v (-first +again)\n%s", status, err, diff)
		}
		if n := len(w.bus.Entries()); n != 1 {
			t.Errorf("%d entries published", n)
		}
		if _, _, err := w.conversations.Open(t.Context(), 1, 2, chattest.Given("k", "other")); !errors.Is(err, chat.ErrIdempotencyMismatch) {
			t.Errorf("another request: %v", err)
		}
	})
	t.Run("ErrNotYourself", func(t *testing.T) {
		w := newWorld(t)
		w.MustUser("alice")
		_, _, err := w.conversations.Open(t.Context(), 1, 1, chattest.Fresh())
		mustInvalid(t, err, "userId", "not_yourself")
	})
	t.Run("ErrInvalidUser", func(t *testing.T) {
		w := newWorld(t)
		w.MustUser("alice")
		for _, other := range []chat.UserID{0, -1, chat.MaxUserID + 1} {
			_, _, err := w.conversations.Open(t.Context(), 1, other, chattest.Fresh())
			mustInvalid(t, err, "userId", "user_id")
		}
	})
	t.Run("ErrUserNotFound", func(t *testing.T) {
		w := newWorld(t)
		w.MustUser("alice")
		for _, other := range []chat.UserID{2, chat.MaxUserID} {
			if _, _, err := w.conversations.Open(t.Context(), 1, other, chattest.Fresh()); !errors.Is(err, chat.ErrUserNotFound) {
				t.Errorf("user %d: %v", other, err)
			}
		}
	})
	t.Run("PublishFails", func(t *testing.T) {
		w := newWorld(t)
		w.MustUser("alice")
		w.MustUser("bob")
		w.bus.down = true
		if _, status, err := w.conversations.Open(t.Context(), 1, 2, chattest.Fresh()); err != nil || status != 201 {
			t.Errorf("%d, %v", status, err)
		}
		w.mustHaveLogged("publish entry")
	})
}

func TestListConversations(t *testing.T) {
	w := newWorld(t)
	alice, bob, carol, dave := w.MustUser("alice"), w.MustUser("bob"), w.MustUser("carol"), w.MustUser("dave")
	for _, other := range []chat.UserRef{dave, carol, bob} { // all in one instant
		w.MustConversation(alice, other)
	}
	order := func(want ...string) {
		t.Helper()
		cs, err := w.conversations.List(t.Context(), 1)
		var got []string
		for _, c := range cs {
			got = append(got, c.ID)
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v (-want +got)\n%s", err, diff)
		}
	}
	order("1-2", "1-3", "1-4")
	w.Advance(time.Second)
	w.MustSend("c:1-3", 3, "hello")
	order("1-3", "1-2", "1-4")
	erin := w.MustUser("erin")
	if cs, err := w.conversations.List(t.Context(), erin.ID); err != nil || cs == nil || len(cs) != 0 {
		t.Errorf("of who has none: %#v, %v", cs, err)
	}
}

func TestGetConversation(t *testing.T) {
	w := newWorld(t)
	w.mustPair()
	w.MustUser("carol")
	w.MustSend("c:1-2", 1, "one")
	w.MustSend("c:1-2", 1, "two")
	t.Run("OK", func(t *testing.T) {
		c, err := w.conversations.Get(t.Context(), 2, "1-2")
		if err != nil || c.Seq != 3 || c.MessageCount != 2 || c.UnreadCount != 2 || c.ReadCount != 0 || c.LastMessage.Preview != "two" {
			t.Errorf("%+v, %v", c, err)
		}
	})
	t.Run("ErrConversationNotFound", func(t *testing.T) {
		for _, c := range notTheirs {
			if _, err := w.conversations.Get(t.Context(), c.user, c.id); !errors.Is(err, chat.ErrConversationNotFound) {
				t.Errorf("%q for user %d: %v", c.id, c.user, err)
			}
		}
	})
}

// notTheirs are ids that users must not find anything at, whether or not there is
// something: others' conversations, their own that nobody has made, and no ids.
var notTheirs = []struct {
	user chat.UserID
	id   string
}{{3, "1-2"}, {1, "1-3"}, {1, "2-1"}, {1, "1-1"}, {1, "01-2"}, {1, ""}, {1, "c:1-2"}, {1, "1-2-3"}}

func TestConversationsStoreFails(t *testing.T) {
	w := newWorld(t)
	w.mustPair()
	users := w.conversations.Users
	for name, call := range map[string]func(c *chat.Conversations) error{
		"Open": func(c *chat.Conversations) error {
			_, _, err := c.Open(t.Context(), 1, 2, chattest.Fresh())
			return err
		},
		"OpenWithoutUsers": func(c *chat.Conversations) error {
			c.Users = brokenStores{}
			_, _, err := c.Open(t.Context(), 1, 2, chattest.Fresh())
			return err
		},
		"List": func(c *chat.Conversations) error { _, err := c.List(t.Context(), 1); return err },
		"Get":  func(c *chat.Conversations) error { _, err := c.Get(t.Context(), 1, "1-2"); return err },
	} {
		t.Run(name, func(t *testing.T) {
			mustFailInside(t, call(&chat.Conversations{Store: brokenStores{}, Users: users, Bus: w.bus, Log: w.conversations.Log}))
		})
	}
}
