package sqs

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"pgregory.net/rapid"
)

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

// modelMessage is a message in the naive model: a list, looked through at each step.
type modelMessage struct {
	sent, due time.Time // visible from due on
	flying    bool      // handed over since it was last visible by a delay
	received  int
	handle    string
}

// The queue against the model: what is visible, in flight, delayed, expired or gone,
// after any sequence of calls and steps of the clock; and again after a restart from
// its records, or from a snapshot and the records after it.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
		now := start
		var records [][]byte
		o := options()
		o.Now = func() time.Time { return now }
		o.Append = func(b []byte) error { records = append(records, b); return nil }
		s := New(o)
		q := url + "q"
		if _, err := s.createQueue(call{}, createQueueInput{QueueName: "q", Attributes: map[string]string{"MessageRetentionPeriod": "100"}}); err != nil {
			t.Fatal(err)
		}
		model := map[string]*modelMessage{}
		next := 0
		pick := func(t *rapid.T) (string, *modelMessage) {
			var with []string
			for i := range next {
				if m := model[fmt.Sprint(i)]; m != nil && m.handle != "" {
					with = append(with, fmt.Sprint(i))
				}
			}
			if len(with) == 0 {
				t.Skip("nothing was received")
			}
			b := rapid.SampledFrom(with).Draw(t, "message")
			return b, model[b]
		}
		restore := func(all [][]byte) {
			s = New(o)
			for _, r := range all {
				if err := s.Replay(r); err != nil {
					t.Fatal(err)
				}
			}
			for _, m := range model { // hand-overs are not kept
				if m.flying {
					m.flying, m.due = false, now
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"send": func(t *rapid.T) {
				delay := rapid.SampledFrom([]int{0, 0, 1, 5, 60}).Draw(t, "delay")
				body := fmt.Sprint(next)
				next++
				if _, err := s.sendMessage(call{}, sendInput{QueueUrl: q, MessageBody: body, DelaySeconds: &delay}); err != nil {
					t.Fatal(err)
				}
				model[body] = &modelMessage{sent: now, due: now.Add(seconds(delay))}
			},
			"receive": func(t *rapid.T) {
				n, visibility, zero := rapid.IntRange(1, 10).Draw(t, "n"), rapid.SampledFrom([]int{0, 1, 5, 30}).Draw(t, "visibility"), 0
				handed, ds, err := s.receive(t.Context(), receiveInput{QueueUrl: q, MaxNumberOfMessages: &n, VisibilityTimeout: &visibility, WaitTimeSeconds: &zero})
				if err != nil {
					t.Fatal(err)
				}
				visible := 0
				for _, m := range model {
					if !m.due.After(now) {
						visible++
					}
				}
				if len(ds) != min(n, visible) {
					t.Fatalf("received %d of %d visible, asked for %d", len(ds), visible, n)
				}
				for _, d := range ds {
					m := model[d.m.Body]
					if m == nil || m.due.After(now) {
						t.Fatalf("received %s, which is gone or hidden", d.m.Body)
					}
					m.received, m.flying, m.due = m.received+1, true, now.Add(seconds(visibility))
					m.handle = handle(handed, d.m.id, d.token)
				}
			},
			"delete": func(t *rapid.T) {
				body, m := pick(t)
				if _, err := s.deleteMessage(call{}, receiptInput{QueueUrl: q, ReceiptHandle: m.handle}); err != nil {
					t.Fatal(err)
				}
				delete(model, body)
			},
			"change visibility": func(t *rapid.T) {
				_, m := pick(t)
				visibility := rapid.SampledFrom([]int{0, 1, 30, 43200}).Draw(t, "visibility")
				_, err := s.changeVisibility(call{}, receiptInput{QueueUrl: q, ReceiptHandle: m.handle, VisibilityTimeout: &visibility})
				if inFlight := m.flying && m.due.After(now); inFlight != (err == nil) {
					t.Fatalf("in flight: %v, got %v", inFlight, err)
				}
				if err == nil {
					m.due = now.Add(seconds(visibility))
				}
			},
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(1, 20_000).Draw(t, "ms")) * time.Millisecond)
				for body, m := range model {
					if !m.sent.Add(100 * time.Second).After(now) {
						delete(model, body)
					}
				}
			},
			"restart": func(*rapid.T) { restore(records) },
			"restart from a snapshot": func(t *rapid.T) {
				records = nil
				if err := s.Snapshot(func(b []byte) error { records = append(records, b); return nil }); err != nil {
					t.Fatal(err)
				}
				restore(records)
			},
			"": func(t *rapid.T) {
				var visible, flying, delayed int
				for _, m := range model {
					switch {
					case !m.due.After(now):
						visible++
					case m.flying:
						flying++
					default:
						delayed++
					}
				}
				s.mu.Lock()
				defer s.mu.Unlock()
				have, err := s.byURL(q)
				if err != nil {
					t.Fatal(err)
				}
				if have.ready.Len() != visible || have.inFlight != flying || len(have.due.items) != flying+delayed || len(have.messages) != len(model) {
					t.Fatalf("queue has %d visible, %d in flight, %d hidden; model %d, %d, %d",
						have.ready.Len(), have.inFlight, len(have.due.items), visible, flying, flying+delayed)
				}
			},
		})
	})
}
