package chattest

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"tidings/internal/chat"
)

// Memory keeps everything that chat's services need in maps: the second
// implementation of their stores, for tests that are about something else than
// the table. It is one lock wide, so there are no races to lose.
type Memory struct {
	now func() time.Time

	// MaxMemberships is how many a user can have, 0: any number. It is set before use.
	MaxMemberships int

	mu       sync.Mutex
	users    map[chat.UserID]chat.User
	lastID   chat.UserID
	owners   map[[2]string]chat.UserID // by issuer and subject
	sessions map[chat.UserID]map[string]chat.Session
	revoked  map[chat.UserID][]chat.SessionRevokedBody // of foreign sessions
	logs     map[chat.LogID]*memoryLog
	members  map[member]*chat.Membership
	answers  map[idempotencyKey]kept
	streamer map[string]chat.Instance
	arrived  map[deliveredIn]*chat.DeliveryHistogram
}

type (
	memoryLog struct {
		head    chat.Head
		entries []chat.Entry // by seq − 1
	}
	member struct {
		user chat.UserID
		log  chat.LogID
	}
	idempotencyKey struct {
		user        chat.UserID
		caller, key string
	}
	kept struct {
		hash   string
		answer chat.Answer
		until  time.Time
	}
)

// NewMemory makes an empty store with that clock.
func NewMemory(now func() time.Time) *Memory {
	return &Memory{
		now:      now,
		users:    map[chat.UserID]chat.User{},
		owners:   map[[2]string]chat.UserID{},
		revoked:  map[chat.UserID][]chat.SessionRevokedBody{},
		sessions: map[chat.UserID]map[string]chat.Session{},
		logs:     map[chat.LogID]*memoryLog{},
		members:  map[member]*chat.Membership{},
		answers:  map[idempotencyKey]kept{},
		streamer: map[string]chat.Instance{},
		arrived:  map[deliveredIn]*chat.DeliveryHistogram{},
	}
}

// CreateUser implements chat.UserStore.
func (m *Memory) CreateUser(_ context.Context, u chat.User) (chat.User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.createUser(u)
}

// createUser takes the next free id unless u has one.
func (m *Memory) createUser(u chat.User) (chat.User, error) {
	if _, found := m.byName(chat.FoldUsername(u.Username)); found {
		return chat.User{}, chat.ErrUsernameTaken
	}
	for taken := u.ID == 0; taken; _, taken = m.users[u.ID] {
		m.lastID++
		u.ID = m.lastID
	}
	m.users[u.ID] = u
	own := chat.UserLog(u.ID)
	m.logs[own] = &memoryLog{head: chat.Head{Log: own, Shards: chat.Shards{}.With(u.ID)}}
	return u, nil
}

// UserOf implements chat.IdentityStore.
func (m *Memory) UserOf(_ context.Context, id chat.Identity) (chat.UserID, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	owner, ok := m.owners[[2]string{id.Issuer, id.Subject}]
	if !ok {
		return 0, chat.ErrUserNotFound
	}
	return owner, nil
}

// CreateUserFor implements chat.IdentityStore.
func (m *Memory) CreateUserFor(_ context.Context, id chat.Identity, u chat.User) (chat.UserID, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := [2]string{id.Issuer, id.Subject}
	if owner, ok := m.owners[k]; ok && u.ID == 0 {
		return owner, nil
	}
	if _, ok := m.users[u.ID]; ok {
		return u.ID, nil
	}
	made, err := m.createUser(u)
	if err == nil && u.ID == 0 {
		m.owners[k] = made.ID
	}
	return made.ID, err
}

// Users implements chat.UserStore.
func (m *Memory) Users(_ context.Context, ids ...chat.UserID) (map[chat.UserID]chat.User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[chat.UserID]chat.User{}
	for _, id := range ids {
		if u, ok := m.users[id]; ok {
			out[id] = u
		}
	}
	return out, nil
}

