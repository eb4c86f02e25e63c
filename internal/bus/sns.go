package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"tidings/internal/chat"
	"tidings/internal/telemetry"
)

// CellAttribute is the message attribute that queues filter by: a String.Array of
// decimal cell numbers.
const CellAttribute = "cell"

// MaxMessage is what one SNS message may hold, its attributes included: 256 KiB
// (SNS quotas). SNS counts 256 cells as some 1.5 KiB.
const MaxMessage = 256 << 10

// hintBudget is how much of a message hints may fill; the rest is for the
// envelope around them and the attribute.
const hintBudget = MaxMessage - 4<<10

// Topic publishes to the streamers. It is safe for concurrent use.
type Topic struct {
	Client *sns.Client
	ARN    string
	Cells  int              // how many cells there are, 1 to 256; 0 counts as 1
	Now    func() time.Time // nil: time.Now
}

var _ chat.Publisher = (*Topic)(nil)

// Publish implements chat.Publisher.
func (t *Topic) Publish(ctx context.Context, e chat.Entry) error {
	ctx, span := telemetry.StartPublish(ctx, string(e.Log), e.Seq)
	err := t.publish(ctx, Envelope{Entry: &e, Trace: telemetry.CarrierOf(ctx)}, e.Shards)
	span.End(err)
	if err != nil {
		return fmt.Errorf("publish entry %s/%d: %w", e.Log, e.Seq, err)
	}
	return nil
}

// PublishEphemeral implements chat.Publisher.
func (t *Topic) PublishEphemeral(ctx context.Context, e chat.Ephemeral) error {
	if err := t.publish(ctx, Envelope{Ephemeral: &e}, e.Shards); err != nil {
		return fmt.Errorf("publish %s of %s: %w", e.Kind, e.Log, err)
	}
	return nil
}

// PublishHints says that entries are committed, in as few messages as their size
// allows. Every message is attempted; the error tells of all that failed.
func (t *Topic) PublishHints(ctx context.Context, hints []Hint) error {
	var errs []error
	for _, chunk := range chunkHints(hints) {
		var shards chat.Shards
		for _, h := range chunk {
			if len(h.Shards) == 0 { // an unknown member may be anywhere
				shards = nil
				break
			}
			shards = union(shards, h.Shards)
		}
		if err := t.publish(ctx, Envelope{Hints: chunk}, shards); err != nil {
			errs = append(errs, fmt.Errorf("publish %d hints: %w", len(chunk), err))
		}
	}
	return errors.Join(errs...)
}

// PublishProbe sends a message that only has to come back to the instance's own
// queue in its cell.
func (t *Topic) PublishProbe(ctx context.Context, instance string, cell int) error {
	if err := t.send(ctx, Envelope{Probe: instance}, []int{cell}); err != nil {
		return fmt.Errorf("publish probe: %w", err)
	}
	return nil
}

func (t *Topic) publish(ctx context.Context, e Envelope, shards chat.Shards) error {
	return t.send(ctx, e, t.cells(shards))
}

// cells are those of the shards; without any, all: one too many is harmless, one
// too few loses.
func (t *Topic) cells(shards chat.Shards) []int {
	n := max(1, t.Cells)
	if len(shards) > 0 {
		return shards.Cells(n)
	}
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func (t *Topic) send(ctx context.Context, e Envelope, cells []int) error {
	now := time.Now
	if t.Now != nil {
		now = t.Now
	}
	e.Published = now().UnixMilli()
	body, err := Encode(e)
	if err != nil {
		return err
	}
	// At most three with traceparent and tracestate: a raw message with more than ten is
	// discarded.
	attributes := map[string]types.MessageAttributeValue{
		CellAttribute: {DataType: aws.String("String.Array"), StringValue: aws.String(cellValue(cells))},
	}
	for name, value := range e.Trace {
		attributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(value)}
	}
	_, err = t.Client.Publish(ctx, &sns.PublishInput{
		TopicArn: aws.String(t.ARN), Message: aws.String(string(body)), MessageAttributes: attributes,
	})
	if err != nil {
		telemetry.CallOf(ctx).PublishFailed()
	}
	return err
}

// cellValue is the attribute's value, such as ["0","3"].
func cellValue(cells []int) string {
	b := []byte{'['}
	for i, c := range cells {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = strconv.AppendInt(b, int64(c), 10)
		b = append(b, '"')
	}
	return string(append(b, ']'))
}

// chunkHints splits hints so that each part fits one message.
func chunkHints(hints []Hint) [][]Hint {
	var out [][]Hint
	from, size := 0, 0
	for i, h := range hints {
		n := hintSize(h)
		if i > from && size+n > hintBudget {
			out = append(out, hints[from:i])
			from, size = i, 0
		}
		size += n
	}
	if from < len(hints) {
		out = append(out, hints[from:])
	}
	return out
}

// hintSize is the hint's length on the wire with its comma.
func hintSize(h Hint) int {
	b, err := json.Marshal(h)
	if err != nil {
		panic(err) // strings and numbers
	}
	return len(b) + 1
}

func union(a, b chat.Shards) chat.Shards {
	out := make(chat.Shards, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			out, a = append(out, a[0]), a[1:]
		case a[0] > b[0]:
			out, b = append(out, b[0]), b[1:]
		default:
			out, a, b = append(out, a[0]), a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}
