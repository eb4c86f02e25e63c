package telemetry

import (
	"bytes"
	"context"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Once a minute what has changed is written, and the rest at the end.
func TestReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewRegistry()
		open := prometheus.NewGauge(prometheus.GaugeOpts{Name: "open_bytes"})
		closed := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "closed_total"}, []string{"reason"})
		took := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "took_seconds", Buckets: []float64{1, 2, 4}})
		reg.MustRegister(open, closed, took)
		var b bytes.Buffer
		ctx, end := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); NewEMF(&b, "test").Report(ctx, reg, time.Minute) }()
		pass := func() { time.Sleep(time.Minute); synctest.Wait() }

		open.Set(7)
		closed.WithLabelValues("stalled").Add(3)
		for range 200 { // of which a hundred values stand
			took.Observe(1.5)
		}
		pass()
		open.Set(8)
		closed.WithLabelValues("stalled").Add(2)
		for _, v := range []float64{.5, 1.5, 1.6, 9} {
			took.Observe(v)
		}
		pass()
		pass()
		closed.WithLabelValues("client").Add(1)
		end()
		<-done

		got := lines(t, b.String())
		for i, want := range []map[string]any{
			{"open_bytes": 7.0, "closed_total_stalled": 3.0, "Stage": "test"},
			{"open_bytes": 8.0, "closed_total_stalled": 2.0, "took_seconds": []any{.5, 1.25, 1.75, 4.0}},
			{"open_bytes": 8.0, "closed_total_stalled": nil, "took_seconds": nil},
			{"closed_total_client": 1.0},
		} {
			for name, v := range want {
				if !reflect.DeepEqual(got[i][name], v) {
					t.Errorf("line %d: %s is %v, want %v", i, name, got[i][name], v)
				}
			}
		}
		if v := got[0]["took_seconds"].([]any); len(v) != 100 || v[0].(float64) <= 1 || v[99].(float64) >= 2 {
			t.Errorf("%v", v)
		}
		if len(got) != 4 {
			t.Errorf("%d lines", len(got))
		}
	})
}
