package telemetry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// lines checks each line against the shape that AWS's specification gives, and that what
// the directives name stands in it, and gives the lines.
func lines(t *testing.T, text string) (out []map[string]any) {
	t.Helper()
	raw, err := os.ReadFile("testdata/emf.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("emf", doc); err != nil {
		t.Fatal(err)
	}
	shape := c.MustCompile("emf")
	for line := range strings.Lines(text) {
		var values map[string]any
		if err := json.Unmarshal([]byte(line), &values); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if err := shape.Validate(values); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		for _, d := range values["_aws"].(map[string]any)["CloudWatchMetrics"].([]any) {
			for _, set := range d.(map[string]any)["Dimensions"].([]any) {
				for _, name := range set.([]any) {
					if v, ok := values[name.(string)].(string); !ok || v == "" || len(v) > 1024 {
						t.Errorf("%s: dimension %s is %q", line, name, v)
					}
				}
			}
			for _, m := range d.(map[string]any)["Metrics"].([]any) {
				switch v := values[m.(map[string]any)["Name"].(string)].(type) {
				case float64:
				case []any:
					if len(v) == 0 || len(v) > 100 {
						t.Errorf("%s: %d values for %v", line, len(v), m)
					}
				default:
					t.Errorf("%s: no number for %v", line, m)
				}
			}
		}
		out = append(out, values)
	}
	return out
}

func newEMF(out *bytes.Buffer) *EMF {
	e := NewEMF(out, "test")
	e.now = func() time.Time { return time.UnixMilli(1_767_225_600_500) }
	return e
}

func TestEMFRequest(t *testing.T) {
	ctx, c := Begin(t.Context(), "r-1")
	var b bytes.Buffer
	e := newEMF(&b)
	e.Request(c, "GET /api/friends", 200, 1500*time.Microsecond)
	CallOf(ctx).Attempted(true)
	CallOf(ctx).Attempted(false)
	CallOf(ctx).PublishFailed()
	e.Request(c, "", 404, time.Second)
	got := lines(t, b.String())
	if len(got) != 2 {
		t.Fatal(b.String())
	}
	for i, want := range []map[string]any{
		{"Route": "GET /api/friends", "Class": "2xx", "Requests": 1.0, "Latency": 1.5, "requestId": "r-1", "AppendAttempts": nil, "Stage": "test"},
		{"Route": "none", "Class": "4xx", "Latency": 1000.0, "AppendAttempts": 2.0, "AppendConflicts": 1.0, "PublishFailures": 1.0},
	} {
		for name, v := range want {
			if got[i][name] != v {
				t.Errorf("%s is %v, want %v", name, got[i][name], v)
			}
		}
	}
	if at := got[0]["_aws"].(map[string]any)["Timestamp"]; at != 1_767_225_600_500.0 {
		t.Errorf("at %v", at)
	}
}

func TestEMFRelay(t *testing.T) {
	var b bytes.Buffer
	e := newEMF(&b)
	e.Relay(0, 0, nil) // nothing to tell
	e.Relay(3, 1_767_225_600_100, nil)
	e.Relay(2, 1_767_225_600_600, errors.New("down")) // a clock that is behind
	got := lines(t, b.String())
	if len(got) != 2 {
		t.Fatal(b.String())
	}
	for i, want := range []string{"3 400 0", "0 0 1"} {
		if s := fmt.Sprint(got[i]["EntriesHinted"], got[i]["RelayLag"], got[i]["PublishFailures"]); s != want {
			t.Errorf("%s, want %s", s, want)
		}
	}
}

// Without metrics, or outside of a call, counting does nothing.
func TestEMFNone(t *testing.T) {
	var e *EMF
	CallOf(t.Context()).Attempted(true)
	CallOf(t.Context()).PublishFailed()
	e.Request(nil, "GET /", 200, 0)
	e.Relay(1, 1, nil)
}

// The documents name each metric with its unit.
func TestEMFDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []metric{requests, latency, appendAttempts, appendConflicts, publishFailures, hinted, relayLag} {
		if !strings.Contains(string(text), "| `"+m.Name+"` | "+m.Unit+" |") {
			t.Errorf("no %s in %s there", m.Name, m.Unit)
		}
	}
}
