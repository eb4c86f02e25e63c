package aws

import (
	"cmp"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"tidings/local/aws/sns"
	"tidings/local/aws/sqs"
)

// copies takes what SNS delivers to the queues, with the faults of that way. Delayed
// copies live in memory only: a kill loses them, Close hands them over.
type copies struct {
	queues *sqs.Service
	faults *Faults
	log    *slog.Logger

	mu      sync.Mutex
	held    map[*held]bool
	count   uint64 // of those that were ever held
	closed  bool
	release sync.WaitGroup // copies on their way after their time has come
}

// held is a copy that waits for its time.
type held struct {
	n       uint64 // the order in which they came
	arn     string
	copy    sns.Copy
	overdue bool // a reordered copy: it goes as soon as a later one has gone
	timer   *time.Timer
}

func newCopies(queues *sqs.Service, faults *Faults, log *slog.Logger) *copies {
	return &copies{queues: queues, faults: faults, log: log, held: map[*held]bool{}}
}

// Enqueue implements sns.Queues.
func (c *copies) Enqueue(arn string, m sns.Copy) error {
	fate := c.faults.fate()
	if fate.lost {
		return nil
	}
	if fate.hold || fate.after > 0 {
		after := fate.after
		if fate.hold {
			after = maxHold
		}
		c.later(&held{arn: arn, copy: m, overdue: fate.hold}, after)
	} else {
		if err := c.enqueue(arn, m); err != nil {
			return err
		}
		c.passed(arn)
	}
	if !fate.twice {
		return nil
	}
	if fate.twiceAfter > 0 {
		c.later(&held{arn: arn, copy: m}, fate.twiceAfter)
		return nil
	}
	return c.enqueue(arn, m)
}

func (c *copies) enqueue(arn string, m sns.Copy) error {
	in := sqs.Message{Body: m.Body, Attributes: make(map[string]sqs.Attribute, len(m.Attributes))}
	for name, a := range m.Attributes {
		in.Attributes[name] = sqs.Attribute{DataType: a.DataType, StringValue: a.StringValue, BinaryValue: a.BinaryValue}
	}
	err := c.queues.Enqueue(arn, in)
	if errors.Is(err, sqs.ErrNoQueue) {
		return sns.ErrNoQueue
	}
	return err
}

// later keeps h for a while. Once the server closes, nothing waits any more.
func (c *copies) later(h *held, after time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		after = 0
	}
	c.count++
	h.n = c.count
	c.held[h] = true
	h.timer = time.AfterFunc(after, func() { c.due([]*held{h}) })
}

// passed releases the reordered copies that wait for a later one to the same queue.
func (c *copies) passed(arn string) {
	c.mu.Lock()
	var due []*held
	for h := range c.held {
		if h.overdue && h.arn == arn {
			due = append(due, h)
		}
	}
	c.mu.Unlock()
	c.due(due)
}

// due enqueues copies whose time has come, each once, in the order in which they came.
func (c *copies) due(all []*held) {
	slices.SortFunc(all, func(a, b *held) int { return cmp.Compare(a.n, b.n) })
	c.mu.Lock()
	var now []*held
	for _, h := range all {
		if c.held[h] {
			h.timer.Stop()
			delete(c.held, h)
			now = append(now, h)
			c.release.Add(1)
		}
	}
	c.mu.Unlock()
	for _, h := range now {
		if err := c.enqueue(h.arn, h.copy); err != nil && !errors.Is(err, sns.ErrNoQueue) {
			c.log.Error("a delayed copy is lost", "queue", h.arn, "err", err)
		}
		c.release.Done()
	}
}

// close hands over all that waits, and returns when every copy is in its queue.
func (c *copies) close() {
	c.mu.Lock()
	c.closed = true
	var all []*held
	for h := range c.held {
		all = append(all, h)
	}
	c.mu.Unlock()
	c.due(all)
	c.release.Wait()
}
