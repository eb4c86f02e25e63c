package sqs

import (
	"container/list"
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"tidings/local/aws/wire"
)

// poll is one ReceiveMessage. Its fields are guarded by the Service's lock; done is
// closed when got is final.
type poll struct {
	max        int
	visibility time.Duration
	got        []delivery
	done       chan struct{}
	place      *list.Element // among the waiting polls; nil: not waiting
}

// delivery is one message as it was handed over.
type delivery struct {
	m             *message
	token         uint64
	received      int
	firstReceived time.Time
}

type receiveInput struct {
	QueueUrl                    string
	MaxNumberOfMessages         *int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
	AttributeNames              []string // the older name of the next
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
}

func (in receiveInput) validate() error {
	if n := in.MaxNumberOfMessages; n != nil && (*n < 1 || *n > maxEntries) {
		return errRange(*n, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
	}
	if n := in.WaitTimeSeconds; n != nil && (*n < 0 || *n > 20) {
		return errRange(*n, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")
	}
	if n := in.VisibilityTimeout; n != nil && (*n < 0 || *n > maxVisibility) {
		return errRange(*n, "VisibilityTimeout", "Must be between 0 and 43200 seconds.")
	}
	for _, name := range append(slices.Clone(in.AttributeNames), in.MessageSystemAttributeNames...) {
		if !slices.Contains(systemAttributes, name) {
			return errUnknownAttribute(name)
		}
	}
	return nil
}

// serveReceive answers a ReceiveMessage. A message whose poll's client is gone is
// visible again at once: gone while it waited, before the answer, or while that was written.
func (s *Service) serveReceive(w http.ResponseWriter, c call, body []byte) {
	var in receiveInput
	if err := json.Unmarshal(body, &in); err != nil {
		refuse(w, wire.Errorf("SerializationException", err.Error()))
		return
	}
	q, got, err := s.receive(c.ctx, in)
	if err != nil {
		refuse(w, err)
		return
	}
	if c.ctx.Err() != nil {
		s.putBack(q, got)
		return
	}
	out := receiveOutput{}
	for _, d := range got {
		out.Messages = append(out.Messages, s.received(q, d, in))
	}
	a := &answer{ResponseWriter: w}
	wire.WriteJSON(a, http.StatusOK, out)
	if a.err != nil {
		s.putBack(q, got)
	}
}

// answer remembers whether the client took it.
type answer struct {
	http.ResponseWriter
	err error
}

func (a *answer) Write(b []byte) (int, error) {
	n, err := a.ResponseWriter.Write(b)
	if err != nil {
		a.err = err
	}
	return n, err
}

// receive hands over what is visible, or waits for something to be.
func (s *Service) receive(ctx context.Context, in receiveInput) (*queue, []delivery, error) {
	if err := in.validate(); err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nil, nil, err
	}
	p := &poll{max: 1, visibility: q.settings.visibility, done: make(chan struct{})}
	wait := q.settings.wait
	if in.MaxNumberOfMessages != nil {
		p.max = *in.MaxNumberOfMessages
	}
	if in.VisibilityTimeout != nil {
		p.visibility = seconds(*in.VisibilityTimeout)
	}
	if in.WaitTimeSeconds != nil {
		wait = seconds(*in.WaitTimeSeconds)
	}
	if q.inFlight >= maxInFlight {
		return nil, nil, wire.Errorf("OverLimit", "The maximum number of in flight messages is reached: "+strconv.Itoa(maxInFlight)+".")
	}
	p.got = s.hand(q, p, s.opts.Now())
	if len(p.got) > 0 || wait == 0 || s.closed {
		return q, p.got, nil
	}
	p.place = q.polls.PushBack(p)
	s.serve(q)
	s.mu.Unlock()
	timer := time.NewTimer(wait)
	select {
	case <-p.done:
	case <-timer.C:
	case <-ctx.Done():
	}
	timer.Stop()
	s.mu.Lock()
	if p.place != nil {
		q.polls.Remove(p.place)
		p.place = nil
		s.arm(q, s.opts.Now())
	}
	if q.gone {
		return nil, nil, errNoQueue()
	}
	return q, p.got, nil
}

// hand puts up to p.max visible messages in flight and returns those that p gets. A
// message that was handed over often enough goes to the dead-letter queue instead.
func (s *Service) hand(q *queue, p *poll, now time.Time) []delivery {
	var out []delivery
	var moved *queue
	for len(out) < p.max && q.ready.Len() > 0 && q.inFlight < maxInFlight {
		m := q.ready.Front().Value.(*message)
		if target := s.deadLetter(q, m); target != nil && s.move(q, target, m, now) == nil {
			moved = target
			continue
		}
		q.hide(m, now.Add(p.visibility))
		m.received++
		m.token = rand.Uint64() | 1 // never 0
		if m.firstReceived.IsZero() {
			m.firstReceived = now
		}
		if m.received == 1 {
			if back, lost := s.opts.Lose(); lost {
				q.unhide(m)
				m.inFlight, m.due = true, now.Add(back)
				q.inFlight++
				q.due.add(m)
				continue
			}
		}
		out = append(out, delivery{m, m.token, m.received, m.firstReceived})
	}
	if moved != nil && moved != q {
		s.serve(moved)
	}
	return out
}

// putBack undoes hand-overs that nobody got: the messages are visible at once, at the
// front, and the hand-over does not count.
func (s *Service) putBack(q *queue, got []delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range slices.Backward(got) {
		m := d.m
		if q.messages[m.id] != m || !m.inFlight || m.token != d.token {
			continue
		}
		q.unhide(m)
		m.received--
		if m.received == 0 {
			m.firstReceived = time.Time{}
		}
		m.ready = q.ready.PushFront(m)
	}
	if !s.closed && !q.gone {
		s.serve(q)
	}
}

type receiveOutput struct {
	Messages []receivedMessage `json:",omitempty"`
}

type receivedMessage struct {
	MessageId              string
	ReceiptHandle          string
	MD5OfBody              string
	Body                   string
	Attributes             map[string]string    `json:",omitempty"`
	MD5OfMessageAttributes string               `json:",omitempty"`
	MessageAttributes      map[string]Attribute `json:",omitempty"`
}

var systemAttributes = []string{
	"All", "SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp",
	"SequenceNumber", "MessageDeduplicationId", "MessageGroupId", "AWSTraceHeader", "DeadLetterQueueSourceArn",
}

// received is the message as the poll asked to see it.
func (s *Service) received(q *queue, d delivery, in receiveInput) receivedMessage {
	out := receivedMessage{MessageId: d.m.id, ReceiptHandle: handle(q, d.m.id, d.token), MD5OfBody: d.m.bodyMD5, Body: d.m.Body}
	all := map[string]string{
		"SenderId":                         s.opts.Account,
		"SentTimestamp":                    strconv.FormatInt(d.m.sent.UnixMilli(), 10),
		"ApproximateReceiveCount":          strconv.Itoa(d.received),
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(d.firstReceived.UnixMilli(), 10),
	}
	if d.m.source != "" {
		all["DeadLetterQueueSourceArn"] = d.m.source
	}
	asked := append(slices.Clone(in.AttributeNames), in.MessageSystemAttributeNames...)
	out.Attributes = pick(all, func(name string) bool { return slices.Contains(asked, "All") || slices.Contains(asked, name) })
	out.MessageAttributes = pick(d.m.Attributes, func(name string) bool {
		return slices.ContainsFunc(in.MessageAttributeNames, func(want string) bool {
			prefix, isPrefix := strings.CutSuffix(want, ".*")
			return want == name || want == "All" || isPrefix && (prefix == "" || strings.HasPrefix(name, prefix+"."))
		})
	})
	out.MD5OfMessageAttributes = attributesMD5(out.MessageAttributes)
	return out
}

// pick returns the entries whose name is wanted, nil when there are none.
func pick[V any](all map[string]V, wanted func(string) bool) map[string]V {
	var out map[string]V
	for name, v := range all {
		if wanted(name) {
			if out == nil {
				out = make(map[string]V, len(all))
			}
			out[name] = v
		}
	}
	return out
}
