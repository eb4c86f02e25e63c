package telemetry

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// Console prints each span that ends, one a line, for whoever looks at a trace on their
// own machine.
type Console struct {
	mu sync.Mutex
	w  io.Writer // guarded by mu
}

// NewConsole prints to w.
func NewConsole(w io.Writer) *Console { return &Console{w: w} }

// ExportSpans implements the SDK's SpanExporter.
func (c *Console) ExportSpans(_ context.Context, spans []sdk.ReadOnlySpan) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range spans {
		parent := "-" // the first of its trace
		if s.Parent().IsValid() {
			parent = s.Parent().SpanID().String()
		}
		var attrs strings.Builder
		for _, a := range s.Attributes() {
			fmt.Fprintf(&attrs, " %s=%s", a.Key, a.Value.String())
		}
		if _, err := fmt.Fprintf(c.w, "trace %s span %s parent %-16s %s %8.3f ms %-8s %s%s\n",
			s.SpanContext().TraceID(), s.SpanContext().SpanID(), parent, s.StartTime().UTC().Format("15:04:05.000"),
			float64(s.EndTime().Sub(s.StartTime()))/float64(time.Millisecond), s.SpanKind(), s.Name(), attrs.String()); err != nil {
			return err
		}
	}
	return nil
}

// Shutdown implements the SDK's SpanExporter.
func (c *Console) Shutdown(context.Context) error { return nil }
