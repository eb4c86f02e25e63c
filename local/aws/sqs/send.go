package sqs

import "time"

type sendInput struct {
	Id                      string // of a batch's entry
	QueueUrl                string
	MessageBody             string
	DelaySeconds            *int
	MessageAttributes       map[string]Attribute
	MessageSystemAttributes map[string]Attribute
	MessageGroupId          string
	MessageDeduplicationId  string
}

type sendOutput struct {
	Id                     string `json:",omitempty"`
	MessageId              string
	MD5OfMessageBody       string
	MD5OfMessageAttributes string `json:",omitempty"`
}

// message checks the input against the queue and makes the message.
func (in sendInput) message(q *queue, now time.Time) (*message, error) {
	delay := q.settings.delay
	if in.DelaySeconds != nil {
		if *in.DelaySeconds < 0 || *in.DelaySeconds > maxDelay {
			return nil, errRange(*in.DelaySeconds, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")
		}
		delay = seconds(*in.DelaySeconds)
	}
	if in.MessageGroupId != "" || in.MessageDeduplicationId != "" {
		return nil, errFIFO()
	}
	if len(in.MessageSystemAttributes) > 0 {
		return nil, errInvalid("The embedded AWS takes no message system attributes.")
	}
	m := Message{Body: in.MessageBody, Attributes: in.MessageAttributes}
	if err := m.validate(q.settings.maxSize); err != nil {
		return nil, err
	}
	return newMessage(m, now, delay), nil
}

func (m *message) receipt() sendOutput {
	return sendOutput{MessageId: m.id, MD5OfMessageBody: m.bodyMD5, MD5OfMessageAttributes: attributesMD5(m.Attributes)}
}

// put keeps the messages, adds them and wakes the polls that wait for them.
func (s *Service) put(q *queue, now time.Time, ms ...*message) error {
	r := record{Op: opSend, Queue: q.name}
	for _, m := range ms {
		r.Messages = append(r.Messages, m.state())
	}
	if err := s.append(r); err != nil {
		return err
	}
	for _, m := range ms {
		q.add(m, now)
	}
	s.serve(q)
	return nil
}

func (s *Service) sendMessage(_ call, in sendInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	now := s.opts.Now()
	m, err := in.message(q, now)
	if err != nil {
		return nil, err
	}
	if err := s.put(q, now, m); err != nil {
		return nil, err
	}
	return m.receipt(), nil
}

type sendBatchInput struct {
	QueueUrl string
	Entries  []sendInput
}

func (s *Service) sendMessageBatch(_ call, in sendBatchInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := validateBatch(in.Entries, func(e sendInput) string { return e.Id }, "SendMessageBatchRequestEntry"); err != nil {
		return nil, err
	}
	total := 0
	for _, e := range in.Entries {
		total += Message{Body: e.MessageBody, Attributes: e.MessageAttributes}.size()
	}
	if total > maxMessageSize {
		return nil, errBatchTooLong(total)
	}
	now := s.opts.Now()
	var ms []*message
	var out batchOutput[sendOutput]
	for _, e := range in.Entries {
		m, err := e.message(q, now)
		if err != nil {
			out.fail(e.Id, err)
			continue
		}
		r := m.receipt()
		r.Id = e.Id
		ms, out.Successful = append(ms, m), append(out.Successful, r)
	}
	if len(ms) > 0 {
		if err := s.put(q, now, ms...); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Enqueue sends a message to the queue of that ARN, as SNS does: its sender checked
// it, so only the queue's own delay applies. It returns ErrNoQueue for a queue that is
// not there.
func (s *Service) Enqueue(arn string, in Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.byARN(arn)
	if q == nil {
		return ErrNoQueue
	}
	now := s.opts.Now()
	return s.put(q, now, newMessage(in, now, q.settings.delay))
}
