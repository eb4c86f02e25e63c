package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/prometheus/client_golang/prometheus"

	"tidings/internal/app"
	"tidings/internal/stream"
)

// streamers are the instances of this process, each with a queue and a hub of its own.
type streamers struct {
	all  []*app.Streamer
	last atomic.Uint64 // how many streams were handed out
}

// openStreamers opens and runs the instances. When one ends, the system does.
func (s *System) openStreamers(services *app.Services, c Config, cfg aws.Config, log *slog.Logger) (*streamers, error) {
	names := s.instances(max(1, c.Streamers))
	out := &streamers{all: make([]*app.Streamer, len(names))}
	for i, name := range names {
		// The label stands there for one instance too, so that a query goes on to hold
		// when there are more.
		one, err := services.OpenStreamer(s.ctx, cfg, app.StreamerConfig{
			Config: stream.Config{Instance: name, Drain: max(1, c.Drain)}, // zero would be the hub's default
			Labels: prometheus.Labels{"instance": name},
		}, log.With("instance", name))
		if err != nil {
			return nil, fmt.Errorf("streamer %s: %w", name, err)
		}
		port, err := s.listen("private port", 0, one.Private())
		if err != nil {
			return nil, err
		}
		one.Address = "127.0.0.1:" + port
		out.all[i] = one
		s.run("streamer "+name, one.Run)
	}
	return out, nil
}

// instances are the names of n streamers. The embedded AWS belongs to this
// installation alone, so they are the same at each start, which takes over the queues
// that a kill left behind.
func (s *System) instances(n int) []string {
	start := ""
	if s.AWS == nil {
		start = strconv.FormatInt(time.Now().UnixNano(), 36) + "-"
	}
	names := make([]string, n)
	for i := range names {
		names[i] = "local-" + start + strconv.Itoa(i+1)
	}
	return names
}

// ServeHTTP hands each new stream to the next instance.
func (s *streamers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.next().Events.ServeHTTP(w, r)
}

// next is the next instance that is ready, as a load balancer would choose, so that
// clients who come back come to another one. When none is ready it is any: it tells
// the client itself when to come back.
func (s *streamers) next() *app.Streamer {
	first, n := s.last.Add(1)-1, uint64(len(s.all))
	for i := range n {
		if one := s.all[(first+i)%n]; one.Ready() {
			return one
		}
	}
	return s.all[first%n]
}
