package telemetry

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"go.opentelemetry.io/otel/trace"
)

// A line names what it belongs to, also below With and in a group.
func TestLog(t *testing.T) {
	ctx, _ := Begin(t.Context(), "r-1")
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: "l-1"})
	ctx = trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{15: 1}, SpanID: trace.SpanID{7: 2}}))
	var b bytes.Buffer
	log := NewLog(&b, slog.LevelInfo).With("area", "a")
	log.DebugContext(ctx, "not this")
	log.InfoContext(ctx, "this", "n", 1)
	var line map[string]any
	if err := json.Unmarshal(b.Bytes(), &line); err != nil {
		t.Fatalf("%s: %v", b.String(), err)
	}
	for name, want := range map[string]any{
		"msg": "this", "level": "INFO", "area": "a", "n": 1.0, "requestId": "r-1", "lambdaRequestId": "l-1",
		"traceId": "00000000000000000000000000000001", "spanId": "0000000000000002",
	} {
		if line[name] != want {
			t.Errorf("%s is %v, want %v", name, line[name], want)
		}
	}
	b.Reset()
	log.WithGroup("g").Info("outside of a call", "n", 1)
	if !bytes.Contains(b.Bytes(), []byte(`"g":{"n":1}}`)) {
		t.Errorf("%s", b.String())
	}
}
