package httpapi_test

import (
	"bytes"
	"encoding/json"
	"sync"
	"testing"

	"tidings/internal/httpapi"
	"tidings/internal/telemetry"
)

// lockedBuffer is written by handlers and read by the test.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// Each request is one line of metrics, by its route's pattern; a write tells what it
// took to commit.
func TestMetrics(t *testing.T) {
	w := newWorld(t, transports[0].serve)
	var out lockedBuffer
	w.api.Metrics = telemetry.NewEMF(&out, "")
	alice, _ := w.mustPair()
	out.b.Reset()
	w.post(messages, `{"content":"hello"}`, as(alice))
	w.get("/api/friends", as(alice))
	w.get("/nowhere/at/all")
	routes := map[string]bool{"/": true}
	for _, rt := range httpapi.Routes() {
		routes[rt.Method+" "+rt.Path] = true
	}
	d := json.NewDecoder(&out.b)
	for _, want := range []struct {
		route, class string
		attempts     any
	}{{"POST /api/conversations/{id}/messages", "2xx", 1.0}, {"GET /api/friends", "2xx", nil}, {"/", "4xx", nil}} {
		var got map[string]any
		if err := d.Decode(&got); err != nil {
			t.Fatal(err)
		}
		if got["Route"] != want.route || got["Class"] != want.class || got["AppendAttempts"] != want.attempts || !routes[want.route] {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	if d.More() {
		t.Error("more lines than requests")
	}
}
