package aws_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func refusedPublish(name, code, part, body string, a attributes) check {
	return check{"Publish/" + name, func(ctx context.Context, w *world) error {
		t, err := w.topic(ctx, "t")
		if err != nil {
			return err
		}
		return wantCode(w.publish(ctx, t, body, a), code, part)
	}}
}

// publishBatch publishes the bodies with ids 0, 1, 2 … changed by edit.
func (w *world) publishBatch(ctx context.Context, topic string, bodies []string, edit func([]snstypes.PublishBatchRequestEntry)) (*sns.PublishBatchOutput, error) {
	in := &sns.PublishBatchInput{TopicArn: &topic, PublishBatchRequestEntries: []snstypes.PublishBatchRequestEntry{}}
	for i, b := range bodies {
		in.PublishBatchRequestEntries = append(in.PublishBatchRequestEntries, snstypes.PublishBatchRequestEntry{Id: ptr(fmt.Sprint(i)), Message: &b})
	}
	if edit != nil {
		edit(in.PublishBatchRequestEntries)
	}
	return w.sns.PublishBatch(ctx, in)
}

func refusedBatch(name, code string, bodies []string, edit func([]snstypes.PublishBatchRequestEntry)) check {
	return check{"PublishBatch/" + name, func(ctx context.Context, w *world) error {
		t, err := w.topic(ctx, "t")
		if err != nil {
			return err
		}
		_, err = w.publishBatch(ctx, t, bodies, edit)
		return wantCode(err, code, "")
	}}
}

