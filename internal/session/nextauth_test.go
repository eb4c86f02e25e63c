package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"tidings/internal/chat"
)

// The secrets of testdata/vectors/make.mjs.
const (
	secret      = "a secret of the tests, of no use elsewhere"
	olderSecret = "the secret before that one"
)

// vector is a session as one of the packages made it at the time `start`.
type vector struct {
	Name, Package, Cookie, Secret string
	Claims                        map[string]any
	Cookies                       []struct{ Name, Value string }
}

func (v vector) token() string {
	var b strings.Builder
	for _, c := range v.Cookies {
		b.WriteString(c.Value)
	}
	return b.String()
}

func mustVectors(t testing.TB) map[string]vector {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []vector
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	out := map[string]vector{}
	for _, v := range list {
		out[v.Name] = v
	}
	return out
}

// people are the accounts of identities: the first one seen is user 1.
type people struct {
	made []chat.Identity
	fail error
}

func (p *people) UserOf(_ context.Context, id chat.Identity) (chat.UserID, error) {
	for i, known := range p.made {
		if known.Issuer == id.Issuer && known.Subject == id.Subject {
			return chat.UserID(i + 1), nil
		}
	}
	return 0, chat.ErrUserNotFound
}

func (p *people) CreateUserFor(_ context.Context, id chat.Identity, _ chat.User) (chat.UserID, error) {
	if p.fail != nil {
		return 0, p.fail
	}
	p.made = append(p.made, id)
	return chat.UserID(len(p.made)), nil
}

