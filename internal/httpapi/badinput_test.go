package httpapi_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"tidings/internal/chat"
	"tidings/internal/httpapi"
	"tidings/internal/session"
)

func TestMalformedBody(t *testing.T) {
	const deep = 10_000
	for name, c := range map[string]struct {
		body   string
		status int
		code   string
	}{
		"Empty":             {"", 400, "malformed_json"},
		"Spaces":            {" \r\n\t", 400, "malformed_json"},
		"Word":              {"hello", 400, "malformed_json"},
		"Form":              {"content=x", 400, "malformed_json"},
		"Unclosed":          {`{"content":"x"`, 400, "malformed_json"},
		"UnclosedString":    {`{"content":"x}`, 400, "malformed_json"},
		"TrailingComma":     {`{"content":"x",}`, 400, "malformed_json"},
		"TrailingData":      {`{"content":"x"}{}`, 400, "malformed_json"},
		"TrailingWord":      {`{"content":"x"} x`, 400, "malformed_json"},
		"SingleQuotes":      {`{'content':'x'}`, 400, "malformed_json"},
		"Comment":           {`{"content":"x"} // y`, 400, "malformed_json"},
		"NaN":               {`{"content":NaN}`, 400, "malformed_json"},
		"LeadingZero":       {`{"content":01}`, 400, "malformed_json"},
		"ControlCharacter":  {"{\"content\":\"a\x01\"}", 400, "malformed_json"},
		"BadEscape":         {`{"content":"\x41"}`, 400, "malformed_json"},
		"ShortEscape":       {`{"content":"\u12"}`, 400, "malformed_json"},
		"ByteOrderMark":     {"\ufeff{\"content\":\"x\"}", 400, "malformed_json"},
		"DuplicateName":     {`{"content":"x","content":"y"}`, 400, "malformed_json"},
		"DuplicateEscaped":  {`{"content":"x","c\u006fntent":"y"}`, 400, "malformed_json"},
		"DuplicateInside":   {`{"content":{"a":1,"a":1}}`, 400, "malformed_json"},
		"DuplicateInList":   {`{"content":[{"a":1,"a":1}]}`, 400, "malformed_json"},
		"DeepLists":         {`{"content":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, 400, "malformed_json"},
		"DeepObjects":       {strings.Repeat(`{"content":`, 40) + "1" + strings.Repeat("}", 40), 400, "malformed_json"},
		"NestingBomb":       {strings.Repeat("[", deep), 400, "malformed_json"},
		"ClosedNestingBomb": {strings.Repeat("[", deep) + strings.Repeat("]", deep), 400, "malformed_json"},
		"InvalidUTF8":       {"{\"content\":\"\xff\"}", 400, "invalid_utf8"},
		"InvalidUTF8Name":   {"{\"\xc3\":\"x\"}", 400, "invalid_utf8"},
		"OverlongUTF8":      {"{\"content\":\"\xc0\xaf\"}", 400, "invalid_utf8"},
		"SurrogateUTF8":     {"{\"content\":\"\xed\xa0\x80\"}", 400, "invalid_utf8"},
		"HighSurrogate":     {`{"content":"\ud83d"}`, 400, "invalid_utf8"},
		"HighThenText":      {`{"content":"\ud83dude00"}`, 400, "invalid_utf8"},
		"HighThenHigh":      {`{"content":"\ud83d\ud83d"}`, 400, "invalid_utf8"},
		"LowSurrogate":      {`{"content":"\ude00"}`, 400, "invalid_utf8"},
		"SwappedSurrogates": {`{"content":"\ude00\ud83d"}`, 400, "invalid_utf8"},
		"OneMiB":            {`{"content":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "body_too_large"},
		"OneTooMany":        {`{"content":"x"}` + strings.Repeat(" ", httpapi.MaxBody-14), 413, "body_too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(w *world) {
				alice, _ := w.mustPair()
				w.refused(w.post(messages, c.body, as(alice)), c.status, c.code)
			})
		})
	}
	t.Run("JustFits", func(t *testing.T) {
		both(t, func(w *world) {
			alice, _ := w.mustPair()
			body := `{"content":"x"}` + strings.Repeat(" ", httpapi.MaxBody-15)
			if a := w.post(messages, body, as(alice)); a.status != 201 {
				w.Errorf("status %d", a.status)
			}
		})
	})
	t.Run("EscapedBackslash", func(t *testing.T) { // no surrogate, only its spelling
		both(t, func(w *world) {
			alice, _ := w.mustPair()
			if a := w.post(messages, `{"content":"\\ud83d \" \ud83d\ude00\\"}`, as(alice)); !strings.Contains(a.body, `\\ud83d \" 😀\\`) {
				w.Errorf("%d %s", a.status, a.body)
			}
		})
	})
}

