package chat_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tidings/internal/chat"
)

func TestRegister(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		w := newWorld(t)
		u, s := w.mustRegister("Alice")
		if u.ID != 1 || u.DisplayName != "Alice" || !u.Created.Equal(w.Now()) {
			t.Errorf("user %+v", u)
		}
		if s.User != 1 || len(s.ID) < 20 || !s.Expires.Equal(w.Now().Add(chat.SessionLifetime).Truncate(time.Second)) {
			t.Errorf("session %+v", s)
		}
		if got, err := w.accounts.Session(t.Context(), s); err != nil || got.ID != s.ID {
			t.Errorf("logged in: %+v, %v", got, err)
		}
	})
	t.Run("ErrInvalid", func(t *testing.T) {
		w := newWorld(t)
		_, _, err := w.accounts.Register(t.Context(), chat.Registration{Username: "al", Password: "password"})
		mustInvalid(t, err, "username", "username_shape")
		if us, err := w.Users(t.Context(), 1); err != nil || len(us) != 0 {
			t.Errorf("%+v, %v", us, err)
		}
	})
	t.Run("ErrUsernameTaken", func(t *testing.T) {
		w := newWorld(t)
		w.mustRegister("alice")
		_, s, err := w.accounts.Register(t.Context(), chat.Registration{Username: "ALICE", Password: "another one"})
		if !errors.Is(err, chat.ErrUsernameTaken) || s.ID != "" {
			t.Errorf("%+v, %v", s, err)
		}
		if _, _, err := w.accounts.Login(t.Context(), "alice", "another one"); !errors.Is(err, chat.ErrBadCredentials) {
			t.Errorf("the refused password: %v", err)
		}
	})
	t.Run("ErrHash", func(t *testing.T) {
		w := newWorld(t)
		_, _, err := w.accounts.Register(t.Context(), chat.Registration{Username: "alice", Password: "unhashable"})
		mustFailInside(t, err)
	})
}

// workedHasher is a hasher that counts how often it was made to work.
type workedHasher struct {
	plain
	verified int
}

func (h *workedHasher) Verify(hash, password string) bool {
	h.verified++
	return h.plain.Verify(hash, password)
}

