package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"tidings/bench/backend"
)

// talk is what people say to each other, measured once a way.
type talk struct {
	people  []*person
	rate    int // messages a second
	span    time.Duration
	service *service
	backend *backend.Backend
}

// way is how somebody gets to know what is new, until ctx ends: begun is called once
// all is as it will be, seen with the content of each message of the other one.
type way func(ctx context.Context, p *person, begun func(), seen func(content string)) error

// cost is what one way took in the span, the writing of the messages included.
type cost struct {
	requests   int64
	bytes      int64
	reads      float64 // units
	writes     float64 // units
	cpu        time.Duration
	sent, seen int
	delays     []time.Duration // sorted
}

func (c *cost) delay(q float64) time.Duration {
	if len(c.delays) == 0 {
		return 0
	}
	return c.delays[int(q*float64(len(c.delays)-1))].Round(100 * time.Microsecond)
}

// measure has everybody get their news that way while messages are written.
func (t *talk) measure(ctx context.Context, how way) (*cost, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	c := &cost{}
	var mu sync.Mutex
	seen := func(content string) {
		sent, err := strconv.ParseInt(content, 10, 64)
		if err != nil {
			return // one of the first messages
		}
		mu.Lock()
		defer mu.Unlock()
		c.seen++
		c.delays = append(c.delays, time.Since(time.Unix(0, sent)))
	}
	var begun sync.WaitGroup
	begun.Add(len(t.people))
	readers, reading := errgroup.WithContext(ctx)
	for _, p := range t.people {
		readers.Go(func() error {
			err := how(reading, p, sync.OnceFunc(begun.Done), seen)
			if ctx.Err() != nil {
				return nil // it was to end
			}
			return err
		})
	}
	all := make(chan struct{})
	go func() { begun.Wait(); close(all) }()
	select {
	case <-all:
	case <-reading.Done():
		return nil, readers.Wait()
	}
	if err := t.write(reading, c); err != nil {
		return nil, err
	}
	stop()
	if err := readers.Wait(); err != nil {
		return nil, err
	}
	slices.Sort(c.delays)
	return c, nil
}

// write writes messages for the span and notes what everything took until then, and
// gives the last ones time to be seen.
func (t *talk) write(ctx context.Context, c *cost) error {
	before, err := t.service.cpu()
	if err != nil {
		return err
	}
	wire := t.people[0].wire
	requests, bytes := wire.requests.Load(), wire.bytes.Load()
	t.backend.Units.Reset()
	writers, writing := errgroup.WithContext(ctx)
	tick := time.NewTicker(time.Second / time.Duration(t.rate))
	defer tick.Stop()
	for end := time.After(t.span); ; {
		select {
		case <-tick.C:
			c.sent++
			p := t.people[rand.IntN(len(t.people))]
			writers.Go(func() error { return p.say(writing, now()) })
			continue
		case <-writing.Done():
			return cmp.Or(writers.Wait(), ctx.Err())
		case <-end:
		}
		break
	}
	if err := writers.Wait(); err != nil {
		return err
	}
	after, err := t.service.cpu()
	if err != nil {
		return err
	}
	c.cpu = after - before
	c.requests, c.bytes = wire.requests.Load()-requests, wire.bytes.Load()-bytes
	for _, k := range t.backend.Units.Calls() {
		if k.Op == "TransactWriteItems" || k.Op == "PutItem" || k.Op == "UpdateItem" || k.Op == "DeleteItem" {
			c.writes += k.Units
		} else {
			c.reads += k.Units
		}
	}
	select {
	case <-time.After(2 * everyMessages):
	case <-ctx.Done():
	}
	return nil
}

func print(w io.Writer, t *talk, polling, events *cost) {
	minutes := t.span.Minutes()
	row := func(what string, f func(*cost) float64, unit string) {
		a, b := f(polling), f(events)
		fmt.Fprintf(w, "| %s | %.4g%s | %.4g%s | %.0f× |\n", what, a, unit, b, unit, a/b)
	}
	fmt.Fprintf(w, "%d people, %d messages a second, %v each way; %d and %d messages, of which %d and %d were seen\n\n",
		len(t.people), t.rate, t.span, polling.sent, events.sent, polling.seen, events.seen)
	fmt.Fprintf(w, "| a minute of it | polling | events | |\n|---|---|---|---|\n")
	row("requests", func(c *cost) float64 { return float64(c.requests) / minutes }, "")
	row("read units of the table", func(c *cost) float64 { return c.reads / minutes }, "")
	row("write units (the messages)", func(c *cost) float64 { return c.writes / minutes }, "")
	row("MB over the line", func(c *cost) float64 { return float64(c.bytes) / minutes / 1e6 }, "")
	row("CPU of functions and streamer", func(c *cost) float64 { return c.cpu.Seconds() / minutes }, " s")
	row("until seen, half of them", func(c *cost) float64 { return c.delay(.5).Seconds() * 1000 }, " ms")
	row("until seen, 99 of 100", func(c *cost) float64 { return c.delay(.99).Seconds() * 1000 }, " ms")
}
