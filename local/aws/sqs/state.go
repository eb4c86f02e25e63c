package sqs

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// What a record says was done. Hand-overs are not kept: after a restart all messages
// are visible, as if their visibility timeout had ended, and receive counts are those
// of the last snapshot.
const (
	opBegin     = "begin" // opens a snapshot
	opQueue     = "queue" // made or changed
	opDropQueue = "drop"
	opPurge     = "purge"
	opSend      = "send"
	opDelete    = "delete"
	opMove      = "move" // to a dead-letter queue
)

// record is one change, as JSON.
type record struct {
	Op       string         `json:"op"`
	Queue    string         `json:"queue,omitempty"`
	State    *queueState    `json:"state,omitempty"`
	Messages []messageState `json:"messages,omitempty"`
	IDs      []string       `json:"ids,omitempty"`
	To       string         `json:"to,omitempty"`
}

type queueState struct {
	Created    time.Time         `json:"created"`
	Modified   time.Time         `json:"modified"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Tags       map[string]string `json:"tags,omitempty"`
}

type messageState struct {
	ID         string               `json:"id"`
	Body       string               `json:"body"`
	Attributes map[string]Attribute `json:"attributes,omitempty"`
	Sent       time.Time            `json:"sent"`
	Due        time.Time            `json:"due,omitzero"` // of a delayed message
	Source     string               `json:"source,omitempty"`
	Received   int                  `json:"received,omitempty"`
	First      time.Time            `json:"first,omitzero"`
}

func (q *queue) state() *queueState {
	return &queueState{Created: q.created, Modified: q.modified, Attributes: q.attributes, Tags: q.tags}
}

func (m *message) state() messageState {
	st := messageState{ID: m.id, Body: m.Body, Attributes: m.Attributes, Sent: m.sent, Source: m.source, Received: m.received, First: m.firstReceived}
	if !m.inFlight {
		st.Due = m.due
	}
	return st
}

func (st messageState) message() *message {
	m := newMessage(Message{Body: st.Body, Attributes: st.Attributes}, st.Sent, 0)
	m.id, m.due, m.source, m.received, m.firstReceived = st.ID, st.Due, st.Source, st.Received, st.First
	return m
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
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Op == opBegin {
		return nil
	}
	if r.Op == opQueue {
		return s.restoreQueue(r)
	}
	q := s.queues[r.Queue]
	if q == nil {
		return fmt.Errorf("record %q of unknown queue %q", r.Op, r.Queue)
	}
	now := s.opts.Now()
	switch r.Op {
	case opDropQueue:
		delete(s.queues, q.name)
	case opPurge:
		q.clear()
	case opSend:
		for _, st := range r.Messages {
			q.add(st.message(), now)
		}
	case opDelete, opMove:
		to := s.queues[r.To]
		if r.Op == opMove && to == nil {
			return fmt.Errorf("record %q to unknown queue %q", r.Op, r.To)
		}
		for _, id := range r.IDs {
			if m := q.messages[id]; m != nil && r.Op == opDelete {
				q.remove(m)
			} else if m != nil {
				relocate(q, to, m, now)
			}
		}
	default:
		return fmt.Errorf("unknown record %q", r.Op)
	}
	return nil
}

func (s *Service) restoreQueue(r record) error {
	q := s.queues[r.Queue]
	if q == nil {
		q = newQueue(r.Queue, s.arn(r.Queue), r.State.Created)
		s.queues[r.Queue] = q
	}
	set, err := parseSettings(r.State.Attributes, nil)
	if err != nil {
		return fmt.Errorf("queue %s: %w", r.Queue, err)
	}
	q.settings, q.modified = set, r.State.Modified
	q.attributes, q.tags = orEmpty(r.State.Attributes), orEmpty(r.State.Tags)
	return nil
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// Snapshot puts records from which Replay makes the present state. The service stands
// still until it returns.
func (s *Service) Snapshot(put func([]byte) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	write := func(r record) error {
		b, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("encode record: %w", err)
		}
		return put(b)
	}
	if err := write(record{Op: opBegin}); err != nil {
		return err
	}
	now := s.opts.Now()
	for _, q := range s.queues {
		q.settle(now)
		if err := write(record{Op: opQueue, Queue: q.name, State: q.state()}); err != nil {
			return err
		}
		hidden := slices.SortedFunc(slices.Values(q.due.items), func(a, b *message) int { return a.sent.Compare(b.sent) })
		for _, m := range hidden { // before those that are ready: they were sent earlier, mostly
			if err := write(record{Op: opSend, Queue: q.name, Messages: []messageState{m.state()}}); err != nil {
				return err
			}
		}
		for e := q.ready.Front(); e != nil; e = e.Next() {
			if err := write(record{Op: opSend, Queue: q.name, Messages: []messageState{e.Value.(*message).state()}}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Expire drops the messages past their retention, which otherwise go when somebody
// looks at their queue, and returns how many those were.
func (s *Service) Expire() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, q := range s.queues {
		before := len(q.messages)
		s.serve(q)
		n += before - len(q.messages)
	}
	return n
}
