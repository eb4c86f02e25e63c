package dynamo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tidings/internal/chat"
	"tidings/internal/chattest"
	"tidings/internal/dynamo"
	"tidings/local/aws"
)

// What a client is told when the table never comes round, within the time that a
// function has (15 s), and that nothing was written.
func TestAppendMessageGivesUp(t *testing.T) {
	for name, c := range map[string]struct {
		faults aws.FaultConfig
		want   *chat.Error
	}{
		"ErrSlowMode":   {aws.FaultConfig{Conflict: 1}, chat.SlowMode(time.Second)},
		"ErrOverloaded": {aws.FaultConfig{Throttle: 1}, chat.Overloaded(time.Second)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, dynamo.Limits{})
				log := w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
				w.races.latency = 10 * time.Millisecond
				w.races.before("TransactWriteItems", func() { w.mustFaults(c.faults) })
				start := time.Now()
				_, err := w.AppendMessage(t.Context(), chat.Draft{Log: log, By: 1, Content: "x"}, chattest.Fresh())
				var told *chat.Error
				if !errors.As(err, &told) || told.Code != c.want.Code || told.RetryAfter != c.want.RetryAfter {
					t.Errorf("err %v", err)
				}
				if took := time.Since(start); took < 2*time.Second || took > 15*time.Second {
					t.Errorf("gave up after %v", took)
				}
				w.mustFaults(aws.FaultConfig{})
				if n := len(w.mustEntries(log)); n != 1 {
					t.Errorf("%d entries", n)
				}
			})
		})
	}
	t.Run("ErrCanceled", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, dynamo.Limits{})
			log := w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			w.mustFaults(aws.FaultConfig{Conflict: 1})
			_, err := w.AppendMessage(ctx, chat.Draft{Log: log, By: 1, Content: "x"}, chattest.Fresh())
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("err %v", err)
			}
		})
	})
	// A request that the table calls wrong is not repeated.
	t.Run("ErrRefused", func(t *testing.T) {
		w := newWorld(t, dynamo.Limits{})
		log := w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
		w.units.Reset()
		idem := chattest.Given(strings.Repeat("k", 1025), "h") // longer than a key may be
		idem.Given = false                                     // so that only the write has it
		_, err := w.AppendMessage(t.Context(), chat.Draft{Log: log, By: 1, Content: "x"}, idem)
		var told *chat.Error
		if err == nil || errors.As(err, &told) {
			t.Errorf("err %v", err)
		}
		if got := len(w.units.Calls()); got != 2 {
			t.Errorf("%d calls, want a read and one write", got)
		}
	})
}

// A table that keeps throttling a read is the service being busy, not broken.
func TestReadsGiveUp(t *testing.T) {
	for name, call := range map[string]func(w *world) error{
		"View":          func(w *world) error { _, err := w.View(w.Context(), 1, "c:1-2"); return err },
		"Messages":      func(w *world) error { _, err := w.Messages(w.Context(), 1, "c:1-2", chat.Page{Limit: 9}); return err },
		"Conversations": func(w *world) error { _, err := w.Conversations(w.Context(), 1, "c:"); return err },
		"Session":       func(w *world) error { _, err := w.Session(w.Context(), chat.Session{ID: "s", User: 1}); return err },
		"SessionsHold": func(w *world) error {
			_, err := w.SessionsHold(w.Context(), []chat.Session{{ID: "s", User: 1}})
			return err
		},
		"Position": func(w *world) error { _, err := w.Position(w.Context(), "c:1-2", 0, 0, 1); return err },
		"AppendMessage": func(w *world) error {
			_, err := w.AppendMessage(w.Context(), chat.Draft{Log: "c:1-2", By: 1, Content: "x"}, chattest.Fresh())
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, dynamo.Limits{})
				w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
				w.mustFaults(aws.FaultConfig{Throttle: 1})
				var told *chat.Error
				if err := call(w); !errors.As(err, &told) || told.Code != "overloaded" || told.RetryAfter != time.Second {
					t.Errorf("err %v", err)
				}
			})
		})
	}
}

