package bus

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"tidings/internal/chat"
	"tidings/internal/telemetry"
	"tidings/local/aws"
)

// world is a topic with a queue per cell on the embedded AWS.
type world struct {
	*testing.T
	sqs   *sqs.Client
	sns   *sns.Client
	topic *Topic
}

func newWorld(t *testing.T, cells int) *world {
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
	cfg := srv.Config()
	w := &world{T: t, sqs: sqs.NewFromConfig(cfg), sns: sns.NewFromConfig(cfg)}
	out, err := w.sns.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: awssdk.String("tidings")})
	if err != nil {
		t.Fatal(err)
	}
	w.topic = &Topic{Client: w.sns, ARN: *out.TopicArn, Cells: cells, Now: func() time.Time { return time.UnixMilli(5) }}
	return w
}

func (w *world) open(instance string, cell int) *Queue {
	w.Helper()
	q, err := OpenQueue(w.Context(), QueueConfig{SQS: w.sqs, SNS: w.sns, TopicARN: w.topic.ARN, Instance: instance, Cell: cell})
	if err != nil {
		w.Fatal(err)
	}
	return q
}

// receive takes what is in the queue now, decoded and deleted.
func (w *world) receive(q *Queue, want int) []Envelope {
	w.Helper()
	var out []Envelope
	for len(out) < want {
		ctx, cancel := context.WithTimeout(w.Context(), 5*time.Second)
		ms, err := q.Receive(ctx)
		cancel()
		if err != nil {
			w.Fatalf("after %d of %d messages: %v", len(out), want, err)
		}
		for _, m := range ms {
			env, err := Decode(m.Body)
			if err != nil {
				w.Fatal(err)
			}
			out = append(out, env)
		}
		if err := q.Delete(w.Context(), ms); err != nil {
			w.Fatal(err)
		}
	}
	return out
}

// waiting is how many messages are in the queue.
func (w *world) waiting(q *Queue) string {
	w.Helper()
	return w.attributes(q)[string(types.QueueAttributeNameApproximateNumberOfMessages)]
}

func (w *world) attributes(q *Queue) map[string]string {
	w.Helper()
	out, err := w.sqs.GetQueueAttributes(w.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &q.url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		w.Fatal(err)
	}
	return out.Attributes
}

// TestPublishTrace: the trace of an entry's publish comes with the message, as attributes
// of which there are few enough; a hint has none.
func TestPublishTrace(t *testing.T) {
	w := newWorld(t, 1)
	q := w.open("i", 0)
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Header.Set("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	r.Header.Set("tracestate", "vendor=1")
	ctx, span := telemetry.StartRequest(t.Context(), r)
	defer span.Answered(201)
	if err := w.topic.Publish(ctx, chat.Entry{Log: "c:1-2", Seq: 1, TS: 1, Kind: chat.KindMessage, Body: json.RawMessage(`{}`)}); err != nil {
		t.Fatal(err)
	}
	if err := w.topic.PublishHints(ctx, []Hint{{Log: "c:1-2", Seq: 1}}); err != nil {
		t.Fatal(err)
	}
	var got []Message
	for len(got) < 2 {
		ms, err := q.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, ms...)
	}
	for _, m := range got {
		hint := strings.Contains(string(m.Body), "hints")
		if trace := m.Trace["traceparent"]; hint != (m.Trace == nil) || !hint && (!strings.HasPrefix(trace, "00-4bf92f3577b34da6a3ce929d0e0e4736-") || m.Trace["tracestate"] != "vendor=1") {
			t.Errorf("%s came with %v", m.Body, m.Trace)
		}
	}
	if n := len(telemetry.CarrierFields) + 1; n > 10 {
		t.Errorf("%d attributes: a raw message with more than 10 is discarded", n)
	}
}

