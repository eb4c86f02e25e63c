package session

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"

	"tidings/internal/chat"
)

// APIKey lets one service emit events. It is known by its hash alone, so what is
// configured gives nobody the key. SHA-256 without salt or cost is enough for a key of
// 32 random bytes: there is nothing to guess.
type APIKey struct {
	Caller string // names the service: its Idempotency-Keys and its rate are its own
	hash   [sha256.Size]byte
}

// ParseAPIKey reads "<caller>:<SHA-256 of the key in hex>". The error doesn't repeat it.
func ParseAPIKey(s string) (APIKey, error) {
	caller, digits, _ := strings.Cut(s, ":")
	if !chat.IsCaller(caller) {
		return APIKey{}, errors.New("the caller needs 1 to 32 small letters, digits and hyphens before a colon")
	}
	k := APIKey{Caller: caller}
	hash, err := hex.DecodeString(digits)
	if err != nil || len(hash) != len(k.hash) {
		return APIKey{}, errors.New("64 hexadecimal digits are needed after the colon")
	}
	copy(k.hash[:], hash)
	return k, nil
}

// NewAPIKey is the key of a caller whose text is at hand.
func NewAPIKey(caller, key string) APIKey {
	return APIKey{Caller: caller, hash: sha256.Sum256([]byte(key))}
}

// Caller says which service sends the request: the key is its Bearer token.
// chat.ErrInvalidAPIKey. It takes as long for a key that is right in its beginning as
// for any other.
func Caller(r *http.Request, keys []APIKey) (string, error) {
	token, ok := bearer(r)
	if !ok || len(token) > MaxToken {
		return "", chat.ErrInvalidAPIKey
	}
	hash, caller := sha256.Sum256([]byte(token)), ""
	for _, k := range keys {
		if subtle.ConstantTimeCompare(hash[:], k.hash[:]) == 1 {
			caller = k.Caller
		}
	}
	if caller == "" {
		return "", chat.ErrInvalidAPIKey
	}
	return caller, nil
}
