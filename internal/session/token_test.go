package session

import (
	"bytes"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"pgregory.net/rapid"

	"tidings/internal/chat"
)

var (
	start  = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	keyOld = bytes.Repeat([]byte("o"), MinKey)
	keyNew = bytes.Repeat([]byte("n"), MinKey)
)

func mustTokens(t testing.TB, keys ...[]byte) *Tokens {
	t.Helper()
	tokens, err := NewTokens(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func mustSign(t testing.TB, tokens *Tokens, s chat.Session) string {
	t.Helper()
	token, err := tokens.Sign(s)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func someSession() chat.Session {
	return chat.Session{ID: "SOMEID", User: 7, Created: start, Expires: start.Add(chat.SessionLifetime)}
}

// mustForge signs any payload with a real key, as only the service could.
func mustForge(t testing.TB, alg jose.SignatureAlgorithm, key []byte, payload string, header ...jose.HeaderKey) string {
	t.Helper()
	options := &jose.SignerOptions{}
	for _, name := range header {
		options.WithHeader(name, []string{"x"})
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestNewTokens(t *testing.T) {
	for name, keys := range map[string][][]byte{
		"NoKey": nil, "EmptyKey": {nil}, "ShortKey": {keyNew[1:]}, "ShortSecondKey": {keyNew, keyOld[1:]},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := NewTokens(keys...); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestVerifyToken(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		tokens, s := mustTokens(t, keyNew), someSession()
		got, err := tokens.Verify(mustSign(t, tokens, s), start)
		if err != nil || got.ID != s.ID || got.User != s.User || !got.Created.Equal(s.Created) || !got.Expires.Equal(s.Expires) {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("AnySession", func(t *testing.T) {
		tokens := mustTokens(t, keyNew)
		rapid.Check(t, func(rt *rapid.T) {
			s := chat.Session{
				ID:      rapid.StringMatching(`[A-Z2-7]{1,128}`).Draw(rt, "id"),
				User:    chat.UserID(rapid.Int64Range(1, int64(chat.MaxUserID)).Draw(rt, "user")),
				Created: start, Expires: start.Add(time.Duration(rapid.Int64Range(1, 1<<20).Draw(rt, "seconds")) * time.Second),
			}
			got, err := tokens.Verify(mustSign(t, tokens, s), start)
			if err != nil || got.ID != s.ID || got.User != s.User || !got.Expires.Equal(s.Expires) {
				rt.Errorf("%+v became %+v, %v", s, got, err)
			}
		})
	})
	t.Run("RotatedKey", func(t *testing.T) {
		before, after := mustTokens(t, keyOld), mustTokens(t, keyNew, keyOld)
		if _, err := after.Verify(mustSign(t, before, someSession()), start); err != nil {
			t.Errorf("a token of the old key: %v", err)
		}
		if _, err := before.Verify(mustSign(t, after, someSession()), start); !errors.Is(err, chat.ErrUnauthenticated) {
			t.Errorf("the first key does not sign: %v", err)
		}
	})
	t.Run("ErrSessionEnded", func(t *testing.T) {
		tokens, s := mustTokens(t, keyNew), someSession()
		token := mustSign(t, tokens, s)
		if _, err := tokens.Verify(token, s.Expires.Add(-time.Second)); err != nil {
			t.Errorf("a second before the end: %v", err)
		}
		if _, err := tokens.Verify(token, s.Expires); !errors.Is(err, chat.ErrSessionEnded) {
			t.Errorf("at the end: %v", err)
		}
	})
}

func TestVerifyTokenErrUnauthenticated(t *testing.T) {
	tokens := mustTokens(t, keyNew)
	good := mustSign(t, tokens, someSession())
	header, rest, _ := strings.Cut(good, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	key48 := bytes.Repeat([]byte("n"), 64)
	claims := `{"sub":"7","jti":"S","iat":1767322800,"exp":1967322800}`
	for name, token := range map[string]string{
		"Empty":             "",
		"Words":             "not a token",
		"Dots":              "..",
		"OtherKey":          mustSign(t, mustTokens(t, keyOld), someSession()),
		"AlgNone":           b64([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + payload + ".",
		"AlgNoneSigned":     b64([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + payload + "." + signature,
		"AlgCase":           b64([]byte(`{"alg":"hs256","typ":"JWT"}`)) + "." + payload + "." + signature,
		"AlgMissing":        b64([]byte(`{"typ":"JWT"}`)) + "." + payload + "." + signature,
		"AlgHS512":          mustForge(t, jose.HS512, key48, claims),
		"EmbeddedKey":       b64([]byte(`{"alg":"HS256","jwk":{"kty":"oct","k":"`+b64(keyOld)+`"}}`)) + "." + payload + "." + signature,
		"Critical":          b64([]byte(`{"alg":"HS256","crit":["x"],"x":1}`)) + "." + payload + "." + signature,
		"CriticalSigned":    mustForge(t, jose.HS256, keyNew, claims, "crit"),
		"NoSignature":       header + "." + payload + ".",
		"OtherPayload":      header + "." + b64([]byte(claims)) + "." + signature,
		"FourParts":         good + "." + signature,
		"TooLong":           good + strings.Repeat("A", MaxToken),
		"JSONSerialization": `{"payload":"` + payload + `","protected":"` + header + `","signature":"` + signature + `"}`,
		"NotJSON":           mustForge(t, jose.HS256, keyNew, "hello"),
		"NoClaims":          mustForge(t, jose.HS256, keyNew, `{}`),
		"SubNumber":         mustForge(t, jose.HS256, keyNew, strings.Replace(claims, `"7"`, `7`, 1)),
		"SubZero":           mustForge(t, jose.HS256, keyNew, strings.Replace(claims, `"7"`, `"0"`, 1)),
		"SubLeadingZero":    mustForge(t, jose.HS256, keyNew, strings.Replace(claims, `"7"`, `"07"`, 1)),
		"SubNegative":       mustForge(t, jose.HS256, keyNew, strings.Replace(claims, `"7"`, `"-7"`, 1)),
		"SubHuge":           mustForge(t, jose.HS256, keyNew, strings.Replace(claims, `"7"`, `"9007199254740992"`, 1)),
		"SubName":           mustForge(t, jose.HS256, keyNew, strings.Replace(claims, `"7"`, `"alice"`, 1)),
		"NoID":              mustForge(t, jose.HS256, keyNew, strings.Replace(claims, `"S"`, `""`, 1)),
		"LongID":            mustForge(t, jose.HS256, keyNew, strings.Replace(claims, `"S"`, `"`+strings.Repeat("S", 129)+`"`, 1)),
		"NoExpiry":          mustForge(t, jose.HS256, keyNew, `{"sub":"7","jti":"S","iat":1767322800}`),
		"ExpiryBeforeIssue": mustForge(t, jose.HS256, keyNew, `{"sub":"7","jti":"S","iat":1767322800,"exp":1767322799}`),
		"FractionalExpiry":  mustForge(t, jose.HS256, keyNew, strings.Replace(claims, `1967322800`, `1967322800.5`, 1)),
	} {
		t.Run(name, func(t *testing.T) {
			s, err := tokens.Verify(token, start)
			if !errors.Is(err, chat.ErrUnauthenticated) || s != (chat.Session{}) {
				t.Errorf("%+v, %v", s, err)
			}
		})
	}
	// The claims that the cases above spoil are good ones.
	if _, err := tokens.Verify(mustForge(t, jose.HS256, keyNew, claims), start); err != nil {
		t.Fatal(err)
	}
}

// Whatever a token is made of, it verifies only as the session that was signed.
func FuzzVerifyToken(f *testing.F) {
	tokens, s := mustTokens(f, keyNew, keyOld), someSession()
	good := mustSign(f, tokens, s)
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("..")
	f.Add(strings.Replace(good, ".", "..", 1))
	f.Fuzz(func(t *testing.T, token string) {
		got, err := tokens.Verify(token, start)
		switch {
		case err == nil && (got.ID != s.ID || got.User != s.User || !got.Expires.Equal(s.Expires)):
			t.Errorf("%q is the token of %+v", token, got)
		case err != nil && !errors.Is(err, chat.ErrUnauthenticated) && !errors.Is(err, chat.ErrSessionEnded):
			t.Errorf("%q: %v", token, err)
		case err == nil && !joseVerifies(token, keyNew, keyOld):
			t.Errorf("%q is good here alone", token)
		}
	})
}

// joseVerifies asks another library, whose reading is its own.
func joseVerifies(token string, keys ...[]byte) bool {
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.HS256})
	return err == nil && slices.ContainsFunc(keys, func(k []byte) bool {
		_, err := signed.Verify(k)
		return err == nil
	})
}

func BenchmarkVerifyToken(b *testing.B) {
	tokens := mustTokens(b, keyNew)
	token := mustSign(b, tokens, someSession())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tokens.Verify(token, start); err != nil {
			b.Fatal(err)
		}
	}
}
