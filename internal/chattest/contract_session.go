package chattest

import (
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings/internal/chat"
)

// mustSession logs the user in for an hour.
func (w *World) mustSession(user chat.UserID, id string) chat.Session {
	w.Helper()
	s := chat.Session{ID: id, User: user, Created: w.Now(), Expires: w.Now().Add(time.Hour)}
	if err := w.CreateSession(w.Context(), s); err != nil {
		w.Fatal(err)
	}
	return s
}

func (c Contract) session(t *testing.T) {
	// A store may cut the expiry to its second.
	c.test(t, "OK", func(w *World) {
		s := w.mustSession(w.MustUser("alice").ID, "s1")
		got, err := w.Session(w.Context(), chat.Session{ID: "s1", User: s.User})
		if cut := s.Expires.Sub(got.Expires); cut < 0 || cut >= time.Second {
			w.Errorf("expires at %v, want %v", got.Expires, s.Expires)
		}
		got.Expires = s.Expires
		if diff := cmp.Diff(s, got); err != nil || diff != "" {
			w.Errorf("%v (-want +got)\n%s", err, diff)
		}
	})
	c.test(t, "ErrSessionEnded", func(w *World) {
		alice, bob := w.MustUser("alice"), w.MustUser("bob")
		w.mustSession(alice.ID, "s1")
		for user, id := range map[chat.UserID]string{alice.ID: "s2", bob.ID: "s1", 99: "s1"} {
			if _, err := w.Session(w.Context(), chat.Session{ID: id, User: user}); !errors.Is(err, chat.ErrSessionEnded) {
				w.Errorf("session %s of user %d: err %v", id, user, err)
			}
		}
	})
}

func (c Contract) endSession(t *testing.T) {
	c.test(t, "OK", func(w *World) {
		w.MustUser("alice")
		bob := w.MustUser("bob")
		s1, s2, other := w.mustSession(bob.ID, "s1"), w.mustSession(bob.ID, "s2"), w.mustSession(1, "s1")
		e1, err1 := w.EndSession(w.Context(), s1)
		want := chat.Entry{
			Log: "u:2", Seq: 1, TS: w.Now().UnixMilli(), Kind: chat.KindSessionRevoked, By: bob.ID,
			Body: json.RawMessage(`{"session":"s1"}`), Shards: chat.Shards{}.With(bob.ID),
		}
		if diff := cmp.Diff(want, e1); err1 != nil || diff != "" {
			w.Errorf("%v (-want +got)\n%s", err1, diff)
		}
		if _, err := w.Session(w.Context(), s1); !errors.Is(err, chat.ErrSessionEnded) {
			w.Errorf("read after the end: %v", err)
		}
		for _, s := range []chat.Session{s2, other} {
			if _, err := w.Session(w.Context(), s); err != nil {
				w.Errorf("session %s of user %d, which goes on: %v", s.ID, s.User, err)
			}
		}
		e2, err := w.EndSession(w.Context(), s2)
		if err != nil {
			w.Error(err)
		}
		mustAscend(w.T, e1, e2)
	})
	c.test(t, "ErrSessionEnded", func(w *World) {
		s := w.mustSession(w.MustUser("alice").ID, "s1")
		w.MustUser("bob")
		first, err := w.EndSession(w.Context(), s)
		if err != nil {
			w.Fatal(err)
		}
		for _, s := range []chat.Session{s, {ID: "s2", User: 1}, {ID: "s1", User: 2}} {
			if _, err := w.EndSession(w.Context(), s); !errors.Is(err, chat.ErrSessionEnded) {
				w.Errorf("session %s of user %d: err %v", s.ID, s.User, err)
			}
		}
		next, err := w.EndSession(w.Context(), w.mustSession(1, "s3"))
		if err != nil {
			w.Error(err)
		}
		mustAscend(w.T, first, next) // the refused ends told nothing
	})
	c.test(t, "AtOnce", func(w *World) {
		s := w.mustSession(w.MustUser("alice").ID, "s1")
		var ended atomic.Int64
		atOnce(func(int) {
			switch e, err := w.EndSession(w.Context(), s); {
			case err == nil:
				ended.Add(1)
				if e.Seq != 1 {
					w.Errorf("told by entry %d", e.Seq)
				}
			case !errors.Is(err, chat.ErrSessionEnded):
				w.Error(err)
			}
		})
		if n := ended.Load(); n != 1 {
			w.Errorf("ended %d times", n)
		}
	})
}

