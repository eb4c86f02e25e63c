package aws_test

import (
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"tidings/local/aws"
)

func mustSet(t testing.TB, s *aws.Server, c aws.FaultConfig) {
	t.Helper()
	if err := s.Faults().Set(c); err != nil {
		t.Fatal(err)
	}
}

func wantCount(t testing.TB, s *aws.Server, name string, want uint64) {
	t.Helper()
	if got := s.Faults().Counts()[name]; got != want {
		t.Errorf("%s was counted %d times, want %d", name, got, want)
	}
}

func numbered(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprint(i))
	}
	return out
}

// arrivals polls until nothing comes for a second, and returns the bodies in order.
func arrivals(t testing.TB, w *world, url string) (out []string) {
	t.Helper()
	for {
		ms, err := w.receive(t.Context(), url, 1, 3600)
		if err != nil {
			t.Fatal(err)
		}
		if len(ms) == 0 {
			return out
		}
		for _, m := range ms {
			out = append(out, *m.Body)
		}
	}
}

func TestFaultsOfDelivery(t *testing.T) {
	inBubble(t, "DuplicateComesTwice", func(t *testing.T, s *aws.Server, w *world) {
		topic, url := mustSubscribed(t, w)
		mustSet(t, s, aws.FaultConfig{Duplicate: 1})
		mustPublish(t, w, topic, numbered(20)...)
		got := arrivals(t, w, url)
		counts := map[string]int{}
		for _, b := range got {
			counts[b]++
		}
		for b, n := range counts {
			if n != 2 {
				t.Errorf("%s came %d times", b, n)
			}
		}
		if len(counts) != 20 {
			t.Errorf("%d messages came", len(counts))
		}
		wantCount(t, s, "duplicate", 20)
	})
	inBubble(t, "DelayComesLate", func(t *testing.T, s *aws.Server, w *world) {
		topic, url := mustSubscribed(t, w)
		mustSet(t, s, aws.FaultConfig{Delay: 1, MaxDelay: 3 * time.Second})
		start := time.Now()
		mustPublish(t, w, topic, "x")
		if ms, err := w.receive(t.Context(), url, 0, 30); err != nil || len(ms) != 0 {
			t.Fatalf("at once: %v %v", ms, err)
		}
		if _, err := w.one(t.Context(), url, 20, 30); err != nil || time.Since(start) > 3*time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		wantCount(t, s, "delay", 1)
	})
	inBubble(t, "DropRedeliverComesBack", func(t *testing.T, s *aws.Server, w *world) {
		topic, url := mustSubscribed(t, w)
		mustSet(t, s, aws.FaultConfig{DropRedeliver: 1, RedeliverAfter: 4 * time.Second})
		start := time.Now()
		mustPublish(t, w, topic, "x")
		m, err := w.one(t.Context(), url, 20, 30)
		if err != nil || time.Since(start) != 4*time.Second || m.Attributes["ApproximateReceiveCount"] != "2" {
			t.Errorf("%v %v after %s", m.Attributes, err, time.Since(start))
		}
		wantCount(t, s, "dropRedeliver", 1)
	})
	inBubble(t, "CloseHandsOverWhatWaits", func(t *testing.T, s *aws.Server, w *world) {
		topic, url := mustSubscribed(t, w)
		mustSet(t, s, aws.FaultConfig{Delay: 1, MaxDelay: time.Hour, Duplicate: 1})
		mustPublish(t, w, topic, "a", "b")
		mustSet(t, s, aws.FaultConfig{})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		ms, err := w.receive(t.Context(), url, 0, 30)
		if err != nil || len(ms) != 4 {
			t.Errorf("%d messages, %v", len(ms), err)
		}
	})
	// The same seed and the same calls give the same faults.
	inBubble(t, "SeedRepeats", func(t *testing.T, s *aws.Server, w *world) {
		topic, url := mustSubscribed(t, w)
		var runs [][]string
		for range 2 {
			mustSet(t, s, aws.FaultConfig{Seed: 42, Duplicate: 0.2, Delay: 0.2, Reorder: 0.2})
			mustPublish(t, w, topic, numbered(40)...)
			runs = append(runs, arrivals(t, w, url))
		}
		if !slices.Equal(runs[0], runs[1]) || slices.Equal(runs[0], numbered(40)) {
			t.Errorf("%v\n%v", runs[0], runs[1])
		}
	})
}

