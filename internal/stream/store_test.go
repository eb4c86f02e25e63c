package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"tidings/internal/chat"
)

// fakeStore is a table whose every write is committed at once.
type fakeStore struct {
	latency time.Duration        // of a read: half before it looks, half after
	draw    func() time.Duration // of each read anew, instead; with mu held
	skew    func() time.Duration // of the clock of each commit; nil: none

	mu       sync.Mutex
	logs     map[chat.LogID][]chat.Entry
	gone     map[chat.LogID]int64 // entries up to here are expired
	members  map[chat.UserID]map[chat.LogID]chat.Intervals
	sessions map[string]chat.Session
	revoked  []chat.SessionRevokedBody // of foreign sessions
	failing  bool
	holes    map[int64]bool      // that no read of entries shows
	broken   string              // the kind of read that fails alone
	damaged  map[chat.LogID]bool // whose head fails a read
	reads    map[string]int
	looked   int64 // entries that reads of positions asked for
	longest  int64 // the most entries that one read asked for
	running  int   // reads under way
	most     int   // that there were at once
}

var errStore = errors.New("the table is down")

func newFakeStore() *fakeStore {
	return &fakeStore{
		logs: map[chat.LogID][]chat.Entry{}, gone: map[chat.LogID]int64{},
		members:  map[chat.UserID]map[chat.LogID]chat.Intervals{},
		sessions: map[string]chat.Session{}, reads: map[string]int{},
	}
}

// read looks at the table in the middle of its latency.
func (f *fakeStore) read(ctx context.Context, kind string, look func()) error {
	var latency time.Duration
	f.set(func() {
		if latency = f.latency; f.draw != nil {
			latency = f.draw()
		}
		f.running++
		f.most = max(f.most, f.running)
	})
	defer f.set(func() { f.running-- })
	half := func() error {
		if latency == 0 {
			return nil
		}
		t := time.NewTimer(latency / 2)
		defer t.Stop()
		select {
		case <-t.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := half(); err != nil {
		return err
	}
	f.mu.Lock()
	f.reads[kind]++
	failing := f.failing || f.broken == kind
	if !failing {
		look()
	}
	f.mu.Unlock()
	if failing {
		return errStore
	}
	return half()
}

func (f *fakeStore) Heads(ctx context.Context, logs []chat.LogID) (map[chat.LogID]chat.Head, error) {
	if len(logs) > 100 {
		return nil, fmt.Errorf("%d heads at once", len(logs))
	}
	out, damaged := map[chat.LogID]chat.Head{}, false
	err := f.read(ctx, "heads", func() {
		for _, l := range logs {
			damaged = damaged || f.damaged[l]
			if es := f.logs[l]; len(es) > 0 {
				last := es[len(es)-1]
				h := chat.Head{Log: l, Seq: last.Seq, TS: last.TS}
				for _, e := range es {
					if e.Kind == chat.KindDeleted {
						h.Deleted = e.Seq
					}
				}
				out[l] = h
			}
		}
	})
	if damaged {
		err = errStore
	}
	return out, err
}

// pageSize is smaller than what the hub asks for, so that pages must be followed.
const pageSize = 10

func (f *fakeStore) Entries(ctx context.Context, log chat.LogID, after, to int64) ([]chat.Entry, error) {
	var out []chat.Entry
	return out, f.read(ctx, "entries", func() {
		f.longest = max(f.longest, to-after)
		for _, e := range f.logs[log] {
			if e.Seq > max(after, f.gone[log]) && e.Seq <= to && len(out) < pageSize && !f.holes[e.Seq] {
				out = append(out, e)
			}
		}
	})
}

func (f *fakeStore) Position(ctx context.Context, log chat.LogID, ts, after, to int64) (pos int64, err error) {
	return pos, f.read(ctx, "position", func() {
		pos = to
		f.looked += max(0, to-after)
		for _, e := range f.logs[log] {
			if e.Seq > max(after, f.gone[log]) && e.Seq <= to && e.TS > ts {
				pos = e.Seq - 1
				return
			}
		}
	})
}

func (f *fakeStore) Memberships(ctx context.Context, user chat.UserID) ([]chat.Membership, error) {
	var out []chat.Membership
	return out, f.read(ctx, "memberships", func() {
		for _, l := range slices.Sorted(maps.Keys(f.members[user])) {
			out = append(out, f.member(user, l))
		}
	})
}

func (f *fakeStore) Membership(ctx context.Context, user chat.UserID, log chat.LogID) (chat.Membership, error) {
	var m chat.Membership
	err := f.read(ctx, "membership", func() { m = f.member(user, log) })
	return m, err
}

// member is the membership as it is; mu must be held.
func (f *fakeStore) member(user chat.UserID, log chat.LogID) chat.Membership {
	m := chat.Membership{Log: log, User: user, Intervals: slices.Clone(f.members[user][log])}
	if n := len(m.Intervals); n > 0 && m.Intervals[n-1].To > 0 {
		m.LeftAt = f.logs[log][m.Intervals[n-1].To-1].TS
	}
	return m
}

func (f *fakeStore) SessionsHold(ctx context.Context, ss []chat.Session) ([]bool, error) {
	if len(ss) > 100 {
		return nil, fmt.Errorf("%d sessions at once", len(ss))
	}
	hold := make([]bool, len(ss))
	return hold, f.read(ctx, "sessions", func() {
		for i, s := range ss {
			_, hold[i] = f.sessions[s.ID]
			if s.Foreign {
				hold[i] = !slices.ContainsFunc(f.revoked, func(b chat.SessionRevokedBody) bool { return b.Ends(s) })
			}
		}
	})
}

func (f *fakeStore) Session(ctx context.Context, of chat.Session) (chat.Session, error) {
	var s chat.Session
	var ok bool
	if err := f.read(ctx, "session", func() {
		if s, ok = f.sessions[of.ID]; of.Foreign {
			s, ok = of, !slices.ContainsFunc(f.revoked, func(b chat.SessionRevokedBody) bool { return b.Ends(of) })
		}
	}); err != nil {
		return s, err
	}
	if !ok || s.User != of.User {
		return chat.Session{}, fmt.Errorf("read session: %w", chat.ErrSessionEnded)
	}
	return s, nil
}

// commit appends an entry and changes the memberships with it.
func (f *fakeStore) commit(e chat.Entry) chat.Entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	es := f.logs[e.Log]
	e.Seq = int64(len(es)) + 1
	var prev int64
	if len(es) > 0 {
		prev = es[len(es)-1].TS
	}
	now := time.Now()
	if f.skew != nil {
		now = now.Add(f.skew())
	}
	e.TS = chat.NextTS(now, prev)
	f.logs[e.Log] = append(es, e)
	for _, u := range e.Adds {
		if f.members[u] == nil {
			f.members[u] = map[chat.LogID]chat.Intervals{}
		}
		f.members[u][e.Log] = append(f.members[u][e.Log], chat.Interval{From: e.Seq})
	}
	for _, u := range e.Removes {
		iv := slices.Clone(f.members[u][e.Log])
		iv[len(iv)-1].To = e.Seq
		f.members[u][e.Log] = iv
	}
	return e
}

func (f *fakeStore) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fakeStore) count(kind string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reads[kind]
}
