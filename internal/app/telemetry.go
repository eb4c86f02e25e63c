package app

import (
	"cmp"
	"io"
	"log/slog"

	"tidings/internal/telemetry"
)

// Telemetry is how an executable tells of itself.
type Telemetry struct {
	// LogLevel is the least level that is logged. LOG_LEVEL: debug, info (default), warn
	// or error.
	LogLevel slog.Level
	// EMF has the functions write metrics in CloudWatch's Embedded Metric Format to
	// stdout. METRICS, emf or off; by default emf where Lambda runs them.
	EMF bool
	// Namespace is that of these metrics. METRICS_NAMESPACE, default Tidings; give each
	// deployment in an account its own.
	Namespace string
	// Traces is where spans go. OTEL_TRACES_EXPORTER: otlp, console (stderr) or none; by
	// default otlp where OTEL_EXPORTER_OTLP_ENDPOINT is set, else none.
	Traces string
}

// Telemetry reads the variables of Telemetry.
func (e *Env) Telemetry() Telemetry {
	t := Telemetry{Namespace: cmp.Or(e.getenv("METRICS_NAMESPACE"), "Tidings"), Traces: e.traces()}
	if len(t.Namespace) > 255 || t.Namespace[0] == ':' { // CloudWatch's rules of namespaces
		e.bad("METRICS_NAMESPACE", "has more than 255 characters or begins with a colon")
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

// Metrics are a function's; nil if it writes none.
func (t Telemetry) Metrics(stdout io.Writer) *telemetry.EMF {
	if !t.EMF {
		return nil
	}
	return telemetry.NewEMF(stdout, t.Namespace)
}