func TestFaultsOfLoss(t *testing.T) {
	inBubble(t, "PublishFailDeliversNothing", func(t *testing.T, s *aws.Server, w *world) {
		topic, url := mustSubscribed(t, w)
		mustSet(t, s, aws.FaultConfig{PublishFail: 1})
		if err := wantCode(w.publish(t.Context(), topic, "x", nil), "InternalError", ""); err != nil {
			t.Error(err)
		}
		if _, err := w.publishBatch(t.Context(), topic, []string{"x"}, nil); wantCode(err, "InternalError", "") != nil {
			t.Error(err)
		}
		mustSet(t, s, aws.FaultConfig{})
		if got := arrivals(t, w, url); len(got) != 0 {
			t.Errorf("delivered %v", got)
		}
		wantCount(t, s, "publishFail", 2)
	})
	inBubble(t, "LoseDeliversNothing", func(t *testing.T, s *aws.Server, w *world) {
		topic, url := mustSubscribed(t, w)
		mustSet(t, s, aws.FaultConfig{Lose: 1, Duplicate: 1, Delay: 1})
		mustPublish(t, w, topic, "x")
		mustSet(t, s, aws.FaultConfig{})
		mustPublish(t, w, topic, "y")
		if got := arrivals(t, w, url); !slices.Equal(got, []string{"y"}) {
			t.Errorf("delivered %v", got)
		}
		wantCount(t, s, "lose", 1)
	})
}

func TestFaultsOfOrder(t *testing.T) {
	inBubble(t, "ReorderLosesNothing", func(t *testing.T, s *aws.Server, w *world) {
		topic, url := mustSubscribed(t, w)
		mustSet(t, s, aws.FaultConfig{Reorder: 0.3})
		mustPublish(t, w, topic, numbered(50)...)
		got := arrivals(t, w, url)
		if slices.Equal(got, numbered(50)) {
			t.Error("the order is that of publishing")
		}
		slices.Sort(got)
		want := slices.Sorted(slices.Values(numbered(50)))
		if !slices.Equal(got, want) {
			t.Errorf("got %v", got)
		}
	})
	inBubble(t, "ReorderIsBounded", func(t *testing.T, s *aws.Server, w *world) {
		topic, url := mustSubscribed(t, w)
		mustSet(t, s, aws.FaultConfig{Reorder: 1})
		start := time.Now()
		mustPublish(t, w, topic, "alone")
		if _, err := w.one(t.Context(), url, 20, 30); err != nil || time.Since(start) != 100*time.Millisecond {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}

func TestFaultsEndpoint(t *testing.T) {
	s := mustServer(t, aws.Options{})
	do := func(method, body string) (int, string) {
		r := httptest.NewRequest(method, "/_faults", strings.NewReader(body))
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	t.Run("PutThenGet", func(t *testing.T) {
		if code, body := do("PUT", `{"duplicate":0.5,"maxDelay":"1.5s","seed":7}`); code != 200 {
			t.Fatal(body)
		}
		want := aws.FaultConfig{Seed: 7, Duplicate: 0.5, MaxDelay: 1500 * time.Millisecond}
		if got := s.Faults().Config(); got != want {
			t.Errorf("got %+v", got)
		}
		if code, body := do("GET", ""); code != 200 || !strings.Contains(body, `"duplicate":0.5`) || !strings.Contains(body, `"maxDelay":"1.5s"`) || !strings.Contains(body, `"counts":{`) {
			t.Errorf("%d %s", code, body)
		}
	})
	for name, body := range map[string]string{
		"ErrUnknownName": `{"duplicates":0.5}`, "ErrProbability": `{"throttle":1.5}`, "ErrNegative": `{"maxDelay":"-1s"}`,
		"ErrDuration": `{"maxDelay":"soon"}`, "ErrNull": `null`, "ErrNotJSON": `{`,
	} {
		t.Run(name, func(t *testing.T) {
			before := s.Faults().Config()
			if code, _ := do("PUT", body); code != 400 || s.Faults().Config() != before {
				t.Errorf("%d, config %+v", code, s.Faults().Config())
			}
		})
	}
	t.Run("ErrMethod", func(t *testing.T) {
		if code, _ := do("POST", "{}"); code != 405 {
			t.Errorf("got %d", code)
		}
	})
	t.Run("CountsNameEverySwitch", func(t *testing.T) {
		got := slices.Sorted(maps.Keys(s.Faults().Counts()))
		want := []string{"conflict", "delay", "dropRedeliver", "duplicate", "lose", "publishFail", "reorder", "staleRead", "throttle", "timeoutAfterCommit"}
		if !slices.Equal(got, want) {
			t.Errorf("got %v", got)
		}
	})
}
