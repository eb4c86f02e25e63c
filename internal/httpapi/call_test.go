package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tidings/internal/chat"
	"tidings/internal/httpapi"
)

// broken is a chat.MessageStore whose Messages fails.
type broken struct {
	chat.MessageStore
	fail func() error
}

func (b broken) Messages(context.Context, chat.UserID, chat.LogID, chat.Page) (chat.MessagePage, error) {
	return chat.MessagePage{}, b.fail()
}

func TestErrors(t *testing.T) {
	for name, c := range map[string]struct {
		fail       func() error
		status     int
		code       string
		retryAfter string
		logged     string
	}{
		"Internal": {func() error { return errors.New("the secret table is gone") }, 500, "internal", "", "the secret table is gone"},
		"Panic":    {func() error { panic("the secret map is nil") }, 500, "internal", "", "the secret map is nil"},
		"Deadline": {func() error { return fmt.Errorf("read: %w", context.DeadlineExceeded) }, 503, "overloaded", "1", "deadline"},
		"Canceled": {func() error { return context.Canceled }, 503, "overloaded", "1", "canceled"},
		"Slow":     {func() error { return chat.SlowMode(1) }, 429, "slow_mode", "1", ""},
		"Rate":     {func() error { return chat.RateLimited(61 * time.Second) }, 429, "rate_limited", "61", ""},
		"Busy":     {func() error { return chat.Overloaded(2001 * time.Millisecond) }, 503, "overloaded", "3", "overloaded"},
		"Large":    {func() error { return chat.ErrEntryTooLarge }, 413, "entry_too_large", "", ""},
		"Forbidden": {
			func() error { return &chat.Error{Kind: chat.KindForbidden, Code: "not_owner", Message: "No."} }, 403, "not_owner", "", "",
		},
		"Malformed": {
			func() error { return &chat.Error{Kind: chat.KindMalformed, Code: "malformed", Message: "No."} }, 400, "malformed", "", "",
		},
		"UnknownKind": {
			func() error { return &chat.Error{Kind: 99, Code: "odd", Message: "No."} }, 500, "internal", "", "odd",
		},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(w *world) {
				alice, _ := w.mustPair()
				w.api.Messages.Store, w.invented = broken{w.store, c.fail}, true
				before := len(w.log.String())
				a := w.get(messages, as(alice), with("X-Request-Id", "r-1"))
				w.refused(a, c.status, c.code)
				if got := a.header.Get("Retry-After"); got != c.retryAfter {
					w.Errorf("Retry-After %q, want %q", got, c.retryAfter)
				}
				if strings.Contains(a.body, "secret") {
					w.Errorf("the client is told %s", a.body)
				}
				// One line, with the cause when it is ours to mend.
				line := w.log.String()[before:]
				if strings.Count(line, "\n") != 1 || !strings.Contains(line, `"requestId":"r-1"`) || !strings.Contains(line, c.logged) {
					w.Errorf("logged %s", line)
				}
			})
		})
	}
}

func TestLog(t *testing.T) {
	w := newWorld(t, transports[0].serve)
	alice, _ := w.mustPair()
	w.post(messages, `{"content":"between us"}`, as(alice))
	lines := strings.Split(strings.TrimSpace(w.log.String()), "\n")
	var line map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &line); err != nil {
		t.Fatal(err)
	}
	if line["route"] != "POST /api/conversations/{id}/messages" || line["status"] != 201.0 || line["method"] != "POST" || line["durationMs"] == nil || line["requestId"] == nil {
		t.Errorf("line %v", line)
	}
	for _, private := range []string{"between us", alice.token, "/1-2", "correct horse", "alice"} {
		if strings.Contains(w.log.String(), private) {
			t.Errorf("the log tells %q", private)
		}
	}
}

func TestHeaders(t *testing.T) {
	both(t, func(w *world) {
		u := w.mustRegister("alice")
		for _, a := range []answer{
			w.get("/api/users/1", as(u)), w.get("/api/users/1"), w.get("/nowhere"), w.send("PUT", "/api/users", ""),
			w.post("/api/auth/login", "{"), w.get("/api//"),
		} {
			if a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Content-Type-Options") != "nosniff" || len(a.header.Get("X-Request-Id")) != 26 {
				w.Errorf("status %d: %v", a.status, a.header)
			}
		}
	})
}

func TestRequestID(t *testing.T) {
	both(t, func(w *world) {
		for id, taken := range inOrder(map[string]bool{
			"WlZqJjLgFiAEPNw=": true, "Root=1-5e9f0c65-1de4d666": true, "0198c1d4-7c2e-7000-8000-000000000000": true, strings.Repeat("a", 128): true,
			strings.Repeat("a", 129): false, "a b": false, "a\"b": false, "é": false, "{}": false,
		}) {
			a := w.get("/nowhere", with("X-Request-Id", id))
			if got := a.header.Get("X-Request-Id"); (got == id) != taken || got == "" {
				w.Errorf("%q became %q", id, got)
			}
		}
	})
}

// A Lambda has one area's handler; the others' paths are not there.
func TestAreas(t *testing.T) {
	w := newWorld(t, transports[0].serve)
	u := w.mustRegister("alice")
	for name, c := range map[string]struct {
		area   http.Handler
		serves string
		not    string
	}{
		"Auth":          {w.api.AuthHandler(), "/api/users/1", "/api/conversations"},
		"Conversations": {w.api.ConversationsHandler(), "/api/conversations", "/api/users/1"},
		"GroupChats":    {w.api.GroupChatsHandler(), "/api/groupchats", "/api/conversations"},
		"Friends":       {w.api.FriendsHandler(), "/api/friends", "/api/notifications"},
		"Ops":           {w.api.OpsHandler(), "/api/ops/connections", "/api/users/1"},
		"Notifications": {w.api.NotificationsHandler(), "/api/notifications", "/api/friends"},
	} {
		t.Run(name, func(t *testing.T) {
			for path, status := range map[string]int{c.serves: 200, c.not: 404} {
				r, rec := httptest.NewRequest("GET", path, nil), httptest.NewRecorder()
				r.Header.Set("Authorization", "Bearer "+u.token)
				c.area.ServeHTTP(rec, r)
				if rec.Code != status {
					t.Errorf("%s: %d", path, rec.Code)
				}
			}
		})
	}
	for path, status := range map[string]int{emitPath: 401, "/api/conversations": 404} { // it has no GET
		rec := httptest.NewRecorder()
		r := httptest.NewRequest("POST", path, strings.NewReader("{}"))
		r.Header.Set("Content-Type", "application/json")
		if w.api.EventsHandler().ServeHTTP(rec, r); rec.Code != status {
			t.Errorf("Events: %s: %d", path, rec.Code)
		}
	}
	seen := map[string]bool{}
	for _, rt := range httpapi.Routes() {
		if p := rt.Method + " " + rt.Path; seen[p] {
			t.Errorf("%s stands twice", p)
		} else {
			seen[p] = true
		}
	}
}
