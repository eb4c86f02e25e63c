package sqs

import (
	"container/list"
	"time"
)

// maxInFlight is AWS's limit of messages in flight for a standard queue; ReceiveMessage
// answers OverLimit beyond it.
const maxInFlight = 120_000

// queue is guarded by its Service's lock.
type queue struct {
	name, arn         string
	created, modified time.Time
	attributes        map[string]string // as they were set
	tags              map[string]string
	settings          settings // attributes, parsed
	purged            time.Time

	messages map[string]*message // all of them, by id
	ready    list.List           // *message, visible, in the order in which they became so
	due      schedule            // in flight or delayed, by the time of becoming visible
	expiry   schedule            // all, by the time sent: retention counts from there
	inFlight int                 // the rest of due is delayed

	polls list.List // *poll, waiting, first come first served
	timer *time.Timer
	gone  bool // deleted
}

func newQueue(name, arn string, now time.Time) *queue {
	return &queue{
		name: name, arn: arn, created: now, modified: now,
		attributes: map[string]string{}, tags: map[string]string{},
		messages: map[string]*message{},
		due: schedule{
			at:    func(m *message) time.Time { return m.due },
			place: func(m *message) *int { return &m.duePlace },
		},
		expiry: schedule{
			at:    func(m *message) time.Time { return m.sent },
			place: func(m *message) *int { return &m.expiryPlace },
		},
	}
}

// add takes in a message; one whose due time is still to come stays hidden until then.
func (q *queue) add(m *message, now time.Time) {
	q.messages[m.id] = m
	q.expiry.add(m)
	if m.due.After(now) {
		q.due.add(m)
	} else {
		m.ready = q.ready.PushBack(m)
	}
}

func (q *queue) remove(m *message) {
	delete(q.messages, m.id)
	q.expiry.remove(m)
	q.unhide(m)
	if m.ready != nil {
		q.ready.Remove(m.ready)
		m.ready = nil
	}
}

// hide puts a visible message in flight until then.
func (q *queue) hide(m *message, until time.Time) {
	q.ready.Remove(m.ready)
	m.ready, m.inFlight, m.due = nil, true, until
	q.inFlight++
	q.due.add(m)
}

// unhide ends the flight or the delay of a message without making it visible.
func (q *queue) unhide(m *message) {
	if m.inFlight {
		m.inFlight = false
		q.inFlight--
	}
	q.due.remove(m)
}

// settle lets happen what the clock has brought: messages past their retention vanish,
// hidden ones whose time has come are visible.
func (q *queue) settle(now time.Time) {
	for m := q.expiry.next(now.Add(-q.settings.retention)); m != nil; m = q.expiry.next(now.Add(-q.settings.retention)) {
		q.remove(m)
	}
	for m := q.due.next(now); m != nil; m = q.due.next(now) {
		q.unhide(m)
		m.ready = q.ready.PushBack(m)
	}
}

// clear drops all messages.
func (q *queue) clear() {
	for _, m := range q.messages {
		q.remove(m)
	}
}

// dismiss ends all waiting polls and the timer.
func (q *queue) dismiss() {
	for q.polls.Len() > 0 {
		p := q.polls.Remove(q.polls.Front()).(*poll)
		p.place = nil
		close(p.done)
	}
	if q.timer != nil {
		q.timer.Stop()
	}
}

// serve hands visible messages to the waiting polls and sets the timer that wakes the
// next one when a hidden message is due. Every change to a queue ends with it.
func (s *Service) serve(q *queue) {
	now := s.opts.Now()
	q.settle(now)
	for q.polls.Len() > 0 && q.ready.Len() > 0 {
		p := q.polls.Front().Value.(*poll)
		p.got = s.hand(q, p, now)
		if len(p.got) == 0 { // all were lost, moved, or too many are in flight
			break
		}
		q.polls.Remove(p.place)
		p.place = nil
		close(p.done)
	}
	s.arm(q, now)
}

// arm sets the queue's timer while somebody waits and something is hidden. Without
// waiting polls the next call does what the clock asks for.
func (s *Service) arm(q *queue, now time.Time) {
	if s.closed || q.gone || q.polls.Len() == 0 || len(q.due.items) == 0 {
		if q.timer != nil {
			q.timer.Stop()
		}
		return
	}
	wait := max(q.due.items[0].due.Sub(now), time.Millisecond) // a Now that stands still must not spin
	if q.timer == nil {
		q.timer = time.AfterFunc(wait, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if !s.closed && !q.gone {
				s.serve(q)
			}
		})
		return
	}
	q.timer.Reset(wait)
}