func TestWrongType(t *testing.T) {
	for name, body := range map[string]string{
		"List": `[]`, "String": `"content"`, "Number": `1`, "Null": `null`, "Bool": `true`,
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(w *world) {
				alice, _ := w.mustPair()
				w.refused(w.post(messages, body, as(alice)), 422, "validation_failed", " wrong_type")
			})
		})
	}
	// All that is wrong is told at once, but no more than is of use.
	t.Run("AllProblems", func(t *testing.T) {
		both(t, func(w *world) {
			alice := w.mustRegister("alice")
			w.refused(w.post("/api/auth/register", `{"username":1,"displayName":[],"Password":"x","admin":true}`), 422, "validation_failed",
				"username wrong_type", "password required", "displayName wrong_type", "Password unknown_field", "admin unknown_field")
			w.refused(w.post("/api/conversations", `{"x":1}`, as(alice), with("Idempotency-Key", "")), 422, "validation_failed",
				"Idempotency-Key idempotency_key", "userId required", "x unknown_field")
			w.refused(w.post("/api/conversations", `null`, as(alice), with("Idempotency-Key", "")), 422, "validation_failed",
				"Idempotency-Key idempotency_key", " wrong_type")
		})
	})
	t.Run("ManyProblems", func(t *testing.T) {
		both(t, func(w *world) {
			var body strings.Builder
			for i := range 1000 {
				fmt.Fprintf(&body, `"%s%d":0,`, strings.Repeat("é", 25), i)
			}
			a := w.post("/api/auth/login", `{"`+strings.Repeat("long", 1000)+`":0,`+strings.TrimSuffix(body.String(), ",")+"}")
			if n := strings.Count(a.body, "unknown_field"); a.status != 422 || n != 18 || len(a.body) > 4096 {
				w.Errorf("status %d, %d fields, %d bytes", a.status, n, len(a.body))
			}
		})
	})
}

func TestContentType(t *testing.T) {
	for name, c := range map[string]struct {
		types []string
		ok    bool
	}{
		"JSON":         {[]string{"application/json"}, true},
		"Charset":      {[]string{"Application/JSON; charset=UTF-8"}, true},
		"None":         {nil, false},
		"Empty":        {[]string{""}, false},
		"Text":         {[]string{"text/plain"}, false},
		"Form":         {[]string{"application/x-www-form-urlencoded"}, false},
		"Multipart":    {[]string{"multipart/form-data; boundary=x"}, false},
		"JSONInText":   {[]string{"text/plain; application/json"}, false},
		"Problem":      {[]string{"application/problem+json"}, false},
		"Twice":        {[]string{"application/json", "application/json"}, false},
		"BadParameter": {[]string{"application/json; charset"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(w *world) {
				u := w.mustRegister("alice")
				for path, body := range inOrder(map[string]string{"/api/auth/login": `{"username":"alice","password":"correct horse"}`, "/api/auth/logout": ""}) {
					a := w.post(path, body, as(u), with("Content-Type", c.types...))
					if !c.ok {
						w.refused(a, 415, "unsupported_media_type")
					} else if a.status >= 300 {
						w.Errorf("%s: %d %s", path, a.status, a.body)
					} else if a.body != "" {
						w.mustLogIn(a)
					}
				}
			})
		})
	}
}

func TestBadToken(t *testing.T) {
	b64 := base64.RawURLEncoding.EncodeToString
	for name, forge := range map[string]func(w *world, token string) string{
		"Empty":   func(*world, string) string { return "" },
		"Garbage": func(*world, string) string { return "x.y.z" },
		"Cut":     func(_ *world, token string) string { return token[:len(token)-4] },
		"None": func(_ *world, token string) string {
			return b64([]byte(`{"alg":"none"}`)) + "." + strings.Split(token, ".")[1] + "."
		},
		"OtherUser": func(w *world, token string) string {
			parts := strings.Split(token, ".")
			payload, err := base64.RawURLEncoding.DecodeString(parts[1])
			if err != nil {
				w.Fatal(err)
			}
			return parts[0] + "." + b64(bytes.Replace(payload, []byte(`"sub":"1"`), []byte(`"sub":"2"`), 1)) + "." + parts[2]
		},
		"OtherKey": func(w *world, _ string) string {
			tokens, err := session.NewTokens(bytes.Repeat([]byte("x"), session.MinKey))
			if err != nil {
				w.Fatal(err)
			}
			token, err := tokens.Sign(chat.Session{ID: "S", User: 1, Created: w.clock(), Expires: w.clock().Add(chat.SessionLifetime)})
			if err != nil {
				w.Fatal(err)
			}
			return token
		},
		"Long": func(*world, string) string { return strings.Repeat("A", 5000) },
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(w *world) {
				token := forge(w, w.mustRegister("alice").token)
				w.refused(w.get("/api/conversations", with("Authorization", "Bearer "+token)), 401, "unauthenticated")
				w.refused(w.get("/api/conversations", with("Cookie", "tidings.session="+token)), 401, "unauthenticated")
			})
		})
	}
	t.Run("UnknownSession", func(t *testing.T) {
		both(t, func(w *world) {
			alice := w.mustRegister("alice")
			token, err := w.api.Authenticator.Tokens.Sign(chat.Session{ID: "S", User: 1, Created: w.clock(), Expires: w.clock().Add(chat.SessionLifetime)})
			if err != nil {
				w.Fatal(err)
			}
			w.refused(w.get("/api/conversations", with("Cookie", "tidings.session="+token)), 401, "session_ended")
			w.refused(w.get("/api/conversations", with("Authorization", "Bearer x"), cookie(alice)), 401, "unauthenticated")
			w.refused(w.get("/api/conversations", with("Authorization", "Bearer "+alice.token, "Bearer "+alice.token)), 401, "unauthenticated")
		})
	})
}

