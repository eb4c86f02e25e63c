package session

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tidings/internal/chat"
)

// Issuer is what identities of NextAuth and Auth.js stand under, so that an app
// keeps its users when it goes from one to the other.
const Issuer = "nextauth"

const (
	// maxForeign is the longest token in bytes that is looked at. Apps put what they
	// like into theirs, and browsers send 4 KB a cookie.
	maxForeign = 16 << 10
	// maxChunks is how many cookies a token may be cut into.
	maxChunks = 8
	// tolerance is how far clocks may differ: clockTolerance of both packages.
	tolerance = 15 * time.Second
	// maxTime is the last second of the year 9999, after which times have no
	// RFC 3339 form.
	maxTime = 253402300799
)

// nextAuthCookies are the cookies' names, those first that the other packages and
// plain HTTP can't plant.
var nextAuthCookies = []string{
	"__Secure-authjs.session-token", "authjs.session-token",
	"__Secure-next-auth.session-token", "next-auth.session-token",
}

// NextAuth reads the encrypted sessions of NextAuth v4 and Auth.js v5. It is safe
// for concurrent use.
type NextAuth struct {
	users *chat.Identities
	keys  []nextAuthKey
}

// nextAuthKey opens tokens of one cookie and encryption.
type nextAuthKey struct {
	cookie string
	enc    jose.ContentEncryption
	key    []byte
}

// NewNextAuth takes the app's secrets, as they stand in NEXTAUTH_SECRET or
// AUTH_SECRET; any of them opens a token.
func NewNextAuth(users *chat.Identities, secrets ...string) (*NextAuth, error) {
	n := &NextAuth{users: users}
	for i, secret := range secrets {
		if secret == "" {
			return nil, fmt.Errorf("make NextAuth keys: secret %d is empty", i+1)
		}
		for _, cookie := range nextAuthCookies {
			if err := n.add(secret, cookie); err != nil {
				return nil, fmt.Errorf("make NextAuth keys: %w", err)
			}
		}
	}
	return n, nil
}

// add derives the keys of one cookie, as jwt.js of next-auth 4.24 and of @auth/core
// 0.41 do. v5 writes A256CBC-HS512, and still reads what its first betas wrote.
func (n *NextAuth) add(secret, cookie string) error {
	salt, info, encs := cookie, "Auth.js Generated Encryption Key ("+cookie+")", map[jose.ContentEncryption]int{jose.A256CBC_HS512: 64, jose.A256GCM: 32}
	if strings.HasSuffix(cookie, "next-auth.session-token") {
		salt, info, encs = "", "NextAuth.js Generated Encryption Key", map[jose.ContentEncryption]int{jose.A256GCM: 32}
	}
	for enc, size := range encs {
		key, err := hkdf.Key(sha256.New, []byte(secret), []byte(salt), info, size)
		if err != nil {
			return err
		}
		n.keys = append(n.keys, nextAuthKey{cookie, enc, key})
	}
	return nil
}

// authenticate reads the first good session that the request presents:
// chat.ErrUnauthenticated, chat.ErrSessionEnded when one is over and none is good.
func (n *NextAuth) authenticate(r *http.Request, now time.Time) (chat.Session, error) {
	refused := error(chat.ErrUnauthenticated)
	for cookie, token := range nextAuthTokens(r) {
		s, err := n.verify(r.Context(), cookie, token, now)
		var told *chat.Error
		switch {
		case err == nil:
			return s, nil
		case !errors.As(err, &told) || told.Kind != chat.KindUnauthenticated:
			return chat.Session{}, err // nobody knows yet whether it is a good one
		case errors.Is(err, chat.ErrSessionEnded):
			refused = err
		}
	}
	return chat.Session{}, refused
}

// verify reads a token of that cookie, or of any if it is "".
func (n *NextAuth) verify(ctx context.Context, cookie, token string, now time.Time) (chat.Session, error) {
	payload, ok := n.open(cookie, token)
	if !ok {
		return chat.Session{}, chat.ErrUnauthenticated
	}
	id, s, err := readClaims(payload, now)
	if err != nil {
		return chat.Session{}, err
	}
	if s.User, err = n.users.User(ctx, id); err != nil {
		return chat.Session{}, err
	}
	return s, nil
}

// open decrypts. Algorithm and encryption are ours to choose: what else a token
// names fails to parse.
func (n *NextAuth) open(cookie, token string) (payload []byte, ok bool) {
	// With alg "dir" there is no encrypted key (RFC 7516 section 5.2, step 10); the
	// library would overlook one.
	if parts := strings.SplitN(token, ".", 3); len(token) > maxForeign || len(parts) < 3 || parts[1] != "" {
		return nil, false
	}
	for _, k := range n.keys {
		if cookie != "" && cookie != k.cookie {
			continue
		}
		sealed, err := jose.ParseEncryptedCompact(token, []jose.KeyAlgorithm{jose.DIRECT}, []jose.ContentEncryption{k.enc})
		if err != nil {
			continue
		}
		if payload, err := sealed.Decrypt(k.key); err == nil {
			return payload, true
		}
	}
	return nil, false
}