func TestLogin(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		w := newWorld(t)
		_, first := w.mustRegister("Alice")
		u, s, err := w.accounts.Login(t.Context(), "aLICE", "password")
		if err != nil || u.ID != 1 || u.Username != "Alice" || s.User != 1 || s.ID == first.ID {
			t.Errorf("%+v, %+v, %v", u, s, err)
		}
		if !slices.Equal(w.attempts.begun, []string{"alice"}) || !slices.Equal(w.attempts.succeeded, []string{"alice"}) {
			t.Errorf("attempts %+v", w.attempts)
		}
		for _, id := range []string{first.ID, s.ID} { // two devices
			if _, err := w.accounts.Session(t.Context(), chat.Session{ID: id, User: 1}); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("WithoutCountingAttempts", func(t *testing.T) {
		w := newWorld(t)
		w.mustRegister("alice")
		w.accounts.Attempts = nil
		if _, _, err := w.accounts.Login(t.Context(), "alice", "password"); err != nil {
			t.Error(err)
		}
	})
	// An unknown name must take as long as a wrong password: its empty hash is looked at.
	t.Run("UnknownNameTakesAsLong", func(t *testing.T) {
		w := newWorld(t)
		h := &workedHasher{}
		w.accounts.Hasher = h
		if _, _, err := w.accounts.Login(t.Context(), "nobody", "password"); !errors.Is(err, chat.ErrBadCredentials) || h.verified != 1 {
			t.Errorf("%d hashes verified, %v", h.verified, err)
		}
	})
	t.Run("ErrTooManyAttempts", func(t *testing.T) {
		w := newWorld(t)
		w.mustRegister("alice")
		w.attempts.refuse = chat.TooManyAttempts(time.Minute)
		_, s, err := w.accounts.Login(t.Context(), "alice", "password") // even the right one
		var e *chat.Error
		if !errors.As(err, &e) || e.Code != "too_many_attempts" || e.RetryAfter != time.Minute || s.ID != "" {
			t.Errorf("%+v, %v", s, err)
		}
	})
	t.Run("ErrForgetAttempts", func(t *testing.T) {
		w := newWorld(t)
		w.mustRegister("alice")
		w.attempts.fail = errDown
		_, _, err := w.accounts.Login(t.Context(), "alice", "password")
		mustFailInside(t, err)
	})
}

func TestLoginBadCredentials(t *testing.T) {
	// A wrong password and an unknown name look alike, and both count.
	for name, c := range map[string]struct{ username, password string }{
		"ErrWrongPassword": {"alice", "passwort"},
		"ErrEmptyPassword": {"alice", ""},
		"ErrUnknownUser":   {"bobby", "password"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.mustRegister("alice")
			u, s, err := w.accounts.Login(t.Context(), c.username, c.password)
			if !errors.Is(err, chat.ErrBadCredentials) || u.ID != 0 || s.ID != "" {
				t.Errorf("%+v, %+v, %v", u, s, err)
			}
			if !slices.Equal(w.attempts.begun, []string{c.username}) || len(w.attempts.succeeded) != 0 {
				t.Errorf("attempts %+v", w.attempts)
			}
		})
	}
	// What can't be an account is refused alike, but is not worth an item that counts.
	for name, c := range map[string]struct{ username, password string }{
		"ErrNameEmpty":       {"", "password"},
		"ErrNameTooShort":    {"al", "password"},
		"ErrNameTooLong":     {strings.Repeat("a", chat.MaxUsername+1), "password"},
		"ErrNameShape":       {"al ice#", "password"},
		"ErrNameNotUTF8":     {"alice\xff", "password"},
		"ErrPasswordTooLong": {"alice", strings.Repeat("é", chat.MaxPassword+1)},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.mustRegister("alice")
			if _, _, err := w.accounts.Login(t.Context(), c.username, c.password); !errors.Is(err, chat.ErrBadCredentials) {
				t.Errorf("err %v", err)
			}
			if len(w.attempts.begun) != 0 {
				t.Errorf("attempts %+v", w.attempts)
			}
		})
	}
}

func TestLogout(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		w := newWorld(t)
		_, s := w.mustRegister("alice")
		if err := w.accounts.Logout(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if _, err := w.accounts.Session(t.Context(), s); !errors.Is(err, chat.ErrSessionEnded) {
			t.Errorf("the session goes on: %v", err)
		}
		if es := w.bus.Entries(); len(es) != 1 || es[0].Kind != chat.KindSessionRevoked || es[0].Log != "u:1" {
			t.Errorf("published %+v", es)
		}
		if err := w.accounts.Logout(t.Context(), s); err != nil || len(w.bus.Entries()) != 1 {
			t.Errorf("twice: %v, %d entries published", err, len(w.bus.Entries()))
		}
	})
	t.Run("PublishFails", func(t *testing.T) {
		w := newWorld(t)
		_, s := w.mustRegister("alice")
		w.bus.down = true
		if err := w.accounts.Logout(t.Context(), s); err != nil {
			t.Errorf("err %v", err)
		}
		w.mustHaveLogged("publish entry")
	})
}

// mustHaveLogged checks that something was logged, once.
func (w *world) mustHaveLogged(what string) {
	w.Helper()
	if got := w.log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, what) || !strings.Contains(got, errDown.Error()) {
		w.Errorf("logged %q", got)
	}
}

func TestSession(t *testing.T) {
	w := newWorld(t)
	_, s := w.mustRegister("alice")
	w.mustRegister("bob")
	for user, id := range map[chat.UserID]string{1: "x", 2: s.ID, 3: s.ID} {
		if _, err := w.accounts.Session(t.Context(), chat.Session{ID: id, User: user}); !errors.Is(err, chat.ErrSessionEnded) {
			t.Errorf("session %s of user %d: %v", id, user, err)
		}
	}
	w.Advance(s.Expires.Sub(w.Now()) - time.Millisecond)
	if _, err := w.accounts.Session(t.Context(), s); err != nil {
		t.Errorf("in the last moment: %v", err)
	}
	w.Advance(time.Millisecond)
	if _, err := w.accounts.Session(t.Context(), s); !errors.Is(err, chat.ErrSessionEnded) {
		t.Errorf("expired: %v", err)
	}
}

