package main

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"tidings/internal/bus"
)

// The queue of a streamer that died long ago goes; that of the one that runs stays.
func TestSystemSweeps(t *testing.T) {
	c := Config{Data: t.TempDir()}
	sys := mustStart(t, func(given *Config) { given.Data = c.Data })
	services, err := sys.open(c, sys.AWS.Config(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	queues := sqs.NewFromConfig(sys.AWS.Config())
	own := listQueues(t, queues)
	const dead = bus.DefaultPrefix + "dead"
	if _, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{
		QueueName:  aws.String(dead),
		Attributes: map[string]string{"Policy": fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"*","Condition":{"ArnEquals":{"aws:SourceArn":%q}}}]}`, services.Topic.ARN)},
		Tags:       map[string]string{bus.LeaseTag: time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)},
	}); err != nil {
		t.Fatal(err)
	}
	if left := listQueues(t, queues); len(left) != len(own)+1 {
		t.Fatalf("queues %q", left)
	}
	sys.sweep(services, sys.AWS.Config(), 10*time.Millisecond, slog.New(slog.DiscardHandler))
	gone := func() bool {
		return !slices.ContainsFunc(listQueues(t, queues), func(url string) bool { return strings.HasSuffix(url, dead) })
	}
	if !eventually(patience, gone) {
		t.Error("the queue of the dead is still there")
	}
	if left := listQueues(t, queues); !slices.Equal(left, own) {
		t.Errorf("left %q of %q", left, own)
	}
}
