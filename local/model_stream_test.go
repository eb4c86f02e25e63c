package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"tidings/internal/chattest"
)

// listener is one stream of the model test and what it got.
type listener struct {
	p              *person
	connect, ready int64 // before it connected, when it was ready
	synced         int64 // what was done before this must have come; 0 if it was just cut
	stays          bool  // to the end, when the entries of hot logs are known too
	close          func()

	mu   sync.Mutex
	got  []string            // guarded by mu: frames, written as the model does
	at   []int64             // guarded by mu: when
	has  map[string]bool     // guarded by mu: the same
	odd  []string            // guarded by mu: what should never come
	full map[string][]string // guarded by mu: the data of the updates of group chats, by log
	live map[string]bool     // guarded by mu: logs of ephemerals
	more chan struct{}       // guarded by mu: closed and replaced with each frame
}

// open connects until it is ready: at a table that throttles, a connect may fail.
func (m *model) open(p *person) *listener {
	l := &listener{p: p, has: map[string]bool{}, live: map[string]bool{}, full: map[string][]string{}, more: make(chan struct{})}
	for range 50 {
		l.connect = m.tick()
		s, err := chattest.OpenStream(context.Background(), p.client, p.url+"/api/events", http.Header{"Authorization": {"Bearer " + p.token}})
		if err != nil {
			continue
		}
		if _, err := s.Await("ready"); err != nil {
			s.Close()
			continue
		}
		l.ready = m.tick()
		done := make(chan struct{})
		l.close = sync.OnceFunc(func() { s.Close(); <-done })
		go func() {
			defer close(done)
			for {
				e, err := s.Next()
				if err != nil {
					return
				}
				l.take(e, m.tick())
			}
		}()
		return l
	}
	p.t.Errorf("%s: no stream in 50 tries", p.ref.Username)
	return nil
}

// take writes down an event.
func (l *listener) take(e chattest.Event, now int64) {
	var f frame
	var d struct {
		Change, Kind, ConversationID, GroupChatID string
		Message                                   struct{ Content string }
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch err := json.Unmarshal([]byte(e.Data), &f); {
	case e.Name == "heartbeat":
		return
	case err != nil, e.Name != "message", f.UserID != l.p.ref.ID, json.Unmarshal(f.Data, &d) != nil:
		l.odd = append(l.odd, e.Name+" "+e.Data)
		return
	case f.EventID == "":
		id := "c:" + d.ConversationID
		if d.GroupChatID != "" {
			id = "g:" + d.GroupChatID
		}
		l.live[id] = true
		return
	}
	says := []string{f.EventID, f.Type}
	for _, s := range []string{d.Change, d.Kind, d.Message.Content} {
		if s != "" {
			says = append(says, s)
		}
	}
	if f.Type == "group_update" {
		id, _, _ := strings.Cut(f.EventID, "/")
		l.full[id] = append(l.full[id], string(f.Data))
	}
	frame := strings.Join(says, " ")
	l.got, l.at = append(l.got, frame), append(l.at, now)
	l.has[frame] = true
	close(l.more)
	l.more = make(chan struct{})
}

// sync waits until the stream has all that was done up to now.
func (l *listener) sync(m *model) {
	l.synced = m.tick()
	due := m.due(l.p.ref.ID, l.ready, l.synced)
	timeout := time.After(patience)
	for {
		l.mu.Lock()
		for f := range due {
			if l.has[f] {
				delete(due, f)
			}
		}
		more := l.more
		l.mu.Unlock()
		if len(due) == 0 {
			return
		}
		select {
		case <-more:
		case <-timeout:
			return // the verdict says what is lost
		}
	}
}

// heardAt says when the first of the streams was told an entry.
func heardAt(streams []*listener) map[string]int64 {
	out := map[string]int64{}
	for _, l := range streams {
		for i, f := range l.got {
			id, _, _ := strings.Cut(f, " ")
			entry := path.Dir(id)
			if at, ok := out[entry]; !ok || l.at[i] < at {
				out[entry] = l.at[i]
			}
		}
	}
	return out
}

// verdict holds what the stream got to the model: in each log a piece without a hole
// of what the user is told of it, which begins and ends where it may.
func (m *model) verdict(l *listener, heard map[string]int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, odd := range l.odd {
		l.p.t.Errorf("%s got %s", l.p.ref.Username, odd)
	}
	got := map[string][]string{}
	for _, f := range l.got {
		id, _, _ := strings.Cut(f, "/")
		got[id] = append(got[id], f)
	}
	for id := range got {
		m.log(id)
	}
	for id, log := range m.logs {
		if bad := log.check(l, got[id], heard); bad != "" {
			l.p.t.Errorf("%s, stream of %d to %d, in %s: %s%s", l.p.ref.Username, l.ready, l.synced, id, bad, m.story(log, l, got[id]))
		}
	}
	for id := range l.live {
		if !slices.ContainsFunc(m.log(id).entries, func(e modelEntry) bool { return slices.Contains(e.to, l.p.ref.ID) }) {
			l.p.t.Errorf("%s got an ephemeral of %s", l.p.ref.Username, id)
		}
	}
}

// check says what is wrong with what a stream got of one log. A stream may begin with
// what was done before it connected, if its instance was behind; but not with what that
// had told to others before.
func (log *modelLog) check(l *listener, got []string, heard map[string]int64) string {
	all := log.expected(l.p.ref.ID)
	from := len(all)
	if len(got) > 0 {
		from = slices.IndexFunc(all, func(x expected) bool { return x.frame == got[0] })
		switch {
		case from < 0:
			return "leaked or wrong: " + got[0]
		case !all[from].first:
			return "begins within an entry: " + got[0]
		}
	}
	for i, f := range got {
		switch {
		case from+i == len(all) && slices.Contains(got[:i], f), from+i < len(all) && all[from+i].frame != f && slices.Contains(got[:i], f):
			return "doubled: " + f
		case from+i == len(all):
			return "leaked or wrong: " + f
		case all[from+i].frame != f && slices.ContainsFunc(all, func(x expected) bool { return x.frame == f }):
			return "out of order or with a hole: " + f + " where should be " + all[from+i].frame
		case all[from+i].frame != f:
			return "leaked or wrong: " + f + " where should be " + all[from+i].frame
		case heard[all[from+i].entry] < l.connect:
			return "from before it connected: " + f
		}
	}
	for i, x := range all {
		outside := i < from && len(got) > 0 || i >= from+len(got)
		if known := !log.hot || l.stays; outside && known && x.begin > l.ready && x.end < l.synced {
			return "lost: " + x.frame
		}
		if i < from && len(got) > 0 && x.begin > l.ready {
			return "lost before the first: " + x.frame
		}
	}
	return ""
}

// story is the log as it should have been told beside what was got, and what was done.
func (m *model) story(log *modelLog, l *listener, got []string) string {
	var b strings.Builder
	for _, x := range log.expected(l.p.ref.ID) {
		mark := "       "
		if slices.Contains(got, x.frame) {
			mark = "  got  "
		}
		if x.end >= l.connect-50 {
			fmt.Fprintf(&b, "\n%s[%d, %d] %s", mark, x.begin, x.end, x.frame)
		}
	}
	fmt.Fprintf(&b, "\n  got in this order: %s", strings.Join(got, " | "))
	for _, line := range m.trace {
		if id := log.id[2:]; strings.HasPrefix(log.id, "u:") && strings.Contains(line, l.p.ref.Username) || !strings.HasPrefix(log.id, "u:") && strings.Contains(line, id) {
			b.WriteString("\n  did " + line)
		}
	}
	return b.String()
}
