package sns

import (
	"encoding/json"
	"fmt"
)

const (
	opBegin            = "begin" // opens a snapshot
	opTopic            = "topic" // made or changed
	opDropTopic        = "dropTopic"
	opSubscription     = "subscription" // made or changed
	opDropSubscription = "dropSubscription"
)

// record is one change, as JSON. Messages are not kept: a publish ends with its copies
// in the queues.
type record struct {
	Op         string            `json:"op"`
	ARN        string            `json:"arn,omitempty"`
	Topic      string            `json:"topic,omitempty"` // of a subscription
	Endpoint   string            `json:"endpoint,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Tags       map[string]string `json:"tags,omitempty"`
}

// append keeps a record; the change is made only when it is kept.
func (s *Service) append(r record) error {
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode record: %w", err)
	}
	if err := s.opts.Append(b); err != nil {
		return fmt.Errorf("keep record: %w", err)
	}
	return nil
}

// Replay applies a record that Append or Snapshot's put was given, in their order.
func (s *Service) Replay(b []byte) error {
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		return fmt.Errorf("decode record: %w", err)
	}
	if r.Attributes == nil {
		r.Attributes = map[string]string{}
	}
	if r.Tags == nil {
		r.Tags = map[string]string{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.Op {
	case opBegin:
	case opTopic:
		t := s.topics[r.ARN]
		if t == nil {
			t = &topic{arn: r.ARN}
			s.topics[r.ARN] = t
		}
		t.attributes, t.tags = r.Attributes, r.Tags
	case opDropTopic:
		if t := s.topics[r.ARN]; t != nil {
			s.dropTopic(t)
		}
	case opSubscription:
		t := s.topics[r.Topic]
		if t == nil {
			return fmt.Errorf("subscription %s of unknown topic", r.ARN)
		}
		sub, err := newSubscription(r.ARN, r.Topic, r.Endpoint, r.Attributes)
		if err != nil {
			return fmt.Errorf("subscription %s: %w", r.ARN, err)
		}
		s.subscriptions[sub.arn] = sub
		t.set(sub)
	case opDropSubscription:
		if sub := s.subscriptions[r.ARN]; sub != nil {
			s.topics[sub.topic].unset(sub.arn)
			delete(s.subscriptions, sub.arn)
		}
	default:
		return fmt.Errorf("unknown record %q", r.Op)
	}
	return nil
}

// Snapshot puts records from which Replay makes the present state.
func (s *Service) Snapshot(put func([]byte) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	records := []record{{Op: opBegin}}
	for _, t := range s.topics {
		records = append(records, record{Op: opTopic, ARN: t.arn, Attributes: t.attributes, Tags: t.tags})
		for _, sub := range t.subscriptions {
			records = append(records, record{Op: opSubscription, ARN: sub.arn, Topic: t.arn, Endpoint: sub.endpoint, Attributes: sub.attributes})
		}
	}
	for _, r := range records {
		b, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("encode record: %w", err)
		}
		if err := put(b); err != nil {
			return err
		}
	}
	return nil
}
