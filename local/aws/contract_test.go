package aws_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"tidings/local/aws"
)

// check is one outcome of the contract that every implementation of SNS and SQS keeps.
// It returns what is wrong.
type check struct {
	name string
	run  func(ctx context.Context, w *world) error
}

// world is what a check works with: clients of one implementation, and names that no
// other check uses.
type world struct {
	sqs *sqs.Client
	sns *sns.Client
	id  string
}

// TestContract runs the same checks against the embedded AWS without a port and through
// one, and against the emulator at MINISTACK_URL. TIDINGS_NO_SKIP=1 makes it an error
// that the variable is unset.
func TestContract(t *testing.T) {
	t.Run("Client", func(t *testing.T) {
		runContract(t, mustServer(t, aws.Options{}).Config(), nil)
	})
	t.Run("Port", func(t *testing.T) {
		s := mustServer(t, aws.Options{Dir: t.TempDir()})
		server := httptest.NewServer(s)
		t.Cleanup(server.Close)
		c := s.Config()
		c.BaseEndpoint, c.HTTPClient = &server.URL, &http.Client{Transport: ownBody{server.Client().Transport}}
		runContract(t, c, nil)
	})
	t.Run("MiniStack", func(t *testing.T) {
		url := os.Getenv("MINISTACK_URL")
		if url == "" {
			if os.Getenv("TIDINGS_NO_SKIP") == "1" {
				t.Fatal("MINISTACK_URL is unset and TIDINGS_NO_SKIP=1")
			}
			t.Skip("MINISTACK_URL is unset")
		}
		c := mustServer(t, aws.Options{}).Config()
		transport := http.DefaultTransport.(*http.Transport).Clone()
		t.Cleanup(transport.CloseIdleConnections)
		c.BaseEndpoint, c.HTTPClient = &url, &http.Client{Transport: ownBody{transport}}
		runContract(t, c, ministackDifferences)
	})
}

// runContract runs all checks; known has those that are expected to fail.
func runContract(t *testing.T, c awssdk.Config, known map[string]string) {
	c.RetryMaxAttempts = 1
	run := strings.ToLower(rand.Text()[:6])
	all := slices.Concat(queueChecks, messageChecks, pollChecks, topicChecks, publishChecks, filterChecks())
	names := map[string]bool{}
	t.Run("all", func(t *testing.T) {
		for i, ck := range all {
			names[ck.name] = true
			t.Run(ck.name, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
				defer cancel()
				err := ck.run(ctx, &world{sqs: sqs.NewFromConfig(c), sns: sns.NewFromConfig(c), id: fmt.Sprint(run, "-", i)})
				switch reason, listed := known[ck.name]; {
				case err != nil && !listed:
					t.Error(err)
				case err != nil:
					t.Logf("known difference: %s (%v)", reason, err)
				case listed:
					t.Errorf("the difference is gone, take it off the list: %s", reason)
				}
			})
		}
	})
	for name := range known {
		if !names[name] {
			t.Errorf("a listed difference names no check: %s", name)
		}
	}
	t.Logf("%d checks", len(all))
}

// ownBody gives the transport a copy of the request's body. The SDK closes the body as
// soon as the answer begins. net/http, which sends a body of unknown type without a
// buffer, may not have looked for its end yet; it takes that for a failed request and
// cuts the connection under the answer. With a server as near as this one that is 45 of
// 3,000 queries with answers of 11 KB, and none with a copy.
type ownBody struct{ http.RoundTripper }

func (o ownBody) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(b))
	}
	return o.RoundTripper.RoundTrip(r)
}

func mustServer(t testing.TB, o aws.Options) *aws.Server {
	t.Helper()
	s, err := aws.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// wantCode checks the code of a refusal, and that its text has a part that AWS's has.
func wantCode(err error, code, part string) error {
	e, ok := errors.AsType[smithy.APIError](err)
	if !ok || e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), part) {
		return fmt.Errorf("got %v, want %s with %q", err, code, part)
	}
	return nil
}

