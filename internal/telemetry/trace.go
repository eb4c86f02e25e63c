package telemetry

import (
	"context"
	"net/http"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// The spans of a change, from the caller's on:
//
//	POST /api/conversations/{id}/messages  server
//	├ append                               client: the transaction, all attempts
//	└ publish                              producer: SNS
//	  └ deliver                            consumer, one an instance: from the receipt to the write to the last socket
//
// Unless an executable is told to record traces, they are made by OpenTelemetry's own
// no-ops. A trace that comes with a request is passed on even then.

// propagator reads and writes W3C Trace Context: traceparent and tracestate.
var propagator propagation.TraceContext

// Carrier is a trace on its way in a message's attributes; nil: none.
type Carrier = propagation.MapCarrier

// CarrierFields are the names of those attributes.
var CarrierFields = propagator.Fields()

// CarrierOf is the context's trace, to be sent along.
func CarrierOf(ctx context.Context) Carrier {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return nil
	}
	c := Carrier{}
	propagator.Inject(ctx, c)
	return c
}

// Span is one step of a trace.
type Span struct{ span trace.Span }

func start(ctx context.Context, name string, kind trace.SpanKind, attrs []attribute.KeyValue, o ...trace.SpanStartOption) (context.Context, Span) {
	o = append(o, trace.WithSpanKind(kind), trace.WithAttributes(attrs...))
	ctx, span := otel.Tracer("tidings").Start(ctx, name, o...)
	return ctx, Span{span}
}

// StartRequest starts the span of a request, below the caller's if it says one.
func StartRequest(ctx context.Context, r *http.Request) (context.Context, Span) {
	name := r.Pattern
	if name == "" {
		name = r.Method
	}
	ctx = propagator.Extract(ctx, propagation.HeaderCarrier(r.Header))
	return start(ctx, name, trace.SpanKindServer, []attribute.KeyValue{
		attribute.String("http.request.method", r.Method), attribute.String("http.route", r.Pattern),
	})
}

// StartAppend starts the span of a change of the table.
func StartAppend(ctx context.Context) (context.Context, Span) {
	return start(ctx, "append", trace.SpanKindClient, []attribute.KeyValue{
		attribute.String("db.system.name", "aws.dynamodb"), attribute.String("db.operation.name", "TransactWriteItems"),
	})
}

// StartPublish starts the span of the publishing of an entry.
func StartPublish(ctx context.Context, log string, seq int64) (context.Context, Span) {
	return start(ctx, "publish", trace.SpanKindProducer, append(entry(log, seq), attribute.String("messaging.system", "aws_sns")))
}

// Delivered records the span of an entry that an instance received and wrote to those
// who are here, below its publish.
func Delivered(c Carrier, instance, path, log string, seq int64, events int, received, written time.Time) {
	ctx := propagator.Extract(context.Background(), c)
	_, s := start(ctx, "deliver", trace.SpanKindConsumer, append(entry(log, seq),
		attribute.String("messaging.system", "aws_sqs"), attribute.String("service.instance.id", instance),
		attribute.String("tidings.path", path), attribute.Int("tidings.events", events),
	), trace.WithTimestamp(received))
	s.span.End(trace.WithTimestamp(written))
}

func entry(log string, seq int64) []attribute.KeyValue {
	return []attribute.KeyValue{attribute.String("tidings.log", log), attribute.Int64("tidings.seq", seq)}
}

// Answered ends a request's span.
func (s Span) Answered(status int) {
	s.span.SetAttributes(attribute.Int("http.response.status_code", status))
	if status >= 500 {
		s.span.SetStatus(codes.Error, "")
	}
	s.span.End()
}

// Attempted ends an append's span.
func (s Span) Attempted(times int, err error) {
	s.span.SetAttributes(attribute.Int("tidings.attempts", times))
	s.End(err)
}

// End ends a span. What the error says stays in the log.
func (s Span) End(err error) {
	if err != nil {
		s.span.SetStatus(codes.Error, "")
	}
	s.span.End()
}
