package aws_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// withQueue is a check of a new queue.
func withQueue(name string, run func(ctx context.Context, w *world, url string) error) check {
	return check{name, func(ctx context.Context, w *world) error {
		url, _, err := w.queue(ctx, "q", nil)
		if err != nil {
			return err
		}
		return run(ctx, w, url)
	}}
}

var queueChecks = []check{
	{"CreateQueue/SameAgainGivesSameURL", func(ctx context.Context, w *world) error {
		a, arn, err := w.queue(ctx, "q", map[string]string{"VisibilityTimeout": "5"})
		if err != nil {
			return err
		}
		b, _, err := w.queue(ctx, "q", map[string]string{"VisibilityTimeout": "5"})
		if err != nil {
			return err
		}
		return errors.Join(want("URL", b, a), want("ARN", arn, "arn:aws:sqs:us-east-1:000000000000:q-"+w.id))
	}},
	{"CreateQueue/ErrOtherAttributes", func(ctx context.Context, w *world) error {
		if _, _, err := w.queue(ctx, "q", map[string]string{"VisibilityTimeout": "5"}); err != nil {
			return err
		}
		_, _, err := w.queue(ctx, "q", map[string]string{"VisibilityTimeout": "6"})
		if _, ok := errors.AsType[*types.QueueNameExists](err); !ok {
			return fmt.Errorf("got %v", err)
		}
		return nil
	}},
	{"CreateQueue/ErrName", func(ctx context.Context, w *world) error {
		_, err := w.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: ptr("with space")})
		return wantCode(err, "InvalidParameterValue", "Can only include alphanumeric characters, hyphens, or underscores")
	}},
	{"CreateQueue/ErrAttributeValue", func(ctx context.Context, w *world) error {
		_, _, err := w.queue(ctx, "q", map[string]string{"VisibilityTimeout": "43201"})
		return wantCode(err, "InvalidAttributeValue", "Invalid value for the parameter VisibilityTimeout")
	}},
	{"CreateQueue/ErrUnknownAttribute", func(ctx context.Context, w *world) error {
		_, _, err := w.queue(ctx, "q", map[string]string{"Foo": "1"})
		return wantCode(err, "InvalidAttributeName", "Unknown Attribute Foo")
	}},
	withQueue("GetQueueUrl/OK", func(ctx context.Context, w *world, url string) error {
		o, err := w.sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: ptr("q-" + w.id)})
		if err != nil {
			return err
		}
		return want("URL", *o.QueueUrl, url)
	}),
	{"GetQueueUrl/ErrUnknown", func(ctx context.Context, w *world) error {
		_, err := w.sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: ptr("none-" + w.id)})
		if _, ok := errors.AsType[*types.QueueDoesNotExist](err); !ok {
			return fmt.Errorf("got %v", err)
		}
		return wantCode(err, "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist")
	}},
	{"ListQueues/PrefixAndPages", func(ctx context.Context, w *world) error {
		for i := range 5 {
			if _, _, err := w.queue(ctx, fmt.Sprint("list-", w.id, "-", i), nil); err != nil {
				return err
			}
		}
		p := sqs.NewListQueuesPaginator(w.sqs, &sqs.ListQueuesInput{QueueNamePrefix: ptr("list-" + w.id), MaxResults: ptr(int32(2))})
		pages, seen := 0, map[string]bool{}
		for p.HasMorePages() {
			o, err := p.NextPage(ctx)
			if err != nil {
				return err
			}
			pages++
			for _, u := range o.QueueUrls {
				seen[u] = true
			}
		}
		return errors.Join(want("pages", pages, 3), want("queues", len(seen), 5))
	}},
	withQueue("GetQueueAttributes/Defaults", func(ctx context.Context, w *world, url string) error {
		a, err := w.attributes(ctx, url, "All")
		if err != nil {
			return err
		}
		return errors.Join(
			want("VisibilityTimeout", a["VisibilityTimeout"], "30"), want("DelaySeconds", a["DelaySeconds"], "0"),
			want("MessageRetentionPeriod", a["MessageRetentionPeriod"], "345600"), want("MaximumMessageSize", a["MaximumMessageSize"], "1048576"),
			want("ReceiveMessageWaitTimeSeconds", a["ReceiveMessageWaitTimeSeconds"], "0"))
	}),
	withQueue("GetQueueAttributes/Named", func(ctx context.Context, w *world, url string) error {
		a, err := w.attributes(ctx, url, "DelaySeconds", "QueueArn")
		if err != nil {
			return err
		}
		return want("number of attributes", len(a), 2)
	}),
	withQueue("GetQueueAttributes/ErrUnknownName", func(ctx context.Context, w *world, url string) error {
		_, err := w.attributes(ctx, url, "Foo")
		return wantCode(err, "InvalidAttributeName", "Unknown Attribute Foo")
	}),
	withQueue("GetQueueAttributes/Counts", func(ctx context.Context, w *world, url string) error {
		if err := w.send(ctx, url, "a", "b"); err != nil {
			return err
		}
		if _, err := w.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 1}); err != nil {
			return err
		}
		if _, err := w.sqs.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: ptr("c"), DelaySeconds: 100}); err != nil {
			return err
		}
		a, err := w.attributes(ctx, url, "All")
		if err != nil {
			return err
		}
		return errors.Join(
			want("visible", a["ApproximateNumberOfMessages"], "1"), want("in flight", a["ApproximateNumberOfMessagesNotVisible"], "1"),
			want("delayed", a["ApproximateNumberOfMessagesDelayed"], "1"))
	}),
	withQueue("SetQueueAttributes/OK", func(ctx context.Context, w *world, url string) error {
		if _, err := w.sqs.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{"DelaySeconds": "3"}}); err != nil {
			return err
		}
		a, err := w.attributes(ctx, url, "All")
		return errors.Join(err, want("DelaySeconds", a["DelaySeconds"], "3"))
	}),
	withQueue("SetQueueAttributes/ErrValue", func(ctx context.Context, w *world, url string) error {
		_, err := w.sqs.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{"MessageRetentionPeriod": "59"}})
		return wantCode(err, "InvalidAttributeValue", "MessageRetentionPeriod")
	}),
	{"SetQueueAttributes/ErrRedriveToUnknown", func(ctx context.Context, w *world) error {
		url, arn, err := w.queue(ctx, "q", nil)
		if err != nil {
			return err
		}
		_, err = w.sqs.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: &url, Attributes: map[string]string{
			"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":1}`, arn+"none"),
		}})
		return wantCode(err, "InvalidParameterValue", "Dead letter target does not exist")
	}},
	withQueue("TagQueue/ListAndUntag", func(ctx context.Context, w *world, url string) error {
		if _, err := w.sqs.TagQueue(ctx, &sqs.TagQueueInput{QueueUrl: &url, Tags: map[string]string{"a": "1", "b": "2"}}); err != nil {
			return err
		}
		if _, err := w.sqs.UntagQueue(ctx, &sqs.UntagQueueInput{QueueUrl: &url, TagKeys: []string{"a"}}); err != nil {
			return err
		}
		o, err := w.sqs.ListQueueTags(ctx, &sqs.ListQueueTagsInput{QueueUrl: &url})
		if err != nil {
			return err
		}
		return errors.Join(want("tags", len(o.Tags), 1), want("b", o.Tags["b"], "2"))
	}),
	withQueue("PurgeQueue/OK", func(ctx context.Context, w *world, url string) error {
		if err := w.send(ctx, url, "a", "b"); err != nil {
			return err
		}
		if _, err := w.sqs.PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: &url}); err != nil {
			return err
		}
		ms, err := w.receive(ctx, url, 0, 30)
		return errors.Join(err, want("messages", len(ms), 0))
	}),
	withQueue("PurgeQueue/ErrTwiceInAMinute", func(ctx context.Context, w *world, url string) error {
		if _, err := w.sqs.PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: &url}); err != nil {
			return err
		}
		_, err := w.sqs.PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: &url})
		return wantCode(err, "AWS.SimpleQueueService.PurgeQueueInProgress", "60 seconds")
	}),
	withQueue("DeleteQueue/LaterUseErrUnknown", func(ctx context.Context, w *world, url string) error {
		if _, err := w.sqs.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &url}); err != nil {
			return err
		}
		_, err := w.receive(ctx, url, 0, 30)
		if _, ok := errors.AsType[*types.QueueDoesNotExist](err); !ok {
			return fmt.Errorf("got %v", err)
		}
		return nil
	}),
	withQueue("QueueURL/AnyHost", func(ctx context.Context, w *world, url string) error {
		_, path, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
		return w.send(ctx, "https://sqs.us-east-1.amazonaws.com/"+path, "x")
	}),
}