// A session of another system holds without having been kept, until its log-out.
func TestSessionForeign(t *testing.T) {
	w := newWorld(t)
	w.MustUser("alice")
	issue := func() chat.Session {
		return chat.Session{ID: "f", User: 1, Created: w.Now(), Expires: w.Now().Add(time.Hour), Foreign: true}
	}
	s := issue()
	if got, err := w.accounts.Session(t.Context(), s); err != nil || got != s {
		t.Errorf("%+v, %v", got, err)
	}
	for range 2 { // twice is no error
		if err := w.accounts.Logout(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if es := w.bus.Entries(); len(es) != 1 || es[0].Kind != chat.KindSessionRevoked {
		t.Errorf("published %+v", es)
	}
	if _, err := w.accounts.Session(t.Context(), s); !errors.Is(err, chat.ErrSessionEnded) {
		t.Errorf("logged out: %v", err)
	}
	w.Advance(time.Second)
	next := issue()
	if _, err := w.accounts.Session(t.Context(), next); err != nil {
		t.Errorf("logged in again: %v", err)
	}
	w.Advance(time.Hour)
	if _, err := w.accounts.Session(t.Context(), next); !errors.Is(err, chat.ErrSessionEnded) {
		t.Errorf("expired: %v", err)
	}
}

func TestUser(t *testing.T) {
	w := newWorld(t)
	alice := w.MustUser("alice")
	if u, err := w.accounts.User(t.Context(), 1); err != nil || u != alice {
		t.Errorf("%+v, %v", u, err)
	}
	if _, err := w.accounts.User(t.Context(), 2); !errors.Is(err, chat.ErrUserNotFound) {
		t.Errorf("unknown: %v", err)
	}
}

func TestSearch(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"alice", "Albert", "bob"} {
		w.MustUser(name)
	}
	t.Run("OK", func(t *testing.T) {
		us, err := w.accounts.Search(t.Context(), "AL")
		if err != nil || len(us) != 2 || us[0].Username != "Albert" {
			t.Errorf("%+v, %v", us, err)
		}
	})
	t.Run("NobodyHasSuchAName", func(t *testing.T) {
		for _, prefix := range []string{"#", "a b", ".a", "\xff", "é"} {
			if us, err := w.accounts.Search(t.Context(), prefix); err != nil || len(us) != 0 {
				t.Errorf("%q: %+v, %v", prefix, us, err)
			}
		}
	})
	t.Run("ErrInvalid", func(t *testing.T) {
		for _, prefix := range []string{"", strings.Repeat("a", chat.MaxUsername+1)} {
			_, err := w.accounts.Search(t.Context(), prefix)
			mustInvalid(t, err, "query", "query_length")
		}
	})
}

// A store that fails is an internal error of each call, and never bad credentials.
func TestAccountsStoreFails(t *testing.T) {
	w := newWorld(t)
	w.mustRegister("alice")
	w.accounts.Users, w.accounts.Sessions = brokenStores{}, brokenStores{}
	for name, call := range map[string]func() error{
		"Register": func() error {
			_, _, err := w.accounts.Register(t.Context(), chat.Registration{Username: "bob", Password: "password"})
			return err
		},
		"Login":   func() error { _, _, err := w.accounts.Login(t.Context(), "alice", "password"); return err },
		"Logout":  func() error { return w.accounts.Logout(t.Context(), chat.Session{ID: "s", User: 1}) },
		"Session": func() error { _, err := w.accounts.Session(t.Context(), chat.Session{ID: "s", User: 1}); return err },
		"User":    func() error { _, err := w.accounts.User(t.Context(), 1); return err },
		"Search":  func() error { _, err := w.accounts.Search(t.Context(), "al"); return err },
		"LoginWithoutSessions": func() error {
			accounts := *w.accounts
			accounts.Users = w.Stores
			_, _, err := accounts.Login(t.Context(), "alice", "password")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) { mustFailInside(t, call()) })
	}
}
