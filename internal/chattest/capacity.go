// Package chattest is what tests of several packages share.
package chattest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Call is one DynamoDB request as the table charged it.
type Call struct {
	Op    string  // such as "TransactWriteItems"
	Units float64 // read or write capacity units
}

// Capacity is a transport between an SDK client and DynamoDB that has each request
// report its capacity units and adds them up.
type Capacity struct {
	Next http.RoundTripper

	mu    sync.Mutex
	calls []Call // guarded by mu
}

// Reset forgets the calls so far.
func (c *Capacity) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = nil
}

// Calls are the calls since the last Reset, in order.
func (c *Capacity) Calls() []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Call(nil), c.calls...)
}

// String lists the calls: "BatchGetItem 3 + TransactWriteItems 8".
func (c *Capacity) String() string {
	var parts []string
	for _, k := range c.Calls() {
		parts = append(parts, fmt.Sprintf("%s %g", k.Op, k.Units))
	}
	return strings.Join(parts, " + ")
}

// RoundTrip implements http.RoundTripper.
func (c *Capacity) RoundTrip(r *http.Request) (*http.Response, error) {
	_, op, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "DynamoDB_20120810.")
	if !ok {
		return c.Next.RoundTrip(r)
	}
	in := map[string]any{}
	d := json.NewDecoder(r.Body)
	d.UseNumber()
	if err := d.Decode(&in); err != nil {
		return nil, fmt.Errorf("read request of %s: %w", op, err)
	}
	in["ReturnConsumedCapacity"] = "TOTAL"
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp, err := c.Next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, Call{Op: op, Units: units(answer)})
	return resp, nil
}

// units adds up the ConsumedCapacity of an answer: one object, or one per table.
func units(answer []byte) float64 {
	type capacity struct{ CapacityUnits float64 }
	var one struct{ ConsumedCapacity capacity }
	if json.Unmarshal(answer, &one) == nil {
		return one.ConsumedCapacity.CapacityUnits
	}
	var many struct{ ConsumedCapacity []capacity }
	if json.Unmarshal(answer, &many) != nil {
		return 0
	}
	sum := 0.0
	for _, c := range many.ConsumedCapacity {
		sum += c.CapacityUnits
	}
	return sum
}
