package httpapi_test

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"tidings/internal/chat"
	"tidings/internal/session"
)

// nextAuthSecret is that of the vectors that the real packages made, at the time at
// which a world begins.
const nextAuthSecret = "a secret of the tests, of no use elsewhere"

// acceptNextAuth configures the API for the app's sessions.
func (w *world) acceptNextAuth(numeric bool) {
	w.Helper()
	users := &chat.Identities{Store: w.store, Users: w.store, Now: w.clock, Numeric: numeric}
	n, err := session.NewNextAuth(users, nextAuthSecret)
	if err != nil {
		w.Fatal(err)
	}
	w.api.Authenticator.NextAuth = n
}

// vector is the Cookie header of a session that one of the packages made.
func vector(t *testing.T, name string) option {
	t.Helper()
	b, err := os.ReadFile("../session/testdata/vectors/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		Name    string
		Cookies []struct{ Name, Value string }
	}
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		if v.Name == name {
			return func(r *http.Request) {
				for _, c := range v.Cookies {
					r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
				}
			}
		}
	}
	t.Fatalf("no vector %s", name)
	return nil
}

func TestNextAuth(t *testing.T) {
	const annJSON = `{"id":1,"username":"ann.lee","displayName":"Ann Lee"}`
	t.Run("OK", func(t *testing.T) {
		for _, name := range []string{"v4 default", "v4 secure chunked", "v5 secure", "v5 chunked"} {
			t.Run(name, func(t *testing.T) {
				both(t, func(w *world) {
					w.acceptNextAuth(false)
					ann := vector(w.T, name)
					w.want(w.get("/api/auth/session", ann), 200, `{"user":`+annJSON+`,"expires":"2105-12-14T03:04:20.000Z"}`)
					bob := w.mustRegister("bob")
					if a := w.post("/api/conversations", `{"userId":2}`, ann); a.status != 201 {
						w.Errorf("%d %s", a.status, a.body)
					}
					w.mustSay(bob, "hello")
					w.want(w.get("/api/users?query=ann", as(bob)), 200, `{"users":[`+annJSON+`]}`)
				})
			})
		}
	})
	t.Run("NumericSub", func(t *testing.T) {
		both(t, func(w *world) {
			w.acceptNextAuth(true)
			w.want(w.get("/api/auth/session", vector(w.T, "v5 numeric sub as a number")), 200,
				`{"user":{"id":17,"username":"ann.lee","displayName":"Ann Lee"},"expires":"2105-12-14T03:04:20.000Z"}`)
			w.refused(w.get("/api/auth/session", vector(w.T, "v5 default")), 401, "unauthenticated")
		})
	})
	t.Run("ErrUnauthenticated", func(t *testing.T) {
		both(t, func(w *world) {
			w.refused(w.get("/api/auth/session", vector(w.T, "v4 default")), 401, "unauthenticated") // not configured
			w.acceptNextAuth(false)
			w.refused(w.get("/api/auth/session", vector(w.T, "v4 older secret")), 401, "unauthenticated")
			w.refused(w.get("/api/auth/session", vector(w.T, "v5 older secret")), 401, "unauthenticated")
		})
	})
	t.Run("ErrSessionEnded", func(t *testing.T) {
		both(t, func(w *world) {
			w.acceptNextAuth(false)
			w.refused(w.get("/api/auth/session", vector(w.T, "v4 expired")), 401, "session_ended")
			w.refused(w.get("/api/auth/session", vector(w.T, "v5 expired")), 401, "session_ended")
		})
	})
	// A cookie is a cookie: no other site writes with it.
	t.Run("ErrCrossOrigin", func(t *testing.T) {
		both(t, func(w *world) {
			w.acceptNextAuth(false)
			w.refused(w.post("/api/auth/logout", "", vector(w.T, "v5 default"), with("Origin", "https://evil.example")), 403, "cross_origin")
		})
	})
}

// The app's session ends with a log-out here, whichever of its tokens is shown.
func TestNextAuthLogout(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		both(t, func(w *world) {
			w.acceptNextAuth(false)
			bob := w.mustRegister("bob")
			a := w.post("/api/auth/logout", "", vector(w.T, "v5 chunked"), with("X-Request-Id", "id"))
			w.want(a, 204, "")
			var cleared []string
			for _, c := range a.header.Values("Set-Cookie") {
				name, rest, _ := strings.Cut(c, "=")
				if !strings.HasPrefix(rest, "; Path=/; Max-Age=0; HttpOnly") {
					w.Errorf("cookie %q", c)
				}
				cleared = append(cleared, name)
			}
			if got := strings.Join(cleared, " "); got != "tidings.session authjs.session-token.0 authjs.session-token.1" {
				w.Errorf("cleared %s", got)
			}
			if e := w.bus.Entries(); len(e) != 1 || e[0].Kind != chat.KindSessionRevoked || e[0].Log != "u:2" {
				w.Errorf("published %+v", e)
			}
			for _, name := range []string{"v5 chunked", "v5 refreshed", "v4 default"} {
				w.refused(w.get("/api/auth/session", vector(w.T, name)), 401, "session_ended")
			}
			if a := w.get("/api/auth/session", as(bob)); a.status != 200 {
				w.Errorf("another user: %d", a.status)
			}
		})
	})
	// An app that names its log-ins ends them one by one.
	t.Run("OtherLogInsStay", func(t *testing.T) {
		both(t, func(w *world) {
			w.acceptNextAuth(false)
			w.want(w.post("/api/auth/logout", "", vector(w.T, "v5 sid")), 204, "")
			w.refused(w.get("/api/auth/session", vector(w.T, "v5 sid")), 401, "session_ended")
			w.refused(w.get("/api/auth/session", vector(w.T, "v4 sid")), 401, "session_ended")
			if a := w.get("/api/auth/session", vector(w.T, "v5 default")); a.status != 200 {
				w.Errorf("status %d", a.status)
			}
		})
	})
	// Who logs out is not logged in by the other cookie right after.
	t.Run("OwnSessionBeside", func(t *testing.T) {
		both(t, func(w *world) {
			w.acceptNextAuth(false)
			bob := w.mustRegister("bob")
			a := w.post("/api/auth/logout", "", cookie(bob), vector(w.T, "v4 default"))
			w.want(a, 204, "")
			if got := a.header.Values("Set-Cookie"); len(got) != 2 {
				w.Errorf("cookies %q", got)
			}
		})
	})
}
