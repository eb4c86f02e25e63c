package chattest

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"

	"tidings/internal/chat"
)

// CreateConversation implements chat.ConversationStore.
func (m *Memory) CreateConversation(_ context.Context, by chat.UserID, members []chat.UserRef, idem chat.Idempotency) (chat.Answer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a, found, err := m.replay(by, idem); found || err != nil {
		return a, err
	}
	log := chat.ConversationLog(chat.ConversationID(members[0].ID, members[1].ID))
	if m.logs[log] != nil {
		return m.keep(by, idem, chat.Answer{Entry: chat.Entry{Log: log}, Status: http.StatusOK}), nil
	}
	for _, u := range members {
		switch {
		case m.MaxMemberships == 0 || m.memberships(u.ID) < m.MaxMemberships:
		case u.ID == by:
			return chat.Answer{}, chat.ErrTooManyConversations
		default:
			return chat.Answer{}, chat.TooManyConversations(u.ID)
		}
	}
	e := chat.Entry{Kind: chat.KindCreated, By: by, Body: encode(chat.CreatedBody{Members: members})}
	for _, u := range members {
		e.Adds = append(e.Adds, u.ID)
		m.members[member{u.ID, log}] = &chat.Membership{
			Log: log, User: u.ID, Role: "member", Intervals: chat.Intervals{{From: 1}},
		}
	}
	e = m.append(log, e)
	m.logs[log].head.Members = slices.Clone(members)
	return m.keep(by, idem, chat.Answer{Entry: e, Status: http.StatusCreated}), nil
}

// memberships counts the user's open ones.
func (m *Memory) memberships(user chat.UserID) (n int) {
	for k, mine := range m.members {
		if k.user == user && mine.Intervals.Open() {
			n++
		}
	}
	return n
}

// Conversations implements chat.ConversationStore.
func (m *Memory) Conversations(_ context.Context, user chat.UserID, prefix string) ([]chat.LogView, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []chat.LogView
	for k, mine := range m.members {
		if k.user == user && k.log.Is(prefix) && mine.Intervals.Open() {
			out = append(out, m.view(*mine))
		}
	}
	slices.SortFunc(out, func(a, b chat.LogView) int { return strings.Compare(string(a.Head.Log), string(b.Head.Log)) })
	return out, nil
}

// View implements chat.ConversationStore.
func (m *Memory) View(_ context.Context, user chat.UserID, log chat.LogID) (chat.LogView, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	mine := m.members[member{user, log}]
	if mine == nil || !mine.Intervals.Open() {
		return chat.LogView{}, chat.ErrConversationNotFound
	}
	return m.view(*mine), nil
}

func (m *Memory) view(mine chat.Membership) chat.LogView {
	h := m.logs[mine.Log].head
	if h.Last != nil && h.Last.Seq < mine.Intervals.Last() {
		h.Last = nil
	}
	return chat.LogView{Head: h, Membership: mine}
}

// AppendMessage implements chat.MessageStore.
func (m *Memory) AppendMessage(_ context.Context, d chat.Draft, idem chat.Idempotency) (chat.Answer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a, found, err := m.replay(d.By, idem); found || err != nil {
		return a, err
	}
	mine := m.members[member{d.By, d.Log}]
	if mine == nil || !mine.Intervals.Open() {
		return chat.Answer{}, chat.ErrConversationNotFound
	}
	l := m.logs[d.Log]
	body := encode(chat.MessageBody{Sender: m.users[d.By].UserRef, Content: d.Content, Members: l.head.Members})
	if len(body) > chat.MaxEntryBody {
		return chat.Answer{}, chat.ErrEntryTooLarge
	}
	e := m.append(d.Log, chat.Entry{Kind: chat.KindMessage, By: d.By, Body: body})
	msg, err := e.Message()
	if err != nil {
		return chat.Answer{}, err
	}
	l.head.Last = msg.Last()
	mine.ReadCount = e.N
	return m.keep(d.By, idem, chat.Answer{Entry: e, Status: http.StatusCreated}), nil
}

// Messages implements chat.MessageStore.
func (m *Memory) Messages(_ context.Context, user chat.UserID, log chat.LogID, page chat.Page) (chat.MessagePage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	mine := m.members[member{user, log}]
	if mine == nil || !mine.Intervals.Open() {
		return chat.MessagePage{}, chat.ErrConversationNotFound
	}
	var found []chat.Message
	for _, e := range m.logs[log].entries {
		if e.Kind != chat.KindMessage || !mine.Intervals.Contains(e.Seq) ||
			e.Seq <= page.After || page.Before > 0 && e.Seq >= page.Before {
			continue
		}
		msg, err := e.Message()
		if err != nil {
			return chat.MessagePage{}, err
		}
		found = append(found, msg)
	}
	more := len(found) > page.Limit
	if page.After > 0 {
		return chat.MessagePage{Messages: found[:min(len(found), page.Limit)], Older: true, Newer: more}, nil
	}
	return chat.MessagePage{Messages: found[max(0, len(found)-page.Limit):], Older: more, Newer: page.Before > 0}, nil
}

// MarkRead implements chat.MessageStore.
func (m *Memory) MarkRead(_ context.Context, user chat.UserID, log chat.LogID, seq int64, idem chat.Idempotency) (chat.Answer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a, found, err := m.replay(user, idem); found || err != nil {
		return a, err
	}
	mine := m.members[member{user, log}]
	if mine == nil || !mine.Intervals.Open() {
		return chat.Answer{}, chat.ErrConversationNotFound
	}
	entries := m.logs[log].entries
	if seq < 1 || seq > int64(len(entries)) || entries[seq-1].Kind != chat.KindMessage || !mine.Intervals.Contains(seq) {
		return chat.Answer{}, chat.ErrMessageNotFound
	}
	a := chat.Answer{Status: http.StatusNoContent}
	if n := entries[seq-1].N; n > mine.ReadCount {
		mine.ReadCount = n
		a.Entry = m.append(chat.UserLog(user), chat.Entry{
			Kind: chat.KindRead, By: user, Body: encode(chat.ReadBody{Log: log, Message: seq, ReadCount: n}),
		})
	}
	return m.keep(user, idem, a), nil
}

// Published is a chat.Publisher that remembers what it was given.
type Published struct {
	mu         sync.Mutex
	entries    []chat.Entry
	ephemerals []chat.Ephemeral
}

// Publish implements chat.Publisher.
func (p *Published) Publish(_ context.Context, e chat.Entry) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.entries = append(p.entries, e)
	return nil
}

// PublishEphemeral implements chat.Publisher.
func (p *Published) PublishEphemeral(_ context.Context, e chat.Ephemeral) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ephemerals = append(p.ephemerals, e)
	return nil
}

// Entries are the entries so far, in the order they were published.
func (p *Published) Entries() []chat.Entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.entries)
}

// Ephemerals are the ephemerals so far.
func (p *Published) Ephemerals() []chat.Ephemeral {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.ephemerals)
}
