// Package telemetry is how the parts tell of themselves: the counts and the id that a
// call carries in its context, the log lines that name it, the functions' metrics, and
// the spans of a trace. It imports nothing of the project, and none of it says what
// somebody wrote.
package telemetry

import (
	"context"
	"sync/atomic"
)

// Call is one call of a function on its way down: its name, and what it cost. Its
// methods are safe for concurrent use; on nil, outside of a call, they do nothing.
type Call struct {
	ID string // X-Request-Id, or Lambda's id of an event that is no request

	attempts, conflicts, publishFailures atomic.Int64
}

type callKey struct{}

// Begin begins a call.
func Begin(ctx context.Context, id string) (context.Context, *Call) {
	c := &Call{ID: id}
	return context.WithValue(ctx, callKey{}, c), c
}

// CallOf is the call that the context belongs to, nil if none.
func CallOf(ctx context.Context) *Call {
	c, _ := ctx.Value(callKey{}).(*Call)
	return c
}

// Attempted counts an attempt to commit, and whether another writer was faster.
func (c *Call) Attempted(conflict bool) {
	if c == nil {
		return
	}
	c.attempts.Add(1)
	if conflict {
		c.conflicts.Add(1)
	}
}

// PublishFailed counts a publish that failed. The relay's hint makes up for an entry's.
func (c *Call) PublishFailed() {
	if c != nil {
		c.publishFailures.Add(1)
	}
}
