package app

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"tidings/internal/stream"
)

var update = flag.Bool("update", false, "write the table of docs/metrics.md")

const (
	metricsDoc = "../../docs/metrics.md"
	dashboard  = "../../infra/grafana/tidings.json"
)

// inventory is a registerer that writes down what it is given.
type inventory []prometheus.Collector

func (r *inventory) Register(c prometheus.Collector) error { *r = append(*r, c); return nil }
func (r *inventory) MustRegister(cs ...prometheus.Collector) {
	*r = append(*r, cs...)
}
func (r *inventory) Unregister(prometheus.Collector) bool { return false }

// described is what is told of a metric.
type described struct{ name, kind, labels, help string }

var descParts = regexp.MustCompile(`fqName: "(.+?)", help: "(.*?)"(?:, unit: ".*?")?, constLabels: \{\}, variableLabels: \{(.*?)\}`)

// streamerMetrics are all that a streamer registers, by name.
func streamerMetrics(t *testing.T) []described {
	t.Helper()
	var all inventory
	stream.NewMetrics(&all)
	var out []described
	for _, c := range all {
		descs := make(chan *prometheus.Desc, 1)
		c.Describe(descs)
		m := descParts.FindStringSubmatch((<-descs).String())
		if m == nil {
			t.Fatalf("%T is not described", c)
		}
		d := described{name: m[1], labels: m[3], help: m[2]}
		switch c.(type) {
		case prometheus.Gauge:
			d.kind = "gauge"
		case prometheus.Counter, *prometheus.CounterVec:
			d.kind = "counter"
		case prometheus.Histogram, *prometheus.HistogramVec:
			d.kind = "histogram"
		default:
			t.Fatalf("what is a %T?", c)
		}
		if strings.HasSuffix(d.name, "_total") != (d.kind == "counter") {
			t.Errorf("%s is a %s", d.name, d.kind)
		}
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b described) int { return strings.Compare(a.name, b.name) })
	return out
}

// The table in the documents is that of the registry (go test ./internal/app -update).
func TestMetricsDocumented(t *testing.T) {
	var b strings.Builder
	b.WriteString("| metric | | labels | |\n|---|---|---|---|\n")
	for _, d := range streamerMetrics(t) {
		labels := ""
		if d.labels != "" {
			labels = "`" + d.labels + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", d.name, d.kind, labels, d.help)
	}
	text, err := os.ReadFile(metricsDoc)
	if err != nil {
		t.Fatal(err)
	}
	const from, to = "<!-- metrics -->\n", "<!-- end -->"
	begin, end := bytes.Index(text, []byte(from)), bytes.Index(text, []byte(to))
	if begin < 0 || end < begin {
		t.Fatalf("%s has no place for the table", metricsDoc)
	}
	if begin += len(from); string(text[begin:end]) == b.String() {
		return
	}
	if !*update {
		t.Fatalf("%s differs from the registry: go test ./internal/app -run Documented -update", metricsDoc)
	}
	if err := os.WriteFile(metricsDoc, slices.Concat(text[:begin], []byte(b.String()), text[end:]), 0o644); err != nil {
		t.Fatal(err)
	}
}

// CloudWatch's alarms, its dashboard and the scaling are on metrics that a streamer
// writes, with the values of their labels behind.
func TestAlarms(t *testing.T) {
	all, source := streamerMetrics(t), mustReadAll(t, "../stream/*.go")
	for file, least := range map[string]int{"alarms.yaml": 10, "streamer.yaml": 1} {
		names := regexp.MustCompile(`\btidings_streamer_\w+`).FindAllString(mustReadAll(t, "../../infra/"+file), -1)
		if len(names) < least {
			t.Errorf("%s: only %q are used", file, names)
		}
		for _, n := range names {
			if !slices.ContainsFunc(all, func(d described) bool {
				value, labelled := strings.CutPrefix(n, d.name+"_")
				return n == d.name && d.labels == "" || labelled && d.labels != "" && strings.Contains(source, `"`+value+`"`)
			}) {
				t.Errorf("%s: there is no %s", file, n)
			}
		}
	}
}

// mustReadAll reads the files that fit the pattern, one after the other.
func mustReadAll(t *testing.T, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", pattern, len(files), err)
	}
	var b strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(text)
	}
	return b.String()
}

// The dashboard asks for metrics that there are, by labels that they have.
func TestDashboard(t *testing.T) {
	raw, err := os.ReadFile(dashboard)
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		UID, Title string
		Panels     []struct {
			Title, Description string
			GridPos            struct{ H, W, X, Y int }
			Targets            []struct{ Expr, RefID string }
		}
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	known := map[string]described{}
	for _, m := range streamerMetrics(t) {
		known[m.name] = m
		if m.kind == "histogram" {
			known[m.name+"_bucket"], known[m.name+"_sum"], known[m.name+"_count"] = m, m, m
		}
	}
	names := regexp.MustCompile(`\b(tidings_\w+)(?:\{([^}]*)\})?`)
	matcher := regexp.MustCompile(`(\w+)\s*(?:=~|!~|!=|=)`)
	used := 0
	for _, p := range d.Panels {
		if p.Title == "" || p.Description == "" || len(p.Targets) == 0 || p.GridPos.W == 0 {
			t.Errorf("panel %q lacks something", p.Title)
		}
		for _, target := range p.Targets {
			for _, m := range names.FindAllStringSubmatch(target.Expr, -1) {
				used++
				of, ok := known[m[1]]
				if !ok {
					t.Errorf("%s: there is no %s", p.Title, m[1])
				}
				for _, l := range matcher.FindAllStringSubmatch(m[2], -1) {
					if l[1] != "instance" && !slices.Contains(strings.Split(of.labels, ","), l[1]) {
						t.Errorf("%s: %s has no label %s", p.Title, m[1], l[1])
					}
				}
			}
		}
	}
	if used < 20 || d.UID == "" || d.Title == "" {
		t.Errorf("%d metrics are used in %q", used, d.Title)
	}
	for _, n := range regexp.MustCompile(`tidings_\w+`).FindAllString(string(raw), -1) {
		if _, ok := known[n]; !ok {
			t.Errorf("the dashboard speaks of %s", n)
		}
	}
}
