package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	"google.golang.org/protobuf/proto"
)

// step is a span as a collector gets it.
type step struct {
	service, name, kind string
	trace, id, parent   string
	start, end          uint64 // Unix ns
	attributes          map[string]string
}

// collected is a collector of spans: OTLP over HTTP, in protobuf.
type collected struct {
	url string

	mu    sync.Mutex
	spans []step // guarded by mu
}

func mustCollect(t *testing.T) *collected {
	t.Helper()
	c := &collected{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		var in collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(b, &in)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL.Path, err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
		c.take(&in)
	}))
	t.Cleanup(srv.Close)
	c.url = srv.URL
	return c
}

func (c *collected) take(in *collector.ExportTraceServiceRequest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range in.ResourceSpans {
		service := texts(r.Resource.Attributes)["service.name"]
		for _, scope := range r.ScopeSpans {
			for _, s := range scope.Spans {
				c.spans = append(c.spans, step{
					service: service, name: s.Name, kind: strings.ToLower(strings.TrimPrefix(s.Kind.String(), "SPAN_KIND_")),
					trace: hex.EncodeToString(s.TraceId), id: hex.EncodeToString(s.SpanId), parent: hex.EncodeToString(s.ParentSpanId),
					start: s.StartTimeUnixNano, end: s.EndTimeUnixNano, attributes: texts(s.Attributes),
				})
			}
		}
	}
}

func texts(kvs []*common.KeyValue) map[string]string {
	out := map[string]string{}
	for _, kv := range kvs {
		switch v := kv.Value.Value.(type) {
		case *common.AnyValue_StringValue:
			out[kv.Key] = v.StringValue
		case *common.AnyValue_IntValue:
			out[kv.Key] = fmt.Sprint(v.IntValue)
		}
	}
	return out
}

// of gives the spans of a trace, as they began.
func (c *collected) of(trace string) (out []step) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if s.trace == trace {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b step) int { return int(int64(a.start) - int64(b.start)) })
	return out
}

// The trace that a caller begins goes through the function, the transaction and SNS to
// the streams of two instances, one of them a process of its own.
func TestTrace(t *testing.T) {
	const caller = "00f067aa0ba902b7"
	spans := mustCollect(t)
	env := []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + spans.url, "OTEL_BSP_SCHEDULE_DELAY=50"}
	data := t.TempDir()
	sys := mustRun(t, mustBuild(t, "tidings/local"), data, env...)
	other := mustStream(t, mustBuild(t, "tidings/streamer"), data, sys.awsURL, env...)
	alice, bob, eve := newPerson(t, sys.url, "alice"), newPerson(t, sys.url, "bob"), newPerson(t, sys.url, "eve")
	g := alice.createGroup("traced", bob, eve)
	if !eventually(patience, func() bool { return other.answers("/readyz") }) {
		t.Fatal("the streamer does not become ready")
	}
	eve.url = other.url
	bob.listen()
	eve.listen()
	// Where the machine is so busy that a hint is 50 ms ahead of the publish, the entry is
	// read and belongs to no trace: another message tries again.
	var trace string
	for seq := 2; len(spans.of(trace)) < 5; seq++ {
		if seq > 6 {
			t.Fatalf("collected %+v", spans.of(trace))
		}
		trace = fmt.Sprintf("4bf92f3577b34da6a3ce929d0e0e473%d", seq)
		alice.must(201, nil, "POST", "/api/groupchats/"+g.ID+"/messages", `{"content":"hello"}`, "traceparent", "00-"+trace+"-"+caller+"-01", "tracestate", "vendor=1")
		for _, p := range []*person{bob, eve} {
			for p.nextFrame().EventID != g.event(int64(seq), 3) {
			}
		}
		eventually(5*time.Second, func() bool { return len(spans.of(trace)) >= 5 })
	}

	all := spans.of(trace)
	for _, s := range all {
		t.Logf("%-16s %s ← %s %8.3f ms + %7.3f ms %-8s %s %v", s.service, s.id, s.parent, float64(s.start-all[0].start)/1e6, float64(s.end-s.start)/1e6, s.kind, s.name, s.attributes)
	}
	one := func(service, name string) (found step) {
		t.Helper()
		n := 0
		for _, s := range all {
			if s.service == service && s.name == name {
				found = s
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d spans %q of %s, want one", n, name, service)
		}
		return found
	}
	post := one("tidings", "POST /api/groupchats/{id}/messages")
	publish := one("tidings", "publish")
	for _, c := range []struct {
		step
		parent, kind string
		after        step
		attribute    string
	}{
		{post, caller, "server", step{}, "http.response.status_code=201"},
		{one("tidings", "append"), post.id, "client", post, "tidings.attempts=1"},
		{publish, post.id, "producer", one("tidings", "append"), "messaging.system=aws_sns"},
		{one("tidings", "deliver"), publish.id, "consumer", publish, "tidings.path=fast"},
		{one("tidings-streamer", "deliver"), publish.id, "consumer", publish, "tidings.events=3"},
	} {
		name, value, _ := strings.Cut(c.attribute, "=")
		if c.step.parent != c.parent || c.step.kind != c.kind || c.attributes[name] != value || c.start < c.after.start || c.end < c.start {
			t.Errorf("%+v, want it below %s, %s, with %s", c.step, c.parent, c.kind, c.attribute)
		}
	}
	if len(all) != 5 {
		t.Errorf("%d spans", len(all))
	}
	if !strings.Contains(sys.out.String(), "traceId="+trace) {
		t.Error("the log doesn't name the trace")
	}
}

// A sampler that takes nothing records nothing, and on the console each span is a line.
func TestTraceConsole(t *testing.T) {
	bin := mustBuild(t, "tidings/local")
	line := regexp.MustCompile(`(?m)^trace [0-9a-f]{32} span [0-9a-f]{16} parent -  .* ms server   POST /api/auth/register `)
	for _, c := range []struct {
		sampler string
		want    bool
	}{{"always_on", true}, {"always_off", false}} {
		t.Run(c.sampler, func(t *testing.T) {
			sys := mustRun(t, bin, t.TempDir(), "OTEL_TRACES_EXPORTER=console", "OTEL_TRACES_SAMPLER="+c.sampler)
			newPerson(t, sys.url, "alice")
			newPerson(t, sys.url, "bob")
			// A request's span is printed behind its line in the log: when the second has one,
			// the first's is there.
			eventually(patience, func() bool { return strings.Count(sys.out.String(), "msg=request") == 2 })
			if got := line.MatchString(sys.out.String()); got != c.want {
				t.Errorf("printed: %v, in %s", got, sys.out)
			}
		})
	}
}
