package app

import (
	"io"
	"log/slog"
	"strings"

	"tidings/internal/telemetry"
)

// Telemetry is how an executable tells of itself.
type Telemetry struct {
	// LogLevel is the least level that is logged. LOG_LEVEL: debug, info (default), warn
	// or error.
	LogLevel slog.Level
	// EMF has metrics written to stdout in CloudWatch's Embedded Metric Format. METRICS,
	// emf or off; by default emf where Lambda runs the function.
	EMF bool
	// Stage is a dimension of these metrics, to tell deployments in an account apart.
	// METRICS_STAGE, at most 255 printable ASCII characters; default none.
	Stage string
	// Traces is where spans go. OTEL_TRACES_EXPORTER: otlp, console (stderr) or none; by
	// default otlp where OTEL_EXPORTER_OTLP_ENDPOINT is set, else none.
	Traces string
}

// Telemetry reads the variables of Telemetry.
func (e *Env) Telemetry() Telemetry {
	t := Telemetry{Stage: e.getenv("METRICS_STAGE"), Traces: e.traces()}
	if odd := func(c rune) bool { return c < ' ' || c > '~' }; len(t.Stage) > 255 || strings.ContainsFunc(t.Stage, odd) {
		e.bad("METRICS_STAGE", "is not up to 255 printable ASCII characters") // as CloudWatch wants a dimension's value
	}
	switch v := e.getenv("LOG_LEVEL"); v {
	case "", "info":
	case "debug":
		t.LogLevel = slog.LevelDebug
	case "warn":
		t.LogLevel = slog.LevelWarn
	case "error":
		t.LogLevel = slog.LevelError
	default:
		e.bad("LOG_LEVEL", "%q is none of debug, info, warn, error", v)
	}
	switch v := e.getenv("METRICS"); v {
	case "":
		t.EMF = e.getenv("AWS_LAMBDA_FUNCTION_NAME") != ""
	case "emf":
		t.EMF = true
	case "off":
	default:
		e.bad("METRICS", "%q is neither emf nor off", v)
	}
	return t
}

// Log is the executable's log.
func (t Telemetry) Log(stderr io.Writer) *slog.Logger { return telemetry.NewLog(stderr, t.LogLevel) }

// Metrics are those that are written; nil if none are.
func (t Telemetry) Metrics(stdout io.Writer) *telemetry.EMF {
	if !t.EMF {
		return nil
	}
	return telemetry.NewEMF(stdout, t.Stage)
}
