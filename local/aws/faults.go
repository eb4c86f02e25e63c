package aws

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// FaultConfig are the fault switches. Probabilities are from 0 (never) to 1 (always),
// each drawn anew per copy, message or request.
type FaultConfig struct {
	// Seed starts the sources of all draws, one for each switch. Set starts them again, so
	// the same seed and the same order of calls give the same faults.
	Seed uint64

	// Duplicate: a copy from SNS to a queue is enqueued twice; every second such copy
	// comes up to MaxDelay late.
	Duplicate float64
	// Delay: a copy is enqueued up to MaxDelay late.
	Delay    float64
	MaxDelay time.Duration // 0: 200 ms
	// Reorder: a copy is held back until a later one has gone to the same queue, and at
	// most for 100 ms.
	Reorder float64
	// DropRedeliver: the first hand-over of a message to a poll is lost. It counts as
	// received and comes back after RedeliverAfter.
	DropRedeliver  float64
	RedeliverAfter time.Duration // 0: 1 s

	// Lose: a copy from SNS to a queue never arrives.
	Lose float64

	// PublishFail: SNS Publish and PublishBatch answer 500 InternalError and deliver nothing.
	PublishFail float64
	// Throttle: a read or write of DynamoDB answers ProvisionedThroughputExceededException
	// before it does anything.
	Throttle float64
	// Conflict: TransactWriteItems answers TransactionCanceledException, TransactionConflict
	// for the first item, before it does anything.
	Conflict float64
	// TimeoutAfterCommit: a write of DynamoDB is applied, then the connection is cut
	// instead of the answer; through Client() the caller gets io.ErrUnexpectedEOF.
	TimeoutAfterCommit float64
	// StaleRead: a read of DynamoDB that doesn't ask for consistency, so any of an index,
	// sees the table as it was up to MaxStale ago.
	StaleRead float64
	MaxStale  time.Duration // 0: 1 s
}

// maxHold bounds how long a reordered copy waits for a later one.
const maxHold = 100 * time.Millisecond

// fault names a switch, in Counts and in JSON.
type fault string

const (
	duplicate          fault = "duplicate"
	delay              fault = "delay"
	reorder            fault = "reorder"
	dropRedeliver      fault = "dropRedeliver"
	publishFail        fault = "publishFail"
	throttle           fault = "throttle"
	conflict           fault = "conflict"
	timeoutAfterCommit fault = "timeoutAfterCommit"
	lose               fault = "lose"
	staleRead          fault = "staleRead"
)

func (c FaultConfig) probabilities() map[fault]float64 {
	return map[fault]float64{
		duplicate: c.Duplicate, delay: c.Delay, reorder: c.Reorder, dropRedeliver: c.DropRedeliver,
		publishFail: c.PublishFail, throttle: c.Throttle, conflict: c.Conflict, timeoutAfterCommit: c.TimeoutAfterCommit,
		lose: c.Lose, staleRead: c.StaleRead,
	}
}

func (c FaultConfig) validate() error {
	var errs []error
	for name, p := range c.probabilities() {
		if !(p >= 0 && p <= 1) { // refuses NaN too
			errs = append(errs, fmt.Errorf("%s: %v is no probability from 0 to 1", name, p))
		}
	}
	if c.MaxDelay < 0 || c.RedeliverAfter < 0 || c.MaxStale < 0 {
		errs = append(errs, errors.New("maxDelay, redeliverAfter and maxStale can't be negative"))
	}
	return errors.Join(errs...)
}

// Faults injects what a cloud does now and then. All switches are off at first, and
// they can be changed while the server runs.
type Faults struct {
	mu     sync.Mutex
	config FaultConfig
	odds   map[fault]float64
	random map[fault]*rand.Rand
	counts map[fault]uint64
}

func newFaults() *Faults {
	f := &Faults{counts: map[fault]uint64{}}
	f.start(FaultConfig{})
	return f
}

func (f *Faults) start(c FaultConfig) {
	f.config, f.odds = c, c.probabilities()
	f.random = make(map[fault]*rand.Rand, len(f.odds))
	for name := range f.odds {
		h := fnv.New64a()
		_, _ = h.Write([]byte(name)) // never fails
		f.random[name] = rand.New(rand.NewPCG(c.Seed, h.Sum64()))
	}
}

// Set changes all switches at once; what c leaves zero is off. A probability outside
// 0 to 1 is an error, and nothing changes.
func (f *Faults) Set(c FaultConfig) error {
	if err := c.validate(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.start(c)
	return nil
}

// Config returns the switches as they stand.
func (f *Faults) Config() FaultConfig {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.config
}

// Counts returns how often each fault was injected since the start, by its JSON name.
func (f *Faults) Counts() map[string]uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make(map[string]uint64, len(f.odds))
	for name := range f.odds {
		out[string(name)] = f.counts[name]
	}
	return out
}

func (f *Faults) on(name fault) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.odds[name] > 0
}

func (f *Faults) draw(name fault) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.drawLocked(name)
}

func (f *Faults) drawLocked(name fault) bool {
	p := f.odds[name]
	if p == 0 || f.random[name].Float64() >= p {
		return false
	}
	f.counts[name]++
	return true
}

// redeliver is asked at the first hand-over of a message.
func (f *Faults) redeliver() (time.Duration, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.drawLocked(dropRedeliver) {
		return 0, false
	}
	if f.config.RedeliverAfter == 0 {
		return time.Second, true
	}
	return f.config.RedeliverAfter, true
}

// keep is how long former states of a table are to be kept.
func (f *Faults) keep() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.odds[staleRead] == 0 {
		return 0
	}
	return f.mostStale()
}

// lag is asked at each read that isn't consistent.
func (f *Faults) lag() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.drawLocked(staleRead) {
		return 0
	}
	return 1 + time.Duration(f.random[staleRead].Int64N(int64(f.mostStale())))
}

func (f *Faults) mostStale() time.Duration {
	if f.config.MaxStale == 0 {
		return time.Second
	}
	return f.config.MaxStale
}

// fate is what happens to one copy on its way from SNS to a queue.
type fate struct {
	lost       bool
	after      time.Duration // 0: at once
	hold       bool          // until a later copy has passed
	twice      bool
	twiceAfter time.Duration
}

func (f *Faults) fate() fate {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out fate
	most := f.config.MaxDelay
	if most == 0 {
		most = 200 * time.Millisecond
	}
	if f.drawLocked(lose) {
		return fate{lost: true}
	}
	late := func(r *rand.Rand) time.Duration { return 1 + time.Duration(r.Int64N(int64(most))) }
	switch {
	case f.drawLocked(delay):
		out.after = late(f.random[delay])
	case f.drawLocked(reorder):
		out.hold = true
	}
	if f.drawLocked(duplicate) {
		out.twice = true
		if r := f.random[duplicate]; r.IntN(2) == 1 {
			out.twiceAfter = late(r)
		}
	}
	return out
}

// ServeHTTP is /_faults: GET answers config and counts; PUT replaces the whole config
// by the JSON object it is sent, and answers as GET does. Names are those of FaultConfig
// in camelCase, durations are strings such as "250ms"; unknown names are refused.
func (f *Faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
	case http.MethodPut:
		var c FaultConfig
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&c)
		if err == nil {
			err = f.Set(c)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	default:
		w.Header().Set("Allow", "GET, PUT")
		http.Error(w, "GET or PUT", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"config": f.Config(), "counts": maps.Clone(f.Counts())}) // a client that is gone needs no answer
}
