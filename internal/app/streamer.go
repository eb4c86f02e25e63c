package app

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tidings/internal/bus"
	"tidings/internal/chat"
	"tidings/internal/ops"
	"tidings/internal/stream"
	"tidings/internal/telemetry"
)

// StreamerConfig is what one streamer instance is besides the Config.
type StreamerConfig struct {
	stream.Config
	// Cell is the cell whose entries the instance gets, 0 to Cells − 1.
	Cell int
	// Labels mark the instance's numbers where those of several are served together.
	Labels prometheus.Labels
}

// Streamer is one instance with its queue.
type Streamer struct {
	*stream.Service
	Events    *stream.Handler // GET /api/events
	metrics   *prometheus.Registry
	announcer *ops.Announcer

	// Address is where the other instances reach this one's private port, as host and
	// port, set before Run; none: it isn't announced.
	Address string
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
	hub := stream.NewHub(c.Config, s.Store, s.Store, stream.NewMetrics(prometheus.WrapRegistererWith(c.Labels, reg)), log)
	st := &Streamer{
		Service: &stream.Service{Hub: hub, Queue: queue, Prober: s.Topic, Instance: c.Instance, Cell: c.Cell, ClockSkew: s.Store.ClockSkew, Log: log},
		Events:  &stream.Handler{Hub: hub, Authenticate: s.Authenticator.Authenticate, Log: log},
		metrics: reg,
	}
	self := chat.Instance{Name: c.Instance, Cell: c.Cell, Version: version(), Started: chat.Millis(time.Now().UnixMilli())}
	st.announcer = &ops.Announcer{Store: s.Store, Now: time.Now, Log: log, Self: func() chat.Instance {
		self.Ready, self.Connections, self.Address = st.Ready(), hub.Connections(), st.Address
		return self
	}}
	return st, nil
}

// Run is that of the service, announced while it lasts.
func (s *Streamer) Run(ctx context.Context) error {
	if s.Address == "" {
		return s.Service.Run(ctx)
	}
	announcing, stop := context.WithCancel(context.WithoutCancel(ctx))
	var task sync.WaitGroup
	task.Go(func() { s.announcer.Run(announcing) })
	err := s.Service.Run(ctx)
	stop()
	task.Wait()
	return err
}

// Private is what the instance's private port answers, besides its metrics.
func (s *Streamer) Private() http.Handler { return ops.Private(s.Hub.Listeners) }

// commit is set by the linker where Go sees no repository, as for the image.
var commit string

// version is the commit that was built, or what is known of it.
func version() string {
	if commit != "" {
		return commit
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value[:min(len(s.Value), 12)]
		}
	}
	return info.Main.Version
}

// Metrics serves the instances' numbers and those of the process to Prometheus. Several
// instances need labels that tell them apart.
func Metrics(instances ...*Streamer) http.Handler {
	process := prometheus.NewRegistry()
	process.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	all := prometheus.Gatherers{process}
	for _, s := range instances {
		all = append(all, s.metrics)
	}
	return promhttp.HandlerFor(all, promhttp.HandlerOpts{})
}

// Report writes the instance's metrics once a minute until ctx ends.
func (s *Streamer) Report(ctx context.Context, e *telemetry.EMF) {
	e.Report(ctx, s.metrics, time.Minute)
}

// readiness is the answer of Readyz.
type readiness struct {
	Status      string `json:"status"`             // ready, or not ready
	Reason      string `json:"reason,omitempty"`   // of stream.Service.Unready
	Instance    string `json:"instance,omitempty"` // whose reason it is
	Connections int    `json:"connections"`        // streams that they hold
}

// Readyz answers 200 while all the instances should get new streams, else 503 and why
// the first of them should not.
func Readyz(instances ...*Streamer) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		status, answer := http.StatusOK, readiness{Status: "ready"}
		for _, s := range instances {
			answer.Connections += s.Hub.Connections()
			if reason := s.Unready(); reason != "" && answer.Reason == "" {
				status = http.StatusServiceUnavailable
				answer.Status, answer.Reason, answer.Instance = "not ready", reason, s.Instance
			}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(answer) // a client that is gone needs no answer
	}
}

// Healthz answers 200 while the process serves at all.
func Healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{"status":"ok"}` + "\n"))
}
