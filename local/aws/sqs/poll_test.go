package sqs

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
)

// inBubble runs a test with a fake clock and a service that is closed at its end.
func inBubble(t *testing.T, name string, run func(t *testing.T, s *Service)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := New(options())
			defer s.Close()
			run(t, s)
		})
	})
}

func TestLongPoll(t *testing.T) {
	inBubble(t, "EmptyAfterItsTime", func(t *testing.T, s *Service) {
		q := mustQueue(t, s, "q", nil)
		start := time.Now()
		if ms := mustReceive(t, s, q, 20, 30); len(ms) != 0 || time.Since(start) != 20*time.Second {
			t.Errorf("%v after %s", ms, time.Since(start))
		}
	})
	inBubble(t, "QueueDefaultWait", func(t *testing.T, s *Service) {
		q := mustQueue(t, s, "q", map[string]string{"ReceiveMessageWaitTimeSeconds": "7"})
		start := time.Now()
		if _, _, err := s.receive(t.Context(), receiveInput{QueueUrl: q}); err != nil || time.Since(start) != 7*time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
	inBubble(t, "FirstComeFirstServed", func(t *testing.T, s *Service) {
		q := mustQueue(t, s, "q", nil)
		var wg sync.WaitGroup
		results := make([]string, 5)
		for i := range results {
			wg.Go(func() {
				ms, err := receiveN(t.Context(), s, q, 1, 20, 30)
				if err != nil {
					t.Error(err)
				}
				results[i] = bodies(ms)
			})
			synctest.Wait()
		}
		mustSend(t, s, q, "0", "1", "2", "3", "4")
		wg.Wait()
		if got := strings.Join(results, ""); got != "01234" {
			t.Errorf("polls got %s", got)
		}
	})
	inBubble(t, "QueueDeleted", func(t *testing.T, s *Service) {
		q := mustQueue(t, s, "q", nil)
		time.AfterFunc(time.Second, func() { _, _ = s.deleteQueue(call{}, queueInput{q}) })
		_, err := receiveN(t.Context(), s, q, 1, 20, 30)
		wantCode(t, err, "QueueDoesNotExist")
	})
	inBubble(t, "CloseEndsIt", func(t *testing.T, s *Service) {
		q := mustQueue(t, s, "q", nil)
		time.AfterFunc(time.Second, s.Close)
		start := time.Now()
		if ms := mustReceive(t, s, q, 20, 30); len(ms) != 0 || time.Since(start) != time.Second {
			t.Errorf("%v after %s", ms, time.Since(start))
		}
	})
}

func TestLongPollWakes(t *testing.T) {
	inBubble(t, "SendWakesAtOnce", func(t *testing.T, s *Service) {
		q := mustQueue(t, s, "q", nil)
		time.AfterFunc(3*time.Second, func() { mustSend(t, s, q, "x") })
		start := time.Now()
		if ms := mustReceive(t, s, q, 20, 30); bodies(ms) != "x" || time.Since(start) != 3*time.Second {
			t.Errorf("%v after %s", ms, time.Since(start))
		}
	})
	inBubble(t, "EndOfVisibilityTimeoutWakes", func(t *testing.T, s *Service) {
		q := mustQueue(t, s, "q", nil)
		mustSend(t, s, q, "x")
		mustReceive(t, s, q, 0, 5)
		start := time.Now()
		ms := mustReceive(t, s, q, 20, 30)
		if bodies(ms) != "x" || ms[0].count != 2 || time.Since(start) != 5*time.Second {
			t.Errorf("%v after %s", ms, time.Since(start))
		}
	})
	inBubble(t, "EndOfDelayWakes", func(t *testing.T, s *Service) {
		q := mustQueue(t, s, "q", map[string]string{"DelaySeconds": "9"})
		mustSend(t, s, q, "later")
		sooner := 4
		if _, err := s.sendMessage(call{}, sendInput{QueueUrl: q, MessageBody: "sooner", DelaySeconds: &sooner}); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if ms := mustReceive(t, s, q, 20, 30); bodies(ms) != "sooner" || time.Since(start) != 4*time.Second {
			t.Errorf("%v after %s", ms, time.Since(start))
		}
		if ms := mustReceive(t, s, q, 20, 30); bodies(ms) != "later" || time.Since(start) != 9*time.Second {
			t.Errorf("%v after %s", ms, time.Since(start))
		}
	})
	inBubble(t, "VisibilityZeroWakesAnotherPoll", func(t *testing.T, s *Service) {
		q := mustQueue(t, s, "q", nil)
		mustSend(t, s, q, "x")
		first := mustReceive(t, s, q, 0, 30)
		time.AfterFunc(time.Second, func() { mustHide(t, s, q, first[0].handle, 0) })
		start := time.Now()
		if ms := mustReceive(t, s, q, 20, 30); bodies(ms) != "x" || time.Since(start) != time.Second {
			t.Errorf("%v after %s", ms, time.Since(start))
		}
	})
	inBubble(t, "BatchWakesWithAllOfIt", func(t *testing.T, s *Service) {
		q := mustQueue(t, s, "q", nil)
		time.AfterFunc(time.Second, func() {
			var in sendBatchInput
			in.QueueUrl = q
			for i := range 10 {
				in.Entries = append(in.Entries, sendInput{Id: fmt.Sprint(i), MessageBody: fmt.Sprint(i)})
			}
			if _, err := s.sendMessageBatch(call{}, in); err != nil {
				t.Error(err)
			}
		})
		if ms := mustReceive(t, s, q, 20, 30); bodies(ms) != "0 1 2 3 4 5 6 7 8 9" {
			t.Errorf("got %q", bodies(ms))
		}
	})
}

func TestGonePoll(t *testing.T) {
	inBubble(t, "EatsNothingWhileItWaits", func(t *testing.T, s *Service) {
		q := mustQueue(t, s, "q", nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := receiveN(ctx, s, q, 1, 20, 30); err != nil {
			t.Fatal(err)
		}
		mustSend(t, s, q, "x")
		if ms := mustReceive(t, s, q, 0, 30); bodies(ms) != "x" || ms[0].count != 1 {
			t.Errorf("got %v", ms)
		}
	})
	// The message is handed over, and the client goes before the answer is made.
	inBubble(t, "GivesBackBeforeTheAnswer", func(t *testing.T, s *Service) {
		q := mustQueue(t, s, "q", nil)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { serveReceive(s, httptest.NewRecorder(), ctx, q, 20) })
		synctest.Wait()
		s.mu.Lock() // hold the poll's goroutine back between hand-over and answer
		name := s.queues["q"]
		name.add(newMessage(Message{Body: "x"}, time.Now(), 0), time.Now())
		s.serve(name)
		cancel()
		s.mu.Unlock()
		wg.Wait()
		if ms := mustReceive(t, s, q, 0, 30); bodies(ms) != "x" || ms[0].count != 1 {
			t.Errorf("got %v", ms)
		}
	})
	inBubble(t, "GivesBackWhenTheAnswerCannotBeWritten", func(t *testing.T, s *Service) {
		q := mustQueue(t, s, "q", nil)
		mustSend(t, s, q, "a", "b", "c")
		serveReceive(s, brokenWriter{httptest.NewRecorder()}, t.Context(), q, 0)
		if ms := mustReceive(t, s, q, 0, 30); bodies(ms) != "a b c" || ms[0].count != 1 {
			t.Errorf("got %v", ms)
		}
	})
	inBubble(t, "GivesBackToTheNextPoll", func(t *testing.T, s *Service) {
		q := mustQueue(t, s, "q", nil)
		mustSend(t, s, q, "x")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		time.AfterFunc(time.Second, func() { serveReceive(s, httptest.NewRecorder(), ctx, q, 0) })
		mustReceive(t, s, q, 0, 2) // in flight for 2 s, so the next poll waits
		if ms := mustReceive(t, s, q, 20, 30); bodies(ms) != "x" {
			t.Errorf("got %v", ms)
		}
	})
}

// serveReceive polls over HTTP.
func serveReceive(s *Service, w http.ResponseWriter, ctx context.Context, queue string, wait int) {
	body := fmt.Sprintf(`{"QueueUrl":%q,"WaitTimeSeconds":%d,"MaxNumberOfMessages":10}`, queue, wait)
	s.Serve(w, httptest.NewRequestWithContext(ctx, "POST", "/", nil), "ReceiveMessage", []byte(body))
}

func decode(t testing.TB, w *httptest.ResponseRecorder) []receivedMessage {
	t.Helper()
	var out receiveOutput
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
			t.Error(err)
		}
	}
	return out.Messages
}