// TestPublish: one publish reaches the queues of the cells that have members.
func TestPublish(t *testing.T) {
	w := newWorld(t, 4)
	var queues []*Queue
	for cell := range 4 {
		queues = append(queues, w.open("i"+string(rune('0'+cell)), cell))
	}
	shards := chat.Shards{10, 20, 200} // cells 0 and 3
	e := chat.Entry{Log: "c:1-2", Seq: 1, TS: 1, Kind: chat.KindMessage, Body: json.RawMessage(`{}`), Shards: shards}
	if err := w.topic.Publish(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if err := w.topic.PublishEphemeral(t.Context(), chat.Ephemeral{Log: "c:1-2", Body: json.RawMessage(`{}`), Shards: shards[:1]}); err != nil {
		t.Fatal(err)
	}
	if err := w.topic.PublishHints(t.Context(), []Hint{{Log: "c:1-2", Seq: 1, Shards: shards[:1]}, {Log: "u:3", Seq: 1, Shards: chat.Shards{70}}}); err != nil {
		t.Fatal(err)
	}
	if err := w.topic.PublishHints(t.Context(), []Hint{{Log: "c:1-2", Seq: 1}, {Log: "u:3", Seq: 1, Shards: chat.Shards{70}}}); err != nil {
		t.Fatal(err)
	}
	if err := w.topic.PublishProbe(t.Context(), "i2", 2); err != nil {
		t.Fatal(err)
	}
	for cell, want := range []int{4, 2, 2, 2} {
		kinds := map[string]int{}
		for _, env := range w.receive(queues[cell], want) {
			switch {
			case env.Published != 5:
				t.Errorf("published at %d", env.Published)
			case env.Entry != nil:
				kinds["entry"]++
			case env.Ephemeral != nil:
				kinds["ephemeral"]++
			case env.Hints != nil:
				kinds["hints"]++
			default:
				kinds["probe"]++
			}
		}
		wantKinds := []map[string]int{
			{"entry": 1, "ephemeral": 1, "hints": 2}, {"hints": 2}, {"hints": 1, "probe": 1}, {"entry": 1, "hints": 1},
		}[cell]
		for k, n := range wantKinds {
			if kinds[k] != n {
				t.Errorf("cell %d got %v, want %v", cell, kinds, wantKinds)
			}
		}
		if n := w.waiting(queues[cell]); n != "0" {
			t.Errorf("cell %d has %s more", cell, n)
		}
	}
}

// TestPublishManyHints: more than one message holds.
func TestPublishManyHints(t *testing.T) {
	w := newWorld(t, 1)
	q := w.open("i", 0)
	var hints []Hint
	for i := range 8000 {
		hints = append(hints, Hint{Log: "g:0198c7a2-7b5e-7000-8000-000000000001", Seq: int64(i + 1), Shards: chat.Shards{byte(i)}})
	}
	if err := w.topic.PublishHints(t.Context(), hints); err != nil {
		t.Fatal(err)
	}
	var got []int64
	for len(got) < len(hints) {
		for _, env := range w.receive(q, 1) {
			for _, h := range env.Hints {
				got = append(got, h.Seq)
			}
		}
	}
	slices.Sort(got)
	if got = slices.Compact(got); len(got) != len(hints) {
		t.Errorf("%d of %d hints arrived", len(got), len(hints))
	}
}

// TestLargestEntry: what the store accepts fits a message, its quotes escaped in
// the request and all shards named.
func TestLargestEntry(t *testing.T) {
	w := newWorld(t, 256)
	q := w.open("i", 255)
	body, err := json.Marshal(strings.Repeat("<\"x\"", chat.MaxEntryBody/12))
	if err != nil {
		t.Fatal(err)
	}
	e := chat.Entry{Log: "u:1", Seq: 1, Kind: "custom", Body: body}
	for i := range 256 {
		e.Shards = append(e.Shards, byte(i))
	}
	if err := w.topic.Publish(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if got := w.receive(q, 1); len(got[0].Entry.Body) < chat.MaxEntryBody/2 {
		t.Errorf("%d bytes of body arrived", len(got[0].Entry.Body))
	}
}

func TestQueue(t *testing.T) {
	for name, run := range map[string]func(*testing.T){
		"AttributesAndTags":      queueAttributesAndTags,
		"Renew":                  queueRenew,
		"ReceiveEndsWithContext": queueReceiveEndsWithContext,
		"DeleteMany":             queueDeleteMany,
		"CloseLeavesNothing":     queueCloseLeavesNothing,
		"ErrQueueGone":           queueErrQueueGone,
		"ErrNoTopic":             queueErrNoTopic,
	} {
		t.Run(name, run)
	}
}

func queueAttributesAndTags(t *testing.T) {
	w := newWorld(t, 1)
	q := w.open("i", 0)
	a := w.attributes(q)
	for name, want := range map[string]string{
		"ReceiveMessageWaitTimeSeconds": "20", "VisibilityTimeout": "30", "MessageRetentionPeriod": "300",
	} {
		if a[name] != want {
			t.Errorf("%s is %q, want %q", name, a[name], want)
		}
	}
	if !strings.HasSuffix(a["QueueArn"], ":"+DefaultPrefix+"i") || !strings.Contains(a["Policy"], w.topic.ARN) || !strings.Contains(a["Policy"], a["QueueArn"]) {
		t.Errorf("queue %s, policy %s", a["QueueArn"], a["Policy"])
	}
	tags := w.tags(q)
	lease, err := time.Parse(time.RFC3339, tags[LeaseTag])
	if left := time.Until(lease); err != nil || left < LeaseTime-10*time.Second || left > LeaseTime {
		t.Errorf("lease %q, %v", tags[LeaseTag], err)
	}
	if tags[InstanceTag] != "i" || tags[CellTag] != "0" {
		t.Errorf("tags %v", tags)
	}
}

func queueRenew(t *testing.T) {
	w := newWorld(t, 1)
	q := w.open("i", 0)
	if _, err := w.sqs.TagQueue(t.Context(), &sqs.TagQueueInput{QueueUrl: &q.url, Tags: map[string]string{LeaseTag: "old"}}); err != nil {
		t.Fatal(err)
	}
	if err := q.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if tag := w.tags(q)[LeaseTag]; tag == "old" {
		t.Error("not renewed")
	}
}

func queueReceiveEndsWithContext(t *testing.T) {
	w := newWorld(t, 1)
	q := w.open("i", 0)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := q.Receive(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func queueDeleteMany(t *testing.T) {
	w := newWorld(t, 1)
	q := w.open("i", 0)
	for range 25 {
		if err := w.topic.PublishProbe(t.Context(), "i", 0); err != nil {
			t.Fatal(err)
		}
	}
	var all []Message
	for len(all) < 25 {
		ms, err := q.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, ms...)
	}
	if err := q.Delete(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	if a := w.attributes(q); a["ApproximateNumberOfMessagesNotVisible"] != "0" {
		t.Errorf("%s messages left", a["ApproximateNumberOfMessagesNotVisible"])
	}
}

func queueCloseLeavesNothing(t *testing.T) {
	w := newWorld(t, 1)
	q := w.open("i", 0)
	if err := q.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	subs, err := w.sns.ListSubscriptionsByTopic(t.Context(), &sns.ListSubscriptionsByTopicInput{TopicArn: &w.topic.ARN})
	if err != nil || len(subs.Subscriptions) != 0 {
		t.Errorf("%d subscriptions, %v", len(subs.Subscriptions), err)
	}
	if err := q.Close(t.Context()); err != nil {
		t.Errorf("closed twice: %v", err)
	}
}

func queueErrQueueGone(t *testing.T) {
	w := newWorld(t, 1)
	q := w.open("i", 0)
	if _, err := w.sqs.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &q.url}); err != nil {
		t.Fatal(err)
	}
	_, received := q.Receive(t.Context())
	for call, err := range map[string]error{
		"receive": received, "renew": q.Renew(t.Context()), "delete": q.Delete(t.Context(), []Message{{Receipt: "r"}}),
	} {
		if !errors.Is(err, ErrQueueGone) {
			t.Errorf("%s: %v", call, err)
		}
	}
}

func queueErrNoTopic(t *testing.T) {
	w := newWorld(t, 1)
	for _, arn := range []string{"", "arn:aws:sqs:us-east-1:000000000000:x", w.topic.ARN + "2"} {
		_, err := OpenQueue(t.Context(), QueueConfig{SQS: w.sqs, SNS: w.sns, TopicARN: arn, Instance: "i"})
		if err == nil {
			t.Errorf("opened a queue of %q", arn)
		}
	}
	out, err := w.sqs.ListQueues(t.Context(), &sqs.ListQueuesInput{})
	if err != nil || len(out.QueueUrls) != 0 {
		t.Errorf("left behind: %v, %v", out.QueueUrls, err)
	}
}

func (w *world) tags(q *Queue) map[string]string {
	w.Helper()
	out, err := w.sqs.ListQueueTags(w.Context(), &sqs.ListQueueTagsInput{QueueUrl: &q.url})
	if err != nil {
		w.Fatal(err)
	}
	return out.Tags
}

func TestShardsUnion(t *testing.T) {
	for _, tc := range []struct{ a, b, want chat.Shards }{
		{nil, nil, nil},
		{chat.Shards{1}, nil, chat.Shards{1}},
		{chat.Shards{1, 3, 9}, chat.Shards{1, 2, 10}, chat.Shards{1, 2, 3, 9, 10}},
	} {
		if got := union(tc.a, tc.b); !slices.Equal(got, tc.want) {
			t.Errorf("%v and %v: %v", tc.a, tc.b, got)
		}
	}
}
