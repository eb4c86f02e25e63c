// Command scale measures many streamers at once on the whole path: messages are committed
// to the table, published to the topic, fanned out to a queue for each streamer, and
// delivered by streamer processes to all their connections, which the load generator
// holds and checks. See ../README.md.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"tidings/bench/backend"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	users := flag.Int("users", 100_000, "people, one connection each")
	streamers := flag.Int("streamers", 6, "processes: each may open 20,000 files")
	flag.Parse()
	if err := run(ctx, *users, *streamers, flag.Args()); err != nil {
		log.Fatal(err)
	}
}

// maxMemory is what the table may take: 100,000 people are 5 GB in it.
const maxMemory = 16 << 30

// run passes more on to the load generator as flags of it.
func run(ctx context.Context, users, streamers int, more []string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dir, err := os.MkdirTemp("", "scale")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b, err := backend.Start(ctx)
	if err != nil {
		return err
	}
	defer b.Close()
	began := time.Now()
	t := &town{b: b, users: users}
	if err := t.build(ctx, filepath.Join(dir, "tokens")); err != nil {
		return fmt.Errorf("fill the table: %w", err)
	}
	fmt.Fprintf(os.Stderr, "%d people and %d chats in %v\n", users, t.chats(), time.Since(began).Round(time.Second))
	// Millions of items are all that this process holds. To collect it would take both
	// cores for seconds, and be seen as lag: from here on that waits for the limit.
	runtime.GC()
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(maxMemory)
	pub, err := t.serve()
	if err != nil {
		return err
	}
	bin, err := backend.Build(ctx, dir, "tidings/streamer")
	if err != nil {
		return err
	}
	s := &fleet{}
	defer s.stop()
	for i := range streamers {
		if err := s.start(ctx, b, bin, users/streamers+1000); err != nil {
			return fmt.Errorf("streamer %d: %w", i, err)
		}
	}
	generator, err := backend.Build(ctx, dir, "tidings/bench/load")
	if err != nil {
		return err
	}
	if err := writeTarget(filepath.Join(dir, "target.json"), pub, s.addrs); err != nil {
		return err
	}
	load := exec.CommandContext(ctx, generator, append([]string{
		"-config", "target.json", "-pids", strings.Join(s.pids, ","), "-n", strconv.Itoa(users), "-per-child", "17000",
		"-payload", "100", "-connect", "10m", "-timeout", "1m", "-phases", "broadcast,unicast,group,latency,churn,idle", "-rate", "50", "-latency", "20s",
	}, more...)...)
	load.Dir, load.Stderr = dir, os.Stderr
	results, err := load.Output()
	if err != nil {
		return errors.Join(fmt.Errorf("load: %w", err), fmt.Errorf("%s", results))
	}
	if err := os.WriteFile(filepath.Join(dir, "results"), results, 0o600); err != nil {
		return err
	}
	table := exec.CommandContext(ctx, generator, "table", "results")
	table.Dir, table.Stdout, table.Stderr = dir, os.Stdout, os.Stderr
	return table.Run()
}

// writeTarget writes what the generator is told of the fleet.
func writeTarget(path, pub string, addrs []string) error {
	type request struct {
		Addr    string            `json:"addr,omitempty"`
		Method  string            `json:"method"`
		Path    string            `json:"path"`
		Headers map[string]string `json:"headers,omitempty"`
		Body    string            `json:"body,omitempty"`
	}
	publish := func(chat string) request {
		return request{Addr: pub, Method: "POST", Path: "/pub?t=" + chat, Body: "{data}"}
	}
	b, err := json.Marshal(map[string]any{
		"name": fmt.Sprintf("%d streamers", len(addrs)), "addrs": addrs, "lines": "tokens",
		"subscribe": request{Method: "GET", Path: "/api/events", Headers: map[string]string{"Accept": "text/event-stream", "Authorization": "Bearer {line}"}},
		"broadcast": publish("all"), "group": publish("{group}"), "unicast": publish("{user}"),
	})
	if err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o600)
}