func mustNextAuth(t testing.TB, p *people, now time.Time, secrets ...string) *Authenticator {
	t.Helper()
	users := &chat.Identities{Store: p, Now: func() time.Time { return now }}
	n, err := NewNextAuth(users, secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return &Authenticator{Tokens: mustTokens(t, keyNew), NextAuth: n, Now: func() time.Time { return now }}
}

// request presents cookies, given as name and value by turns.
func request(nameValue ...string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	for i := 0; i < len(nameValue); i += 2 {
		r.AddCookie(&http.Cookie{Name: nameValue[i], Value: nameValue[i+1]})
	}
	return r
}

func (v vector) request() *http.Request {
	r := request()
	for _, c := range v.Cookies {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	return r
}

func asBearer(token string) *http.Request {
	r := request()
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

// What the real packages make is read as what they meant, as cookies and as Bearer.
func TestNextAuthVectors(t *testing.T) {
	for name, v := range mustVectors(t) {
		t.Run(name, func(t *testing.T) {
			for way, r := range map[string]*http.Request{"cookies": v.request(), "Bearer": asBearer(v.token())} {
				p := &people{}
				s, err := mustNextAuth(t, p, start, secret, olderSecret).Authenticate(r)
				if strings.Contains(name, "expired") {
					if !errors.Is(err, chat.ErrSessionEnded) || len(p.made) != 0 {
						t.Errorf("%s: %+v, %v, accounts %+v", way, s, err, p.made)
					}
					continue
				}
				want := chat.Session{
					ID: "nextauth", User: 1, Foreign: true,
					Created: time.Unix(int64(v.Claims["iat"].(float64)), 0), Expires: time.Unix(int64(v.Claims["exp"].(float64)), 0).Add(tolerance),
				}
				if sid, ok := v.Claims["sid"]; ok {
					want.ID = "nextauth:" + sid.(string)
				}
				if err != nil || s != want {
					t.Errorf("%s: %+v, %v, want %+v", way, s, err, want)
				}
				id := chat.Identity{Issuer: "nextauth", Subject: fmt.Sprint(v.Claims["sub"]), Name: "Ann Lee", Email: "ann@example.org"}
				if len(p.made) != 1 || p.made[0] != id {
					t.Errorf("%s: accounts %+v", way, p.made)
				}
			}
		})
	}
}

// The packages' own names for tokens change whenever they make the cookie anew; who
// they are of does not, across both packages.
func TestNextAuthRefreshed(t *testing.T) {
	vs, p := mustVectors(t), &people{}
	a := mustNextAuth(t, p, start, secret)
	jtis := map[any]bool{}
	for _, name := range []string{"v4 default", "v4 refreshed", "v5 default", "v5 refreshed", "v5 secure chunked"} {
		jtis[vs[name].Claims["jti"]] = true
		if s, err := a.Authenticate(vs[name].request()); err != nil || s.User != 1 || s.ID != "nextauth" {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	if len(jtis) != 5 {
		t.Errorf("ids of tokens %v: a session could be told by them after all", jtis)
	}
}

func TestNextAuthCookies(t *testing.T) {
	vs := mustVectors(t)
	four, five, cut := vs["v4 default"], vs["v5 default"], vs["v5 chunked"]
	foreign, secureFive := mustSeal(t, five.Cookie, "somebody else's secret", `{}`), vs["v5 secure"]
	p := &people{}
	a := mustNextAuth(t, p, start, secret)
	own := mustSign(t, a.Tokens, someSession()) // of user 7
	for name, c := range map[string]struct {
		cookies []string
		user    chat.UserID // 0: refused
	}{
		"OwnFirst":                {[]string{five.Cookie, five.token(), CookieName, own}, 7},
		"OwnNoGood":               {[]string{CookieName, "x", five.Cookie, five.token()}, 1},
		"AnotherProjects":         {[]string{five.Cookie, foreign, four.Cookie, four.token()}, 1},
		"ExpiredOne":              {[]string{five.Cookie, vs["v5 expired"].token(), four.Cookie, four.token()}, 1},
		"FirstOfAName":            {[]string{five.Cookie, five.token(), five.Cookie, foreign}, 1},
		"WholeBeforeChunks":       {[]string{five.Cookie, five.token(), five.Cookie + ".0", "stale"}, 1},
		"ChunksInAnyOrder":        {[]string{cut.Cookies[1].Name, cut.Cookies[1].Value, cut.Cookies[0].Name, cut.Cookies[0].Value}, 1},
		"ErrFirstChunkMissing":    {[]string{cut.Cookies[1].Name, cut.Cookies[1].Value}, 0},
		"ErrLastChunkMissing":     {[]string{cut.Cookies[0].Name, cut.Cookies[0].Value}, 0},
		"ErrMiddleChunkMissing":   {[]string{five.Cookie + ".0", five.token(), five.Cookie + ".2", ""}, 0},
		"ErrChunkNotNumbered":     {[]string{five.Cookie + ".0", five.token(), five.Cookie + ".x", ""}, 0},
		"ErrChunksSwapped":        {[]string{cut.Cookies[0].Name, cut.Cookies[1].Value, cut.Cookies[1].Name, cut.Cookies[0].Value}, 0},
		"ErrChunksOfTwo":          {[]string{cut.Cookies[0].Name, cut.Cookies[0].Value, cut.Cookies[1].Name, vs["v5 secure chunked"].Cookies[1].Value}, 0},
		"ErrSaltOfAnotherCookie":  {[]string{five.Cookie, secureFive.token()}, 0},
		"ErrSaltOfAnotherCookie2": {[]string{secureFive.Cookie, five.token()}, 0},
		"ErrV4InV5Cookie":         {[]string{five.Cookie, four.token()}, 0},
		"ErrV5InV4Cookie":         {[]string{four.Cookie, five.token()}, 0},
		"ErrInOwnCookie":          {[]string{CookieName, five.token()}, 0},
		"ErrOwnInTheirs":          {[]string{five.Cookie, own}, 0},
		"ErrOtherName":            {[]string{"session-token", five.token(), "__Host-" + five.Cookie, five.token()}, 0},
		"ErrNone":                 {nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := a.Authenticate(request(c.cookies...))
			if s.User != c.user || (c.user == 0) != errors.Is(err, chat.ErrUnauthenticated) {
				t.Errorf("%+v, %v", s, err)
			}
		})
	}
	t.Run("BearerBeforeCookies", func(t *testing.T) {
		r := five.request()
		r.Header.Set("Authorization", "Bearer "+foreign)
		if s, err := a.Authenticate(r); !errors.Is(err, chat.ErrUnauthenticated) {
			t.Errorf("%+v, %v", s, err)
		}
	})
	t.Run("OwnBearer", func(t *testing.T) {
		if s, err := a.Authenticate(asBearer(own)); err != nil || s.User != 7 || s.Foreign {
			t.Errorf("%+v, %v", s, err)
		}
	})
	// Without a secret there is no such session.
	t.Run("NotConfigured", func(t *testing.T) {
		a := &Authenticator{Tokens: a.Tokens, Now: a.Now}
		if s, err := a.Authenticate(five.request()); !errors.Is(err, chat.ErrUnauthenticated) {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

// A table that is down is no word on the session.
func TestNextAuthErrStore(t *testing.T) {
	down := errors.New("down")
	a := mustNextAuth(t, &people{fail: down}, start, secret)
	var told *chat.Error
	if _, err := a.Authenticate(mustVectors(t)["v5 default"].request()); !errors.Is(err, down) || errors.As(err, &told) {
		t.Errorf("err %v", err)
	}
}

func TestNewNextAuthErrEmptySecret(t *testing.T) {
	if _, err := NewNextAuth(&chat.Identities{}, secret, ""); err == nil {
		t.Error("accepted")
	}
}