var publishChecks = []check{
	{"Publish/RawDelivery", func(ctx context.Context, w *world) error {
		t, url, _, err := w.subscribed(ctx, map[string]string{"RawMessageDelivery": "true"})
		if err != nil {
			return err
		}
		body := `{"x":"é<&>"}`
		err = w.publish(ctx, t, body, attributes{"k": text("v"), "n": attribute("Number", "42"), "a": attribute("String.Array", `["x",1,true,null]`), "b": {DataType: ptr("Binary"), BinaryValue: []byte{0, 255}}})
		if err != nil {
			return err
		}
		m, err := w.one(ctx, url, 5, 30)
		if err != nil {
			return err
		}
		a := m.MessageAttributes
		if len(a) != 4 {
			return fmt.Errorf("%d attributes", len(a))
		}
		return errors.Join(want("body", *m.Body, body), want("k", *a["k"].StringValue, "v"), want("n's type", *a["n"].DataType, "Number"),
			want("a", *a["a"].StringValue, `["x",1,true,null]`), want("b", string(a["b"].BinaryValue), "\x00\xff"))
	}},
	{"Publish/Envelope", func(ctx context.Context, w *world) error {
		t, url, s, err := w.subscribed(ctx, nil)
		if err != nil {
			return err
		}
		o, err := w.sns.Publish(ctx, &sns.PublishInput{TopicArn: &t, Message: ptr("héllo <&>"), Subject: ptr("about"), MessageAttributes: attributes{"k": text("v")}})
		if err != nil {
			return err
		}
		m, err := w.one(ctx, url, 5, 30)
		if err != nil {
			return err
		}
		var e struct {
			Type, MessageId, TopicArn, Subject, Message, Timestamp, UnsubscribeURL string
			MessageAttributes                                                      map[string]struct{ Type, Value string }
		}
		if err := json.Unmarshal([]byte(*m.Body), &e); err != nil {
			return err
		}
		return errors.Join(want("Type", e.Type, "Notification"), want("MessageId", e.MessageId, *o.MessageId), want("TopicArn", e.TopicArn, t),
			want("Subject", e.Subject, "about"), want("Message", e.Message, "héllo <&>"), want("k", e.MessageAttributes["k"].Value, "v"),
			want("has a link to unsubscribe", strings.Contains(e.UnsubscribeURL, s), true), want("SQS attributes", len(m.MessageAttributes), 0))
	}},
	{"Publish/MessageStructureJSON", func(ctx context.Context, w *world) error {
		t, url, _, err := w.subscribed(ctx, map[string]string{"RawMessageDelivery": "true"})
		if err != nil {
			return err
		}
		if _, err := w.sns.Publish(ctx, &sns.PublishInput{TopicArn: &t, Message: ptr(`{"default":"d","sqs":"for queues"}`), MessageStructure: ptr("json")}); err != nil {
			return err
		}
		m, err := w.one(ctx, url, 5, 30)
		if err != nil {
			return err
		}
		return want("body", *m.Body, "for queues")
	}},
	{"Publish/FansOut", func(ctx context.Context, w *world) error {
		t, err := w.topic(ctx, "t")
		if err != nil {
			return err
		}
		var urls []string
		for i := range 5 {
			url, arn, err := w.queue(ctx, fmt.Sprint("q", i), nil)
			if err != nil {
				return err
			}
			if _, err := w.subscribe(ctx, t, arn, map[string]string{"RawMessageDelivery": "true"}); err != nil {
				return err
			}
			urls = append(urls, url)
		}
		if err := w.publish(ctx, t, "x", nil); err != nil {
			return err
		}
		for _, url := range urls {
			if _, err := w.one(ctx, url, 5, 30); err != nil {
				return err
			}
		}
		return nil
	}},
	{"Publish/MissingQueueIgnored", func(ctx context.Context, w *world) error {
		t, url, _, err := w.subscribed(ctx, nil)
		if err != nil {
			return err
		}
		if _, err := w.sqs.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &url}); err != nil {
			return err
		}
		return w.publish(ctx, t, "x", nil)
	}},
	{"Publish/256KiB", func(ctx context.Context, w *world) error {
		t, err := w.topic(ctx, "t")
		if err != nil {
			return err
		}
		return w.publish(ctx, t, strings.Repeat("x", 256<<10), nil)
	}},
	refusedPublish("ErrTooLong", "InvalidParameter", "Message too long", strings.Repeat("x", 256<<10+1), nil),
	refusedPublish("ErrTooLongWithAttributes", "InvalidParameter", "Message too long", strings.Repeat("x", 256<<10-5), attributes{"k": text("v")}),
	refusedPublish("ErrEmpty", "InvalidParameter", "Empty message", "", nil),
	refusedPublish("ErrAttributeType", "ParameterValueInvalid", "k", "x", attributes{"k": attribute("Text", "v")}),
	refusedPublish("ErrAttributeNumber", "ParameterValueInvalid", "k", "x", attributes{"k": attribute("Number", "ten")}),
	refusedPublish("ErrAttributeEmpty", "ParameterValueInvalid", "k", "x", attributes{"k": text("")}),
	refusedPublish("ErrAttributeArray", "ParameterValueInvalid", "k", "x", attributes{"k": attribute("String.Array", `{"not":"a list"}`)}),
	{"Publish/ErrUnknownTopic", func(ctx context.Context, w *world) error {
		return wantNotFound(w.publish(ctx, "arn:aws:sns:us-east-1:000000000000:none-"+w.id, "x", nil))
	}},
	{"PublishBatch/OK", func(ctx context.Context, w *world) error {
		t, url, _, err := w.subscribed(ctx, map[string]string{"RawMessageDelivery": "true"})
		if err != nil {
			return err
		}
		o, err := w.publishBatch(ctx, t, strings.Split("0123456789", ""), nil)
		if err != nil {
			return err
		}
		got, err := w.drain(ctx, url, 10)
		return errors.Join(err, want("published", len(o.Successful), 10), want("received", strings.Join(got, ""), "0123456789"))
	}},
	{"PublishBatch/OneFailsAlone", func(ctx context.Context, w *world) error {
		t, url, _, err := w.subscribed(ctx, map[string]string{"RawMessageDelivery": "true"})
		if err != nil {
			return err
		}
		o, err := w.publishBatch(ctx, t, []string{"a", "b"}, func(e []snstypes.PublishBatchRequestEntry) {
			e[1].MessageAttributes = attributes{"k": attribute("Number", "ten")}
		})
		if err != nil {
			return err
		}
		if len(o.Successful) != 1 || len(o.Failed) != 1 {
			return fmt.Errorf("%d published, %d failed", len(o.Successful), len(o.Failed))
		}
		got, err := w.drain(ctx, url, 1)
		return errors.Join(err, want("id", *o.Failed[0].Id, "1"), want("received", strings.Join(got, ""), "a"))
	}},
	refusedBatch("ErrEleven", "TooManyEntriesInBatchRequest", strings.Split("0123456789a", ""), nil),
	refusedBatch("ErrEmpty", "EmptyBatchRequest", nil, nil),
	refusedBatch("ErrSameIds", "BatchEntryIdsNotDistinct", []string{"a", "b"}, func(e []snstypes.PublishBatchRequestEntry) { e[1].Id = e[0].Id }),
	refusedBatch("ErrId", "InvalidBatchEntryId", []string{"a"}, func(e []snstypes.PublishBatchRequestEntry) { e[0].Id = ptr("not valid") }),
	refusedBatch("ErrTooLongTogether", "BatchRequestTooLong", []string{strings.Repeat("x", 128<<10), strings.Repeat("x", 128<<10+1)}, nil),
}

