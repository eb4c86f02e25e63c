package session

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tidings/internal/chat"
)

// MinKey is the shortest signing key in bytes: that of HS256's hash (RFC 7518
// section 3.2).
const MinKey = 32

// MaxToken is the longest token in bytes that is looked at. Ours are under 300;
// the limit bounds the work that a stranger can ask for.
const MaxToken = 4 << 10

// maxSessionID bounds what a token may name as a key of the table.
const maxSessionID = 128

// Tokens signs and verifies session tokens: compact JWS with HS256. It is safe
// for concurrent use.
type Tokens struct {
	key    []byte // signs
	keys   jwt.VerificationKeySet
	parser *jwt.Parser
}

// NewTokens takes the signing keys, each of at least MinKey bytes. To rotate, put
// a new key first and keep the old one for chat.SessionLifetime.
func NewTokens(keys ...[]byte) (*Tokens, error) {
	if len(keys) == 0 {
		return nil, errors.New("make tokens: no signing key")
	}
	t := &Tokens{key: bytes.Clone(keys[0]), parser: jwt.NewParser(
		// The algorithm is ours to choose, never the token's.
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithStrictDecoding(),
		jwt.WithoutClaimsValidation(), // Verify looks at them
	)}
	for i, k := range keys {
		if len(k) < MinKey {
			return nil, fmt.Errorf("make tokens: key %d has %d bytes, fewer than %d", i+1, len(k), MinKey)
		}
		t.keys.Keys = append(t.keys.Keys, bytes.Clone(k))
	}
	return t, nil
}

// claims are those of RFC 7519 that a session needs. Times are whole seconds.
type claims struct {
	jwt.Claims `json:"-"` // nil: the library is told not to look at them
	Subject    string     `json:"sub"` // the user's id, decimal
	ID         string     `json:"jti"` // the session's id
	Issued     int64      `json:"iat"`
	Expires    int64      `json:"exp"`
}

// Sign makes the session's token.
func (t *Tokens) Sign(s chat.Session) (string, error) {
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, &claims{
		Subject: s.User.String(), ID: s.ID, Issued: s.Created.Unix(), Expires: s.Expires.Unix(),
	}).SignedString(t.key)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return token, nil
}

// Verify reads a token without asking anybody: chat.ErrSessionEnded when it is
// ours and over, chat.ErrUnauthenticated when it is anything else. Why it was
// refused is not told: only a forger would want to know.
func (t *Tokens) Verify(token string, now time.Time) (chat.Session, error) {
	if len(token) > MaxToken {
		return chat.Session{}, chat.ErrUnauthenticated
	}
	var c claims
	if _, err := t.parser.ParseWithClaims(token, &c, t.keysFor); err != nil {
		return chat.Session{}, chat.ErrUnauthenticated
	}
	user, ok := chat.ParseUserID(c.Subject)
	if !ok || c.ID == "" || len(c.ID) > maxSessionID || c.Issued <= 0 || c.Expires <= c.Issued {
		return chat.Session{}, chat.ErrUnauthenticated
	}
	s := chat.Session{ID: c.ID, User: user, Created: time.Unix(c.Issued, 0), Expires: time.Unix(c.Expires, 0)}
	if s.Expired(now) {
		return chat.Session{}, chat.ErrSessionEnded
	}
	return s, nil
}

// keysFor gives the keys that may have signed the token. What a header calls critical must
// be understood (RFC 7515 section 4.1.11), which the library leaves to us: nothing is.
func (t *Tokens) keysFor(token *jwt.Token) (any, error) {
	if _, ok := token.Header["crit"]; ok {
		return nil, errors.New("a critical header")
	}
	return t.keys, nil
}
