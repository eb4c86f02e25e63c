package session

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"tidings/internal/chat"
)

func TestFromRequest(t *testing.T) {
	for name, c := range map[string]struct {
		header http.Header
		token  string
		ok     bool
	}{
		"None":           {http.Header{}, "", false},
		"Cookie":         {http.Header{"Cookie": {"a=b; tidings.session=T; c=d"}}, "T", true},
		"FirstCookie":    {http.Header{"Cookie": {"tidings.session=T; tidings.session=U"}}, "T", true},
		"OtherCookie":    {http.Header{"Cookie": {"tidings.session2=T"}}, "", false},
		"Bearer":         {http.Header{"Authorization": {"Bearer T"}}, "T", true},
		"BearerCase":     {http.Header{"Authorization": {"bEARER T"}}, "T", true},
		"BearerWins":     {http.Header{"Authorization": {"Bearer T"}, "Cookie": {"tidings.session=U"}}, "T", true},
		"EmptyBearer":    {http.Header{"Authorization": {"Bearer"}, "Cookie": {"tidings.session=U"}}, "", true},
		"OtherScheme":    {http.Header{"Authorization": {"Basic T"}, "Cookie": {"tidings.session=U"}}, "U", true},
		"TwoBearers":     {http.Header{"Authorization": {"Bearer T", "Bearer U"}}, "T,Bearer U", true},
		"BearerlessWord": {http.Header{"Authorization": {"BearerT"}}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header = c.header
			if token, ok := FromRequest(r); token != c.token || ok != c.ok {
				t.Errorf("%q, %v, want %q, %v", token, ok, c.token, c.ok)
			}
		})
	}
}

func TestSetCookie(t *testing.T) {
	const local = "tidings.session=T; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax"
	const secure = "tidings.session=T; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax"
	for name, c := range map[string]struct {
		host  string
		tls   bool
		proto string
		want  string
	}{
		"Public":            {"example.com", false, "", secure},
		"PublicHTTPS":       {"example.com", true, "https", secure},
		"PublicSaysHTTP":    {"example.com", false, "http", secure},
		"LookAlike":         {"localhost.example.com", false, "", secure},
		"Localhost":         {"localhost:8080", false, "", local},
		"LocalhostNoPort":   {"LOCALHOST", false, "http", local},
		"IPv4":              {"127.0.0.1:8080", false, "", local},
		"IPv6":              {"[::1]:8080", false, "", local},
		"IPv6NoPort":        {"[::1]", false, "", local},
		"LocalhostTLS":      {"localhost:8443", true, "", secure},
		"LocalhostTLSProxy": {"localhost", false, "https", secure},
		"PrivateNetwork":    {"192.168.1.2", false, "", secure},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.Host = c.host
			if c.tls {
				r.TLS = &tls.ConnectionState{}
			}
			if c.proto != "" {
				r.Header.Set("X-Forwarded-Proto", c.proto)
			}
			w := httptest.NewRecorder()
			SetCookie(w, r, "T", start.Add(time.Hour), start)
			if got := w.Header().Get("Set-Cookie"); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestClearCookie(t *testing.T) {
	w := httptest.NewRecorder()
	ClearCookie(w, httptest.NewRequest("GET", "/", nil))
	if got, want := w.Header().Get("Set-Cookie"), "tidings.session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAuthenticate(t *testing.T) {
	now := start
	a := &Authenticator{Tokens: mustTokens(t, keyNew), Now: func() time.Time { return now }}
	s := someSession()
	token := mustSign(t, a.Tokens, s)
	r := httptest.NewRequest("GET", "/", nil)
	t.Run("ErrUnauthenticated", func(t *testing.T) {
		if _, err := a.Authenticate(r); !errors.Is(err, chat.ErrUnauthenticated) {
			t.Errorf("err %v", err)
		}
	})
	r.AddCookie(&http.Cookie{Name: CookieName, Value: token})
	t.Run("OK", func(t *testing.T) {
		if got, err := a.Authenticate(r); err != nil || got.User != s.User || got.ID != s.ID {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("ErrSessionEnded", func(t *testing.T) {
		now = s.Expires
		if _, err := a.Authenticate(r); !errors.Is(err, chat.ErrSessionEnded) {
			t.Errorf("err %v", err)
		}
	})
}