// brokenWriter is a connection that is gone.
type brokenWriter struct{ http.ResponseWriter }

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// Many polls that come and go, many senders: every message is received and deleted
// exactly once, because no visibility timeout ends.
func TestPollsExactlyOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(options())
		defer s.Close()
		q := mustQueue(t, s, "q", nil)
		const senders, each = 4, 250
		var mu sync.Mutex
		seen := map[string]int{}
		var wg sync.WaitGroup
		for p := range 8 {
			wg.Go(func() {
				for i := range 2000 {
					// Some of the polls give up at once, some soon, some never.
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration((p+i)%7)*time.Millisecond)
					w := httptest.NewRecorder()
					serveReceive(s, w, ctx, q, 1)
					for _, m := range decode(t, w) {
						mu.Lock()
						seen[m.Body]++
						mu.Unlock()
						mustDelete(t, s, q, m.ReceiptHandle)
					}
					cancel()
				}
			})
		}
		for n := range senders {
			wg.Go(func() {
				for i := range each {
					mustSend(t, s, q, fmt.Sprint(n, ":", i))
					if i%3 == 0 {
						time.Sleep(time.Millisecond) // fake time: lets polls wait
					}
				}
			})
		}
		wg.Wait()
		for body, n := range seen {
			if n != 1 {
				t.Errorf("%s came %d times", body, n)
			}
		}
		if len(seen) != senders*each || counts(t, s, q) != [3]string{"0", "0", "0"} {
			t.Errorf("%d of %d came, left %v", len(seen), senders*each, counts(t, s, q))
		}
	})
}
