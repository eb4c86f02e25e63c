// Command streamer is the long-running container that holds the browsers' event
// streams. It has one SQS queue, which it creates and removes itself.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"tidings/internal/app"
	"tidings/internal/stream"
)

func main() { app.Main(run) }

func run(ctx context.Context, getenv func(string) string, stdout, stderr io.Writer) error {
	c, err := readConfig(getenv)
	if err != nil {
		return err
	}
	if getenv("GOGC") == "" { // the runtime has taken GOMEMLIMIT by itself
		debug.SetGCPercent(stream.GCPercent)
	}
	log := c.Telemetry.Log(stderr)
	tracing, err := c.Telemetry.Trace(ctx, "tidings-streamer", stderr, log)
	if err != nil {
		return err
	}
	defer tracing.Stop()
	cfg, err := app.LoadAWS(ctx)
	if err != nil {
		return err
	}
	services, err := app.New(cfg, c.Config, app.Options{Log: log})
	if err != nil {
		return err
	}
	s, err := services.OpenStreamer(ctx, cfg, c.Streamer, log)
	if err != nil {
		return err
	}
	public := http.NewServeMux()
	public.Handle("/api/events", s.Events)
	public.Handle("/api/ops/", services.API.OpsHandler())
	public.HandleFunc("GET /healthz", app.Healthz)
	public.Handle("GET /readyz", app.Readyz(s))
	stop, failed := context.WithCancelCause(ctx)
	defer failed(nil)
	streams, err := serve(s.Events.Listen, c.Port, public, failed)
	if err != nil {
		failed(fmt.Errorf("PORT: %w", err))
	}
	private := http.NewServeMux()
	private.Handle("GET /metrics", app.Metrics(s))
	private.Handle("GET /listeners", s.Private())
	metrics, err := serve(listen, c.MetricsPort, private, failed)
	if err != nil {
		failed(fmt.Errorf("METRICS_PORT: %w", err))
	}
	s.Address = reachable(metrics.addr)
	log.InfoContext(ctx, "streamer started", "instance", c.Streamer.Instance, "cell", c.Streamer.Cell, "address", streams.addr, "metrics", metrics.addr)
	reporting, leave := context.WithCancel(context.WithoutCancel(ctx))
	var report sync.WaitGroup
	report.Go(func() { s.Report(reporting, c.Telemetry.Metrics(stdout)) })
	err = s.Run(stop) // first the streams take leave, then the ports close
	leave()
	report.Wait()
	streams.close()
	metrics.close()
	if cause := context.Cause(stop); ctx.Err() == nil && !errors.Is(cause, context.Canceled) {
		err = errors.Join(cause, err)
	}
	return err
}

// port is a port that is being served; the zero port is none.
type port struct {
	addr string
	srv  http.Server
}

func (p *port) close() { _ = p.srv.Close() }

// serve serves a port until it is closed; a later failure is told to failed.
func serve(listen func(address string) (net.Listener, error), number int, h http.Handler, failed context.CancelCauseFunc) (*port, error) {
	// A request that dribbles in must not hold a descriptor for long.
	p := &port{srv: http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10}}
	l, err := listen(":" + strconv.Itoa(number))
	if err != nil {
		return p, err
	}
	p.addr = l.Addr().String()
	go func() {
		if err := p.srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			failed(err)
		}
	}()
	return p, nil
}

// reachable is where others in the network reach a port of all this machine's addresses:
// at the one that it would send from. Choosing it sends nothing.
func reachable(port string) string {
	_, number, err := net.SplitHostPort(port)
	if err != nil {
		return "" // the port is not served
	}
	host := "127.0.0.1" // without a network there is nobody else
	if c, err := net.Dial("udp4", "192.0.2.1:9"); err == nil {
		host, _, _ = net.SplitHostPort(c.LocalAddr().String())
		_ = c.Close()
	}
	return net.JoinHostPort(host, number)
}

func listen(address string) (net.Listener, error) { return net.Listen("tcp", address) }
