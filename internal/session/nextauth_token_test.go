package session

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tidings/internal/chat"
)

// key derives what the packages would, for tokens that they would not make.
func key(cookie, secret string, size int) []byte {
	salt, info := cookie, "Auth.js Generated Encryption Key ("+cookie+")"
	if strings.HasSuffix(cookie, "next-auth.session-token") {
		salt, info = "", "NextAuth.js Generated Encryption Key"
	}
	k, err := hkdf.Key(sha256.New, []byte(secret), []byte(salt), info, size)
	if err != nil {
		panic(err)
	}
	return k
}

func mustSealAs(t testing.TB, enc jose.ContentEncryption, key []byte, payload string) string {
	t.Helper()
	e, err := jose.NewEncrypter(enc, jose.Recipient{Algorithm: jose.DIRECT, Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := e.Encrypt([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	token, err := sealed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// mustSeal encrypts any payload with the app's key, as only the app could.
func mustSeal(t testing.TB, cookie, secret, payload string) string {
	t.Helper()
	if strings.HasSuffix(cookie, "next-auth.session-token") {
		return mustSealAs(t, jose.A256GCM, key(cookie, secret, 32), payload)
	}
	return mustSealAs(t, jose.A256CBC_HS512, key(cookie, secret, 64), payload)
}

const goodClaims = `{"sub":"u","iat":1767323045,"exp":1767409445}` // from `start`, for a day

// The times of a token, to the packages' 15 seconds.
func TestNextAuthTimes(t *testing.T) {
	for _, cookie := range nextAuthCookies {
		for name, c := range map[string]struct {
			claims string
			now    time.Time
			want   error
		}{
			"OK":               {goodClaims, start, nil},
			"ClockBehind":      {goodClaims, start.Add(-15 * time.Second), nil},
			"ErrIssuedLater":   {goodClaims, start.Add(-16 * time.Second), chat.ErrUnauthenticated},
			"LastMoment":       {goodClaims, start.Add(24*time.Hour + 14*time.Second), nil},
			"ErrExpired":       {goodClaims, start.Add(24*time.Hour + 15*time.Second), chat.ErrSessionEnded},
			"NotBefore":        {`{"sub":"u","iat":1767323045,"exp":1767409445,"nbf":1767323060}`, start, nil},
			"ErrNotYet":        {`{"sub":"u","iat":1767323045,"exp":1767409445,"nbf":1767323061}`, start, chat.ErrUnauthenticated},
			"ErrNotBeforeText": {`{"sub":"u","iat":1767323045,"exp":1767409445,"nbf":"0"}`, start, chat.ErrUnauthenticated},
		} {
			t.Run(cookie+" "+name, func(t *testing.T) {
				a := mustNextAuth(t, &people{}, c.now, secret)
				if s, err := a.Authenticate(request(cookie, mustSeal(t, cookie, secret, c.claims))); !errors.Is(err, c.want) {
					t.Errorf("%+v, %v", s, err)
				}
			})
		}
	}
}

func TestNextAuthClaims(t *testing.T) {
	const cookie = "authjs.session-token"
	read := func(claims string) (chat.Session, *people, error) {
		p := &people{}
		s, err := mustNextAuth(t, p, start, secret).Authenticate(request(cookie, mustSeal(t, cookie, secret, claims)))
		return s, p, err
	}
	// What an app puts in besides may be of any kind.
	for name, c := range map[string]struct{ more, id string }{
		"Nothing":     {``, "nextauth"},
		"OtherKinds":  {`,"name":{"first":"Ann"},"email":null,"sid":17,"jti":[]`, "nextauth"},
		"SidEmpty":    {`,"sid":""`, "nextauth"},
		"Sid":         {`,"sid":"laptop"`, "nextauth:laptop"},
		"SidTooLong":  {`,"sid":"` + strings.Repeat("x", maxSessionID+1) + `"`, "nextauth"},
		"OtherCase":   {`,"SUB":"v","Exp":1,"SID":"x"`, "nextauth"},
		"LargeNumber": {`,"n":1e999`, "nextauth"},
	} {
		t.Run(name, func(t *testing.T) {
			s, p, err := read(strings.TrimSuffix(goodClaims, "}") + c.more + "}")
			if err != nil || s.ID != c.id || len(p.made) != 1 || p.made[0].Subject != "u" || p.made[0].Name != "" {
				t.Errorf("%+v, %+v, %v", s, p.made, err)
			}
		})
	}
	for name, claims := range map[string]string{
		"ErrNotJSON":           "hello",
		"ErrNoObject":          "null",
		"ErrNoSub":             `{"iat":1767323045,"exp":1767409445}`,
		"ErrSubEmpty":          strings.Replace(goodClaims, `"u"`, `""`, 1),
		"ErrSubNull":           strings.Replace(goodClaims, `"u"`, `null`, 1),
		"ErrSubFraction":       strings.Replace(goodClaims, `"u"`, `1.5`, 1),
		"ErrSubObject":         strings.Replace(goodClaims, `"u"`, `{"id":"u"}`, 1),
		"ErrSubTooLong":        strings.Replace(goodClaims, `"u"`, `"`+strings.Repeat("u", 256)+`"`, 1),
		"ErrNoIat":             `{"sub":"u","exp":1767409445}`,
		"ErrNoExp":             `{"sub":"u","iat":1767323045}`,
		"ErrExpText":           `{"sub":"u","iat":1767323045,"exp":"1767409445"}`,
		"ErrExpBeyondAllTimes": `{"sub":"u","iat":1767323045,"exp":253402300800}`,
		"ErrExpBeforeIat":      `{"sub":"u","iat":1767323045,"exp":1767323045}`,
		"ErrIatNegative":       `{"sub":"u","iat":-1,"exp":1767409445}`,
	} {
		t.Run(name, func(t *testing.T) {
			if s, p, err := read(claims); !errors.Is(err, chat.ErrUnauthenticated) || len(p.made) != 0 {
				t.Errorf("%+v, %+v, %v", s, p.made, err)
			}
		})
	}
}

// Who doesn't hold the secret, or holds it and says things another way, is a
// stranger: as each of the cookies and as Bearer.
func TestNextAuthErrUnauthenticated(t *testing.T) {
	for _, cookie := range nextAuthCookies {
		good := mustSeal(t, cookie, secret, goodClaims)
		parts := strings.Split(good, ".")
		b64 := base64.RawURLEncoding.EncodeToString
		join := func(change map[int]string) string {
			out := append([]string(nil), parts...)
			for i, s := range change {
				out[i] = s
			}
			return strings.Join(out, ".")
		}
		flip := func(s string, i int) string { // another letter of base64url, so another byte
			b := []byte(s)
			if b[i]++; b[i] == 'z'+1 || b[i] == 'Z'+1 || b[i] == '9'+1 || b[i] == '_'+1 || b[i] == '-'+1 {
				b[i] = 'A'
			}
			return string(b)
		}
		k32, k64 := key(cookie, secret, 32), key(cookie, secret, 64)
		cases := map[string]string{
			"WrongSecret":        mustSeal(t, cookie, "another secret", goodClaims),
			"SecretBySpace":      mustSeal(t, cookie, secret+" ", goodClaims),
			"Empty":              "",
			"Dots":               "....",
			"Truncated":          good[:len(good)-1],
			"TruncatedTag":       join(map[int]string{4: parts[4][:4]}),
			"NoTag":              join(map[int]string{4: ""}),
			"NoIV":               join(map[int]string{2: ""}),
			"FourParts":          strings.Join(parts[:4], "."),
			"SixParts":           good + ".x",
			"OtherHeader":        join(map[int]string{0: b64([]byte(`{"alg":"dir","enc":"A256GCM","x":1}`))}),
			"OtherIV":            join(map[int]string{2: flip(parts[2], 0)}),
			"OtherCiphertext":    join(map[int]string{3: flip(parts[3], 5)}),
			"OtherTag":           join(map[int]string{4: flip(parts[4], 0)}),
			"EncryptedKeyAdded":  join(map[int]string{1: "AAAA"}),
			"AlgNone":            b64([]byte(`{"alg":"none"}`)) + "." + b64([]byte(goodClaims)) + ".",
			"AlgNoneInFiveParts": join(map[int]string{0: b64([]byte(`{"alg":"none","enc":"A256GCM"}`))}),
			"AlgOther":           join(map[int]string{0: b64([]byte(`{"alg":"A256KW","enc":"A256GCM"}`))}),
			"SignedInstead":      mustForge(t, jose.HS256, []byte(secret), goodClaims),
			"SignedWithTheKey":   mustForge(t, jose.HS256, k32, goodClaims),
			"EncA128GCM":         mustSealAs(t, jose.A128GCM, k32[:16], goodClaims),
			"EncA192GCM":         mustSealAs(t, jose.A192GCM, k32[:24], goodClaims),
			"EncA128CBC":         mustSealAs(t, jose.A128CBC_HS256, k32, goodClaims),
			"EncA192CBC":         mustSealAs(t, jose.A192CBC_HS384, k64[:48], goodClaims),
			"Oversized":          mustSeal(t, cookie, secret, strings.TrimSuffix(goodClaims, "}")+`,"x":"`+strings.Repeat("x", 12200)+`"}`),
			"JSONSerialization":  `{"protected":"` + parts[0] + `","iv":"` + parts[2] + `","ciphertext":"` + parts[3] + `","tag":"` + parts[4] + `"}`,
		}
		if strings.HasSuffix(cookie, "next-auth.session-token") {
			cases["EncOfV5"] = mustSealAs(t, jose.A256CBC_HS512, k64, goodClaims)
		}
		a := mustNextAuth(t, &people{}, start, secret)
		for name, token := range cases {
			t.Run(cookie+" "+name, func(t *testing.T) {
				for way, r := range map[string]*http.Request{"cookie": request(cookie, token), "Bearer": asBearer(token)} {
					if s, err := a.Authenticate(r); !errors.Is(err, chat.ErrUnauthenticated) || s != (chat.Session{}) {
						t.Errorf("%s: %+v, %v", way, s, err)
					}
				}
			})
		}
		// The token that the cases above spoil is a good one, and so is a long one.
		long := strings.TrimSuffix(goodClaims, "}") + `,"x":"` + strings.Repeat("x", 11000) + `"}`
		for _, token := range []string{good, mustSeal(t, cookie, secret, long)} {
			if _, err := a.Authenticate(request(cookie, token)); err != nil {
				t.Errorf("%s: %v", cookie, err)
			}
		}
	}
}

// The first betas of v5 wrote A256GCM, which it reads to this day; so do we.
func TestNextAuthFirstBetas(t *testing.T) {
	for _, cookie := range nextAuthCookies[:2] {
		token := mustSealAs(t, jose.A256GCM, key(cookie, secret, 32), goodClaims)
		if _, err := mustNextAuth(t, &people{}, start, secret).Authenticate(request(cookie, token)); err != nil {
			t.Errorf("%s: %v", cookie, err)
		}
	}
}

func TestNextAuthClearCookies(t *testing.T) {
	a := mustNextAuth(t, &people{}, start, secret)
	w := httptest.NewRecorder()
	r := request("next-auth.session-token.0", "x", "next-auth.session-token.1", "y", "next-auth.session-token.1", "z",
		"__Secure-authjs.session-token", "x", "authjs.csrf-token", "x", "other", "x", CookieName, "x")
	r.Host = "localhost:3000"
	a.NextAuth.ClearCookies(w, r)
	want := []string{
		"next-auth.session-token.0=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax",
		"next-auth.session-token.1=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax",
		"__Secure-authjs.session-token=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax",
	}
	if got := w.Header().Values("Set-Cookie"); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	t.Run("NotConfigured", func(t *testing.T) {
		w := httptest.NewRecorder()
		(*NextAuth)(nil).ClearCookies(w, r)
		if got := w.Header().Values("Set-Cookie"); len(got) != 0 {
			t.Errorf("cookies of somebody else: %q", got)
		}
	})
}

// Whatever a token is made of, it is read only as what the app has encrypted.
func FuzzNextAuth(f *testing.F) {
	p := &people{}
	a := mustNextAuth(f, p, start, secret, olderSecret)
	vs := mustVectors(f)
	for _, name := range []string{"v4 default", "v5 default", "v5 expired"} {
		token := vs[name].token()
		f.Add(token)
		f.Add(token[:len(token)-2])
		f.Add(strings.Replace(token, "..", ".AA.", 1))
	}
	f.Add("....")
	f.Fuzz(func(t *testing.T, token string) {
		r := request()
		r.Header["Authorization"] = []string{"Bearer " + token}
		s, err := a.Authenticate(r)
		switch {
		case err == nil && (s.User != 1 || s.ID != "nextauth" || !s.Foreign || len(p.made) != 1):
			t.Errorf("%q is the token of %+v", token, s)
		case err != nil && !errors.Is(err, chat.ErrUnauthenticated) && !errors.Is(err, chat.ErrSessionEnded):
			t.Errorf("%q: %v", token, err)
		}
	})
}

func BenchmarkNextAuth(b *testing.B) {
	a := mustNextAuth(b, &people{}, start, secret)
	for name, v := range mustVectors(b) {
		if !strings.HasSuffix(name, "default") {
			continue
		}
		r := v.request()
		b.Run(strings.Fields(name)[0], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := a.Authenticate(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
