package sns

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// queues takes the copies of one test by the last part of the ARN.
type queues map[string][]Copy

func (q queues) Enqueue(arn string, c Copy) error {
	name := arn[strings.LastIndexByte(arn, ':')+1:]
	if name == "gone" {
		return ErrNoQueue
	}
	q[name] = append(q[name], c)
	return nil
}

func (q queues) bodies(name string) (out []string) {
	for _, c := range q[name] {
		out = append(out, c.Body)
	}
	return out
}

func newService(q queues) *Service {
	return New(Options{Region: "us-east-1", Account: "000000000000", Queues: q})
}

const topicT = "arn:aws:sns:us-east-1:000000000000:t"

// do sends one request, given as key and value in turn, and returns status and XML.
func do(s *Service, action string, pairs ...string) (int, string) {
	form := url.Values{"Action": {action}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	w := httptest.NewRecorder()
	s.Serve(w, form)
	return w.Code, w.Body.String()
}

// must returns the text of an element of the answer, "" without one.
func must(t testing.TB, element, body string, code int) string {
	t.Helper()
	if code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	_, rest, _ := strings.Cut(body, "<"+element+">")
	text, _, _ := strings.Cut(rest, "</"+element+">")
	return text
}

func mustTopic(t testing.TB, s *Service) {
	t.Helper()
	code, body := do(s, "CreateTopic", "Name", "t")
	if must(t, "TopicArn", body, code) != topicT {
		t.Fatal(body)
	}
}

func mustSubscribe(t testing.TB, s *Service, queue string, attributes ...string) string {
	t.Helper()
	pairs := []string{"TopicArn", topicT, "Protocol", "sqs", "Endpoint", "arn:aws:sqs:us-east-1:000000000000:" + queue}
	for i := 0; i < len(attributes); i += 2 {
		p := fmt.Sprintf("Attributes.entry.%d.", i/2+1)
		pairs = append(pairs, p+"key", attributes[i], p+"value", attributes[i+1])
	}
	code, body := do(s, "Subscribe", pairs...)
	return must(t, "SubscriptionArn", body, code)
}

func TestDeliver(t *testing.T) {
	q := queues{}
	s := newService(q)
	mustTopic(t, s)
	mustSubscribe(t, s, "raw", "RawMessageDelivery", "true")
	mustSubscribe(t, s, "envelope")
	mustSubscribe(t, s, "gone")
	mustSubscribe(t, s, "filtered", "FilterPolicy", `{"k":["never"]}`)
	// The text of an envelope's own field in the message must not be taken for it.
	tricky := `"UnsubscribeURL":"\u0000unsubscribe\u0000" <&> é`
	code, body := do(s, "Publish", "TopicArn", topicT, "Message", tricky, "Subject", "about")
	id := must(t, "MessageId", body, code)

	if got := q.bodies("raw"); !slices.Equal(got, []string{tricky}) {
		t.Errorf("raw: %q", got)
	}
	var e map[string]any
	if err := json.Unmarshal([]byte(q.bodies("envelope")[0]), &e); err != nil {
		t.Fatal(err)
	}
	if e["Message"] != tricky || e["MessageId"] != id || e["Subject"] != "about" || e["Type"] != "Notification" ||
		!strings.Contains(e["UnsubscribeURL"].(string), topicT+":") {
		t.Errorf("envelope: %v", e)
	}
	if got, want := s.Counts(), (Counts{Delivered: 2, Filtered: 1, NoQueue: 1}); got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
}

func TestRawDeliveryDiscardsElevenAttributes(t *testing.T) {
	q := queues{}
	s := newService(q)
	mustTopic(t, s)
	mustSubscribe(t, s, "raw", "RawMessageDelivery", "true")
	mustSubscribe(t, s, "envelope")
	pairs := []string{"TopicArn", topicT, "Message", "x"}
	for i := range 11 {
		p := fmt.Sprintf("MessageAttributes.entry.%d.", i+1)
		pairs = append(pairs, p+"Name", fmt.Sprint("a", i), p+"Value.DataType", "String", p+"Value.StringValue", "v")
	}
	if code, body := do(s, "Publish", pairs...); code != 200 {
		t.Fatal(body)
	}
	if len(q["raw"]) != 0 || len(q["envelope"]) != 1 || s.Counts().Discarded != 1 {
		t.Errorf("raw %d, envelope %d, %+v", len(q["raw"]), len(q["envelope"]), s.Counts())
	}
}

func TestFilterPolicyLimit(t *testing.T) {
	s := newService(queues{})
	mustTopic(t, s)
	var last string
	for i := range maxPolicies {
		last = mustSubscribe(t, s, fmt.Sprint("q", i), "FilterPolicy", `{"k":["v"]}`)
	}
	plain := mustSubscribe(t, s, "plain")
	code, body := do(s, "SetSubscriptionAttributes", "SubscriptionArn", plain, "AttributeName", "FilterPolicy", "AttributeValue", `{"k":["v"]}`)
	if code != 403 || !strings.Contains(body, "<Code>FilterPolicyLimitExceeded</Code>") {
		t.Errorf("%d %s", code, body)
	}
	// A policy in place of another, and one after another went, are within the limit.
	if code, body := do(s, "SetSubscriptionAttributes", "SubscriptionArn", last, "AttributeName", "FilterPolicy", "AttributeValue", `{"k":["w"]}`); code != 200 {
		t.Errorf("%d %s", code, body)
	}
	if code, body := do(s, "Unsubscribe", "SubscriptionArn", last); code != 200 {
		t.Errorf("%d %s", code, body)
	}
	mustSubscribe(t, s, "another", "FilterPolicy", `{"k":["v"]}`)
}

// Topics, tags, subscriptions and what is gone are the same after a restart, from the
// records and from a snapshot.
func TestReplay(t *testing.T) {
	var records [][]byte
	s := newService(queues{})
	s.opts.Append = func(b []byte) error { records = append(records, b); return nil }
	mustTopic(t, s)
	do(s, "TagResource", "ResourceArn", topicT, "Tags.member.1.Key", "a", "Tags.member.1.Value", "1")
	do(s, "SetTopicAttributes", "TopicArn", topicT, "AttributeName", "DisplayName", "AttributeValue", "shown")
	mustSubscribe(t, s, "kept", "RawMessageDelivery", "true", "FilterPolicy", `{"k":[{"exists":false}]}`)
	do(s, "Unsubscribe", "SubscriptionArn", mustSubscribe(t, s, "ended"))
	do(s, "CreateTopic", "Name", "dropped")
	do(s, "DeleteTopic", "TopicArn", strings.TrimSuffix(topicT, "t")+"dropped")
	var snapshot [][]byte
	if err := s.Snapshot(func(b []byte) error { snapshot = append(snapshot, b); return nil }); err != nil {
		t.Fatal(err)
	}
	for name, from := range map[string][][]byte{"records": records, "snapshot": snapshot} {
		q := queues{}
		again := newService(q)
		for _, r := range from {
			if err := again.Replay(r); err != nil {
				t.Fatal(err)
			}
		}
		do(again, "Publish", "TopicArn", topicT, "Message", "x")
		if len(q) != 1 || !slices.Equal(q.bodies("kept"), []string{"x"}) || again.Topics() != 1 {
			t.Errorf("%s: delivered %v, %d topics", name, q, again.Topics())
		}
		_, tags := do(again, "ListTagsForResource", "ResourceArn", topicT)
		_, attributes := do(again, "GetTopicAttributes", "TopicArn", topicT)
		if !strings.Contains(tags, "<Key>a</Key><Value>1</Value>") || !strings.Contains(attributes, "<value>shown</value>") {
			t.Errorf("%s: %s %s", name, tags, attributes)
		}
	}
}

// A change that can't be kept is refused, and did not happen.
func TestErrAppend(t *testing.T) {
	s := newService(queues{})
	mustTopic(t, s)
	sub := mustSubscribe(t, s, "q")
	s.opts.Append = func([]byte) error { return errors.New("disk full") }
	for _, request := range [][]string{
		{"CreateTopic", "Name", "u"},
		{"DeleteTopic", "TopicArn", topicT},
		{"Unsubscribe", "SubscriptionArn", sub},
		{"Subscribe", "TopicArn", topicT, "Protocol", "sqs", "Endpoint", "arn:aws:sqs:us-east-1:000000000000:r"},
		{"TagResource", "ResourceArn", topicT, "Tags.member.1.Key", "a", "Tags.member.1.Value", "1"},
	} {
		if code, body := do(s, request[0], request[1:]...); code != 500 || !strings.Contains(body, "disk full") {
			t.Errorf("%s: %d %s", request[0], code, body)
		}
	}
	_, body := do(s, "ListSubscriptions")
	if s.Topics() != 1 || strings.Count(body, "<Endpoint>") != 1 {
		t.Errorf("%d topics, %s", s.Topics(), body)
	}
}

func TestListSubscriptionsPages(t *testing.T) {
	s := newService(queues{})
	mustTopic(t, s)
	for i := range 230 {
		mustSubscribe(t, s, fmt.Sprint("q", i))
	}
	seen, token := 0, ""
	for page := 1; ; page++ {
		code, body := do(s, "ListSubscriptionsByTopic", "TopicArn", topicT, "NextToken", token)
		token = must(t, "NextToken", body, code)
		seen += strings.Count(body, "<Endpoint>")
		if token == "" {
			if page != 3 || seen != 230 {
				t.Errorf("%d subscriptions on %d pages", seen, page)
			}
			return
		}
	}
}
