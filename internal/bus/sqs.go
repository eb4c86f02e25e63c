package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"tidings/internal/telemetry"
)

// ErrQueueGone says that the instance's queue doesn't exist any more. What was in
// it is lost to this instance, so it must drain: a new queue would hide the gap.
var ErrQueueGone = errors.New("the instance's queue is gone")

// DefaultPrefix begins the names of the streamers' queues; the janitor looks for
// it.
const DefaultPrefix = "tidings-streamer-"

// The tags of a streamer's queue. The Janitor reads the lease, people the others.
const (
	LeaseTag    = "tidings:lease"    // RFC 3339: until then the queue has an owner
	InstanceTag = "tidings:instance" // who owns it
	CellTag     = "tidings:cell"
)

// LeaseTime is how long a queue outlives its last renewal: ten renewals of 30 s.
// It equals the retention, after which an abandoned queue holds nothing anyway.
const LeaseTime = 5 * time.Minute

// The attributes of a streamer's queue.
const (
	longPoll   = 20 * time.Second // the longest that SQS allows: the fewest empty answers
	visibility = 30 * time.Second // a batch is taken over in milliseconds; this bounds how late a dead poller's batch is
	retention  = 5 * time.Minute  // longer, and a stuck hub would be fed what it has read from the table since
	batchSize  = 10               // the most that SQS hands out or deletes in one call
)

// QueueConfig says which queue to open. All fields are needed but Prefix.
type QueueConfig struct {
	SQS      *sqs.Client
	SNS      *sns.Client
	TopicARN string
	Prefix   string // DefaultPrefix if empty
	Instance string // unique per start: SQS refuses the name of a queue deleted in the last 60 s
	Cell     int
}

// Queue is one streamer instance's own queue, subscribed to its cell of the topic.
// Its methods are safe for concurrent use.
type Queue struct {
	sqs          *sqs.Client
	sns          *sns.Client
	url          string
	subscription string
}

// Message is one received message. Body is an envelope for Decode; the receipt
// deletes it.
type Message struct {
	Body    []byte
	Receipt string
	Trace   telemetry.Carrier // nil: none
}

// OpenQueue creates the instance's queue and subscribes it. On an error nothing
// is left behind, as far as it can be reached.
func OpenQueue(ctx context.Context, cfg QueueConfig) (*Queue, error) {
	prefix := cfg.Prefix
	if prefix == "" {
		prefix = DefaultPrefix
	}
	arn, err := siblingARN(cfg.TopicARN, "sqs", prefix+cfg.Instance)
	if err != nil {
		return nil, fmt.Errorf("open queue: %w", err)
	}
	created, err := cfg.SQS.CreateQueue(ctx, &sqs.CreateQueueInput{
		QueueName: aws.String(prefix + cfg.Instance),
		Attributes: map[string]string{
			string(types.QueueAttributeNameReceiveMessageWaitTimeSeconds): seconds(longPoll),
			string(types.QueueAttributeNameVisibilityTimeout):             seconds(visibility),
			string(types.QueueAttributeNameMessageRetentionPeriod):        seconds(retention),
			string(types.QueueAttributeNamePolicy):                        queuePolicy(arn, cfg.TopicARN),
		},
		Tags: map[string]string{
			LeaseTag: leaseUntil(time.Now()), InstanceTag: cfg.Instance, CellTag: strconv.Itoa(cfg.Cell),
		},
	})
	if err != nil {
		return nil, fmt.Errorf("create queue %s%s: %w", prefix, cfg.Instance, err)
	}
	q := &Queue{sqs: cfg.SQS, sns: cfg.SNS, url: aws.ToString(created.QueueUrl)}
	sub, err := cfg.SNS.Subscribe(ctx, &sns.SubscribeInput{
		TopicArn: aws.String(cfg.TopicARN),
		Protocol: aws.String("sqs"),
		Endpoint: aws.String(arn),
		Attributes: map[string]string{
			"RawMessageDelivery": "true",
			// Set with the subscription: a changed policy takes up to 15 minutes to act.
			"FilterPolicy": `{"` + CellAttribute + `":` + cellValue([]int{cfg.Cell}) + `}`,
		},
		ReturnSubscriptionArn: true,
	})
	if err != nil {
		err = fmt.Errorf("subscribe queue: %w", err)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return nil, errors.Join(err, q.Close(ctx))
	}
	q.subscription = aws.ToString(sub.SubscriptionArn)
	return q, nil
}

