package chat

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

// Limits of what clients report about deliveries.
const (
	// MaxDeliveries is how many one request may report: half a minute of three a second.
	MaxDeliveries = 100
	// MaxDeliveryLatency is the most that counts; what took longer was caught up on and
	// not delivered late.
	MaxDeliveryLatency = time.Minute
	// MaxDeliveryMinutes is how far back the sums go in one answer.
	MaxDeliveryMinutes = 180
	// CustomDelivery stands for all types of other services: clients' own words must not
	// make counters without end.
	CustomDelivery = "custom"
)

// Delivery is an event that a client has got.
type Delivery struct {
	Type    string
	Latency time.Duration // from commit to the page, by the server's clock; negative: not known
}

// deliveryBounds are the buckets' upper ends in ms, inclusive; the last one is open.
var deliveryBounds = [...]float64{5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 750, 1000, 2000, 5000, 60_000}

// DeliveryHistogram counts deliveries of one type.
type DeliveryHistogram struct {
	Delivered int64
	Buckets   [len(deliveryBounds)]int64 // of those whose latency is known
}

// Add counts one.
func (h *DeliveryHistogram) Add(latency time.Duration) {
	h.Delivered++
	if latency < 0 {
		return
	}
	ms := float64(min(latency, MaxDeliveryLatency)) / float64(time.Millisecond)
	for i, bound := range deliveryBounds {
		if ms <= bound {
			h.Buckets[i]++
			return
		}
	}
}

// Merge adds another one's counts.
func (h *DeliveryHistogram) Merge(other DeliveryHistogram) {
	h.Delivered += other.Delivered
	for i, n := range other.Buckets {
		h.Buckets[i] += n
	}
}

// Quantile is the latency in ms that a share of the deliveries did not exceed, between
// two bounds as if they were spread evenly; nil where none is known.
func (h *DeliveryHistogram) Quantile(share float64) *float64 {
	total := int64(0)
	for _, n := range h.Buckets {
		total += n
	}
	rank, below, from := share*float64(total), 0.0, 0.0
	for i, n := range h.Buckets {
		if n > 0 && below+float64(n) >= rank {
			ms := from + (deliveryBounds[i]-from)*(rank-below)/float64(n)
			ms = math.Round(ms*10) / 10
			return &ms
		}
		below, from = below+float64(n), deliveryBounds[i]
	}
	return nil
}

// DeliveryStore keeps the counts of each minute and type for two days.
type DeliveryStore interface {
	// AddDeliveries adds to the counts of a minute since 1970.
	AddDeliveries(ctx context.Context, typ string, minute int64, h DeliveryHistogram) error
	// Deliveries sums the counts of the minutes from one to another, both inclusive.
	Deliveries(ctx context.Context, typ string, from, to int64) (DeliveryHistogram, error)
}

// Deliveries is the service of what clients report: how many events have arrived, and
// how fast. It is the clients' word.
type Deliveries struct {
	Store DeliveryStore
	Now   func() time.Time
}

// DeliverySummary is what was delivered of one type. The latencies are in ms, null
// where none is known.
type DeliverySummary struct {
	Type      string   `json:"type"`
	Delivered int64    `json:"delivered"`
	P50       *float64 `json:"p50"`
	P95       *float64 `json:"p95"`
	P99       *float64 `json:"p99"`
}

// deliveryTypes are all that are counted apart.
func deliveryTypes() []string {
	var out []string
	for _, t := range EventTypes {
		out = append(out, t.Name)
	}
	return append(out, CustomDelivery)
}

// Report counts deliveries, in one update for each type.
func (d *Deliveries) Report(ctx context.Context, ds []Delivery) error {
	types, counts := deliveryTypes(), map[string]*DeliveryHistogram{}
	for _, one := range ds {
		typ := one.Type
		if !slices.Contains(types, typ) {
			typ = CustomDelivery
		}
		if counts[typ] == nil {
			counts[typ] = &DeliveryHistogram{}
		}
		counts[typ].Add(one.Latency)
	}
	minute := d.minute()
	return each(types, func(_ int, typ string) error {
		if counts[typ] == nil {
			return nil
		}
		return d.Store.AddDeliveries(ctx, typ, minute, *counts[typ])
	})
}

func (d *Deliveries) minute() int64 { return d.Now().Unix() / 60 }

// Summary tells of the last minutes, of the types of which something was delivered.
func (d *Deliveries) Summary(ctx context.Context, minutes int) ([]DeliverySummary, error) {
	types := deliveryTypes()
	sums := make([]DeliveryHistogram, len(types))
	to := d.minute()
	err := each(types, func(i int, typ string) (err error) {
		sums[i], err = d.Store.Deliveries(ctx, typ, to-int64(minutes)+1, to)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := []DeliverySummary{}
	for i, h := range sums {
		if h.Delivered > 0 {
			out = append(out, DeliverySummary{types[i], h.Delivered, h.Quantile(0.5), h.Quantile(0.95), h.Quantile(0.99)})
		}
	}
	return out, nil
}

// each does something for all types at once.
func each(types []string, do func(i int, typ string) error) error {
	errs := make([]error, len(types))
	var wg sync.WaitGroup
	for i, typ := range types {
		wg.Go(func() {
			if err := do(i, typ); err != nil {
				errs[i] = fmt.Errorf("deliveries of %s: %w", typ, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
