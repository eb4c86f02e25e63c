// Command stall measures what a reader that stops reading does to the others: nothing, it
// should be. The hub alone holds many connections; with and without one that has stopped,
// in turn, the load generator measures how long unicasts to the others take. Then the
// reader reads again and must get all that it missed, stops again until it is closed for
// that, comes back, and must get the rest.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tidings/bench/backend"
)

const (
	repetitions = 5
	stallTime   = 60 * time.Second // after which the hub closes a reader without progress
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	n := 15_000
	if len(os.Args) > 1 {
		var err error
		if n, err = strconv.Atoi(os.Args[1]); err != nil {
			log.Fatal(err)
		}
	}
	if err := run(ctx, n); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, n int) error {
	dir, err := os.MkdirTemp("", "stall")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	m := &measurement{dir: dir, n: n}
	if m.load, err = backend.Build(ctx, dir, "tidings/bench/load"); err != nil {
		return err
	}
	hub, err := backend.Build(ctx, dir, "tidings/bench/hub")
	if err != nil {
		return err
	}
	target, err := os.ReadFile("bench/targets/tidings.json")
	if err != nil {
		return fmt.Errorf("not at the top of the repository: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "target.json"), target, 0o600); err != nil {
		return err
	}
	m.hub = exec.CommandContext(ctx, hub, "-users", strconv.Itoa(n+1), "-history", "-tokens", filepath.Join(dir, "tokens"))
	m.hub.Stderr = os.Stderr
	if err := m.hub.Start(); err != nil {
		return err
	}
	defer func() {
		_ = m.hub.Process.Kill() // nothing of it is kept
		_ = m.hub.Wait()
	}()
	if err := await(ctx, publishURL+"/metrics"); err != nil {
		return err
	}
	tokens, err := os.ReadFile(filepath.Join(dir, "tokens"))
	if err != nil {
		return err
	}
	r := &reader{token: strings.Split(string(tokens), "\n")[n], chat: fmt.Sprintf("u%07d", n)}
	if err := m.compare(ctx, r); err != nil {
		return err
	}
	return m.outlast(ctx, r)
}

// await waits until the page is answered.
func await(ctx context.Context, url string) error {
	for {
		resp, err := http.Get(url)
		if err == nil {
			return resp.Body.Close()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// measurement is a hub and who loads it.
type measurement struct {
	dir, load string
	n         int
	hub       *exec.Cmd
}

// latency is the time that unicasts to readers who read take, in ms.
func (m *measurement) latency(ctx context.Context) (p50, p99 float64, err error) {
	c := exec.CommandContext(ctx, m.load, "-config", "target.json", "-pids", strconv.Itoa(m.hub.Process.Pid),
		"-n", strconv.Itoa(m.n), "-phases", "latency", "-latency", "10s")
	c.Dir, c.Stderr = m.dir, os.Stderr
	out, err := c.Output()
	if err != nil {
		return 0, 0, fmt.Errorf("load: %w: %s", err, out)
	}
	var result struct {
		Latency struct {
			P50     float64 `json:"p50_us"`
			P99     float64 `json:"p99_us"`
			Missing int     `json:"missing"`
		}
	}
	if err := json.Unmarshal(out, &result); err != nil {
		return 0, 0, err
	}
	if result.Latency.Missing != 0 {
		return 0, 0, fmt.Errorf("%d unicasts are missing", result.Latency.Missing)
	}
	return result.Latency.P50 / 1e3, result.Latency.P99 / 1e3, nil
}

// memory is what the hub's process holds, in MiB.
func (m *measurement) memory() (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", m.hub.Process.Pid))
	if err != nil {
		return 0, err
	}
	for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
		var kib float64
		if _, err := fmt.Sscanf(lines.Text(), "Pss: %f kB", &kib); err == nil {
			return kib / 1024, nil
		}
	}
	return 0, fmt.Errorf("no Pss in %s", b)
}

// compare measures with and without the stalled reader, in turn, and has it read again
// each time.
func (m *measurement) compare(ctx context.Context, r *reader) error {
	var without, with []float64
	fmt.Printf("| %d readers | p50 ms | p99 ms | hub MiB |\n|---|---|---|---|\n", m.n)
	for range repetitions {
		for _, stalled := range []bool{false, true} {
			missed := 0
			if stalled {
				if err := r.stall(ctx); err != nil {
					return err
				}
				missed = r.missed()
			}
			p50, p99, err := m.latency(ctx)
			if err != nil {
				return err
			}
			mib, err := m.memory()
			if err != nil {
				return err
			}
			if !stalled {
				without = append(without, p99)
				fmt.Printf("| all read | %.2f | %.2f | %.0f |\n", p50, p99, mib)
				continue
			}
			with = append(with, p99)
			fmt.Printf("| and one has stopped, %d behind | %.2f | %.2f | %.0f |\n", missed, p50, p99, mib)
			if err := r.catchUp(); err != nil {
				return err
			}
		}
	}
	fmt.Printf("\np99 with by p99 without, medians: %.2f. The reader got all that it had missed, each time.\n", median(with)/median(without))
	return nil
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// outlast stalls until the hub gives up on the reader, which then comes back.
func (m *measurement) outlast(ctx context.Context, r *reader) error {
	if err := r.stall(ctx); err != nil {
		return err
	}
	began := time.Now()
	closed := `tidings_streamer_closed_total{reason="stalled"} 1`
	for page := ""; !strings.Contains(page, closed); {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
		resp, err := http.Get(publishURL + "/metrics")
		if err != nil {
			return err
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return err
		}
		if page = string(b); time.Since(began) > 2*stallTime {
			return fmt.Errorf("not closed after %v: %s", time.Since(began), page[strings.Index(page, "# HELP tidings_streamer_closed_total"):])
		}
	}
	took := time.Since(began)
	if err := r.drain(); err != nil {
		return err
	}
	if err := r.connect(ctx); err != nil {
		return err
	}
	if err := r.catchUp(); err != nil {
		return err
	}
	fmt.Printf("Closed after %v without progress, counted as stalled; back with its position it got the rest: %d of %d, each once and in order.\n",
		took.Round(time.Second), r.got, r.sent)
	return nil
}
