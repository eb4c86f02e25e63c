package aws_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"tidings/local/aws"
)

// withAndWithoutFolder runs a benchmark in memory and with a data folder.
func withAndWithoutFolder(b *testing.B, run func(b *testing.B, w *world)) {
	b.Run("memory", func(b *testing.B) { run(b, newWorld(mustServer(b, aws.Options{}))) })
	b.Run("folder", func(b *testing.B) { run(b, newWorld(mustServer(b, aws.Options{Dir: b.TempDir()}))) })
}

// BenchmarkPublishToPoll is the way of an entry: from the call of Publish to the
// return of the poll that waited on a subscribed queue.
func BenchmarkPublishToPoll(b *testing.B) {
	withAndWithoutFolder(b, func(b *testing.B, w *world) {
		topic, url := mustSubscribed(b, w)
		got, next := make(chan error), make(chan bool)
		go func() {
			for range next {
				o, err := w.sqs.ReceiveMessage(b.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: 20})
				if err == nil && len(o.Messages) != 1 {
					b.Errorf("%d messages", len(o.Messages))
				}
				got <- err
			}
			close(got)
		}()
		for b.Loop() {
			next <- true
			mustPublish(b, w, topic, "x")
			if err := <-got; err != nil {
				b.Fatal(err)
			}
		}
		close(next)
		<-got
	})
}

func BenchmarkSendReceiveDelete(b *testing.B) {
	withAndWithoutFolder(b, func(b *testing.B, w *world) {
		_, url := mustSubscribed(b, w)
		for b.Loop() {
			if err := w.send(b.Context(), url, "x"); err != nil {
				b.Fatal(err)
			}
			m, err := w.one(b.Context(), url, 0, 30)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := w.sqs.DeleteMessage(b.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