// nextAuthTokens gives what a request presents, by the cookie that it belongs to: a
// Bearer token, which may be any's, or the cookies.
func nextAuthTokens(r *http.Request) func(yield func(cookie, token string) bool) {
	return func(yield func(cookie, token string) bool) {
		if token, ok := bearer(r); ok {
			yield("", token)
			return
		}
		for _, name := range nextAuthCookies {
			if token, ok := chunked(r, name); ok && !yield(name, token) {
				return
			}
		}
	}
}

// chunked reads a cookie that may be cut into name.0, name.1 and so on; not ok when
// it is not there or lacks a part.
func chunked(r *http.Request, name string) (token string, ok bool) {
	if c, err := r.Cookie(name); err == nil {
		return c.Value, true
	}
	var b strings.Builder
	n := 0
	for ; n < maxChunks; n++ {
		c, err := r.Cookie(name + "." + strconv.Itoa(n))
		if err != nil {
			break
		}
		b.WriteString(c.Value)
	}
	for _, c := range r.Cookies() {
		if part, is := strings.CutPrefix(c.Name, name+"."); is {
			if i, err := strconv.Atoi(part); err != nil || i >= n {
				return "", false
			}
		}
	}
	return b.String(), n > 0
}

// claimSet is a token's payload. encoding/json would take "SUB" for "sub".
type claimSet map[string]json.RawMessage

// whole reads a whole number.
func (c claimSet) whole(name string) (n int64, ok bool) {
	n, err := strconv.ParseInt(string(c[name]), 10, 64)
	return n, err == nil
}

// text reads a string; "" if it is none.
func (c claimSet) text(name string) (s string) {
	if json.Unmarshal(c[name], &s) != nil {
		return ""
	}
	return s
}

// readClaims reads what a token that the app has encrypted says.
func readClaims(payload []byte, now time.Time) (chat.Identity, chat.Session, error) {
	var c claimSet
	if json.Unmarshal(payload, &c) != nil {
		return chat.Identity{}, chat.Session{}, chat.ErrUnauthenticated
	}
	id := chat.Identity{Issuer: Issuer, Subject: c.text("sub"), Name: c.text("name"), Email: c.text("email")}
	if n, ok := c.whole("sub"); ok {
		id.Subject = strconv.FormatInt(n, 10) // Auth.js leaves a Credentials provider's number a number
	}
	issued, okIssued := c.whole("iat")
	expires, okExpires := c.whole("exp")
	notBefore, okNotBefore := c.whole("nbf")
	soon := now.Add(tolerance).Unix()
	if !okIssued || issued <= 0 || issued > soon || !okExpires || expires <= issued || expires > maxTime ||
		c["nbf"] != nil && (!okNotBefore || notBefore > soon) || id.Subject == "" {
		return chat.Identity{}, chat.Session{}, chat.ErrUnauthenticated
	}
	s := chat.Session{
		ID: sessionID(c), Foreign: true,
		Created: time.Unix(issued, 0), Expires: time.Unix(expires, 0).Add(tolerance),
	}
	if s.Expired(now) {
		return chat.Identity{}, chat.Session{}, chat.ErrSessionEnded
	}
	return id, s, nil
}

// sessionID says which log-in a token belongs to. Both packages draw a new jti
// whenever they make the cookie anew, which each look at the app's session does, so
// that tells nothing. An app may keep a sid in its tokens; otherwise all log-ins of a
// user are one.
func sessionID(c claimSet) string {
	if sid := c.text("sid"); sid != "" && len(sid) <= maxSessionID {
		return Issuer + ":" + sid
	}
	return Issuer
}

// ClearCookies takes the app's session from the browser, as far as the request
// presents it and the app sets its cookies as the packages do by default. A nil
// NextAuth clears none.
func (n *NextAuth) ClearCookies(w http.ResponseWriter, r *http.Request) {
	if n == nil {
		return
	}
	cleared := map[string]bool{}
	for _, presented := range r.Cookies() {
		for _, name := range nextAuthCookies {
			if presented.Name != name && !strings.HasPrefix(presented.Name, name+".") || cleared[presented.Name] {
				continue
			}
			cleared[presented.Name] = true
			c := cookie(r)
			c.Name, c.MaxAge = presented.Name, -1
			c.Secure = c.Secure || strings.HasPrefix(name, "__Secure-")
			http.SetCookie(w, c)
		}
	}
}