// So it is with single writes, and with a read that a write builds on.
func TestSingleWritesGiveUp(t *testing.T) {
	throttle := aws.FaultConfig{Throttle: 1}
	for name, c := range map[string]struct {
		before string // the operation before which throttling begins; empty: at once
		call   func(w *world) error
	}{
		"CreateSession": {"", func(w *world) error {
			return w.CreateSession(w.Context(), chat.Session{ID: "s", User: 1, Expires: w.Now().Add(time.Hour)})
		}},
		"LoginSucceeded": {"", func(w *world) error { return w.LoginSucceeded(w.Context(), "alice") }},
		"SearchUsers":    {"", func(w *world) error { _, err := w.SearchUsers(w.Context(), "al", 3); return err }},
		"BeginLogin":     {"UpdateItem", func(w *world) error { return w.BeginLogin(w.Context(), "alice", w.Now()) }},
		"CreateUser": {"UpdateItem", func(w *world) error {
			_, err := w.CreateUser(w.Context(), chat.User{UserRef: chat.UserRef{Username: "zed"}})
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, dynamo.Limits{})
				w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
				if c.before == "" {
					w.mustFaults(throttle)
				} else {
					w.races.before(c.before, func() { w.mustFaults(throttle) })
				}
				var told *chat.Error
				if err := c.call(w); !errors.As(err, &told) || told.Code != "overloaded" || told.RetryAfter != time.Second {
					t.Errorf("err %v", err)
				}
			})
		})
	}
}

func (w *world) mustFaults(f aws.FaultConfig) {
	if err := w.aws.Faults().Set(f); err != nil {
		w.Error(err)
	}
}

// The end of a session whose answer was lost is told once, by its entry; the caller
// may hear that it has ended already.
func TestEndSessionTimeoutAfterCommit(t *testing.T) {
	for name, foreign := range map[string]bool{"Own": false, "Foreign": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, dynamo.Limits{})
				s := chat.Session{ID: "s", User: w.MustUser("alice").ID, Expires: w.Now().Add(time.Hour), Foreign: foreign}
				if !foreign { // nobody keeps those
					if err := w.CreateSession(t.Context(), s); err != nil {
						t.Fatal(err)
					}
				}
				w.mustFaults(aws.FaultConfig{TimeoutAfterCommit: 1})
				if _, err := w.EndSession(t.Context(), s); err != nil && !errors.Is(err, chat.ErrSessionEnded) {
					t.Error(err)
				}
				w.mustFaults(aws.FaultConfig{})
				if _, err := w.Session(t.Context(), s); !errors.Is(err, chat.ErrSessionEnded) {
					t.Errorf("it goes on: %v", err)
				}
				if n := len(w.mustEntries("u:1")); n != 1 {
					t.Errorf("told %d times", n)
				}
			})
		})
	}
}

// stingy answers a BatchGetItem for at most so many keys, as a throttled table does.
type stingy struct {
	next http.RoundTripper
	keys int
}

func (s stingy) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".BatchGetItem") {
		return s.next.RoundTrip(r)
	}
	type request struct {
		Keys           []json.RawMessage
		ConsistentRead bool
	}
	var in struct{ RequestItems map[string]request }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	all := in.RequestItems[tableName]
	left := request{all.Keys[min(s.keys, len(all.Keys)):], true}
	answer := []byte(`{"Responses":{"` + tableName + `":[]}}`)
	if s.keys > 0 {
		in.RequestItems[tableName] = request{all.Keys[:min(s.keys, len(all.Keys))], true}
		body, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		resp, err := s.next.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		if answer, err = io.ReadAll(resp.Body); err != nil {
			return nil, err
		}
	}
	var out map[string]any
	if err := json.Unmarshal(answer, &out); err != nil {
		return nil, err
	}
	if len(left.Keys) > 0 {
		out["UnprocessedKeys"] = map[string]request{tableName: left}
	}
	answer, err := json.Marshal(out)
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(bytes.NewReader(answer)), ContentLength: int64(len(answer)), Request: r,
	}, err
}

// A table that answers only a part is asked for the rest, but not for ever.
func TestUnprocessedKeys(t *testing.T) {
	for name, c := range map[string]struct {
		keys int
		want error
	}{"OK": {2, nil}, "ErrOverloaded": {0, chat.Overloaded(0)}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, dynamo.Limits{})
				for _, name := range []string{"alice", "bob", "carol", "dave", "erin"} {
					w.MustUser(name)
				}
				cfg := w.aws.Config()
				cfg.HTTPClient = &http.Client{Transport: stingy{next: w.units, keys: c.keys}}
				us, err := dynamo.New(cfg, tableName, dynamo.Limits{}, w.Now).Users(t.Context(), 1, 2, 3, 4, 5)
				if !errors.Is(err, c.want) || err == nil && len(us) != 5 {
					t.Errorf("%d users, %v", len(us), err)
				}
			})
		})
	}
}
