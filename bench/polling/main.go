// Command polling measures what polling costs beside events: the same people write the
// same messages, once while everybody asks again and again, as apps do that have no
// events, and once with a stream each. The service runs in a process of its own; the
// table, whose units are counted, and the people are in this one.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"time"

	"tidings/bench/backend"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	users := flag.Int("users", 1000, "people, in pairs that talk to each other")
	rate := flag.Int("rate", 10, "messages a second, of all")
	span := flag.Duration("span", time.Minute, "how long each way is measured")
	flag.Parse()
	if err := run(ctx, *users, *rate, *span); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, users, rate int, span time.Duration) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	b, err := backend.Start(ctx)
	if err != nil {
		return err
	}
	defer b.Close()
	s, err := startService(ctx, b)
	if err != nil {
		return err
	}
	defer s.close()
	people, err := register(ctx, b, s, users)
	if err != nil {
		return err
	}
	t := &talk{people: people, rate: rate, span: span, service: s, backend: b}
	polling, err := t.measure(ctx, poll)
	if err != nil {
		return fmt.Errorf("polling: %w", err)
	}
	events, err := t.measure(ctx, listen)
	if err != nil {
		return fmt.Errorf("events: %w", err)
	}
	print(os.Stdout, t, polling, events)
	return nil
}
