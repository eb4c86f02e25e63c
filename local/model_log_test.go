package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"tidings/internal/chat"
)

// model is what the contract says that there must be: every log with its entries, who
// they are for, and when they came about. Times are of a clock that ticks with each
// thing that the test does.
type model struct {
	clock atomic.Int64

	mu     sync.Mutex // guards what follows
	logs   map[string]*modelLog
	pairs  map[[2]chat.UserID]*pairState // by the one who asks and the one who is asked
	stored map[chat.UserID][]*storedNote
	trace  []string
}

// modelLog is a log as the contract sees it.
type modelLog struct {
	id   string
	busy sync.Mutex // held by who changes the log, so that the outcome is certain; not in hot logs

	// Guarded by the model's mu.
	entries []modelEntry          // from seq 1 on
	members map[chat.UserID]int64 // who is in, since which entry
	read    map[chat.UserID]int64 // messages read
	count   int64                 // messages
	owner   chat.UserID           // of a group chat
	name    string                // of a group chat
	ended   bool                  // a group chat that was deleted
	hot     bool                  // several change it at once: its entries are known at the end
}

// modelEntry is an entry, whom it is for and what they are told.
type modelEntry struct {
	kind       string
	by         chat.UserID
	to         []chat.UserID
	what       string // of a message its text, of friends_changed the change, of what a service emitted its data
	n          int64  // messages up to here
	begin, end int64  // it was committed between these times
}

// modelDeed is a request that was answered with success.
type modelDeed struct {
	what       string
	begin, end int64
}

// pairState is what stands between two users, in one direction.
type pairState struct {
	friends, asked bool
	declined       bool // not to be asked again today
	unsure         bool // declined, then friends: the contract leaves open what holds now
}

// storedNote is a notification that is kept.
type storedNote struct {
	seq     int64
	request string // of a friend request
	read    bool
}

func newModel() *model {
	return &model{logs: map[string]*modelLog{}, pairs: map[[2]chat.UserID]*pairState{}, stored: map[chat.UserID][]*storedNote{}}
}

func userLog(u chat.UserID) string { return "u:" + u.String() }

// tick gives the next time.
func (m *model) tick() int64 { return m.clock.Add(1) }

// log gives a log, which may have no entries yet. mu is held.
func (m *model) log(id string) *modelLog {
	if m.logs[id] == nil {
		m.logs[id] = &modelLog{id: id, members: map[chat.UserID]int64{}, read: map[chat.UserID]int64{}}
	}
	return m.logs[id]
}

// pair gives what stands between two users. mu is held.
func (m *model) pair(from, to chat.UserID) *pairState {
	k := [2]chat.UserID{from, to}
	if m.pairs[k] == nil {
		m.pairs[k] = &pairState{}
	}
	return m.pairs[k]
}

// lock makes the logs the caller's alone, in an order that all keep to.
func (m *model) lock(ids ...string) (unlock func()) {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	m.mu.Lock()
	logs := make([]*modelLog, len(ids))
	for i, id := range ids {
		logs[i] = m.log(id)
	}
	m.mu.Unlock()
	for _, l := range logs {
		l.busy.Lock()
	}
	return func() {
		for _, l := range logs {
			l.busy.Unlock()
		}
	}
}

// append adds an entry, which begins the membership of some and ends that of others.
// mu is held.
func (m *model) append(id string, e modelEntry, adds, removes []chat.UserID) {
	l := m.log(id)
	seq := int64(len(l.entries)) + 1
	if e.kind == "message" {
		l.count++
		l.read[e.by] = l.count
	}
	for _, u := range adds {
		l.members[u], l.read[u] = seq, l.count
	}
	for u := range l.members {
		e.to = append(e.to, u)
	}
	if strings.HasPrefix(id, "u:") {
		owner, _ := chat.ParseUserID(id[2:])
		e.to = []chat.UserID{owner}
	}
	for _, u := range removes {
		delete(l.members, u)
	}
	if e.kind == "deleted" {
		l.ended = true
		clear(l.members)
	}
	e.n = l.count
	l.entries = append(l.entries, e)
}

// frames are what a user is told of an entry, in order: the event's id, its type, and
// what it says, each frame in a line.
func (l *modelLog) frames(i int, u chat.UserID) []string {
	e := l.entries[i]
	if !slices.Contains(e.to, u) {
		return nil
	}
	frame := func(part int, says ...string) string {
		return fmt.Sprintf("%s/%d/%d %s", l.id, i+1, part, strings.Join(says, " "))
	}
	update, note := "conversation_update", "message"
	if strings.HasPrefix(l.id, "g:") {
		update, note = "group_update", "group_message"
	}
	switch e.kind {
	case "message":
		if e.by == u {
			return []string{frame(3, update, "message", e.what)}
		}
		return []string{frame(1, "message", e.what), frame(2, "notification", note), frame(3, update, "message")}
	case "friend_request", "friend_accepted":
		return []string{frame(2, "notification", e.kind)}
	case "friends_changed":
		return []string{frame(3, e.kind, e.what)}
	case "order_shipped":
		return []string{frame(1, e.kind, e.what)}
	case "read", "notification_read":
		return []string{frame(1, e.kind)}
	default:
		return []string{frame(3, update, e.kind)}
	}
}

// expected is one frame that a user is told of a log, with the times of its entry.
type expected struct {
	frame      string
	entry      string // its log and seq
	first      bool   // of its entry
	begin, end int64
}

func (l *modelLog) expected(u chat.UserID) []expected {
	var out []expected
	for i, e := range l.entries {
		for k, f := range l.frames(i, u) {
			out = append(out, expected{frame: f, entry: fmt.Sprintf("%s/%d", l.id, i+1), first: k == 0, begin: e.begin, end: e.end})
		}
	}
	return out
}

// due are the frames that a stream must have: of all entries that were begun after its
// ready and done before a time, in logs whose entries are known.
func (m *model) due(u chat.UserID, ready, before int64) map[string]bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]bool{}
	for _, l := range m.logs {
		for i := len(l.entries) - 1; i >= 0 && l.entries[i].end > ready; i-- {
			if e := l.entries[i]; e.begin > ready && e.end < before {
				for _, f := range l.frames(i, u) {
					out[f] = true
				}
			}
		}
	}
	return out
}

// sees says whether the entry is for the user.
func (l *modelLog) sees(seq int64, u chat.UserID) bool {
	return seq >= 1 && seq <= int64(len(l.entries)) && slices.Contains(l.entries[seq-1].to, u)
}

// unread is how many messages a member has not read.
func (l *modelLog) unread(u chat.UserID) int64 { return l.count - l.read[u] }
