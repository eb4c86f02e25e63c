package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/smithy-go"
)

// Streams is the part of the DynamoDB Streams API that Follow reads with;
// *dynamodbstreams.Client has it.
type Streams interface {
	DescribeStream(context.Context, *dynamodbstreams.DescribeStreamInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.DescribeStreamOutput, error)
	GetShardIterator(context.Context, *dynamodbstreams.GetShardIteratorInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error)
	GetRecords(context.Context, *dynamodbstreams.GetRecordsInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error)
}

const (
	pollEvery     = 250 * time.Millisecond // GetRecords is allowed 5 times a second and shard; this is once less
	gatherFor     = 20 * time.Millisecond  // what is committed meanwhile shares one hint; the entries themselves are on the fast path
	discoverEvery = 10 * time.Second       // new shards without a closed one are rare: a table that grows
	backoffFrom   = 50 * time.Millisecond
	backoffTo     = 5 * time.Second
)

// Follower reads a table's stream where no Lambda does: on a laptop. Its fields
// are needed unless said.
type Follower struct {
	Relay      *Relay
	Streams    Streams
	StreamARN  string
	Checkpoint Checkpoint
	Changed    func() <-chan struct{} // optional: a channel that closes with the stream's next record, to read it at once
	Log        *slog.Logger

	// Owned by Run.
	position   Position
	parents    map[string]string // shard → the shard that it continues
	order      []string          // the stream's shards as it lists them, older first
	iterators  map[string]string
	discovered time.Time
}

// Run hands every record to the relay, oldest first within each item, from the
// checkpoint on or from the oldest that the stream keeps. It retries without
// limit and returns when ctx ends, with its error.
func (f *Follower) Run(ctx context.Context) error {
	var attempt int
	for ctx.Err() == nil {
		err := f.start(ctx)
		for err == nil {
			err = f.turn(ctx, &attempt)
		}
		if ctx.Err() != nil {
			break
		}
		f.Log.WarnContext(ctx, "follow stream", "stream", f.StreamARN, "attempt", attempt, "error", err)
		wait(ctx, backoff(attempt), nil)
		attempt++
	}
	return fmt.Errorf("follow stream: %w", ctx.Err())
}

// start goes back to what is saved: a failed batch is read again.
func (f *Follower) start(ctx context.Context) error {
	p, err := f.Checkpoint.Load(ctx)
	if errors.Is(err, ErrDamaged) { // hubs drop the hints that they get again
		f.Log.ErrorContext(ctx, "the checkpoint is damaged: the stream is read from its oldest record", "error", err)
		p, err = Position{}, nil
	}
	if err != nil {
		return err
	}
	if p.Stream != f.StreamARN || p.Shards == nil {
		p = Position{Stream: f.StreamARN, Shards: map[string]ShardPosition{}}
	}
	f.position, f.iterators = p, map[string]string{}
	return f.discover(ctx)
}

// turn reads every open shard once and waits if none had anything.
func (f *Follower) turn(ctx context.Context, attempt *int) error {
	var changed <-chan struct{}
	if f.Changed != nil {
		changed = f.Changed() // taken before reading, so that no record falls between
	}
	busy := false
	for _, shard := range f.order {
		if !f.due(shard) {
			continue
		}
		got, err := f.read(ctx, shard)
		if err != nil {
			return err
		}
		busy = busy || got
	}
	*attempt = 0
	if !busy {
		wait(ctx, pollEvery, changed)
		wait(ctx, gatherFor, nil)
	}
	if f.finished() || time.Since(f.discovered) > discoverEvery {
		return f.discover(ctx)
	}
	return ctx.Err()
}

// due says whether the shard is to be read now: not before its parent's end, so
// that the changes of one item stay in order.
func (f *Follower) due(shard string) bool {
	if f.position.Shards[shard].Done {
		return false
	}
	parent, listed := f.parents[shard]
	if !listed || parent == "" {
		return true
	}
	if _, listed := f.parents[parent]; !listed {
		return true // trimmed with all that it held
	}
	return f.position.Shards[parent].Done
}

// finished says whether no shard is left to read.
func (f *Follower) finished() bool {
	for _, shard := range f.order {
		if !f.position.Shards[shard].Done {
			return false
		}
	}
	return true
}

