package chattest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"tidings/internal/chat"
)

// Clock stands still until a test moves it.
type Clock struct{ ms atomic.Int64 }

// NewClock starts in the middle of a second, so that whoever cuts times shows it.
func NewClock() *Clock {
	c := &Clock{}
	c.ms.Store(time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC).UnixMilli())
	return c
}

// Now is the clock's time.
func (c *Clock) Now() time.Time { return time.UnixMilli(c.ms.Load()) }

// Advance moves the clock by whole milliseconds.
func (c *Clock) Advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

// Stores is all that chat's services keep, and what streamers read of it besides.
// Memory and dynamo.Store implement it.
type Stores interface {
	chat.UserStore
	chat.IdentityStore
	chat.SessionStore
	chat.ConversationStore
	chat.MessageStore
	chat.EmissionStore
	chat.InstanceStore
	chat.DeliveryStore
	StreamReads
}

// StreamReads are the reads that streams alone need. They are strong.
type StreamReads interface {
	// Memberships reads all of a user's memberships, tombstones too.
	Memberships(ctx context.Context, user chat.UserID) ([]chat.Membership, error)
	// Membership reads one: without intervals if there is none.
	Membership(ctx context.Context, user chat.UserID, log chat.LogID) (chat.Membership, error)
	// Position is the position just before the oldest entry in (after, to] whose ts is
	// later than the given one, to if there is none. Entries that are gone count as
	// older.
	Position(ctx context.Context, log chat.LogID, ts, after, to int64) (int64, error)
	// SessionsHold says of at most 100 sessions, in their order, whether Session would
	// read them.
	SessionsHold(ctx context.Context, ss []chat.Session) ([]bool, error)
}

// World is a store under test with its clock. Its Must methods end the test where
// they fail, so they are for the test's own goroutine.
type World struct {
	*testing.T
	Stores
	*Clock
}

// MustUser makes an account; its display name is the username.
func (w *World) MustUser(name string) chat.UserRef {
	w.Helper()
	u, err := w.CreateUser(w.Context(), chat.User{
		UserRef: chat.UserRef{Username: name, DisplayName: name}, PasswordHash: "hash of " + name, Created: w.Now(),
	})
	if err != nil {
		w.Fatal(err)
	}
	return u.UserRef
}

// MustConversation makes a conversation of two users and gives its log.
func (w *World) MustConversation(a, b chat.UserRef) chat.LogID {
	w.Helper()
	ans, err := w.CreateConversation(w.Context(), a.ID, []chat.UserRef{a, b}, Fresh())
	if err != nil {
		w.Fatal(err)
	}
	return ans.Entry.Log
}

// MustSend appends a message.
func (w *World) MustSend(log chat.LogID, by chat.UserID, content string) chat.Entry {
	w.Helper()
	a, err := w.AppendMessage(w.Context(), chat.Draft{Log: log, By: by, Content: content}, Fresh())
	if err != nil {
		w.Fatal(err)
	}
	return a.Entry
}

// MustView reads a log as the user sees it.
func (w *World) MustView(user chat.UserID, log chat.LogID) chat.LogView {
	w.Helper()
	v, err := w.View(w.Context(), user, log)
	if err != nil {
		w.Fatal(err)
	}
	return v
}

// MustMessages reads all messages of a log that has at most a page of them.
func (w *World) MustMessages(user chat.UserID, log chat.LogID) []chat.Message {
	w.Helper()
	p, err := w.Messages(w.Context(), user, log, chat.Page{Limit: chat.MaxPageSize})
	if err != nil {
		w.Fatal(err)
	}
	if p.Older {
		w.Fatalf("%s has more than a page of messages", log)
	}
	return p.Messages
}

var keys atomic.Int64

// Fresh is the key that a request without one gets.
func Fresh() chat.Idempotency {
	return chat.Idempotency{Key: fmt.Sprintf("fresh-%d", keys.Add(1)), Hash: "h"}
}

// Given is a client's key.
func Given(key, hash string) chat.Idempotency {
	return chat.Idempotency{Key: key, Hash: hash, Given: true}
}
