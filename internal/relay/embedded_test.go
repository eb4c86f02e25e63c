package relay

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"tidings/local/aws"
)

// table is a table with a stream on the embedded AWS.
type table struct {
	*testing.T
	srv *aws.Server
	db  *dynamodb.Client
	arn string // of the stream
}

func newTable(t *testing.T) *table {
	t.Helper()
	srv, err := aws.New(aws.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	db := dynamodb.NewFromConfig(srv.Config())
	out, err := db.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: awssdk.String("tidings"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: awssdk.String("PK"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: awssdk.String("SK"), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: awssdk.String("PK"), KeyType: types.KeyTypeHash},
			{AttributeName: awssdk.String("SK"), KeyType: types.KeyTypeRange},
		},
		StreamSpecification: &types.StreamSpecification{StreamEnabled: awssdk.Bool(true), StreamViewType: types.StreamViewTypeNewImage},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &table{T: t, srv: srv, db: db, arn: *out.TableDescription.LatestStreamArn}
}

// put writes an entry of a log.
func (w *table) put(seq int64) {
	w.Helper()
	_, err := w.db.PutItem(w.Context(), &dynamodb.PutItemInput{TableName: awssdk.String("tidings"), Item: map[string]types.AttributeValue{
		"PK": &types.AttributeValueMemberS{Value: "L#c:1-2"}, "SK": &types.AttributeValueMemberS{Value: entryKey(seq)},
		"seq":    &types.AttributeValueMemberN{Value: strconv.FormatInt(seq, 10)},
		"adds":   &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberN{Value: "2"}}},
		"shards": &types.AttributeValueMemberB{Value: []byte{9, 158}},
	}})
	if err != nil {
		w.Fatal(err)
	}
}

// follow runs a follower until so many hints are out.
func (w *table) follow(out *outbox, save Checkpoint, until int) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 10*time.Second)
	defer cancel()
	f := &Follower{
		Relay: &Relay{Publisher: out}, Streams: dynamodbstreams.NewFromConfig(w.srv.Config()), StreamARN: w.arn,
		Checkpoint: save, Changed: w.srv.DynamoChanged, Log: slog.New(slog.DiscardHandler),
	}
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	for len(out.hints()) < until && ctx.Err() == nil {
		select {
		case <-out.told:
		case <-ctx.Done():
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		w.Fatal(err)
	}
}

// TestFollowEmbedded follows the stream of a real table, with a restart in
// between.
func TestFollowEmbedded(t *testing.T) {
	w, out := newTable(t), newOutbox()
	save := FileCheckpoint(filepath.Join(t.TempDir(), "checkpoint"))
	for seq := range int64(30) {
		w.put(seq + 1)
	}
	w.follow(out, save, 30)
	w.put(31)
	w.follow(out, save, 31)
	seen := map[int64]bool{}
	for _, h := range out.hints() {
		seen[h.Seq] = true
		if h.Log != "c:1-2" || len(h.Adds) != 1 || h.Adds[0] != 2 || len(h.Shards) != 2 {
			t.Errorf("hint %+v", h)
		}
	}
	if len(seen) != 31 {
		t.Errorf("%d entries hinted of 31", len(seen))
	}
}
