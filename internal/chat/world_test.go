package chat_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tidings/internal/chat"
	"tidings/internal/chattest"
)

// world is the services on a store in memory, with a clock that stands still.
type world struct {
	*chattest.World
	accounts      *chat.Accounts
	conversations *chat.Conversations
	messages      *chat.Messages
	attempts      *attempts
	bus           *bus
	log           *bytes.Buffer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	clock := chattest.NewClock()
	m := chattest.NewMemory(clock.Now)
	w := &world{
		World:    &chattest.World{T: t, Stores: m, Clock: clock},
		attempts: &attempts{}, bus: &bus{}, log: &bytes.Buffer{},
	}
	log := slog.New(slog.NewTextHandler(w.log, nil))
	w.accounts = &chat.Accounts{
		Users: m, Sessions: m, Attempts: w.attempts, Hasher: plain{}, Bus: w.bus, Now: clock.Now, Log: log,
	}
	w.conversations = &chat.Conversations{Store: m, Users: m, Bus: w.bus, Log: log}
	w.messages = &chat.Messages{Store: m, Views: m, Users: m, Bus: w.bus, Log: log}
	return w
}

// mustRegister makes an account through the service; its password is "password".
func (w *world) mustRegister(name string) (chat.User, chat.Session) {
	w.Helper()
	u, s, err := w.accounts.Register(w.Context(), chat.Registration{Username: name, Password: "password"})
	if err != nil {
		w.Fatal(err)
	}
	return u, s
}

// mustPair makes alice and bob and their conversation 1-2.
func (w *world) mustPair() {
	w.Helper()
	w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
}

// errDown is a part that fails.
var errDown = errors.New("down")

// mustFailInside checks that a call failed in a way that tells a client nothing.
func mustFailInside(t *testing.T, err error) {
	t.Helper()
	var told *chat.Error
	if !errors.Is(err, errDown) || errors.As(err, &told) {
		t.Errorf("err %v, want an internal one", err)
	}
}

// mustInvalid checks that a call was refused because of one field.
func mustInvalid(t *testing.T, err error, path, code string) {
	t.Helper()
	var e *chat.Error
	if !errors.As(err, &e) || e.Kind != chat.KindInvalid || len(e.Fields) != 1 || e.Fields[0].Path != path || e.Fields[0].Code != code {
		t.Errorf("err %v, want %s: %s", err, path, code)
	}
}

// plain keeps passwords as they are, but for one that it can't hash.
type plain struct{}

func (plain) Hash(password string) (string, error) {
	if password == "unhashable" {
		return "", errDown
	}
	return "plain:" + password, nil
}

func (plain) Verify(hash, password string) bool {
	kept, ok := strings.CutPrefix(hash, "plain:")
	return ok && kept == password
}

// attempts is a chat.LoginAttempts that lets pass and counts, until it is told
// otherwise.
type attempts struct {
	begun, succeeded []string
	refuse, fail     error // of BeginLogin, of LoginSucceeded
}

func (a *attempts) BeginLogin(_ context.Context, folded string, _ time.Time) error {
	a.begun = append(a.begun, folded)
	return a.refuse
}

func (a *attempts) LoginSucceeded(_ context.Context, folded string) error {
	a.succeeded = append(a.succeeded, folded)
	return a.fail
}

// bus is a chat.Publisher that can be down.
type bus struct {
	chattest.Published
	down bool
}

func (b *bus) Publish(ctx context.Context, e chat.Entry) error {
	if b.down {
		return errDown
	}
	return b.Published.Publish(ctx, e)
}

func (b *bus) PublishEphemeral(ctx context.Context, e chat.Ephemeral) error {
	if b.down {
		return errDown
	}
	return b.Published.PublishEphemeral(ctx, e)
}
