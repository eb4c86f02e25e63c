package main

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// bucket is one of a histogram: how many observations lay at or below its bound.
type bucket struct{ le, count float64 }

// hops are the histograms of the parts of an entry's way, by hop.
type hops map[string][]bucket

var (
	hopLine  = regexp.MustCompile(`(?m)^tidings_streamer_hop_seconds_bucket\{hop="(\w+)",.*le="(.+)"\} (\S+)$`)
	pathLine = regexp.MustCompile(`(?m)^tidings_streamer_delivered_entries_total\{.*path="(\w+)"\} (\S+)$`)
)

// readHops reads the streamer's hops from the metrics, as Prometheus would, and how many
// entries came by which path.
func readHops(t testing.TB, url string) (hops, map[string]float64) {
	t.Helper()
	resp, err := http.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	number := func(s []byte) float64 {
		n, err := strconv.ParseFloat(string(s), 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	h, paths := hops{}, map[string]float64{}
	for _, m := range hopLine.FindAllSubmatch(text, -1) {
		h[string(m[1])] = append(h[string(m[1])], bucket{number(m[2]), number(m[3])})
	}
	for _, m := range pathLine.FindAllSubmatch(text, -1) {
		paths[string(m[1])] = number(m[2])
	}
	return h, paths
}

// since is what was observed after an earlier reading.
func (h hops) since(before hops) hops {
	out := hops{}
	for hop, buckets := range h {
		out[hop] = slices.Clone(buckets)
		for i, b := range before[hop] {
			out[hop][i].count -= b.count
		}
	}
	return out
}

// quantile is the time below which a share of the observations lies, spread evenly in
// their bucket: what PromQL's histogram_quantile says.
func quantile(buckets []bucket, share float64) time.Duration {
	rank, below := share*buckets[len(buckets)-1].count, bucket{}
	for _, b := range buckets {
		if b.count >= rank && b.count > below.count {
			if math.IsInf(b.le, 1) {
				break
			}
			return time.Duration((below.le + (b.le-below.le)*(rank-below.count)/(b.count-below.count)) * float64(time.Second))
		}
		below = b
	}
	return time.Duration(below.le * float64(time.Second)) // beyond the last bucket nobody knows
}

// String is a table of the hops.
func (h hops) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-20s %10s %10s %10s %8s\n", "hop", "p50", "p95", "p99", "entries")
	for _, hop := range []string{"commit_to_publish", "publish_to_receive", "receive_to_write", "commit_to_write"} {
		buckets := h[hop]
		at := func(share float64) time.Duration { return quantile(buckets, share).Round(10 * time.Microsecond) }
		fmt.Fprintf(&b, "%-20s %10v %10v %10v %8.0f\n", hop, at(.5), at(.95), at(.99), buckets[len(buckets)-1].count)
	}
	return b.String()
}

func TestQuantile(t *testing.T) {
	buckets := []bucket{{.001, 50}, {.002, 50}, {.005, 99}, {math.Inf(1), 100}}
	for share, want := range map[float64]time.Duration{.25: 500 * time.Microsecond, .5: time.Millisecond, .99: 5 * time.Millisecond, .999: 5 * time.Millisecond} {
		if got := quantile(buckets, share); (got - want).Abs() > time.Microsecond {
			t.Errorf("%v of all lie below %v, want %v", share, got, want)
		}
	}
}

// Every entry that somebody got is in the table.
func TestHops(t *testing.T) {
	sys := mustStart(t, nil)
	alice, bob := newPerson(t, sys.URL, "alice"), newPerson(t, sys.URL, "bob")
	bob.listen()
	id := alice.open(bob)
	bob.nextFrame() // the conversation
	before, _ := readHops(t, sys.URL)
	for range 10 {
		alice.say(id, "hello")
	}
	checkMessages(bob, id, 2, 10)
	var table hops
	if !eventually(patience, func() bool {
		now, _ := readHops(t, sys.URL)
		table = now.since(before)
		w := table["commit_to_write"]
		return len(w) > 0 && w[len(w)-1].count == 10
	}) {
		t.Fatalf("measured\n%s", table)
	}
	for hop, buckets := range table {
		if n := buckets[len(buckets)-1].count; n > 10 {
			t.Errorf("%s was measured %v times", hop, n)
		}
	}
	if now, paths := readHops(t, sys.URL); paths["fast"]+paths["relay"]+paths["gap"]+paths["audit"] < 10 || len(now) != 4 {
		t.Errorf("came by %v", paths)
	}
}
