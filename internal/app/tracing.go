package app

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"

	"tidings/internal/telemetry"
)

// The exporters of traces, as OTEL_TRACES_EXPORTER names them.
const (
	tracesOTLP    = "otlp"
	tracesConsole = "console"
	tracesNone    = "none"
)

// traces reads OTEL_TRACES_EXPORTER: otlp, console or none. By default it is otlp where
// an endpoint is named, else none.
func (e *Env) traces() string {
	v, def := e.getenv("OTEL_TRACES_EXPORTER"), tracesNone
	if cmp.Or(e.getenv("OTEL_EXPORTER_OTLP_ENDPOINT"), e.getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")) != "" {
		def = tracesOTLP
	}
	switch v = cmp.Or(v, def); v {
	case tracesOTLP, tracesConsole, tracesNone:
	default:
		e.bad("OTEL_TRACES_EXPORTER", "%q is none of otlp, console, none", v)
	}
	return v
}

// Tracing is what records this executable's spans; nil if nothing does.
type Tracing struct{ provider *sdk.TracerProvider }

// flushTimeout bounds what a function's answer waits for its spans to be taken, and an
// executable's end.
const flushTimeout = 2 * time.Second

// Trace has the executable's spans recorded from here on, under the service's name unless
// OTEL_SERVICE_NAME has another. Everything else the SDK reads from the environment by
// itself: OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_HEADERS and so on.
func (t Telemetry) Trace(ctx context.Context, service string, stderr io.Writer, log *slog.Logger) (*Tracing, error) {
	var export sdk.TracerProviderOption
	switch t.Traces {
	case tracesOTLP:
		e, err := otlptracehttp.New(ctx)
		if err != nil {
			return nil, fmt.Errorf("export traces: %w", err)
		}
		export = sdk.WithBatcher(e)
	case tracesConsole:
		export = sdk.WithSyncer(telemetry.NewConsole(stderr))
	default:
		return nil, nil
	}
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", service)), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("describe the service to traces: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("record traces", "error", err) }))
	provider := sdk.NewTracerProvider(export, sdk.WithResource(about))
	otel.SetTracerProvider(provider)
	return &Tracing{provider}, nil
}

// Flush sends what is recorded. A function must do so before it returns: then it is
// frozen.
func (t *Tracing) Flush(ctx context.Context) {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	if err := t.provider.ForceFlush(ctx); err != nil {
		otel.Handle(err)
	}
}

// Stop sends what is recorded and records no more.
func (t *Tracing) Stop() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		otel.Handle(err)
	}
}
