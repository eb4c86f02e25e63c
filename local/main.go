// Command local is the whole of Tidings in one process behind one port: the Lambda
// handlers behind an API Gateway of a few lines, the relay, the janitor, streamers, and the
// AWS that they stand on. It needs no container and no account.
package main

import (
	"context"
	"io"
	"log/slog"

	"tidings/internal/app"
	"tidings/internal/telemetry"
)

func main() { app.Main(run) }

func run(ctx context.Context, getenv func(string) string, stdout, stderr io.Writer) error {
	c, err := readConfig(getenv)
	if err != nil {
		return err
	}
	c.Metrics = c.Telemetry.Metrics(stdout)
	text := slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: c.Telemetry.LogLevel}) // for people
	log := slog.New(telemetry.LogHandler{Handler: text})
	tracing, err := c.Telemetry.Trace(ctx, "tidings", stderr, log)
	if err != nil {
		return err
	}
	defer tracing.Stop()
	s, err := Start(ctx, c, log)
	if err != nil {
		return err
	}
	printTour(stdout, s.URL, s)
	return s.Wait()
}
