package aws_test

import (
	"context"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func value(kind, s string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: &kind, StringValue: &s}
}

// sendWith sends a message with the attributes to a new queue.
func (w *world) sendWith(ctx context.Context, body string, a map[string]types.MessageAttributeValue) (url string, _ *sqs.SendMessageOutput, err error) {
	url, _, err = w.queue(ctx, "q", nil)
	if err != nil {
		return "", nil, err
	}
	o, err := w.sqs.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body, MessageAttributes: a})
	return url, o, err
}

// sendBatch sends the bodies to a new queue, with ids 0, 1, 2 … changed by edit.
func (w *world) sendBatch(ctx context.Context, bodies []string, edit func([]types.SendMessageBatchRequestEntry)) (*sqs.SendMessageBatchOutput, error) {
	url, _, err := w.queue(ctx, "q", nil)
	if err != nil {
		return nil, err
	}
	in := &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: []types.SendMessageBatchRequestEntry{}}
	for i, b := range bodies {
		in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{Id: ptr(fmt.Sprint(i)), MessageBody: &b})
	}
	edit(in.Entries)
	return w.sqs.SendMessageBatch(ctx, in)
}

func unchanged([]types.SendMessageBatchRequestEntry) {}

// withMessage is a check of a message that was received, and is invisible for so many
// seconds.
func withMessage(name string, visibility int32, run func(ctx context.Context, w *world, url string, m types.Message) error) check {
	return withQueue(name, func(ctx context.Context, w *world, url string) error {
		if err := w.send(ctx, url, "x"); err != nil {
			return err
		}
		m, err := w.one(ctx, url, 2, visibility)
		if err != nil {
			return err
		}
		return run(ctx, w, url, m)
	})
}

func refusedSend(name, code, part, body string, a map[string]types.MessageAttributeValue) check {
	return check{"SendMessage/" + name, func(ctx context.Context, w *world) error {
		_, _, err := w.sendWith(ctx, body, a)
		return wantCode(err, code, part)
	}}
}

