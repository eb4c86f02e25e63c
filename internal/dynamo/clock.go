package dynamo

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// clock compares the store's time with that of the table, which stands in the Date
// of every answer, also of one that refuses or throttles.
type clock struct {
	now  func() time.Time
	skew atomic.Pointer[time.Duration] // of the newest answer
}

// ClockSkew is how far the store's clock is ahead of DynamoDB's at least, negative
// when it is behind; ok is false before the first answer. Dates have whole seconds and
// answers take their time, so it is the smallest skew that explains the newest answer:
// usually 0 while the clocks differ by less than a second.
func (s *Store) ClockSkew() (skew time.Duration, ok bool) {
	p := s.clock.skew.Load()
	if p == nil {
		return 0, false
	}
	return *p, true
}

// skewOf is the smallest skew with which a clock can have shown sent and then received
// around the moment of the date.
func skewOf(sent, received, date time.Time) time.Duration {
	// The date was made between the two, and less than a second after what it says.
	least, most := sent.Sub(date)-time.Second, received.Sub(date)
	return max(least, min(most, 0))
}

// observe is the step of an SDK client that looks at each attempt's answer.
func (c *clock) observe(stack *middleware.Stack) error {
	// The last before the transport: what the clock shows around it is as near to the
	// wire as can be.
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("ClockSkew", func(
		ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
	) (middleware.DeserializeOutput, middleware.Metadata, error) {
		sent := c.now()
		out, meta, err := next.HandleDeserialize(ctx, in)
		received := c.now()
		if answer, ok := out.RawResponse.(*smithyhttp.Response); ok && answer != nil {
			if date, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
				skew := skewOf(sent, received, date)
				c.skew.Store(&skew)
			}
		}
		return out, meta, err
	}), middleware.After)
}