func want[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s is %v, want %v", what, got, want)
	}
	return nil
}

func ptr[T any](v T) *T { return &v }

// queue makes a queue and returns its URL and ARN.
func (w *world) queue(ctx context.Context, name string, attributes map[string]string) (url, arn string, err error) {
	o, err := w.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: ptr(name + "-" + w.id), Attributes: attributes})
	if err != nil {
		return "", "", err
	}
	a, err := w.attributes(ctx, *o.QueueUrl, "QueueArn")
	return *o.QueueUrl, a["QueueArn"], err
}

func (w *world) attributes(ctx context.Context, url string, names ...types.QueueAttributeName) (map[string]string, error) {
	o, err := w.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: names})
	if err != nil {
		return nil, err
	}
	return o.Attributes, nil
}

func (w *world) send(ctx context.Context, url string, bodies ...string) error {
	for _, b := range bodies {
		if _, err := w.sqs.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &b}); err != nil {
			return err
		}
	}
	return nil
}

// receive polls once for up to 10 messages with everything that they have.
func (w *world) receive(ctx context.Context, url string, wait, visibility int32) ([]types.Message, error) {
	o, err := w.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: wait, VisibilityTimeout: visibility,
		MessageAttributeNames: []string{"All"}, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
	})
	if err != nil {
		return nil, err
	}
	return o.Messages, nil
}

// one polls for exactly one message.
func (w *world) one(ctx context.Context, url string, wait, visibility int32) (types.Message, error) {
	ms, err := w.receive(ctx, url, wait, visibility)
	if err == nil && len(ms) != 1 {
		err = fmt.Errorf("received %d messages, want 1", len(ms))
	}
	if err != nil {
		return types.Message{}, err
	}
	return ms[0], nil
}

// drain receives until want messages came, then once more without waiting, and returns
// the sorted bodies.
func (w *world) drain(ctx context.Context, url string, want int) ([]string, error) {
	var out []string
	for wait := int32(2); ; {
		if len(out) >= want {
			wait = 0
		}
		ms, err := w.receive(ctx, url, wait, 60)
		if err != nil {
			return nil, err
		}
		for _, m := range ms {
			out = append(out, *m.Body)
		}
		if len(ms) == 0 {
			slices.Sort(out)
			return out, nil
		}
	}
}

func (w *world) topic(ctx context.Context, name string) (string, error) {
	o, err := w.sns.CreateTopic(ctx, &sns.CreateTopicInput{Name: ptr(name + "-" + w.id)})
	if err != nil {
		return "", err
	}
	return *o.TopicArn, nil
}

// subscribed makes a topic and a queue that is subscribed to it.
func (w *world) subscribed(ctx context.Context, attributes map[string]string) (topic, url, subscription string, err error) {
	if topic, err = w.topic(ctx, "t"); err != nil {
		return "", "", "", err
	}
	url, arn, err := w.queue(ctx, "q", nil)
	if err != nil {
		return "", "", "", err
	}
	subscription, err = w.subscribe(ctx, topic, arn, attributes)
	return topic, url, subscription, err
}

func (w *world) subscribe(ctx context.Context, topic, endpoint string, attributes map[string]string) (string, error) {
	o, err := w.sns.Subscribe(ctx, &sns.SubscribeInput{
		TopicArn: &topic, Protocol: ptr("sqs"), Endpoint: &endpoint, Attributes: attributes, ReturnSubscriptionArn: true,
	})
	if err != nil {
		return "", err
	}
	return *o.SubscriptionArn, nil
}

type attributes = map[string]snstypes.MessageAttributeValue

func (w *world) publish(ctx context.Context, topic, body string, a attributes) error {
	_, err := w.sns.Publish(ctx, &sns.PublishInput{TopicArn: &topic, Message: &body, MessageAttributes: a})
	return err
}

func attribute(kind, value string) snstypes.MessageAttributeValue {
	return snstypes.MessageAttributeValue{DataType: &kind, StringValue: &value}
}

func text(value string) snstypes.MessageAttributeValue { return attribute("String", value) }
