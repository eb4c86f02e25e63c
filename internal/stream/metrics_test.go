package stream

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidings/internal/telemetry"
)

// All that a streamer has to tell in a minute is one line that CloudWatch takes: of at
// most 100 metrics, and below the 16 KiB at which drivers of container logs may cut it.
func TestMetricsFitALine(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := NewMetrics(reg)
	const many = 1_234_567_890
	for _, c := range []prometheus.Counter{
		m.entries, m.hints, m.duplicates, m.held, m.gapsFilled, m.holes, m.phantoms, m.deliveries, m.unencodable,
		m.decodeErrors, m.bellsLost, m.resumes, m.refused, m.unheard, m.unheardMemberships,
	} {
		c.Add(many)
	}
	for _, c := range m.delivered {
		c.Add(many)
	}
	for _, g := range []prometheus.Gauge{m.connections, m.logs, m.cacheBytes, m.lag} {
		g.Set(many)
	}
	for vec, values := range map[*prometheus.CounterVec]string{
		m.ephemerals: "delivered dropped", m.closed: "client stalled logout expired replaced drain",
		m.queueErrors: "receive delete renew probe", m.resets: "expired invalid selection overflow",
	} {
		for v := range strings.FieldsSeq(values) {
			vec.WithLabelValues(v).Add(many)
		}
	}
	for kind := range strings.FieldsSeq("head gap pull position audit membership memberships session") {
		m.reads.WithLabelValues(kind, "ok").Add(many)
		m.reads.WithLabelValues(kind, "error").Add(many)
	}
	for i := range 10_007 { // over all buckets, and no round shares of them
		for _, h := range []prometheus.Observer{m.hops.commitToPublish, m.hops.publishToReceive, m.hops.receiveToWrite, m.hops.commitToWrite} {
			h.Observe(60.0 / float64(1+i))
		}
		m.replay.Observe(float64(i % maxReplay))
	}

	var out bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		go telemetry.NewEMF(&out, strings.Repeat("s", 20)).Report(ctx, reg, time.Minute)
		synctest.Wait()
		end()
		synctest.Wait()
	})
	var line struct {
		AWS struct {
			CloudWatchMetrics []struct{ Metrics []struct{ Name string } }
		} `json:"_aws"`
	}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if n := len(line.AWS.CloudWatchMetrics[0].Metrics); n < 60 || n > 100 {
		t.Errorf("%d metrics", n)
	}
	if n := out.Len(); n >= 16<<10 {
		t.Errorf("%d bytes", n)
	}
}
