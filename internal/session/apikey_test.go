package session_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"tidings/internal/chat"
	"tidings/internal/session"
)

func hexHash(key string) string {
	h := sha256.Sum256([]byte(key))
	return hex.EncodeToString(h[:])
}

func TestParseAPIKey(t *testing.T) {
	hash := hexHash("k")
	for name, c := range map[string]struct {
		text string
		ok   bool
	}{
		"OK":               {"billing:" + hash, true},
		"OKUpperCaseHex":   {"billing-2:" + strings.ToUpper(hash), true},
		"ErrNoColon":       {"billing" + hash, false},
		"ErrNoCaller":      {":" + hash, false},
		"ErrCallerShape":   {"Billing#1:" + hash, false}, // a # would make two callers' records one
		"ErrCallerTooLong": {strings.Repeat("b", 33) + ":" + hash, false},
		"ErrNotHex":        {"billing:" + strings.Repeat("x", 64), false},
		"ErrTooShort":      {"billing:" + hash[2:], false},
		"ErrTooLong":       {"billing:" + hash + "00", false},
	} {
		t.Run(name, func(t *testing.T) {
			k, err := session.ParseAPIKey(c.text)
			if (err == nil) != c.ok || c.ok && !strings.HasPrefix(c.text, k.Caller+":") {
				t.Errorf("%+v %v", k, err)
			}
			if err != nil && strings.Contains(err.Error(), hash) {
				t.Error("the error shows what was configured")
			}
		})
	}
}

func TestCaller(t *testing.T) {
	parsed, err := session.ParseAPIKey("billing:" + hexHash("newer"))
	if err != nil {
		t.Fatal(err)
	}
	keys := []session.APIKey{parsed, session.NewAPIKey("billing", "older"), session.NewAPIKey("shop", "other")}
	for name, c := range map[string]struct {
		authorization []string
		want          string // "": refused
	}{
		"OK":            {[]string{"Bearer newer"}, "billing"},
		"OKRotated":     {[]string{"bearer older"}, "billing"},
		"OKAnother":     {[]string{"Bearer other"}, "shop"},
		"ErrNone":       {nil, ""},
		"ErrEmpty":      {[]string{"Bearer "}, ""},
		"ErrUnknown":    {[]string{"Bearer newe"}, ""},
		"ErrHash":       {[]string{"Bearer " + hexHash("newer")}, ""}, // what leaks with the configuration is no key
		"ErrScheme":     {[]string{"Basic newer"}, ""},
		"ErrTwoHeaders": {[]string{"Bearer newer", "Bearer newer"}, ""},
		"ErrHuge":       {[]string{"Bearer " + strings.Repeat("x", session.MaxToken+1)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/api/events/emit", nil)
			r.Header["Authorization"] = c.authorization
			caller, err := session.Caller(r, keys)
			if caller != c.want || errors.Is(err, chat.ErrInvalidAPIKey) != (c.want == "") {
				t.Errorf("%q %v", caller, err)
			}
			if _, err := session.Caller(r, nil); !errors.Is(err, chat.ErrInvalidAPIKey) {
				t.Errorf("without any keys: %v", err)
			}
		})
	}
}