// foreign is a session of the user that another system issued now, for an hour.
func (w *World) foreign(user chat.UserID, id string) chat.Session {
	return chat.Session{ID: id, User: user, Created: w.Now().Truncate(time.Second), Expires: w.Now().Add(time.Hour), Foreign: true}
}

func (c Contract) endSessionForeign(t *testing.T) {
	c.test(t, "NotEnded", func(w *World) {
		s := w.foreign(w.MustUser("alice").ID, "f")
		got, err := w.Session(w.Context(), s)
		if diff := cmp.Diff(s, got); err != nil || diff != "" {
			w.Errorf("%v (-want +got)\n%s", err, diff)
		}
	})
	// A log-out ends all that was issued with its ID so far, and nothing else.
	c.test(t, "OK", func(w *World) {
		w.MustUser("alice")
		bob := w.MustUser("bob").ID
		earlier, own := w.foreign(bob, "f"), w.mustSession(bob, "s1")
		w.Advance(time.Minute)
		s, other, alices := w.foreign(bob, "f"), w.foreign(bob, "g"), w.foreign(1, "f")
		w.Advance(time.Minute)
		e, err := w.EndSession(w.Context(), s)
		body, _ := json.Marshal(chat.SessionRevokedBody{Session: "f", Until: w.Now().UnixMilli()})
		want := chat.Entry{
			Log: "u:2", Seq: 1, TS: w.Now().UnixMilli(), Kind: chat.KindSessionRevoked, By: bob, Body: body, Shards: chat.Shards{}.With(bob),
		}
		if diff := cmp.Diff(want, e); err != nil || diff != "" {
			w.Errorf("%v (-want +got)\n%s", err, diff)
		}
		for _, s := range []chat.Session{earlier, s} {
			if _, err := w.Session(w.Context(), s); !errors.Is(err, chat.ErrSessionEnded) {
				w.Errorf("session of %v: %v", s.Created, err)
			}
		}
		w.Advance(time.Second)
		for _, s := range []chat.Session{own, other, alices, w.foreign(bob, "f")} {
			if _, err := w.Session(w.Context(), s); err != nil {
				w.Errorf("session %s of user %d, which goes on: %v", s.ID, s.User, err)
			}
		}
	})
	// The issuer's clock is ahead of ours: the one that was ended is, all the same.
	c.test(t, "IssuedInTheFuture", func(w *World) {
		s := w.foreign(w.MustUser("alice").ID, "f")
		s.Created = s.Created.Add(10 * time.Second)
		if _, err := w.EndSession(w.Context(), s); err != nil {
			w.Fatal(err)
		}
		if _, err := w.Session(w.Context(), s); !errors.Is(err, chat.ErrSessionEnded) {
			w.Errorf("err %v", err)
		}
	})
	c.test(t, "Again", func(w *World) {
		first := w.foreign(w.MustUser("alice").ID, "f")
		if _, err := w.EndSession(w.Context(), first); err != nil {
			w.Fatal(err)
		}
		w.Advance(time.Minute)
		second := w.foreign(1, "f")
		if _, err := w.EndSession(w.Context(), second); err != nil {
			w.Fatal(err)
		}
		for _, s := range []chat.Session{first, second} {
			if _, err := w.Session(w.Context(), s); !errors.Is(err, chat.ErrSessionEnded) {
				w.Errorf("session of %v: %v", s.Created, err)
			}
		}
	})
	c.test(t, "ErrSessionEnded", func(w *World) {
		s := w.foreign(w.MustUser("alice").ID, "f")
		if _, err := w.EndSession(w.Context(), s); err != nil {
			w.Fatal(err)
		}
		if e, err := w.EndSession(w.Context(), s); !errors.Is(err, chat.ErrSessionEnded) {
			w.Errorf("%+v, %v", e, err)
		}
	})
}
