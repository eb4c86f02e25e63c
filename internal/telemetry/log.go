package telemetry

import (
	"context"
	"io"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"go.opentelemetry.io/otel/trace"
)

// NewLog is a JSON log, one object a line, whose lines name the call and the trace that
// they belong to.
func NewLog(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(LogHandler{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})})
}

// LogHandler adds to each line what its context knows: requestId, lambdaRequestId (the
// name that Lambda's own START and REPORT lines have for it), traceId and spanId.
type LogHandler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h LogHandler) Handle(ctx context.Context, r slog.Record) error {
	if c := CallOf(ctx); c != nil {
		r.AddAttrs(slog.String("requestId", c.ID))
	}
	if l, ok := lambdacontext.FromContext(ctx); ok {
		r.AddAttrs(slog.String("lambdaRequestId", l.AwsRequestID))
	}
	if s := trace.SpanContextFromContext(ctx); s.IsValid() {
		r.AddAttrs(slog.String("traceId", s.TraceID().String()), slog.String("spanId", s.SpanID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h LogHandler) WithAttrs(as []slog.Attr) slog.Handler {
	return LogHandler{h.Handler.WithAttrs(as)}
}

// WithGroup implements slog.Handler.
func (h LogHandler) WithGroup(name string) slog.Handler { return LogHandler{h.Handler.WithGroup(name)} }
