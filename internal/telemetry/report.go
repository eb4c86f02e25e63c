package telemetry

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// mostSamples is how many values of one metric a line may hold (the specification).
const mostSamples = 100

// Report writes the metrics of a registry, for whoever has CloudWatch and no Prometheus:
// once in a while what has changed since, and the rest when ctx ends. A name is that of
// the metric and the values of its labels, such as tidings_streamer_closed_total_stalled:
// the dimension is the stage alone, or each instance would be billed.
func (e *EMF) Report(ctx context.Context, from prometheus.Gatherer, every time.Duration) {
	if e == nil {
		return
	}
	r := report{emf: e, from: from, counts: map[string]float64{}}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
		r.write()
	}
}

type report struct {
	emf    *EMF
	from   prometheus.Gatherer
	counts map[string]float64 // by name, of buckets by name and bound: what was written
}

func (r *report) write() {
	families, _ := r.from.Gather() // what it can't give is not there
	values := map[string]any{}
	var metrics []metric
	add := func(name, unit string, v any) {
		values[name] = v
		metrics = append(metrics, metric{name, unit})
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := fullName(f.GetName(), m)
			switch f.GetType() {
			case dto.MetricType_GAUGE:
				add(name, unit(f.GetName()), m.GetGauge().GetValue())
			case dto.MetricType_COUNTER:
				if n := r.more(name, m.GetCounter().GetValue()); n > 0 {
					add(name, unit(f.GetName()), n)
				}
			case dto.MetricType_HISTOGRAM:
				if s := r.samples(name, m.GetHistogram()); len(s) > 0 {
					add(name, unit(f.GetName()), s)
				}
			}
		}
	}
	if len(metrics) > 0 {
		r.emf.write([]directive{r.emf.of(metrics)}, values)
	}
}

// more is by how much a count has grown since it was last written.
func (r *report) more(name string, n float64) float64 {
	grown := n - r.counts[name]
	r.counts[name] = n
	return grown
}

// samples stand for what a histogram has observed since: values at equal shares of it, so
// that percentiles come out as the buckets have them. Above the last bound its bound is
// all that is known.
func (r *report) samples(name string, h *dto.Histogram) []float64 {
	n := r.more(name, float64(h.GetSampleCount()))
	k := min(n, mostSamples)
	out := make([]float64, 0, int(k))
	rank := func() float64 { return n * (float64(len(out)) + .5) / k } // of the next value
	var low, below float64
	for _, b := range h.GetBucket() {
		high := b.GetUpperBound()
		upTo := r.more(fmt.Sprint(name, "/", high), float64(b.GetCumulativeCount()))
		for float64(len(out)) < k && rank() <= upTo {
			out = append(out, short(low+(high-low)*(rank()-below)/(upTo-below)))
		}
		low, below = high, upTo
	}
	for float64(len(out)) < k {
		out = append(out, low)
	}
	return out
}

// short leaves four digits of a value, more than its bucket knows. So a line of all that
// there is stays below 16 KiB, where some drivers of container logs cut one in two: half
// a line is no metric.
func short(v float64) float64 {
	v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 4, 64), 64) // of its own text
	return v
}

func fullName(name string, m *dto.Metric) string {
	for _, l := range m.GetLabel() {
		name += "_" + l.GetValue()
	}
	return name
}

// unit is what Prometheus' names end in.
func unit(name string) string {
	switch {
	case strings.HasSuffix(name, "_seconds"):
		return "Seconds"
	case strings.HasSuffix(name, "_bytes"):
		return "Bytes"
	}
	return "Count"
}