var messageChecks = []check{
	{"SendMessage/BodyAndAttributesComeBack", func(ctx context.Context, w *world) error {
		body := "héllo ✓ \"q\" <&>\t\r\n\U0001F600"
		url, _, err := w.sendWith(ctx, body, map[string]types.MessageAttributeValue{
			"s": value("String.label", "v"), "n": value("Number", "-1.5e3"), "b": {DataType: ptr("Binary"), BinaryValue: []byte{0, 1, 255}},
		})
		if err != nil {
			return err
		}
		m, err := w.one(ctx, url, 2, 30)
		if err != nil {
			return err
		}
		a := m.MessageAttributes
		return errors.Join(want("body", *m.Body, body), want("attributes", len(a), 3),
			want("s", *a["s"].StringValue, "v"), want("s's type", *a["s"].DataType, "String.label"),
			want("n", *a["n"].StringValue, "-1.5e3"), want("b", string(a["b"].BinaryValue), "\x00\x01\xff"))
	}},
	// The digest by its definition: name, type and value, each with its length.
	{"SendMessage/MD5OfAttributes", func(ctx context.Context, w *world) error {
		_, o, err := w.sendWith(ctx, "x", map[string]types.MessageAttributeValue{"k": value("String", "v")})
		if err != nil {
			return err
		}
		var b []byte
		for i, s := range []string{"k", "String", "v"} {
			if i == 2 {
				b = append(b, 1)
			}
			b = append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
		}
		sum := md5.Sum(b)
		return want("MD5", *o.MD5OfMessageAttributes, hex.EncodeToString(sum[:]))
	}},
	{"SendMessage/SystemAttributes", func(ctx context.Context, w *world) error {
		url, _, err := w.sendWith(ctx, "x", nil)
		if err != nil {
			return err
		}
		m, err := w.one(ctx, url, 2, 30)
		for _, k := range []string{"SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp"} {
			if m.Attributes[k] == "" {
				err = errors.Join(err, fmt.Errorf("no %s", k))
			}
		}
		return errors.Join(err, want("count", m.Attributes["ApproximateReceiveCount"], "1"))
	}},
	{"SendMessage/1MiB", func(ctx context.Context, w *world) error {
		_, _, err := w.sendWith(ctx, strings.Repeat("x", 1<<20), nil)
		return err
	}},
	refusedSend("ErrTooLong", "InvalidParameterValue", "shorter than 1048576 bytes", strings.Repeat("x", 1<<20+1), nil),
	refusedSend("ErrTooLongWithAttributes", "InvalidParameterValue", "shorter than 1048576 bytes", strings.Repeat("x", 1<<20-8), map[string]types.MessageAttributeValue{"key": value("String", "v")}),
	refusedSend("ErrEmpty", "MissingParameter", "MessageBody", "", nil),
	refusedSend("ErrInvalidCharacter", "InvalidMessageContents", "", "a\x01b", nil),
	refusedSend("ErrAttributeType", "InvalidParameterValue", "k", "x", map[string]types.MessageAttributeValue{"k": value("Text", "v")}),
	refusedSend("ErrAttributeName", "InvalidParameterValue", "", "x", map[string]types.MessageAttributeValue{"AWS.k": value("String", "v")}),
	refusedSend("ErrAttributeEmpty", "InvalidParameterValue", "k", "x", map[string]types.MessageAttributeValue{"k": value("String", "")}),
	refusedSend("ErrAttributeNumber", "InvalidParameterValue", "k", "x", map[string]types.MessageAttributeValue{"k": value("Number", "ten")}),
	{"SendMessage/ErrElevenAttributes", func(ctx context.Context, w *world) error {
		a := map[string]types.MessageAttributeValue{}
		for i := range 11 {
			a[fmt.Sprint("a", i)] = value("String", "v")
		}
		_, _, err := w.sendWith(ctx, "x", a)
		return wantCode(err, "InvalidParameterValue", "[11] exceeds the allowed maximum [10]")
	}},
	withQueue("SendMessage/ErrDelay", func(ctx context.Context, w *world, url string) error {
		_, err := w.sqs.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: ptr("x"), DelaySeconds: 901})
		return wantCode(err, "InvalidParameterValue", "DelaySeconds")
	}),
	{"SendMessageBatch/OK", func(ctx context.Context, w *world) error {
		o, err := w.sendBatch(ctx, strings.Split("0123456789", ""), unchanged)
		if err != nil {
			return err
		}
		return errors.Join(want("sent", len(o.Successful), 10), want("failed", len(o.Failed), 0))
	}},
	{"SendMessageBatch/OneFailsAlone", func(ctx context.Context, w *world) error {
		o, err := w.sendBatch(ctx, []string{"a", "b\x01"}, unchanged)
		if err != nil {
			return err
		}
		if len(o.Successful) != 1 || len(o.Failed) != 1 {
			return fmt.Errorf("%d sent, %d failed", len(o.Successful), len(o.Failed))
		}
		return errors.Join(want("id", *o.Failed[0].Id, "1"), want("code", *o.Failed[0].Code, "InvalidMessageContents"), want("sender's fault", o.Failed[0].SenderFault, true))
	}},
	{"SendMessageBatch/ErrEleven", func(ctx context.Context, w *world) error {
		_, err := w.sendBatch(ctx, strings.Split("0123456789a", ""), unchanged)
		return wantCode(err, "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent 11.")
	}},
	{"SendMessageBatch/ErrEmpty", func(ctx context.Context, w *world) error {
		_, err := w.sendBatch(ctx, nil, unchanged)
		return wantCode(err, "AWS.SimpleQueueService.EmptyBatchRequest", "There should be at least one SendMessageBatchRequestEntry in the request.")
	}},
	{"SendMessageBatch/ErrSameIds", func(ctx context.Context, w *world) error {
		_, err := w.sendBatch(ctx, []string{"a", "b"}, func(e []types.SendMessageBatchRequestEntry) { e[1].Id = e[0].Id })
		return wantCode(err, "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "Id 0 repeated.")
	}},
	{"SendMessageBatch/ErrId", func(ctx context.Context, w *world) error {
		_, err := w.sendBatch(ctx, []string{"a"}, func(e []types.SendMessageBatchRequestEntry) { e[0].Id = ptr("not valid") })
		return wantCode(err, "AWS.SimpleQueueService.InvalidBatchEntryId", "alphanumeric")
	}},
	{"SendMessageBatch/ErrTooLongTogether", func(ctx context.Context, w *world) error {
		_, err := w.sendBatch(ctx, []string{strings.Repeat("x", 1<<19), strings.Repeat("x", 1<<19+1)}, unchanged)
		return wantCode(err, "AWS.SimpleQueueService.BatchRequestTooLong", "Batch requests cannot be longer than 1048576 bytes")
	}},
	withMessage("DeleteMessage/OK", 1, func(ctx context.Context, w *world, url string, m types.Message) error {
		for range 2 { // twice is no error
			if _, err := w.sqs.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
				return err
			}
		}
		ms, err := w.receive(ctx, url, 2, 1)
		return errors.Join(err, want("messages", len(ms), 0))
	}),
	withQueue("DeleteMessage/ErrHandle", func(ctx context.Context, w *world, url string) error {
		_, err := w.sqs.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: ptr("garbage")})
		return wantCode(err, "ReceiptHandleIsInvalid", `The input receipt handle "garbage" is not a valid receipt handle.`)
	}),
	withMessage("DeleteMessageBatch/OneFailsAlone", 30, func(ctx context.Context, w *world, url string, m types.Message) error {
		o, err := w.sqs.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: []types.DeleteMessageBatchRequestEntry{
			{Id: ptr("good"), ReceiptHandle: m.ReceiptHandle}, {Id: ptr("bad"), ReceiptHandle: ptr("garbage")},
		}})
		if err != nil {
			return err
		}
		if len(o.Successful) != 1 || len(o.Failed) != 1 {
			return fmt.Errorf("%d deleted, %d failed", len(o.Successful), len(o.Failed))
		}
		return errors.Join(want("id", *o.Failed[0].Id, "bad"), want("code", *o.Failed[0].Code, "ReceiptHandleIsInvalid"))
	}),
}
