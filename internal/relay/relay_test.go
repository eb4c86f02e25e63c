package relay

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"tidings/internal/bus"
	"tidings/internal/chat"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// outbox is a publisher that keeps what it gets.
type outbox struct {
	mu      sync.Mutex
	calls   [][]bus.Hint
	failing int // so many calls fail first
	told    chan struct{}
}

func newOutbox() *outbox { return &outbox{told: make(chan struct{}, 1)} }

var errDown = errors.New("the topic is down")

func (o *outbox) PublishHints(_ context.Context, hints []bus.Hint) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failing > 0 {
		o.failing--
		return errDown
	}
	o.calls = append(o.calls, hints)
	select {
	case o.told <- struct{}{}:
	default:
	}
	return nil
}

func (o *outbox) hints() (out []bus.Hint) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.calls {
		out = append(out, c...)
	}
	return out
}

func entryRecord(log chat.LogID, seq int64, adds ...chat.UserID) Record {
	return Record{Insert: true, PK: "L#" + string(log), SK: entryKey(seq), Log: log, Seq: seq, Adds: adds, Shards: chat.Shards{7}}
}

func TestHandle(t *testing.T) {
	t.Run("EntriesOnlyInOneCall", func(t *testing.T) {
		o := newOutbox()
		changed := entryRecord("c:1-2", 3)
		changed.Insert = false
		records := []Record{
			entryRecord("c:1-2", 1, 1, 2),
			{Insert: true, PK: "L#c:1-2", SK: "HEAD"},
			{Insert: true, PK: "U#1", SK: "M#c:1-2"},
			changed,
			{Insert: true, PK: "L#c:1-2", SK: "E#notanumber"},
			entryRecord("u:2", 5),
		}
		if err := (&Relay{Publisher: o}).Handle(t.Context(), records); err != nil {
			t.Fatal(err)
		}
		want := [][]bus.Hint{{
			{Log: "c:1-2", Seq: 1, Adds: []chat.UserID{1, 2}, Shards: chat.Shards{7}}, {Log: "u:2", Seq: 5, Shards: chat.Shards{7}},
		}}
		if d := cmp.Diff(want, o.calls); d != "" {
			t.Errorf("published (-want +got):\n%s", d)
		}
	})
	t.Run("NothingToTell", func(t *testing.T) {
		o := newOutbox()
		if err := (&Relay{Publisher: o}).Handle(t.Context(), []Record{{PK: "U#1", SK: "PROFILE"}}); err != nil || len(o.calls) != 0 {
			t.Errorf("%d calls, %v", len(o.calls), err)
		}
	})
	t.Run("ErrPublish", func(t *testing.T) {
		o := newOutbox()
		o.failing = 1
		if err := (&Relay{Publisher: o}).Handle(t.Context(), []Record{entryRecord("u:1", 1)}); !errors.Is(err, errDown) {
			t.Errorf("got %v", err)
		}
	})
}

// TestAdapters reads the same batch as Lambda passes it on and as the Streams API
// gives it.
func TestAdapters(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("testdata", "batch.json"))
	if err != nil {
		t.Fatal(err)
	}
	var e events.DynamoDBEvent
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	want := []Record{
		{
			Insert: true, PK: "L#c:1-2", SK: "E#000000000017", Log: "c:1-2", Seq: 17, TS: 1767225600100,
			Adds: []chat.UserID{3, 9007199254740991}, Shards: chat.Shards{9, 158},
		},
		{Insert: true, PK: "L#u:3", SK: "E#000000000001", Log: "u:3", Seq: 1},
		{PK: "L#c:1-2", SK: "HEAD"},
		{PK: "L#u:3", SK: "E#000000000001"},
	}
	if d := cmp.Diff(want, FromLambda(e)); d != "" {
		t.Errorf("from Lambda (-want +got):\n%s", d)
	}
	if d := cmp.Diff(want, FromStream(streamRecords(e))); d != "" {
		t.Errorf("from the stream (-want +got):\n%s", d)
	}
	if got := FromStream([]types.Record{{EventName: types.OperationTypeInsert}}); got[0].Entry() {
		t.Error("an empty record is an entry")
	}
}

func streamRecords(e events.DynamoDBEvent) []types.Record {
	var out []types.Record
	for _, r := range e.Records {
		out = append(out, types.Record{EventName: types.OperationType(r.EventName), Dynamodb: &types.StreamRecord{
			Keys: streamItem(r.Change.Keys), NewImage: streamItem(r.Change.NewImage),
		}})
	}
	return out
}

func streamItem(in map[string]events.DynamoDBAttributeValue) map[string]types.AttributeValue {
	out := map[string]types.AttributeValue{}
	for k, v := range in {
		out[k] = streamValue(v)
	}
	return out
}

func streamValue(v events.DynamoDBAttributeValue) types.AttributeValue {
	switch v.DataType() {
	case events.DataTypeString:
		return &types.AttributeValueMemberS{Value: v.String()}
	case events.DataTypeNumber:
		return &types.AttributeValueMemberN{Value: v.Number()}
	case events.DataTypeBinary:
		return &types.AttributeValueMemberB{Value: v.Binary()}
	default:
		var l []types.AttributeValue
		for _, x := range v.List() {
			l = append(l, streamValue(x))
		}
		return &types.AttributeValueMemberL{Value: l}
	}
}

func TestFileCheckpoint(t *testing.T) {
	f := FileCheckpoint(filepath.Join(t.TempDir(), "checkpoint.json"))
	if p, err := f.Load(t.Context()); err != nil || p.Stream != "" {
		t.Errorf("before the first save: %+v, %v", p, err)
	}
	want := Position{Stream: "arn", Shards: map[string]ShardPosition{"a": {After: "100000000000000000000001"}, "b": {Done: true}}}
	for range 2 {
		if err := f.Save(t.Context(), want); err != nil {
			t.Fatal(err)
		}
	}
	got, err := f.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	left, err := os.ReadDir(filepath.Dir(string(f)))
	if err != nil || len(left) != 1 {
		t.Errorf("%d files left, %v", len(left), err)
	}
	for _, damaged := range []string{"", "{"} { // as a crash may leave it
		if err := os.WriteFile(string(f), []byte(damaged), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Load(t.Context()); !errors.Is(err, ErrDamaged) {
			t.Errorf("%q: %v", damaged, err)
		}
	}
}
