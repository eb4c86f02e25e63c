package sim

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"tidings/internal/chat"
)

// What is looked at of a transaction: the entries that it puts.
type transaction struct {
	TransactItems []struct {
		Put struct {
			Item struct {
				PK, SK  struct{ S string }
				Seq     number
				TS      number
				Kind    struct{ S string }
				Adds    struct{ L []number }
				Removes struct{ L []number }
				Body    struct{ B []byte }
			}
		}
	}
}

type number struct{ N string }

func (n number) int() int64 {
	i, _ := strconv.ParseInt(n.N, 10, 64) // an attribute that isn't there is 0
	return i
}

func users(ns []number) (out []chat.UserID) {
	for _, n := range ns {
		out = append(out, chat.UserID(n.int()))
	}
	return out
}

// committed notes when entries were committed, and what they change in groups.
func (w *world) committed(by string, body []byte) {
	if !bytes.Contains(body, []byte(`"E#`)) {
		return
	}
	var t transaction
	if err := json.Unmarshal(body, &t); err != nil {
		w.fail("%v in a transaction that the table took: %s", err, body)
		return
	}
	now := time.Now()
	for _, it := range t.TransactItems {
		item := &it.Put.Item
		log, isLog := strings.CutPrefix(item.PK.S, "L#")
		if !isLog || !strings.HasPrefix(item.SK.S, "E#") {
			continue
		}
		e := chat.Entry{
			Log: chat.LogID(log), Seq: item.Seq.int(), TS: item.TS.int(), Kind: chat.EntryKind(item.Kind.S),
			Adds: users(item.Adds.L), Removes: users(item.Removes.L), Body: item.Body.B,
		}
		w.logf(by, "commits %s/%d %s%s", e.Log, e.Seq, e.Kind, changes(e))
		w.mu.Lock()
		l := w.logs[e.Log]
		if l == nil {
			l = &logState{id: e.Log, at: map[int64]time.Time{}, members: map[chat.UserID]bool{}}
			w.logs[e.Log] = l
			w.order = append(w.order, l)
		}
		l.take(e, now)
		w.mu.Unlock()
	}
}

func changes(e chat.Entry) string {
	var b strings.Builder
	for _, u := range e.Adds {
		b.WriteString(" +" + u.String())
	}
	for _, u := range e.Removes {
		b.WriteString(" -" + u.String())
	}
	return b.String()
}

// logState is what the driver knows of a log, so that it mostly tries what can be
// done; and when its entries were committed. Guarded by the world's lock.
type logState struct {
	id      chat.LogID
	at      map[int64]time.Time
	last    int64
	members map[chat.UserID]bool
	owner   chat.UserID
	deleted bool
}

func (l *logState) take(e chat.Entry, now time.Time) {
	l.at[e.Seq] = now
	l.last = max(l.last, e.Seq)
	for _, u := range e.Adds {
		l.members[u] = true
	}
	for _, u := range e.Removes {
		delete(l.members, u)
	}
	if e.Kind == chat.KindDeleted {
		l.deleted = true
	}
	if g, err := e.Group(); err == nil && g.Group.OwnerID != 0 {
		l.owner = g.Group.OwnerID
	}
}
