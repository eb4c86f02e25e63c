package main

import (
	"crypto/rand"
	"errors"
	"os"
	"strings"
	"time"

	"tidings/internal/app"
)

// Config is what a streamer is told by its environment, besides app.Config.
type Config struct {
	app.Config
	Streamer app.StreamerConfig
	// Port serves /api/events, /api/ops, /healthz and /readyz. PORT, default 8080.
	Port int
	// MetricsPort serves /metrics and, for the other instances, /listeners. It asks nobody
	// who they are: the network must keep all others away. METRICS_PORT, default 9090.
	MetricsPort int
}

func readConfig(getenv func(string) string) (Config, error) {
	e := app.NewEnv(getenv)
	shared, err := app.ReadConfig(getenv)
	c := Config{
		Config:      shared,
		Port:        e.Number("PORT", 8080, 0, 65535),
		MetricsPort: e.Number("METRICS_PORT", 9090, 0, 65535),
	}
	// CELL: whose entries this instance gets, default 0.
	c.Streamer.Cell = e.Number("CELL", 0, 0, max(0, shared.Cells-1))
	// MAX_CONNECTIONS: above 95 % of it the instance is not ready. The default is
	// the hub's.
	c.Streamer.MaxConnections = e.Number("MAX_CONNECTIONS", 0, 1, 1_000_000)
	// DRAIN_SECONDS: over how long the streams are sent away on a stop, 0 to 110,
	// default 25. Whoever stops the container must give it 15 s more: for sockets that
	// take no more and for the queue. ECS's stopTimeout is 30 s by default, 120 s at most.
	c.Streamer.Drain = max(1, time.Duration(e.Number("DRAIN_SECONDS", 25, 0, 110))*time.Second) // zero would be the hub's default
	// COMPRESS: off for no gzip, where something between here and the clients holds
	// compressed answers back. Default on.
	c.Streamer.NoCompression = !e.OnOff("COMPRESS", true)
	c.Streamer.Instance = instance()
	return c, errors.Join(err, e.Err())
}

// instance is this start's own name: that of the machine or task, and something
// that no other start has, since SQS refuses the name of a queue just deleted.
func instance() string {
	host, _ := os.Hostname() // its absence costs a bit of legibility
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, host)
	return clean[:min(len(clean), 30)] + "-" + rand.Text()[:10] // a queue's name has 80 characters at most
}