// Receive waits up to 20 s for messages and returns at most 10, none when the
// time was up. Several pollers may wait at once. ErrQueueGone.
func (q *Queue) Receive(ctx context.Context) ([]Message, error) {
	out, err := q.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:            aws.String(q.url),
		MaxNumberOfMessages: batchSize,
		WaitTimeSeconds:     int32(longPoll / time.Second),

		MessageAttributeNames: telemetry.CarrierFields,
	}, func(o *sqs.Options) {
		o.DisableMessageChecksumValidation = true // TLS guards the bytes; an MD5 a message would cost as much as reading it
	})
	if err != nil {
		return nil, fmt.Errorf("receive messages: %w", queueError(err))
	}
	ms := make([]Message, 0, len(out.Messages))
	for _, m := range out.Messages {
		ms = append(ms, Message{Body: []byte(aws.ToString(m.Body)), Receipt: aws.ToString(m.ReceiptHandle), Trace: carrier(m.MessageAttributes)})
	}
	return ms, nil
}

// carrier is the trace that came with a message.
func carrier(attributes map[string]types.MessageAttributeValue) telemetry.Carrier {
	if len(attributes) == 0 {
		return nil
	}
	c := telemetry.Carrier{}
	for name, a := range attributes {
		c[name] = aws.ToString(a.StringValue)
	}
	return c
}

// Delete deletes received messages, which it may be given in any number. Call it
// once the hub has taken them over: that is in memory, but a crash that loses
// them loses the connections too, and these catch up from the table. What fails
// to be deleted comes again and is dropped as a duplicate. ErrQueueGone.
func (q *Queue) Delete(ctx context.Context, ms []Message) error {
	var errs []error
	for len(ms) > 0 {
		n := min(len(ms), batchSize)
		if err := q.deleteBatch(ctx, ms[:n]); err != nil {
			errs = append(errs, err)
		}
		ms = ms[n:]
	}
	return errors.Join(errs...)
}

func (q *Queue) deleteBatch(ctx context.Context, ms []Message) error {
	entries := make([]types.DeleteMessageBatchRequestEntry, len(ms))
	for i, m := range ms {
		entries[i] = types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(m.Receipt)}
	}
	out, err := q.sqs.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: aws.String(q.url), Entries: entries})
	if err != nil {
		return fmt.Errorf("delete messages: %w", queueError(err))
	}
	if len(out.Failed) > 0 {
		return fmt.Errorf("delete messages: %d of %d failed, the first: %s", len(out.Failed), len(ms), aws.ToString(out.Failed[0].Code))
	}
	return nil
}

// Renew moves the end of the lease to LeaseTime from now. ErrQueueGone.
func (q *Queue) Renew(ctx context.Context) error {
	_, err := q.sqs.TagQueue(ctx, &sqs.TagQueueInput{
		QueueUrl: aws.String(q.url), Tags: map[string]string{LeaseTag: leaseUntil(time.Now())},
	})
	if err != nil {
		return fmt.Errorf("renew lease: %w", queueError(err))
	}
	return nil
}

// Close unsubscribes and deletes the queue. A queue that is gone is no error.
func (q *Queue) Close(ctx context.Context) error {
	var errs []error
	if q.subscription != "" {
		if _, err := q.sns.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: aws.String(q.subscription)}); err != nil {
			errs = append(errs, fmt.Errorf("unsubscribe queue: %w", err))
		}
	}
	if _, err := q.sqs.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: aws.String(q.url)}); err != nil {
		if err = queueError(err); !errors.Is(err, ErrQueueGone) {
			errs = append(errs, fmt.Errorf("delete queue: %w", err))
		}
	}
	return errors.Join(errs...)
}

// queueError marks the errors that say that there is no such queue. Its code has
// an old and a new spelling, by protocol.
func queueError(err error) error {
	var gone *types.QueueDoesNotExist
	var api smithy.APIError
	if errors.As(err, &gone) || errors.As(err, &api) &&
		(strings.HasSuffix(api.ErrorCode(), "NonExistentQueue") || strings.HasSuffix(api.ErrorCode(), "QueueDoesNotExist")) {
		return fmt.Errorf("%w: %w", ErrQueueGone, err)
	}
	return err
}

// siblingARN is the ARN of a named resource in the topic's region and account,
// where the queue is created too.
func siblingARN(topicARN, service, name string) (string, error) {
	p := strings.Split(topicARN, ":")
	if len(p) != 6 || p[0] != "arn" || p[2] != "sns" {
		return "", fmt.Errorf("%q is not the ARN of a topic", topicARN)
	}
	p[2], p[5] = service, name
	return strings.Join(p, ":"), nil
}

// queuePolicy lets this topic send to the queue, and nobody else.
func queuePolicy(queueARN, topicARN string) string {
	b, err := json.Marshal(map[string]any{
		"Version": "2012-10-17",
		"Statement": []any{map[string]any{
			"Effect":    "Allow",
			"Principal": map[string]string{"Service": "sns.amazonaws.com"},
			"Action":    "sqs:SendMessage",
			"Resource":  queueARN,
			"Condition": map[string]any{"ArnEquals": map[string]string{"aws:SourceArn": topicARN}},
		}},
	})
	if err != nil {
		panic(err) // maps of strings
	}
	return string(b)
}

func leaseUntil(now time.Time) string { return now.Add(LeaseTime).UTC().Format(time.RFC3339) }

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
