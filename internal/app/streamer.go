package app

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tidings/internal/bus"
	"tidings/internal/stream"
)

// StreamerConfig is what one streamer instance is besides the Config.
type StreamerConfig struct {
	stream.Config
	// Cell is the cell whose entries the instance gets, 0 to Cells − 1.
	Cell int
}

// Streamer is one instance with its queue.
type Streamer struct {
	*stream.Service
	Events  *stream.Handler // GET /api/events
	metrics *prometheus.Registry
}

// OpenStreamer creates and subscribes the instance's queue and wires its hub. Its
// Run must be called: it also removes the queue.
func (s *Services) OpenStreamer(ctx context.Context, cfg aws.Config, c StreamerConfig, log *slog.Logger) (*Streamer, error) {
	queue, err := bus.OpenQueue(ctx, bus.QueueConfig{
		SQS: sqs.NewFromConfig(cfg), SNS: sns.NewFromConfig(cfg), TopicARN: s.Topic.ARN, Instance: c.Instance, Cell: c.Cell,
	})
	if err != nil {
		return nil, err
	}
	reg := prometheus.NewRegistry()
	hub := stream.NewHub(c.Config, s.Store, s.Store, stream.NewMetrics(reg), log)
	return &Streamer{
		Service: &stream.Service{Hub: hub, Queue: queue, Prober: s.Topic, Instance: c.Instance, Cell: c.Cell, Log: log},
		Events:  &stream.Handler{Hub: hub, Authenticate: s.Authenticator.Authenticate, Log: log},
		metrics: reg,
	}, nil
}

// Metrics serves the instance's numbers to Prometheus.
func (s *Streamer) Metrics() http.Handler {
	return promhttp.HandlerFor(s.metrics, promhttp.HandlerOpts{})
}

// Readyz answers 200 while the instance should get new streams, else 503.
func (s *Streamer) Readyz(w http.ResponseWriter, _ *http.Request) {
	status, word := http.StatusOK, "ready"
	if !s.Ready() {
		status, word = http.StatusServiceUnavailable, "not ready"
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// A client that is gone needs no answer.
	_ = json.NewEncoder(w).Encode(map[string]any{"status": word, "connections": s.Hub.Connections()})
}

// Healthz answers 200 while the process serves at all.
func Healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{"status":"ok"}` + "\n"))
}