// discover lists the stream's shards and forgets those that are no longer there.
func (f *Follower) discover(ctx context.Context) error {
	f.parents, f.order = map[string]string{}, nil
	var from *string
	for {
		out, err := f.Streams.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{
			StreamArn: aws.String(f.StreamARN), ExclusiveStartShardId: from,
		})
		if err != nil {
			return fmt.Errorf("describe stream: %w", err)
		}
		for _, s := range out.StreamDescription.Shards {
			id := aws.ToString(s.ShardId)
			f.order = append(f.order, id)
			f.parents[id] = aws.ToString(s.ParentShardId)
		}
		if from = out.StreamDescription.LastEvaluatedShardId; from == nil {
			break
		}
	}
	for shard := range f.position.Shards {
		if _, ok := f.parents[shard]; !ok {
			delete(f.position.Shards, shard)
		}
	}
	f.discovered = time.Now()
	return nil
}

// read takes one page of the shard and says whether there was anything: records,
// or the shard's end.
func (f *Follower) read(ctx context.Context, shard string) (bool, error) {
	it, err := f.iterator(ctx, shard)
	if err != nil {
		return false, err
	}
	out, err := f.Streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: aws.String(it)})
	var expired *types.ExpiredIteratorException
	var trimmed *types.TrimmedDataAccessException
	switch {
	case errors.As(err, &expired): // 15 minutes old: take a new one from the same place
		delete(f.iterators, shard)
		return true, nil
	case errors.As(err, &trimmed):
		return true, f.trimmed(ctx, shard)
	case err != nil:
		return false, fmt.Errorf("get records: %w", err)
	}
	next := f.position.clone()
	pos := next.Shards[shard]
	if n := len(out.Records); n > 0 {
		if err := f.Relay.Handle(ctx, FromStream(out.Records)); err != nil {
			return false, err
		}
		if d := out.Records[n-1].Dynamodb; d != nil {
			pos.After = aws.ToString(d.SequenceNumber)
		}
	}
	if pos.Done = out.NextShardIterator == nil; pos.Done {
		delete(f.iterators, shard)
		f.discovered = time.Time{} // a closed shard has children
	} else {
		f.iterators[shard] = aws.ToString(out.NextShardIterator)
	}
	if pos == f.position.Shards[shard] {
		return false, nil
	}
	next.Shards[shard] = pos
	if err := f.Checkpoint.Save(ctx, next); err != nil {
		return false, err
	}
	f.position = next
	return true, nil
}

func (f *Follower) iterator(ctx context.Context, shard string) (string, error) {
	if it, ok := f.iterators[shard]; ok {
		return it, nil
	}
	in := &dynamodbstreams.GetShardIteratorInput{
		StreamArn: aws.String(f.StreamARN), ShardId: aws.String(shard), ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
	}
	if after := f.position.Shards[shard].After; after != "" {
		in.ShardIteratorType, in.SequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, aws.String(after)
	}
	out, err := f.Streams.GetShardIterator(ctx, in)
	var trimmed *types.TrimmedDataAccessException
	var api smithy.APIError
	// A number that the stream never gave out comes from a stream that was set back.
	unknown := errors.As(err, &api) && api.ErrorCode() == "ValidationException"
	if in.SequenceNumber != nil && (unknown || errors.As(err, &trimmed)) {
		if err := f.trimmed(ctx, shard); err != nil {
			return "", err
		}
		return f.iterator(ctx, shard)
	}
	if err != nil {
		return "", fmt.Errorf("get shard iterator: %w", err)
	}
	f.iterators[shard] = aws.ToString(out.ShardIterator)
	return f.iterators[shard], nil
}

// trimmed goes on at the oldest record that the shard still has. What was trimmed
// is older than 24 hours; the hubs' audit has found it long ago.
func (f *Follower) trimmed(ctx context.Context, shard string) error {
	f.Log.ErrorContext(ctx, "the position is not in the stream any more: it is read from its oldest record", "shard", shard, "after", f.position.Shards[shard].After)
	delete(f.iterators, shard)
	next := f.position.clone()
	next.Shards[shard] = ShardPosition{}
	if err := f.Checkpoint.Save(ctx, next); err != nil {
		return err
	}
	f.position = next
	return nil
}

// wait ends after d, with changed or with ctx.
func wait(ctx context.Context, d time.Duration, changed <-chan struct{}) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-changed:
	case <-t.C:
	}
}

// backoff doubles from 50 ms to 5 s and draws from its upper half.
func backoff(attempt int) time.Duration {
	d := min(backoffFrom<<min(attempt, 10), backoffTo)
	return d/2 + rand.N(d/2)
}
