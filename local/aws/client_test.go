package aws_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"tidings/local/aws"
)

// inBubble runs a test with a fake clock against a server in memory.
func inBubble(t *testing.T, name string, run func(t *testing.T, s *aws.Server, w *world)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := mustServer(t, aws.Options{})
			run(t, s, newWorld(s))
		})
	})
}

func newWorld(s *aws.Server) *world {
	c := s.Config()
	c.RetryMaxAttempts = 1
	return &world{sqs: sqs.NewFromConfig(c), sns: sns.NewFromConfig(c), id: "x"}
}

// mustSubscribed makes a topic with a raw subscription and returns it with the queue.
func mustSubscribed(t testing.TB, w *world) (topic, url string) {
	t.Helper()
	topic, url, _, err := w.subscribed(t.Context(), map[string]string{"RawMessageDelivery": "true"})
	if err != nil {
		t.Fatal(err)
	}
	return topic, url
}

func mustPublish(t testing.TB, w *world, topic string, bodies ...string) {
	t.Helper()
	for _, b := range bodies {
		if err := w.publish(t.Context(), topic, b, nil); err != nil {
			t.Fatal(err)
		}
	}
}

func TestClient(t *testing.T) {
	inBubble(t, "PublishWakesThePollAtOnce", func(t *testing.T, _ *aws.Server, w *world) {
		topic, url := mustSubscribed(t, w)
		start, published := time.Now(), make(chan error, 1)
		time.AfterFunc(7*time.Second, func() { published <- w.publish(t.Context(), topic, "x", nil) })
		m, err := w.one(t.Context(), url, 20, 30)
		if err := <-published; err != nil {
			t.Error(err)
		}
		if err != nil || *m.Body != "x" || time.Since(start) != 7*time.Second {
			t.Errorf("%v %v after %s", m, err, time.Since(start))
		}
	})
	inBubble(t, "CancelReturnsAtOnceAndEatsNothing", func(t *testing.T, _ *aws.Server, w *world) {
		_, url := mustSubscribed(t, w)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		if _, err := w.receive(ctx, url, 20, 30); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 3*time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		if err := w.send(t.Context(), url, "x"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.one(t.Context(), url, 0, 30); err != nil {
			t.Error(err)
		}
	})
	inBubble(t, "NothingLostBetweenHandOverAndCancel", nothingLost)
	inBubble(t, "AnswersCarryTheServersDate", func(t *testing.T, s *aws.Server, _ *world) {
		time.Sleep(time.Hour)
		r, err := s.Client().Get("http://any.host/_health")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		var out map[string]any
		if err := json.NewDecoder(r.Body).Decode(&out); err != nil || out["status"] != "ok" {
			t.Errorf("%v %v", out, err)
		}
		if got := r.Header.Get("Date"); got != time.Now().UTC().Format(http.TimeFormat) {
			t.Errorf("Date %q", got)
		}
	})
	inBubble(t, "ErrDoneContext", func(t *testing.T, s *aws.Server, _ *world) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://aws.local/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := s.Client().Do(r)
		if err == nil {
			resp.Body.Close()
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

// In nothingLost polls end at the very moments at which messages come. What a poll
// returned is complete, what it did not return is in the queue: nothing is lost or doubled.
func nothingLost(t *testing.T, _ *aws.Server, w *world) {
	_, url := mustSubscribed(t, w)
	const messages = 400
	seen := map[string]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for p := range 4 {
		wg.Go(func() {
			for i := range messages {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+(p+i)%3)*time.Millisecond)
				ms, err := w.receive(ctx, url, 20, 3600)
				cancel()
				if err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				mu.Lock()
				for _, m := range ms {
					seen[*m.Body]++
				}
				mu.Unlock()
			}
		})
	}
	for i := range messages {
		time.Sleep(time.Millisecond)
		if err := w.send(t.Context(), url, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	rest, err := w.drain(t.Context(), url, messages)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range rest {
		seen[b]++
	}
	for b, n := range seen {
		if n != 1 {
			t.Errorf("%s came %d times", b, n)
		}
	}
	if len(seen) != messages {
		t.Errorf("%d of %d came", len(seen), messages)
	}
}

func TestServeHTTP(t *testing.T) {
	s := mustServer(t, aws.Options{})
	for _, c := range []struct {
		name, method, path, target, kind, body string
		code                                   int
		want                                   string
	}{
		{"ErrUnknownService", "POST", "/", "Kinesis_20131202.PutRecord", "", "{}", 400, "UnknownOperationException"},
		{"ErrUnknownOperation", "POST", "/", "AmazonSQS.StartMessageMoveTask", "", "{}", 400, "UnsupportedOperation"},
		{"ErrUnknownAction", "POST", "/", "", "application/x-www-form-urlencoded", "Version=2010-03-31&Action=OptInPhoneNumber", 400, "InvalidAction"},
		{"ErrQueryOfSQS", "POST", "/", "", "application/x-www-form-urlencoded; charset=utf-8", "Version=2012-11-05&Action=SendMessage", 400, "spoken to in JSON"},
		{"ErrNotJSON", "POST", "/", "AmazonSQS.SendMessage", "", "{", 400, "SerializationException"},
		{"ErrNoTarget", "POST", "/", "", "text/plain", "x", 400, "UnknownOperationException"},
		{"ErrMethod", "DELETE", "/", "", "", "", 405, "POST"},
		{"ErrTooLong", "POST", "/", "AmazonSQS.SendMessage", "", strings.Repeat("x", 18<<20), 413, "too large"},
		{"FIFOQueueRefused", "POST", "/", "AmazonSQS.CreateQueue", "", `{"QueueName":"q.fifo"}`, 400, "FIFO queues are not supported"},
		{"FIFOTopicRefused", "POST", "/", "", "application/x-www-form-urlencoded", "Version=2010-03-31&Action=CreateTopic&Name=t.fifo", 400, "no FIFO topics"},
		{"OtherProtocolsRefused", "POST", "/", "", "application/x-www-form-urlencoded", "Version=2010-03-31&Action=Subscribe&TopicArn=a&Protocol=email&Endpoint=e", 400, "delivers to sqs only"},
		{"ConfirmRefused", "POST", "/", "", "application/x-www-form-urlencoded", "Version=2010-03-31&Action=ConfirmSubscription&Token=t", 400, "confirmed from the start"},
		{"SSM", "POST", "/", "AmazonSSM.GetParameter", "", `{"Name":"n"}`, 400, "ParameterNotFound"},
		{"SecretsManager", "POST", "/", "secretsmanager.GetSecretValue", "", `{"SecretId":"n"}`, 400, "ResourceNotFoundException"},
		{"DynamoDB", "POST", "/", "DynamoDB_20120810.ListTables", "", `{}`, 200, "TableNames"},
		{"Streams", "POST", "/", "DynamoDBStreams_20120810.ListStreams", "", `{}`, 200, "Streams"},
		{"Health", "GET", "/", "", "", "", 200, `"services"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
			if c.target != "" {
				r.Header.Set("X-Amz-Target", c.target)
			}
			r.Header.Set("Content-Type", c.kind)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != c.code || !strings.Contains(w.Body.String(), c.want) {
				t.Errorf("%d %.200s, want %d %s", w.Code, w.Body, c.code, c.want)
			}
		})
	}
}