// UserByName implements chat.UserStore.
func (m *Memory) UserByName(_ context.Context, folded string) (chat.User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if u, found := m.byName(folded); found {
		return u, nil
	}
	return chat.User{}, chat.ErrUserNotFound
}

func (m *Memory) byName(folded string) (chat.User, bool) {
	for _, u := range m.users {
		if chat.FoldUsername(u.Username) == folded {
			return u, true
		}
	}
	return chat.User{}, false
}

// SearchUsers implements chat.UserStore.
func (m *Memory) SearchUsers(_ context.Context, prefix string, limit int) ([]chat.UserRef, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []chat.UserRef
	for _, u := range m.users {
		if strings.HasPrefix(chat.FoldUsername(u.Username), prefix) {
			out = append(out, u.UserRef)
		}
	}
	slices.SortFunc(out, func(a, b chat.UserRef) int {
		return strings.Compare(chat.FoldUsername(a.Username), chat.FoldUsername(b.Username))
	})
	return out[:min(len(out), limit)], nil
}

// CreateSession implements chat.SessionStore.
func (m *Memory) CreateSession(_ context.Context, s chat.Session) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sessions[s.User] == nil {
		m.sessions[s.User] = map[string]chat.Session{}
	}
	m.sessions[s.User][s.ID] = s
	return nil
}

// Session implements chat.SessionStore.
func (m *Memory) Session(_ context.Context, s chat.Session) (chat.Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.session(s)
}

func (m *Memory) session(s chat.Session) (chat.Session, error) {
	ok := s.Foreign
	if !ok {
		s, ok = m.sessions[s.User][s.ID]
	}
	if !ok || slices.ContainsFunc(m.revoked[s.User], func(b chat.SessionRevokedBody) bool { return b.Ends(s) }) {
		return chat.Session{}, chat.ErrSessionEnded
	}
	return s, nil
}

// EndSession implements chat.SessionStore.
func (m *Memory) EndSession(_ context.Context, s chat.Session) (chat.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.session(s); err != nil {
		return chat.Entry{}, err
	}
	b := s.Revocation(m.now())
	if s.Foreign {
		m.revoked[s.User] = append(m.revoked[s.User], b)
	}
	delete(m.sessions[s.User], s.ID)
	return m.append(chat.UserLog(s.User), chat.Entry{Kind: chat.KindSessionRevoked, By: s.User, Body: encode(b)}), nil
}

// append gives the entry its place in the log.
func (m *Memory) append(log chat.LogID, e chat.Entry) chat.Entry {
	l := m.logs[log]
	if l == nil {
		l = &memoryLog{head: chat.Head{Log: log}}
		m.logs[log] = l
	}
	if e.Kind == chat.KindMessage {
		l.head.Count++
	}
	e.Log, e.Seq, e.TS, e.N = log, l.head.Seq+1, chat.NextTS(m.now(), l.head.TS), l.head.Count
	e.Shards = l.head.Shards.With(e.Adds...)
	l.head.Seq, l.head.TS, l.head.Shards = e.Seq, e.TS, e.Shards
	l.entries = append(l.entries, e)
	return e
}

// replay finds what the same request was answered before.
func (m *Memory) replay(user chat.UserID, idem chat.Idempotency) (a chat.Answer, found bool, err error) {
	k, found := m.answers[idempotencyKey{user, idem.Caller, idem.Key}]
	switch {
	case !found || !m.now().Before(k.until):
		return chat.Answer{}, false, nil
	case k.hash != idem.Hash:
		return chat.Answer{}, false, chat.ErrIdempotencyMismatch
	}
	k.answer.Replayed = idem.Given // else it was an attempt of this request
	return k.answer, true, nil
}

func (m *Memory) keep(user chat.UserID, idem chat.Idempotency, a chat.Answer) chat.Answer {
	m.answers[idempotencyKey{user, idem.Caller, idem.Key}] = kept{idem.Hash, a, m.now().Add(chat.IdempotencyLifetime)}
	return a
}

// encode makes the body of an entry of this project's own types.
func encode(body any) json.RawMessage {
	b, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return b
}
