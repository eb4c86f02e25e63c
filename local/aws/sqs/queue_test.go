package sqs

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDeadLetterQueue(t *testing.T) {
	inBubble(t, "TakesAfterMaxReceiveCount", func(t *testing.T, s *Service) {
		dead := mustQueue(t, s, "dead", nil)
		q := mustQueue(t, s, "q", map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":"2"}`})
		mustSend(t, s, q, "poison")
		// A poll waits on the dead-letter queue: the move wakes it.
		time.AfterFunc(time.Second, func() {
			for range 3 {
				mustReceive(t, s, q, 0, 0)
			}
		})
		start := time.Now()
		ms := mustReceive(t, s, dead, 20, 30)
		if bodies(ms) != "poison" || ms[0].count != 1 || time.Since(start) != time.Second {
			t.Errorf("%v after %s", ms, time.Since(start))
		}
		if counts(t, s, q) != [3]string{"0", "0", "0"} {
			t.Errorf("left behind: %v", counts(t, s, q))
		}
	})
	inBubble(t, "GoneHasNoEffect", func(t *testing.T, s *Service) {
		dead := mustQueue(t, s, "dead", nil)
		q := mustQueue(t, s, "q", map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":1}`})
		if _, err := s.deleteQueue(call{}, queueInput{dead}); err != nil {
			t.Fatal(err)
		}
		mustSend(t, s, q, "x")
		mustReceive(t, s, q, 0, 0)
		if ms := mustReceive(t, s, q, 0, 0); bodies(ms) != "x" {
			t.Errorf("got %v", ms)
		}
	})
}

func TestRetention(t *testing.T) {
	inBubble(t, "ExpiredVanish", func(t *testing.T, s *Service) {
		q := mustQueue(t, s, "q", map[string]string{"MessageRetentionPeriod": "60"})
		mustSend(t, s, q, "a", "b")
		mustReceive(t, s, q, 0, 3600)
		time.Sleep(30 * time.Second)
		mustSend(t, s, q, "c")
		time.Sleep(30 * time.Second)
		if n := s.Expire(); n != 2 {
			t.Errorf("%d expired", n)
		}
		if got := counts(t, s, q); got != [3]string{"1", "0", "0"} {
			t.Errorf("left %v", got)
		}
	})
}

func TestReceiptHandle(t *testing.T) {
	inBubble(t, "OldOneDeletesNothing", func(t *testing.T, s *Service) {
		q := mustQueue(t, s, "q", nil)
		mustSend(t, s, q, "x")
		old := mustReceive(t, s, q, 0, 0)[0].handle
		latest := mustReceive(t, s, q, 0, 30)[0].handle
		mustDelete(t, s, q, old)
		if got := counts(t, s, q); got != [3]string{"0", "1", "0"} {
			t.Fatalf("left %v", got)
		}
		mustDelete(t, s, q, latest)
		mustDelete(t, s, q, latest) // again: no error
		if got := counts(t, s, q); got != [3]string{"0", "0", "0"} {
			t.Errorf("left %v", got)
		}
	})
	inBubble(t, "ErrOtherQueue", func(t *testing.T, s *Service) {
		q, other := mustQueue(t, s, "q", nil), mustQueue(t, s, "other", nil)
		mustSend(t, s, q, "x")
		h := mustReceive(t, s, q, 0, 30)[0].handle
		_, err := s.deleteMessage(call{}, receiptInput{QueueUrl: other, ReceiptHandle: h})
		wantCode(t, err, "ReceiptHandleIsInvalid")
	})
	inBubble(t, "ErrNotInFlight", func(t *testing.T, s *Service) {
		q := mustQueue(t, s, "q", nil)
		mustSend(t, s, q, "x")
		h, n := mustReceive(t, s, q, 0, 1)[0].handle, 5
		time.Sleep(time.Second)
		_, err := s.changeVisibility(call{}, receiptInput{QueueUrl: q, ReceiptHandle: h, VisibilityTimeout: &n})
		wantCode(t, err, "MessageNotInflight")
		mustDelete(t, s, q, h)
		_, err = s.changeVisibility(call{}, receiptInput{QueueUrl: q, ReceiptHandle: h, VisibilityTimeout: &n})
		wantCode(t, err, "InvalidParameterValueException")
	})
	// Received before a kill, deleted after the restart.
	inBubble(t, "OutlivesARestart", func(t *testing.T, s *Service) {
		var records [][]byte
		s.opts.Append = func(b []byte) error { records = append(records, b); return nil }
		q := mustQueue(t, s, "q", nil)
		mustSend(t, s, q, "x")
		h := mustReceive(t, s, q, 0, 30)[0].handle
		again := New(options())
		for _, r := range records {
			if err := again.Replay(r); err != nil {
				t.Fatal(err)
			}
		}
		mustDelete(t, again, q, h)
		if got := counts(t, again, q); got != [3]string{"0", "0", "0"} {
			t.Errorf("left %v", got)
		}
	})
}

func TestInFlightLimit(t *testing.T) {
	s := New(options())
	q := mustQueue(t, s, "q", nil)
	for i := 0; i < maxInFlight+10; i += 10 {
		in := sendBatchInput{QueueUrl: q}
		for j := range 10 {
			in.Entries = append(in.Entries, sendInput{Id: string(rune('a' + j)), MessageBody: "x"})
		}
		if _, err := s.sendMessageBatch(call{}, in); err != nil {
			t.Fatal(err)
		}
	}
	for range maxInFlight / 10 {
		mustReceive(t, s, q, 0, 30)
	}
	_, err := receiveN(t.Context(), s, q, 1, 0, 30)
	wantCode(t, err, "OverLimit")
}

// A change that can't be kept is refused, and did not happen.
func TestErrAppend(t *testing.T) {
	s := New(options())
	q := mustQueue(t, s, "q", nil)
	mustSend(t, s, q, "x")
	h := mustReceive(t, s, q, 0, 30)[0].handle
	full := errors.New("disk full")
	s.opts.Append = func([]byte) error { return full }
	for name, err := range map[string]error{
		"create": second(s.createQueue(call{}, createQueueInput{QueueName: "r"})),
		"send":   second(s.sendMessage(call{}, sendInput{QueueUrl: q, MessageBody: "y"})),
		"delete": second(s.deleteMessage(call{}, receiptInput{QueueUrl: q, ReceiptHandle: h})),
		"purge":  second(s.purgeQueue(call{}, queueInput{q})),
		"drop":   second(s.deleteQueue(call{}, queueInput{q})),
		"tag":    second(s.tagQueue(call{}, tagQueueInput{q, map[string]string{"a": "b"}})),
		"set":    second(s.setQueueAttributes(call{}, setAttributesInput{q, map[string]string{"DelaySeconds": "1"}})),
		"copy":   s.Enqueue("arn:aws:sqs:us-east-1:000000000000:q", Message{Body: "z"}),
	} {
		if !errors.Is(err, full) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := counts(t, s, q); got != [3]string{"0", "1", "0"} || s.Queues() != 1 {
		t.Errorf("left %v, %d queues", got, s.Queues())
	}
}

func second(_ any, err error) error { return err }

func TestLose(t *testing.T) {
	inBubble(t, "ComesBackAndCounts", func(t *testing.T, s *Service) {
		s.opts.Lose = func() (time.Duration, bool) { return 3 * time.Second, true }
		q := mustQueue(t, s, "q", nil)
		mustSend(t, s, q, "a", "b")
		start := time.Now()
		ms := mustReceive(t, s, q, 20, 30)
		if bodies(ms) != "a b" || ms[0].count != 2 || time.Since(start) != 3*time.Second {
			t.Errorf("%v after %s", ms, time.Since(start))
		}
	})
}

// Snapshots keep what records keep, in the same order.
func TestSnapshotOrder(t *testing.T) {
	s := New(options())
	q := mustQueue(t, s, "q", nil)
	mustSend(t, s, q, "1", "2", "3", "4")
	mustReceive(t, s, q, 0, 30)
	mustSend(t, s, q, "5", "6")
	var records [][]byte
	if err := s.Snapshot(func(b []byte) error { records = append(records, b); return nil }); err != nil {
		t.Fatal(err)
	}
	again := New(options())
	for _, r := range records {
		if err := again.Replay(r); err != nil {
			t.Fatal(err)
		}
	}
	got := strings.Fields(bodies(mustReceive(t, again, q, 0, 30)))
	if !slices.Equal(got[4:], []string{"5", "6"}) || len(got) != 6 {
		t.Errorf("got %v", got)
	}
}
