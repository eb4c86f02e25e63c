package aws_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
)

func wantNotFound(err error) error {
	if _, ok := errors.AsType[*snstypes.NotFoundException](err); !ok {
		return fmt.Errorf("got %v, want NotFound", err)
	}
	return nil
}

var topicChecks = []check{
	{"CreateTopic/SameAgainGivesSameARN", func(ctx context.Context, w *world) error {
		a, err := w.topic(ctx, "t")
		if err != nil {
			return err
		}
		b, err := w.topic(ctx, "t")
		return errors.Join(err, want("ARN", b, a), want("ARN", a, "arn:aws:sns:us-east-1:000000000000:t-"+w.id))
	}},
	{"CreateTopic/ErrName", func(ctx context.Context, w *world) error {
		_, err := w.sns.CreateTopic(ctx, &sns.CreateTopicInput{Name: ptr("with space")})
		return wantCode(err, "InvalidParameter", "Topic Name")
	}},
	{"TopicAttributes/SetAndGet", func(ctx context.Context, w *world) error {
		t, err := w.topic(ctx, "t")
		if err != nil {
			return err
		}
		if _, err := w.sns.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{TopicArn: &t, AttributeName: ptr("DisplayName"), AttributeValue: ptr("shown")}); err != nil {
			return err
		}
		o, err := w.sns.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &t})
		if err != nil {
			return err
		}
		return errors.Join(want("DisplayName", o.Attributes["DisplayName"], "shown"), want("TopicArn", o.Attributes["TopicArn"], t))
	}},
	{"TopicAttributes/ErrUnknownTopic", func(ctx context.Context, w *world) error {
		_, err := w.sns.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: ptr("arn:aws:sns:us-east-1:000000000000:none-" + w.id)})
		return wantNotFound(err)
	}},
	{"ListTopics/HasIt", func(ctx context.Context, w *world) error {
		t, err := w.topic(ctx, "t")
		if err != nil {
			return err
		}
		p := sns.NewListTopicsPaginator(w.sns, &sns.ListTopicsInput{})
		for p.HasMorePages() {
			o, err := p.NextPage(ctx)
			if err != nil {
				return err
			}
			for _, x := range o.Topics {
				if *x.TopicArn == t {
					return nil
				}
			}
		}
		return errors.New("not in the list")
	}},
	{"DeleteTopic/TwiceOK", func(ctx context.Context, w *world) error {
		t, err := w.topic(ctx, "t")
		if err != nil {
			return err
		}
		for range 2 {
			if _, err := w.sns.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: &t}); err != nil {
				return err
			}
		}
		return wantNotFound(w.publish(ctx, t, "x", nil))
	}},
	{"TagResource/ListAndUntag", func(ctx context.Context, w *world) error {
		t, err := w.topic(ctx, "t")
		if err != nil {
			return err
		}
		if _, err := w.sns.TagResource(ctx, &sns.TagResourceInput{ResourceArn: &t, Tags: []snstypes.Tag{{Key: ptr("a"), Value: ptr("1")}, {Key: ptr("b"), Value: ptr("2")}}}); err != nil {
			return err
		}
		if _, err := w.sns.UntagResource(ctx, &sns.UntagResourceInput{ResourceArn: &t, TagKeys: []string{"a"}}); err != nil {
			return err
		}
		o, err := w.sns.ListTagsForResource(ctx, &sns.ListTagsForResourceInput{ResourceArn: &t})
		if err != nil || len(o.Tags) != 1 {
			return fmt.Errorf("%v, %d tags", err, len(o.Tags))
		}
		return want("tag", *o.Tags[0].Key+*o.Tags[0].Value, "b2")
	}},
	{"Subscribe/SameAgainGivesSameARN", func(ctx context.Context, w *world) error {
		t, _, s, err := w.subscribed(ctx, map[string]string{"RawMessageDelivery": "true"})
		if err != nil {
			return err
		}
		again, err := w.subscribe(ctx, t, "arn:aws:sqs:us-east-1:000000000000:q-"+w.id, map[string]string{"RawMessageDelivery": "true"})
		if err != nil {
			return err
		}
		return errors.Join(want("ARN", again, s), want("prefix", strings.HasPrefix(s, t+":"), true))
	}},
	{"Subscribe/ErrOtherAttributes", func(ctx context.Context, w *world) error {
		t, _, _, err := w.subscribed(ctx, nil)
		if err != nil {
			return err
		}
		_, err = w.subscribe(ctx, t, "arn:aws:sqs:us-east-1:000000000000:q-"+w.id, map[string]string{"RawMessageDelivery": "true"})
		return wantCode(err, "InvalidParameter", "Subscription already exists with different attributes")
	}},
	{"Subscribe/ErrUnknownTopic", func(ctx context.Context, w *world) error {
		_, err := w.subscribe(ctx, "arn:aws:sns:us-east-1:000000000000:none-"+w.id, "arn:aws:sqs:us-east-1:000000000000:q", nil)
		return wantNotFound(err)
	}},
	{"Subscribe/ErrRawMessageDelivery", func(ctx context.Context, w *world) error {
		_, _, _, err := w.subscribed(ctx, map[string]string{"RawMessageDelivery": "maybe"})
		return wantCode(err, "InvalidParameter", "RawMessageDelivery")
	}},
	{"Subscribe/ErrFilterPolicy", func(ctx context.Context, w *world) error {
		_, _, _, err := w.subscribed(ctx, map[string]string{"FilterPolicy": `{"t":"notalist"}`})
		return wantCode(err, "InvalidParameter", "FilterPolicy")
	}},
	{"Subscribe/ErrNestedPolicyOnAttributes", func(ctx context.Context, w *world) error {
		_, _, _, err := w.subscribed(ctx, map[string]string{"FilterPolicy": `{"a":{"b":["c"]}}`})
		return wantCode(err, "InvalidParameter", "Filter policy scope MessageAttributes does not support nested filter policy")
	}},
	{"SubscriptionAttributes/SetAndGet", func(ctx context.Context, w *world) error {
		_, _, s, err := w.subscribed(ctx, nil)
		if err != nil {
			return err
		}
		for k, v := range map[string]string{"RawMessageDelivery": "true", "FilterPolicy": `{"k":["v"]}`} {
			if _, err := w.sns.SetSubscriptionAttributes(ctx, &sns.SetSubscriptionAttributesInput{SubscriptionArn: &s, AttributeName: &k, AttributeValue: &v}); err != nil {
				return err
			}
		}
		o, err := w.sns.GetSubscriptionAttributes(ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: &s})
		if err != nil {
			return err
		}
		a := o.Attributes
		return errors.Join(want("raw", a["RawMessageDelivery"], "true"), want("policy", a["FilterPolicy"], `{"k":["v"]}`),
			want("scope", a["FilterPolicyScope"], "MessageAttributes"), want("pending", a["PendingConfirmation"], "false"), want("protocol", a["Protocol"], "sqs"))
	}},
	{"SubscriptionAttributes/ErrName", func(ctx context.Context, w *world) error {
		_, _, s, err := w.subscribed(ctx, nil)
		if err != nil {
			return err
		}
		_, err = w.sns.SetSubscriptionAttributes(ctx, &sns.SetSubscriptionAttributesInput{SubscriptionArn: &s, AttributeName: ptr("Foo"), AttributeValue: ptr("x")})
		return wantCode(err, "InvalidParameter", "AttributeName")
	}},
	{"ListSubscriptionsByTopic/HasIt", func(ctx context.Context, w *world) error {
		t, _, s, err := w.subscribed(ctx, nil)
		if err != nil {
			return err
		}
		o, err := w.sns.ListSubscriptionsByTopic(ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: &t})
		if err != nil || len(o.Subscriptions) != 1 {
			return fmt.Errorf("%v, %d subscriptions", err, len(o.Subscriptions))
		}
		return errors.Join(want("ARN", *o.Subscriptions[0].SubscriptionArn, s), want("protocol", *o.Subscriptions[0].Protocol, "sqs"))
	}},
	{"Unsubscribe/StopsDelivery", func(ctx context.Context, w *world) error {
		t, url, s, err := w.subscribed(ctx, nil)
		if err != nil {
			return err
		}
		if _, err := w.sns.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: &s}); err != nil {
			return err
		}
		if err := w.publish(ctx, t, "x", nil); err != nil {
			return err
		}
		ms, err := w.receive(ctx, url, 1, 30)
		return errors.Join(err, want("messages", len(ms), 0))
	}},
}
