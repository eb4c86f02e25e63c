package chattest

import (
	"context"
	"slices"
	"strings"

	"tidings/internal/chat"
)

// Memberships implements StreamReads.
func (m *Memory) Memberships(_ context.Context, user chat.UserID) ([]chat.Membership, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []chat.Membership
	for k, mine := range m.members {
		if k.user == user {
			out = append(out, *mine)
		}
	}
	slices.SortFunc(out, func(a, b chat.Membership) int { return strings.Compare(string(a.Log), string(b.Log)) })
	return out, nil
}

// Membership implements StreamReads. Nobody leaves what Memory keeps, so LeftAt is 0
// throughout.
func (m *Memory) Membership(_ context.Context, user chat.UserID, log chat.LogID) (chat.Membership, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if mine := m.members[member{user, log}]; mine != nil {
		return *mine, nil
	}
	return chat.Membership{}, nil
}

// Position implements StreamReads.
func (m *Memory) Position(_ context.Context, log chat.LogID, ts, after, to int64) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	pos := to
	if l := m.logs[log]; l != nil {
		for _, e := range slices.Backward(l.entries) {
			if e.Seq > after && e.Seq <= to && e.TS > ts {
				pos = e.Seq - 1
			}
		}
	}
	return pos, nil
}

// SessionsHold implements StreamReads.
func (m *Memory) SessionsHold(_ context.Context, ss []chat.Session) ([]bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	holds := make([]bool, len(ss))
	for i, s := range ss {
		_, err := m.session(s)
		holds[i] = err == nil
	}
	return holds, nil
}
