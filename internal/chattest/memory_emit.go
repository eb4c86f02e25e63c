package chattest

import (
	"context"
	"net/http"

	"tidings/internal/chat"
)

// CountEmission implements chat.EmissionStore: nobody is limited.
func (m *Memory) CountEmission(context.Context, string, int) error { return nil }

// AppendCustom implements chat.EmissionStore.
func (m *Memory) AppendCustom(_ context.Context, user chat.UserID, body chat.CustomBody, idem chat.Idempotency) (chat.Answer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a, found, err := m.replay(user, idem); err != nil {
		return chat.Answer{}, err
	} else if found && a.Replayed {
		return chat.Answer{Entry: chat.Entry{Log: a.Entry.Log, Seq: a.Entry.Seq}, Status: a.Status, Replayed: true}, nil
	} else if found {
		return a, nil
	}
	if _, ok := m.users[user]; !ok {
		return chat.Answer{}, chat.ErrUserNotFound
	}
	e := m.append(chat.UserLog(user), chat.Entry{Kind: chat.KindCustom, Body: encode(body)})
	return m.keep(user, idem, chat.Answer{Entry: e, Status: http.StatusOK}), nil
}
