package sim

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"tidings/internal/app"
	"tidings/internal/relay"
)

// follow runs the relay. A batch of the stream reaches it some time after the commit.
func (w *world) follow() (stop func()) {
	wire := w.newWire("relay")
	w.relay = wire
	s := must(app.New(wire.config(), w.config, app.Options{Passwords: passwords, Log: w.logger("relay")}))
	arn := must(w.clean.Store.StreamARN(context.Background()))
	f := &relay.Follower{
		Relay: &relay.Relay{Publisher: s.Topic}, StreamARN: arn, Checkpoint: &checkpoint{}, Log: w.logger("relay"),
		Streams: tailed{Streams: dynamodbstreams.NewFromConfig(wire.config()), w: w, wire: wire},
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = f.Run(ctx) // ends with the context alone
	}()
	return func() {
		cancel()
		<-done
	}
}

// checkpoint keeps the relay's position.
type checkpoint struct {
	mu sync.Mutex
	p  relay.Position
}

// Load implements relay.Checkpoint.
func (c *checkpoint) Load(context.Context) (relay.Position, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.p, nil
}

// Save implements relay.Checkpoint.
func (c *checkpoint) Save(_ context.Context, p relay.Position) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.p = p
	return nil
}

// tailed is a stream whose empty reads last until there is something: an idle world
// costs nothing.
type tailed struct {
	relay.Streams
	w    *world
	wire *wire
}

// GetRecords implements relay.Streams.
func (t tailed) GetRecords(ctx context.Context, in *dynamodbstreams.GetRecordsInput, opts ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error) {
	for {
		changed := t.w.server.DynamoChanged()
		out, err := t.Streams.GetRecords(ctx, in, opts...)
		if err != nil || len(out.Records) > 0 || out.NextShardIterator == nil {
			return out, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-changed:
		}
		sleep(ctx, t.wire.between(5*time.Millisecond, t.w.history.relayLag)) // what is committed meanwhile shares a batch
		in = &dynamodbstreams.GetRecordsInput{ShardIterator: out.NextShardIterator}
	}
}