func TestUnknownPath(t *testing.T) {
	both(t, func(w *world) {
		u := w.mustRegister("alice")
		for _, path := range []string{
			"/", "/api", "/api/", "/api/nothing", "/api/auth", "/api/auth/", "/api/auth/login/", "/api/Auth/login", "/API/auth/login",
			"/api/users/1/", "/api/users/1/2", "/api/users/1%2F2", "/api//users", "//api/users", "/api/./users", "/api/users/..",
			"/api/users/%2e%2e", "/api/conversations/1-2/messages/2", "/api/conversations/1-2/", "/api/conversations//messages",
			"/api/groupchats/", "/api/groupchat", "/index.html", "/api/users/1/../2", "/problems/internal",
		} {
			for _, method := range []string{"GET", "POST", "DELETE", "OPTIONS"} {
				w.refused(w.send(method, path, "", as(u)), 404, "not_found")
			}
		}
	})
}

func TestWrongMethod(t *testing.T) {
	both(t, func(w *world) {
		u := w.mustRegister("alice")
		for path, allow := range inOrder(map[string]string{
			"/api/auth/login": "POST", "/api/auth/register": "POST", "/api/auth/logout": "POST", "/api/auth/session": "GET, HEAD",
			"/api/users": "GET, HEAD", "/api/users/1": "GET, HEAD", "/api/conversations": "GET, HEAD, POST",
			"/api/conversations/1-2": "GET, HEAD", "/api/conversations/1-2/messages": "GET, HEAD, POST",
			"/api/conversations/1-2/read": "POST", "/api/conversations/1-2/typing": "POST",
		}) {
			for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FROB"} {
				if strings.Contains(allow, method) {
					continue
				}
				a := w.send(method, path, "", as(u))
				w.refused(a, 405, "method_not_allowed")
				if got := a.header.Get("Allow"); got != allow {
					w.Errorf("%s: Allow %q, want %q", path, got, allow)
				}
			}
		}
	})
}

func TestHead(t *testing.T) {
	both(t, func(w *world) {
		u, _ := w.mustPair()
		for path, status := range inOrder(map[string]int{
			"/api/auth/session": 200, "/api/users?query=a": 200, "/api/users/1": 200, "/api/conversations": 200,
			"/api/conversations/1-2": 200, messages: 200, "/api/users": 422, "/api/users/9": 404, "/api/auth/login": 405,
		}) {
			head, get := w.send("HEAD", path, "", as(u)), w.get(path, as(u))
			if head.status != status || get.status != status || head.body != "" || head.header.Get("Content-Type") != get.header.Get("Content-Type") {
				w.Errorf("%s: HEAD %d %q, GET %d", path, head.status, head.body, get.status)
			}
		}
		w.refused(w.get("/api/conversations"), 401, "unauthenticated")
		if a := w.send("HEAD", "/api/conversations", ""); a.status != 401 {
			w.Errorf("HEAD without a session: %d", a.status)
		}
	})
}

// A Content-Length is only believed when it is too large: then nothing is read.
// What a client may claim on the wire, over plain HTTP.
func TestContentLengthLies(t *testing.T) {
	w := newWorld(t, transports[0].serve)
	for name, c := range map[string]struct {
		head, body string
		status     int
	}{
		"Huge":    {"Content-Length: 1048576\r\n", "", 413},
		"Chunked": {"Transfer-Encoding: chunked\r\n", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", 100_000, strings.Repeat("x", 100_000)), 413},
		"Short":   {"Content-Length: 5\r\n", `{"username":"alice"}`, 400},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", w.host())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, "POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n"+c.head+"\r\n"+c.body); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != c.status {
				t.Errorf("status %d, want %d", resp.StatusCode, c.status)
			}
		})
	}
}
