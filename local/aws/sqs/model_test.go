package sqs

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// modelMessage is a message in the naive model: a list, looked through at each step.
type modelMessage struct {
	sent, due time.Time // visible from due on
	flying    bool      // handed over since it was last visible by a delay
	received  int
	handle    string
}

// model is what a queue must be like, and the service whose queue it is.
type model struct {
	options  Options
	now      time.Time
	records  [][]byte // what the service appended to its journal
	s        *Service
	queue    string // its URL
	messages map[string]*modelMessage
	next     int // the body of the next message
}

const modelRetention = 100 // seconds

func newModel(t *rapid.T) *model {
	m := &model{
		options: options(), now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC),
		queue: url + "q", messages: map[string]*modelMessage{},
	}
	m.options.Now = func() time.Time { return m.now }
	m.options.Append = func(b []byte) error { m.records = append(m.records, b); return nil }
	m.s = New(m.options)
	in := createQueueInput{QueueName: "q", Attributes: map[string]string{"MessageRetentionPeriod": fmt.Sprint(modelRetention)}}
	if _, err := m.s.createQueue(call{}, in); err != nil {
		t.Fatal(err)
	}
	return m
}

// The queue against the model: what is visible, in flight, delayed, expired or gone,
// after any sequence of calls and steps of the clock; and again after a restart from
// its records, or from a snapshot and the records after it.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		t.Repeat(map[string]func(*rapid.T){
			"send":                    m.send,
			"receive":                 m.receive,
			"delete":                  m.delete,
			"change visibility":       m.changeVisibility,
			"wait":                    m.wait,
			"restart":                 m.restart,
			"restart from a snapshot": m.restartFromSnapshot,
			"":                        m.check,
		})
	})
}

func (m *model) send(t *rapid.T) {
	delay := rapid.SampledFrom([]int{0, 0, 1, 5, 60}).Draw(t, "delay")
	body := fmt.Sprint(m.next)
	m.next++
	if _, err := m.s.sendMessage(call{}, sendInput{QueueUrl: m.queue, MessageBody: body, DelaySeconds: &delay}); err != nil {
		t.Fatal(err)
	}
	m.messages[body] = &modelMessage{sent: m.now, due: m.now.Add(seconds(delay))}
}

func (m *model) receive(t *rapid.T) {
	n, visibility, zero := rapid.IntRange(1, 10).Draw(t, "n"), rapid.SampledFrom([]int{0, 1, 5, 30}).Draw(t, "visibility"), 0
	handed, ds, err := m.s.receive(t.Context(), receiveInput{QueueUrl: m.queue, MaxNumberOfMessages: &n, VisibilityTimeout: &visibility, WaitTimeSeconds: &zero})
	if err != nil {
		t.Fatal(err)
	}
	visible, _, _ := m.count()
	if len(ds) != min(n, visible) {
		t.Fatalf("received %d of %d visible, asked for %d", len(ds), visible, n)
	}
	for _, d := range ds {
		msg := m.messages[d.m.Body]
		if msg == nil || msg.due.After(m.now) {
			t.Fatalf("received %s, which is gone or hidden", d.m.Body)
		}
		msg.received, msg.flying, msg.due = msg.received+1, true, m.now.Add(seconds(visibility))
		msg.handle = handle(handed, d.m.id, d.token)
	}
}

func (m *model) delete(t *rapid.T) {
	body, msg := m.pick(t)
	if _, err := m.s.deleteMessage(call{}, receiptInput{QueueUrl: m.queue, ReceiptHandle: msg.handle}); err != nil {
		t.Fatal(err)
	}
	delete(m.messages, body)
}

func (m *model) changeVisibility(t *rapid.T) {
	_, msg := m.pick(t)
	visibility := rapid.SampledFrom([]int{0, 1, 30, 43200}).Draw(t, "visibility")
	_, err := m.s.changeVisibility(call{}, receiptInput{QueueUrl: m.queue, ReceiptHandle: msg.handle, VisibilityTimeout: &visibility})
	if inFlight := msg.flying && msg.due.After(m.now); inFlight != (err == nil) {
		t.Fatalf("in flight: %v, got %v", inFlight, err)
	}
	if err == nil {
		msg.due = m.now.Add(seconds(visibility))
	}
}

func (m *model) wait(t *rapid.T) {
	m.now = m.now.Add(time.Duration(rapid.IntRange(1, 20_000).Draw(t, "ms")) * time.Millisecond)
	for body, msg := range m.messages {
		if !msg.sent.Add(modelRetention * time.Second).After(m.now) {
			delete(m.messages, body)
		}
	}
}

func (m *model) restart(t *rapid.T) {
	m.s = New(m.options)
	for _, r := range m.records {
		if err := m.s.Replay(r); err != nil {
			t.Fatal(err)
		}
	}
	for _, msg := range m.messages { // hand-overs are not kept
		if msg.flying {
			msg.flying, msg.due = false, m.now
		}
	}
}

func (m *model) restartFromSnapshot(t *rapid.T) {
	m.records = nil
	if err := m.s.Snapshot(func(b []byte) error { m.records = append(m.records, b); return nil }); err != nil {
		t.Fatal(err)
	}
	m.restart(t)
}

// check follows each step.
func (m *model) check(t *rapid.T) {
	visible, flying, delayed := m.count()
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	have, err := m.s.byURL(m.queue)
	if err != nil {
		t.Fatal(err)
	}
	if have.ready.Len() != visible || have.inFlight != flying || len(have.due.items) != flying+delayed || len(have.messages) != len(m.messages) {
		t.Fatalf("queue has %d visible, %d in flight, %d hidden; model %d, %d, %d",
			have.ready.Len(), have.inFlight, len(have.due.items), visible, flying, flying+delayed)
	}
}

func (m *model) count() (visible, flying, delayed int) {
	for _, msg := range m.messages {
		switch {
		case !msg.due.After(m.now):
			visible++
		case msg.flying:
			flying++
		default:
			delayed++
		}
	}
	return visible, flying, delayed
}

// pick draws a message that was received.
func (m *model) pick(t *rapid.T) (string, *modelMessage) {
	var with []string
	for i := range m.next {
		if msg := m.messages[fmt.Sprint(i)]; msg != nil && msg.handle != "" {
			with = append(with, fmt.Sprint(i))
		}
	}
	if len(with) == 0 {
		t.Skip("nothing was received")
	}
	b := rapid.SampledFrom(with).Draw(t, "message")
	return b, m.messages[b]
}
