package app

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidings/internal/stream"
)

// Until its probe came back an instance is not ready, and says so; of several the first
// that isn't is named.
func TestReadyz(t *testing.T) {
	instance := func(name string, skew time.Duration) *Streamer {
		hub := stream.NewHub(stream.Config{}, nil, nil, stream.NewMetrics(prometheus.NewRegistry()), slog.New(slog.DiscardHandler))
		return &Streamer{Service: &stream.Service{Hub: hub, Instance: name, ClockSkew: func() (time.Duration, bool) { return skew, true }}}
	}
	for _, c := range []struct {
		name      string
		instances []*Streamer
		status    int
		want      readiness
	}{
		{"None", nil, 200, readiness{Status: "ready"}},
		{"Probe", []*Streamer{instance("a", 0)}, 503, readiness{Status: "not ready", Reason: "probe_overdue", Instance: "a"}},
		{"Clock", []*Streamer{instance("a", -time.Minute), instance("b", 0)}, 503, readiness{Status: "not ready", Reason: "clock_skew", Instance: "a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			Readyz(c.instances...)(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
			var got readiness
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != c.status || got != c.want {
				t.Errorf("%d %+v %v, want %d %+v", w.Code, got, err, c.status, c.want)
			}
		})
	}
}

func TestHealthz(t *testing.T) {
	w := httptest.NewRecorder()
	Healthz(w, httptest.NewRequest(http.MethodGet, "/healthz", nil))
	if w.Code != 200 || w.Body.String() != `{"status":"ok"}`+"\n" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
