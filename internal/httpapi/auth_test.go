package httpapi_test

import (
	"strings"
	"testing"
	"time"

	"tidings/internal/chat"
)

const aliceJSON = `{"id":1,"username":"Alice","displayName":"Alice L."}`

func TestRegister(t *testing.T) {
	const body = `{"username":"Alice","password":"correct horse","displayName":" Alice L. "}`
	t.Run("OK", func(t *testing.T) {
		both(t, func(w *world) {
			a := w.post("/api/auth/register", body)
			u := w.mustLogIn(a)
			w.want(a, 201, `{"user":`+aliceJSON+`,"token":"<random>","expires":"2026-02-01T03:04:05.000Z"}`)
			want := "tidings.session=" + u.token + "; Path=/; Max-Age=2591999; HttpOnly; SameSite=Lax" // whole seconds, and not one too many
			if got := a.header.Get("Set-Cookie"); got != want {
				w.Errorf("cookie %q, want %q", got, want)
			}
			for _, session := range []option{as(u), cookie(u)} {
				w.want(w.get("/api/auth/session", session), 200, `{"user":`+aliceJSON+`,"expires":"2026-02-01T03:04:05.000Z"}`)
			}
		})
	})
	t.Run("DisplayNameIsUsername", func(t *testing.T) {
		both(t, func(w *world) {
			a := w.post("/api/auth/register", `{"username":"bob","password":"correct horse","displayName":null}`)
			if u := w.mustLogIn(a); u.DisplayName != "bob" {
				w.Errorf("display name %q", u.DisplayName)
			}
		})
	})
	t.Run("ErrUsernameTaken", func(t *testing.T) {
		both(t, func(w *world) {
			w.mustRegister("alice")
			w.refused(w.post("/api/auth/register", body), 409, "username_taken")
		})
	})
	t.Run("ErrInvalid", func(t *testing.T) {
		both(t, func(w *world) {
			w.refused(w.post("/api/auth/register", `{"username":"a","password":"short","displayName":"a\u0007"}`),
				422, "validation_failed", "username username_shape", "password password_length", "displayName control_character")
		})
	})
}

func TestLogin(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		both(t, func(w *world) {
			first := w.mustRegister("alice")
			a := w.post("/api/auth/login", `{"username":"ALICE","password":"correct horse"}`)
			u := w.mustLogIn(a)
			w.want(a, 200, `{"user":{"id":1,"username":"alice","displayName":"alice"},"token":"<random>","expires":"2026-02-01T03:04:05.000Z"}`)
			if u.token == first.token || !strings.Contains(a.header.Get("Set-Cookie"), u.token) {
				w.Error("no session of its own")
			}
		})
	})
	// Nothing tells whether it was the name or the password.
	t.Run("ErrBadCredentials", func(t *testing.T) {
		both(t, func(w *world) {
			w.mustRegister("alice")
			wrong := w.post("/api/auth/login", `{"username":"alice","password":"wrong horse"}`)
			w.refused(wrong, 401, "bad_credentials")
			for _, body := range []string{
				`{"username":"nobody","password":"correct horse"}`, `{"username":"","password":""}`,
				`{"username":"alice","password":"` + strings.Repeat("x", chat.MaxPassword+1) + `"}`,
			} {
				if other := w.post("/api/auth/login", body); other.status != 401 || other.body != wrong.body {
					w.Errorf("%s: %d %s", body, other.status, other.body)
				}
			}
		})
	})
	t.Run("ErrTooManyAttempts", func(t *testing.T) {
		both(t, func(w *world) {
			w.api.Accounts.Attempts = slow{1500 * time.Millisecond}
			a := w.post("/api/auth/login", `{"username":"alice","password":"correct horse"}`)
			w.refused(a, 429, "too_many_attempts")
			if got := a.header.Get("Retry-After"); got != "2" {
				w.Errorf("Retry-After %q, want whole seconds, rounded up", got)
			}
		})
	})
}

func TestLogout(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		both(t, func(w *world) {
			u := w.mustRegister("alice")
			a := w.post("/api/auth/logout", "", cookie(u))
			w.want(a, 204, "")
			const cleared = "tidings.session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
			if got := a.header.Get("Set-Cookie"); got != cleared {
				w.Errorf("cookie %q", got)
			}
			if e := w.bus.Entries(); len(e) != 1 || e[0].Kind != chat.KindSessionRevoked {
				w.Errorf("published %+v", e)
			}
			// The token is still a good one, but the session is gone.
			again := w.get("/api/auth/session", cookie(u))
			w.refused(again, 401, "session_ended")
			if got := again.header.Get("Set-Cookie"); got != cleared {
				w.Errorf("cookie %q", got)
			}
			w.refused(w.post("/api/auth/logout", "", cookie(u)), 401, "session_ended")
		})
	})
	// A program that logs out its own Bearer session leaves the browser's alone.
	t.Run("BearerKeepsCookie", func(t *testing.T) {
		both(t, func(w *world) {
			alice, bob := w.mustRegister("alice"), w.mustRegister("bob")
			a := w.post("/api/auth/logout", "{}", as(alice), cookie(bob))
			w.want(a, 204, "")
			ended := w.get("/api/auth/session", as(alice), cookie(bob))
			w.refused(ended, 401, "session_ended")
			if a.header.Get("Set-Cookie") != "" || ended.header.Get("Set-Cookie") != "" {
				w.Error("the other session's cookie was cleared")
			}
			if got := w.get("/api/auth/session", cookie(bob)); got.status != 200 {
				w.Errorf("the other session: %d", got.status)
			}
		})
	})
	t.Run("OtherSessionsStay", func(t *testing.T) {
		both(t, func(w *world) {
			first := w.mustRegister("alice")
			second := w.mustLogIn(w.post("/api/auth/login", `{"username":"alice","password":"correct horse"}`))
			w.want(w.post("/api/auth/logout", "", as(first)), 204, "")
			if a := w.get("/api/auth/session", as(second)); a.status != 200 {
				w.Errorf("status %d", a.status)
			}
		})
	})
}

func TestSession(t *testing.T) {
	t.Run("ErrUnauthenticated", func(t *testing.T) {
		both(t, func(w *world) { w.refused(w.get("/api/auth/session"), 401, "unauthenticated") })
	})
	t.Run("ErrSessionEnded", func(t *testing.T) {
		both(t, func(w *world) {
			u := w.mustRegister("alice")
			w.advance(chat.SessionLifetime)
			a := w.get("/api/auth/session", cookie(u))
			w.refused(a, 401, "session_ended")
			if !strings.Contains(a.header.Get("Set-Cookie"), "Max-Age=0") {
				w.Error("the cookie stays")
			}
		})
	})
}
