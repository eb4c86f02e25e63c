package sqs

import "time"

// deadLetter returns the queue to which the message goes instead of to a poll, nil
// while it may still be handed over. A policy whose queue is gone has no effect.
func (s *Service) deadLetter(q *queue, m *message) *queue {
	if r := q.settings.redrive; r != nil && m.received >= r.max {
		return s.byARN(r.target)
	}
	return nil
}

// move takes a visible message to its dead-letter queue. It keeps its id and the time
// sent, from which the new queue's retention counts, as on AWS.
func (s *Service) move(from, to *queue, m *message, now time.Time) error {
	if err := s.append(record{Op: opMove, Queue: from.name, To: to.name, IDs: []string{m.id}}); err != nil {
		return err
	}
	relocate(from, to, m, now)
	return nil
}

func relocate(from, to *queue, m *message, now time.Time) {
	from.remove(m)
	m.source, m.received, m.firstReceived, m.token = from.arn, 0, time.Time{}, 0
	m.due = now
	to.add(m, now)
}
