package dynamo_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tidings/internal/chat"
	"tidings/internal/chattest"
	"tidings/internal/dynamo"
	"tidings/local/aws"
)

// wire is a transport on which transactions are seen, and the first may hang.
type wire struct {
	next http.RoundTripper

	mu     sync.Mutex
	hang   bool     // guarded by mu: the next transaction is never answered
	tokens []string // guarded by mu: of all transactions
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".TransactWriteItems") {
		return w.next.RoundTrip(r)
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var in struct{ ClientRequestToken string }
	if err := json.Unmarshal(b, &in); err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.tokens = append(w.tokens, in.ClientRequestToken)
	hang := w.hang
	w.hang = false
	w.mu.Unlock()
	if hang {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(b))
	return w.next.RoundTrip(r)
}

// over is a store whose requests go over the wire.
func (w *world) over(t *wire) *dynamo.Store {
	t.next = w.aws.Client().Transport
	cfg := w.aws.Config()
	cfg.HTTPClient = &http.Client{Transport: t}
	return dynamo.New(cfg, tableName, dynamo.Limits{}, w.Now)
}

// A transaction that is never answered is given up after five seconds, which leaves
// time for another attempt before a function's end.
func TestAttemptHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dynamo.Limits{})
		log := w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
		s := w.over(&wire{hang: true})
		start := time.Now()
		a, err := s.AppendMessage(t.Context(), chat.Draft{Log: log, By: 1, Content: "x"}, chattest.Fresh())
		if err != nil || a.Entry.Seq != 2 {
			t.Errorf("%+v, %v", a, err)
		}
		if took := time.Since(start); took < 5*time.Second || took > 8*time.Second {
			t.Errorf("done after %v", took)
		}
	})
}

// Each attempt is a request of its own, built anew: the SDK, which would repeat the
// same one under the same token, never does.
func TestAttemptIsSentOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dynamo.Limits{})
		log := w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
		sent := &wire{}
		s := w.over(sent)
		w.mustFaults(aws.FaultConfig{TimeoutAfterCommit: 1})
		time.AfterFunc(time.Second, func() { w.mustFaults(aws.FaultConfig{}) })
		for range 3 {
			if _, err := s.AppendMessage(t.Context(), chat.Draft{Log: log, By: 1, Content: "x"}, chattest.Fresh()); err != nil {
				t.Error(err)
			}
		}
		seen := map[string]bool{}
		for _, token := range sent.tokens {
			if seen[token] {
				t.Errorf("sent again: %s", token)
			}
			seen[token] = true
		}
		if len(seen) < 4 {
			t.Errorf("%d transactions for three messages whose answers were lost", len(seen))
		}
	})
}
