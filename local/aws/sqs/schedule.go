package sqs

import (
	"container/heap"
	"time"
)

// schedule is a heap of messages by a time of theirs. The message knows its place in
// it, so that it can be taken out when it is deleted.
type schedule struct {
	items []*message
	at    func(*message) time.Time
	place func(*message) *int // index + 1; 0: not in this schedule
}

func (s *schedule) Len() int           { return len(s.items) }
func (s *schedule) Less(i, j int) bool { return s.at(s.items[i]).Before(s.at(s.items[j])) }

func (s *schedule) Swap(i, j int) {
	s.items[i], s.items[j] = s.items[j], s.items[i]
	*s.place(s.items[i]), *s.place(s.items[j]) = i+1, j+1
}

func (s *schedule) Push(x any) {
	m := x.(*message)
	s.items = append(s.items, m)
	*s.place(m) = len(s.items)
}

func (s *schedule) Pop() any {
	last := len(s.items) - 1
	m := s.items[last]
	s.items[last] = nil
	s.items = s.items[:last]
	*s.place(m) = 0
	return m
}

func (s *schedule) add(m *message) { heap.Push(s, m) }

func (s *schedule) remove(m *message) {
	if p := *s.place(m); p > 0 {
		heap.Remove(s, p-1)
	}
}

// next is the earliest message if its time has come.
func (s *schedule) next(now time.Time) *message {
	if len(s.items) == 0 || s.at(s.items[0]).After(now) {
		return nil
	}
	return s.items[0]
}
