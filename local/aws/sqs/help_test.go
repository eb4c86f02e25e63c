package sqs

import (
	"context"
	"errors"
	"strings"
	"testing"

	"tidings/local/aws/wire"
)

const url = "http://any.host:1/000000000000/"

func options() Options { return Options{Region: "us-east-1", Account: "000000000000"} }

// mustQueue makes a queue and returns its URL.
func mustQueue(t testing.TB, s *Service, name string, attributes map[string]string) string {
	t.Helper()
	if _, err := s.createQueue(call{host: "h"}, createQueueInput{QueueName: name, Attributes: attributes}); err != nil {
		t.Fatal(err)
	}
	return url + name
}

func mustSend(t testing.TB, s *Service, queue string, bodies ...string) {
	t.Helper()
	for _, b := range bodies {
		if _, err := s.sendMessage(call{}, sendInput{QueueUrl: queue, MessageBody: b}); err != nil {
			t.Fatal(err)
		}
	}
}

// got is a received message with the handle to answer for it.
type got struct {
	body, handle string
	count        int
}

// mustReceive polls once for up to 10 messages.
func mustReceive(t testing.TB, s *Service, queue string, wait, visibility int) []got {
	t.Helper()
	out, err := receiveN(t.Context(), s, queue, 10, wait, visibility)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func receiveN(ctx context.Context, s *Service, queue string, n, wait, visibility int) ([]got, error) {
	q, ds, err := s.receive(ctx, receiveInput{QueueUrl: queue, MaxNumberOfMessages: &n, WaitTimeSeconds: &wait, VisibilityTimeout: &visibility})
	var out []got
	for _, d := range ds {
		out = append(out, got{d.m.Body, handle(q, d.m.id, d.token), d.received})
	}
	return out, err
}

func bodies(all []got) string {
	var out []string
	for _, g := range all {
		out = append(out, g.body)
	}
	return strings.Join(out, " ")
}

func mustDelete(t testing.TB, s *Service, queue, handle string) {
	t.Helper()
	if _, err := s.deleteMessage(call{}, receiptInput{QueueUrl: queue, ReceiptHandle: handle}); err != nil {
		t.Fatal(err)
	}
}

func mustHide(t testing.TB, s *Service, queue, handle string, visibility int) {
	t.Helper()
	if _, err := s.changeVisibility(call{}, receiptInput{QueueUrl: queue, ReceiptHandle: handle, VisibilityTimeout: &visibility}); err != nil {
		t.Fatal(err)
	}
}

// wantCode checks the code of a refusal.
func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	if e, ok := errors.AsType[*wire.Error](err); !ok || e.Code != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

// counts returns the queue's visible, in flight and delayed messages.
func counts(t testing.TB, s *Service, queue string) [3]string {
	t.Helper()
	out, err := s.getQueueAttributes(call{}, getAttributesInput{QueueUrl: queue, AttributeNames: []string{"All"}})
	if err != nil {
		t.Fatal(err)
	}
	a := out.(getAttributesOutput).Attributes
	return [3]string{a["ApproximateNumberOfMessages"], a["ApproximateNumberOfMessagesNotVisible"], a["ApproximateNumberOfMessagesDelayed"]}
}