// filterCheck publishes bodies with their attributes and wants those through that are
// listed.
func filterCheck(name, scope, policy string, messages map[string]attributes, through ...string) check {
	return check{"FilterPolicy/" + name, func(ctx context.Context, w *world) error {
		t, url, _, err := w.subscribed(ctx, map[string]string{"RawMessageDelivery": "true", "FilterPolicy": policy, "FilterPolicyScope": scope})
		if err != nil {
			return err
		}
		for body, a := range messages {
			if err := w.publish(ctx, t, body, a); err != nil {
				return err
			}
		}
		got, err := w.drain(ctx, url, len(through))
		slices.Sort(through)
		if err == nil && !slices.Equal(got, through) {
			err = fmt.Errorf("%s let through %q, want %q", policy, got, through)
		}
		return err
	}}
}

func filterChecks() []check {
	k := func(v string) attributes { return attributes{"k": text(v)} }
	n := func(v string) attributes { return attributes{"k": attribute("Number", v)} }
	array := func(v string) attributes { return attributes{"k": attribute("String.Array", v)} }
	const onAttributes, onBody = "MessageAttributes", "MessageBody"
	return []check{
		filterCheck("Exact", onAttributes, `{"k":["a","b"]}`, map[string]attributes{"1": k("a"), "2": k("A"), "3": {}, "4": n("1")}, "1"),
		filterCheck("AllKeys", onAttributes, `{"k":["a"],"l":["b"]}`, map[string]attributes{"1": {"k": text("a"), "l": text("b")}, "2": k("a")}, "1"),
		filterCheck("Prefix", onAttributes, `{"k":[{"prefix":"or"}]}`, map[string]attributes{"1": k("order"), "2": k("xor")}, "1"),
		filterCheck("Suffix", onAttributes, `{"k":[{"suffix":"er"}]}`, map[string]attributes{"1": k("order"), "2": k("erx")}, "1"),
		filterCheck("EqualsIgnoreCase", onAttributes, `{"k":[{"equals-ignore-case":"aB"}]}`, map[string]attributes{"1": k("Ab"), "2": k("abc")}, "1"),
		filterCheck("Wildcard", onAttributes, `{"k":[{"wildcard":"a*z"}]}`, map[string]attributes{"1": k("abcz"), "2": k("abc")}, "1"),
		filterCheck("AnythingBut", onAttributes, `{"k":[{"anything-but":["a","b"]}]}`, map[string]attributes{"1": k("c"), "2": k("b"), "3": {}}, "1"),
		filterCheck("AnythingButPrefix", onAttributes, `{"k":[{"anything-but":{"prefix":"a"}}]}`, map[string]attributes{"1": k("b"), "2": k("ab")}, "1"),
		filterCheck("NumericRange", onAttributes, `{"k":[{"numeric":[">=",10,"<",20]}]}`, map[string]attributes{"1": n("10"), "2": n("20"), "3": n("9.5"), "4": n("1.5e1")}, "1", "4"),
		filterCheck("Exists", onAttributes, `{"k":[{"exists":true}]}`, map[string]attributes{"1": k("x"), "2": {"l": text("x")}}, "1"),
		filterCheck("ExistsNot", onAttributes, `{"k":[{"exists":false}]}`, map[string]attributes{"1": {"l": text("x")}, "2": k("x"), "3": {}}, "1", "3"),
		filterCheck("StringArray", onAttributes, `{"k":["b"]}`, map[string]attributes{"1": array(`["a","b"]`), "2": array(`["c"]`), "3": array(`[]`)}, "1"),
		filterCheck("Or", onAttributes, `{"$or":[{"k":["a"]},{"l":["b"]}]}`, map[string]attributes{"1": k("a"), "2": {"l": text("b")}, "3": k("b")}, "1", "2"),
		filterCheck("CIDR", onAttributes, `{"k":[{"cidr":"10.0.0.0/24"}]}`, map[string]attributes{"1": k("10.0.0.9"), "2": k("10.0.1.9")}, "1"),
		filterCheck("EmptyLetsAllThrough", onAttributes, `{}`, map[string]attributes{"1": k("a"), "2": {}}, "1", "2"),
		filterCheck("BodyNested", onBody, `{"d":{"c":["x"],"n":[{"numeric":[">",5]}]}}`, map[string]attributes{
			`{"d":{"c":"x","n":6}}`: nil, `{"d":{"c":"y","n":6}}`: nil, `{"d":{"c":"x","n":5}}`: nil, `not json`: nil, `{"d":{"c":["w","x"],"n":9}}`: nil,
		}, `{"d":{"c":"x","n":6}}`, `{"d":{"c":["w","x"],"n":9}}`),
		filterCheck("BodyKeywords", onBody, `{"a":[true,null]}`, map[string]attributes{`{"a":true}`: nil, `{"a":null}`: nil, `{"a":false}`: nil, `{}`: nil}, `{"a":true}`, `{"a":null}`),
		filterCheck("BodyIgnoresAttributes", onBody, `{"k":["a"]}`, map[string]attributes{`{"z":1}`: k("a"), `{"k":"a"}`: {}}, `{"k":"a"}`),
	}
}
