package session

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"tidings/internal/chat"
)

// CookieName is the name of the session cookie.
const CookieName = "tidings.session"

// FromRequest finds the token that a request presents; ok is false without one.
//
// A Bearer token wins over the cookie. The client's code chose it for this very
// request, while the browser sends the cookie along unasked: what was meant to be
// done as one user must not be done as whoever happens to be logged in. So an
// empty or broken Bearer token doesn't fall back to the cookie either.
func FromRequest(r *http.Request) (token string, ok bool) {
	if token, ok := bearer(r); ok {
		return token, true
	}
	// Of several cookies of this name the first is that of the longest path
	// (RFC 6265 section 5.4), so ours before one of a parent domain.
	if c, err := r.Cookie(CookieName); err == nil {
		return c.Value, true
	}
	return "", false
}

// HasBearer says whether the request presents a Bearer token, which no browser
// adds on its own: such a request can't be forged across sites.
func HasBearer(r *http.Request) bool {
	_, ok := bearer(r)
	return ok
}

func bearer(r *http.Request) (token string, ok bool) {
	// Joined as API Gateway joins them: two headers are no choice of tokens, but
	// one token that isn't valid.
	scheme, token, _ := strings.Cut(strings.Join(r.Header.Values("Authorization"), ","), " ")
	if !strings.EqualFold(scheme, "Bearer") { // schemes have no case (RFC 9110 section 11.1)
		return "", false
	}
	return strings.TrimSpace(token), true
}

// SetCookie gives the browser the session until it expires.
func SetCookie(w http.ResponseWriter, r *http.Request, token string, expires, now time.Time) {
	c := cookie(r)
	c.Value = token
	c.MaxAge = max(1, int(expires.Sub(now)/time.Second)) // 0 would mean no Max-Age at all
	http.SetCookie(w, c)
}

// ClearCookie takes the session from the browser.
func ClearCookie(w http.ResponseWriter, r *http.Request) {
	c := cookie(r)
	c.MaxAge = -1
	http.SetCookie(w, c)
}

func cookie(r *http.Request) *http.Cookie {
	return &http.Cookie{
		Name: CookieName, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		// Some browsers keep no Secure cookie of http://localhost. X-Forwarded-Proto
		// can only make the cookie stricter, so it may be believed.
		Secure: !Loopback(r.Host) || r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https"),
	}
}

// Loopback says whether a host, with or without a port, is this machine's own
// name: what browsers treat as safe without TLS.
func Loopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// Authenticator says whose request it is, for the REST routes and the streamer.
type Authenticator struct {
	Tokens   *Tokens
	NextAuth *NextAuth // nil: only the service's own tokens are accepted
	Now      func() time.Time
}

// Authenticate reads the request's session from its token: chat.ErrUnauthenticated,
// chat.ErrSessionEnded. The session may have been revoked since; the caller asks.
//
// The service's own cookie comes before the app's. One that is no good doesn't stand
// in the way: localhost collects cookies of many projects.
func (a *Authenticator) Authenticate(r *http.Request) (chat.Session, error) {
	refused := error(chat.ErrUnauthenticated)
	if token, ok := FromRequest(r); ok {
		s, err := a.Tokens.Verify(token, a.Now())
		if err == nil {
			return s, nil
		}
		refused = err
	}
	if a.NextAuth == nil {
		return chat.Session{}, refused
	}
	s, err := a.NextAuth.authenticate(r, a.Now())
	if errors.Is(err, chat.ErrUnauthenticated) {
		err = refused
	}
	return s, err
}
