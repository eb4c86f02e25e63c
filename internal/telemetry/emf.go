package telemetry

import (
	"encoding/json"
	"io"
	"sync"
	"time"
)

// EMF writes metrics in CloudWatch's Embedded Metric Format: one JSON object a line,
// which CloudWatch Logs takes the metrics out of. It costs the function no call of AWS.
//
// CloudWatch bills each combination of a name and values of its dimensions as a metric
// of its own, so dimensions are few and bounded: routes and classes of status.
//
// Its methods are safe for concurrent use; those of nil do nothing.
type EMF struct {
	stage string // "": none
	now   func() time.Time

	mu  sync.Mutex
	out io.Writer
}

// namespace is that of all metrics.
const namespace = "Tidings"

// NewEMF writes to out, which in Lambda is os.Stdout. The stage tells deployments in one
// account apart: it is a dimension of every metric, unless it is empty.
func NewEMF(out io.Writer, stage string) *EMF { return &EMF{stage: stage, now: time.Now, out: out} }

// metric is one metric's definition; what it measured stands beside under its name.
type metric struct {
	Name string
	Unit string
}

// directive is metrics with the same dimensions. A set of none is the sum of all.
type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []metric
}

// The metrics.
var (
	requests        = metric{"Requests", "Count"}        // by Route and Class
	latency         = metric{"Latency", "Milliseconds"}  // by Route: of the handler, without Lambda's own start
	appendAttempts  = metric{"AppendAttempts", "Count"}  // transactions, of calls that had some
	appendConflicts = metric{"AppendConflicts", "Count"} // of them: another writer was faster
	publishFailures = metric{"PublishFailures", "Count"} // the relay makes up for those of entries
	hinted          = metric{"EntriesHinted", "Count"}   // by the relay
	relayLag        = metric{"RelayLag", "Milliseconds"} // from the ts of a batch's oldest entry until its hint is published
)

// Request writes what became of a request. The route is a pattern, never a path.
func (e *EMF) Request(c *Call, route string, status int, took time.Duration) {
	if e == nil {
		return
	}
	if route == "" {
		route = "none" // nothing is there
	}
	values := map[string]any{
		"Route": route, "Class": class(status), "requestId": c.ID,
		requests.Name: 1, latency.Name: milliseconds(took),
	}
	directives := []directive{
		e.of([]metric{requests}, "Route", "Class"),
		e.of([]metric{latency}, "Route"),
	}
	attempts, failed := c.attempts.Load(), c.publishFailures.Load()
	if attempts > 0 || failed > 0 {
		values[appendAttempts.Name], values[appendConflicts.Name], values[publishFailures.Name] = attempts, c.conflicts.Load(), failed
		directives = append(directives, e.of([]metric{appendAttempts, appendConflicts, publishFailures}))
	}
	e.write(directives, values)
}

// Relay writes what became of a batch: how many hints, the oldest of an entry at oldest
// (Unix ms), and whether they were published.
func (e *EMF) Relay(entries int, oldest int64, err error) {
	if e == nil || entries == 0 {
		return
	}
	values := map[string]any{relayLag.Name: max(0, e.now().UnixMilli()-oldest), hinted.Name: entries, publishFailures.Name: 0}
	if err != nil {
		values[hinted.Name], values[publishFailures.Name] = 0, 1
	}
	e.write([]directive{e.of([]metric{hinted, relayLag, publishFailures})}, values)
}

// of is a directive of metrics by these dimensions.
func (e *EMF) of(metrics []metric, dimensions ...string) directive {
	if e.stage != "" {
		dimensions = append([]string{"Stage"}, dimensions...)
	}
	if dimensions == nil {
		dimensions = []string{} // null would be no set
	}
	return directive{namespace, [][]string{dimensions}, metrics}
}

func (e *EMF) write(directives []directive, values map[string]any) {
	if e.stage != "" {
		values["Stage"] = e.stage
	}
	values["_aws"] = struct {
		Timestamp         int64
		CloudWatchMetrics []directive
	}{e.now().UnixMilli(), directives}
	line, err := json.Marshal(values)
	if err != nil {
		panic(err) // strings and numbers
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	_, _ = e.out.Write(append(line, '\n')) // who can't write to stdout can't say so either
}

// class is the class of a status: 2xx, 4xx, 5xx.
func class(status int) string { return string(rune('0'+status/100)) + "xx" }

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
