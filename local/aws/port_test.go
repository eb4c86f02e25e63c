package aws_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"tidings/local/aws"
)

// A client that goes away ends its poll through a port, too, and what is sent after that
// is another's, at its first receive.
func TestGonePollThroughPort(t *testing.T) {
	s := mustServer(t, aws.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	polled := make(chan struct{}, 2)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") == "AmazonSQS.ReceiveMessage" {
			cancel()
			defer func() { polled <- struct{}{} }()
		}
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	c := s.Config()
	c.BaseEndpoint, c.HTTPClient = &server.URL, &http.Client{Transport: ownBody{server.Client().Transport}}
	c.RetryMaxAttempts = 1
	w := &world{sqs: sqs.NewFromConfig(c), id: "gone"}
	url, _, err := w.queue(t.Context(), "q", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.receive(ctx, url, 20, 60); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	<-polled
	if err := w.send(t.Context(), url, "x"); err != nil {
		t.Fatal(err)
	}
	m, err := w.one(t.Context(), url, 0, 60)
	if err != nil {
		t.Fatal(err)
	}
	if err := want("count", m.Attributes["ApproximateReceiveCount"], "1"); err != nil {
		t.Error(err)
	}
}
