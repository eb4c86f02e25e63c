package aws_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func refusedReceive(name, part string, in sqs.ReceiveMessageInput) check {
	return withQueue("ReceiveMessage/"+name, func(ctx context.Context, w *world, url string) error {
		in.QueueUrl = &url
		_, err := w.sqs.ReceiveMessage(ctx, &in)
		return wantCode(err, "InvalidParameterValue", part)
	})
}

// took checks that something lasted as long as it should, with room for a busy machine.
func took(start time.Time, least, most time.Duration) error {
	if d := time.Since(start); d < least || d > most {
		return fmt.Errorf("took %s, want %s to %s", d, least, most)
	}
	return nil
}

var pollChecks = []check{
	refusedReceive("ErrMaxNumber", "Must be between 1 and 10, if provided.", sqs.ReceiveMessageInput{MaxNumberOfMessages: 11}),
	refusedReceive("ErrWaitTime", "Must be >= 0 and <= 20, if provided.", sqs.ReceiveMessageInput{WaitTimeSeconds: 21}),
	refusedReceive("ErrVisibility", "VisibilityTimeout", sqs.ReceiveMessageInput{VisibilityTimeout: 43201}),
	withQueue("ReceiveMessage/EmptyAtOnceWithoutWait", func(ctx context.Context, w *world, url string) error {
		ms, err := w.receive(ctx, url, 0, 30)
		return errors.Join(err, want("messages", len(ms), 0))
	}),
	{"ReceiveMessage/EmptyPollWaits", func(ctx context.Context, w *world) error {
		url, _, err := w.queue(ctx, "q", map[string]string{"ReceiveMessageWaitTimeSeconds": "1"})
		if err != nil {
			return err
		}
		start := time.Now()
		if _, err = w.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url}); err != nil {
			return err
		}
		return took(start, 900*time.Millisecond, 8*time.Second)
	}},
	withQueue("ReceiveMessage/SendEndsThePoll", func(ctx context.Context, w *world, url string) error {
		sent := make(chan error, 1)
		time.AfterFunc(300*time.Millisecond, func() { sent <- w.send(ctx, url, "x") })
		start := time.Now()
		m, err := w.one(ctx, url, 20, 30)
		if err := errors.Join(err, <-sent); err != nil {
			return err
		}
		return errors.Join(want("body", *m.Body, "x"), took(start, 0, 10*time.Second))
	}),
	{"ReceiveMessage/ChosenAttributes", func(ctx context.Context, w *world) error {
		url, _, err := w.sendWith(ctx, "x", map[string]types.MessageAttributeValue{"a.b": value("String", "1"), "c": value("String", "2"), "d": value("String", "3")})
		if err != nil {
			return err
		}
		o, err := w.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &url, WaitTimeSeconds: 2, MessageAttributeNames: []string{"a.*", "c"},
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{"SentTimestamp"},
		})
		if err != nil || len(o.Messages) != 1 {
			return fmt.Errorf("%v", err)
		}
		m := o.Messages[0]
		_, hasD := m.MessageAttributes["d"]
		return errors.Join(want("attributes", len(m.MessageAttributes), 2), want("d", hasD, false), want("system attributes", len(m.Attributes), 1))
	}},
	{"ReceiveMessage/HiddenThenBackWithCount", func(ctx context.Context, w *world) error {
		url, _, err := w.sendWith(ctx, "x", nil)
		if err != nil {
			return err
		}
		if _, err := w.one(ctx, url, 2, 2); err != nil {
			return err
		}
		if ms, err := w.receive(ctx, url, 0, 2); err != nil || len(ms) != 0 {
			return fmt.Errorf("visible during its timeout: %d %v", len(ms), err)
		}
		m, err := w.one(ctx, url, 10, 30)
		if err != nil {
			return err
		}
		return want("count", m.Attributes["ApproximateReceiveCount"], "2")
	}},
	// A server may hear of the poll's end after the next message, so what the poll took
	// must come back when its visibility timeout ends. TestGonePoll has the server that
	// hears of it.
	withQueue("ReceiveMessage/CancelledPollLosesNothing", func(ctx context.Context, w *world, url string) error {
		short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		start := time.Now()
		if _, err := w.receive(short, url, 20, 2); !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("cancelled poll: %v", err)
		}
		if err := took(start, 0, 5*time.Second); err != nil {
			return err
		}
		if err := w.send(ctx, url, "x"); err != nil {
			return err
		}
		_, err := w.one(ctx, url, 10, 30)
		return err
	}),
	{"ReceiveMessage/DelayedMessageWakes", func(ctx context.Context, w *world) error {
		url, _, err := w.queue(ctx, "q", map[string]string{"DelaySeconds": "1"})
		if err != nil {
			return err
		}
		start := time.Now()
		if err := w.send(ctx, url, "x"); err != nil {
			return err
		}
		_, err = w.one(ctx, url, 10, 30)
		return errors.Join(err, took(start, 900*time.Millisecond, 8*time.Second))
	}},
	{"ReceiveMessage/DeadLetterQueue", func(ctx context.Context, w *world) error {
		dead, arn, err := w.queue(ctx, "dead", nil)
		if err != nil {
			return err
		}
		url, _, err := w.queue(ctx, "q", map[string]string{"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":1}`, arn)})
		if err != nil {
			return err
		}
		if err := w.send(ctx, url, "poison"); err != nil {
			return err
		}
		if _, err := w.one(ctx, url, 2, 1); err != nil {
			return err
		}
		if ms, err := w.receive(ctx, url, 2, 1); err != nil || len(ms) != 0 {
			return fmt.Errorf("came a second time: %d %v", len(ms), err)
		}
		m, err := w.one(ctx, dead, 5, 30)
		if err != nil {
			return err
		}
		return want("body", *m.Body, "poison")
	}},
	withMessage("ChangeMessageVisibility/ZeroMakesVisible", 30, func(ctx context.Context, w *world, url string, m types.Message) error {
		if _, err := w.sqs.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 0}); err != nil {
			return err
		}
		_, err := w.one(ctx, url, 2, 30)
		return err
	}),
	withMessage("ChangeMessageVisibility/ErrRange", 30, func(ctx context.Context, w *world, url string, m types.Message) error {
		_, err := w.sqs.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 43201})
		return wantCode(err, "InvalidParameterValue", "43201")
	}),
	withQueue("ChangeMessageVisibility/ErrHandle", func(ctx context.Context, w *world, url string) error {
		_, err := w.sqs.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: &url, ReceiptHandle: ptr("garbage"), VisibilityTimeout: 1})
		return wantCode(err, "ReceiptHandleIsInvalid", "garbage")
	}),
	withMessage("ChangeMessageVisibilityBatch/OneFailsAlone", 1, func(ctx context.Context, w *world, url string, m types.Message) error {
		o, err := w.sqs.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
			{Id: ptr("good"), ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 60}, {Id: ptr("bad"), ReceiptHandle: ptr("garbage"), VisibilityTimeout: 60},
		}})
		if err != nil {
			return err
		}
		if len(o.Successful) != 1 || len(o.Failed) != 1 {
			return fmt.Errorf("%d changed, %d failed", len(o.Successful), len(o.Failed))
		}
		ms, err := w.receive(ctx, url, 2, 1)
		return errors.Join(err, want("code", *o.Failed[0].Code, "ReceiptHandleIsInvalid"), want("messages", len(ms), 0))
	}),
}
