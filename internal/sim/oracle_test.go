package sim

import (
	"context"
	"encoding/json"
	"time"

	"tidings/internal/chat"
)

// oracle holds what clients got against what the table says in the end:
//
//   - of each log every event that the user is entitled to after the client's first
//     position, once, in the order of entries and parts, as the entry says it, and
//     nothing else: nothing outside the intervals, for another audience or another user;
//   - a gap only where a reset was received, and a reset only with a reason;
//   - ready says truly whether the position was taken up;
//   - nothing on a session that was revoked, beyond what the bound allows;
//   - ids stand on durable events and positions alone;
//   - a message that was answered stands in its log once, another one at most once.
//
// The distance of heartbeats is looked at where they arrive.
type oracle struct {
	w       *world
	logs    map[chat.LogID]*truth
	seats   map[chat.UserID]map[chat.LogID]chat.Intervals
	revoked map[string]revocation // by session
}

// truth is a log as the table holds it.
type truth struct {
	id      chat.LogID
	entries []*entry // by seq - 1
}

type entry struct {
	chat.Entry
	at     time.Time // of the commit
	events []chat.Event
}

type revocation struct {
	at  time.Time
	log chat.LogID
	seq int64
}

// newOracle reads the table, when nobody writes any more.
func (w *world) newOracle() *oracle {
	ctx, store := context.Background(), w.clean.Store
	o := &oracle{w: w, logs: map[chat.LogID]*truth{}, seats: map[chat.UserID]map[chat.LogID]chat.Intervals{}, revoked: map[string]revocation{}}
	deleted := map[chat.LogID]int64{}
	for _, l := range w.order {
		head := must(store.Heads(ctx, []chat.LogID{l.id}))[l.id]
		deleted[l.id] = head.Deleted
		o.logs[l.id] = o.readLog(l, head.Seq)
	}
	for _, u := range w.users {
		seats := map[chat.LogID]chat.Intervals{chat.UserLog(u): {{From: 1}}}
		for _, m := range must(store.Memberships(ctx, u)) {
			if d := deleted[m.Log]; d > 0 && m.Intervals.Open() { // the item is closed when somebody reads it
				m.Intervals[len(m.Intervals)-1].To = d
			}
			seats[m.Log] = m.Intervals
		}
		o.seats[u] = seats
	}
	return o
}

func (o *oracle) readLog(l *logState, head int64) *truth {
	t := &truth{id: l.id}
	for int64(len(t.entries)) < head {
		next := int64(len(t.entries)) + 1
		es := must(o.w.clean.Store.Entries(context.Background(), l.id, next-1, head))
		if len(es) == 0 || es[0].Seq != next {
			e, ok := o.w.gone[place{l.id, next}]
			if !ok {
				o.w.fail("%s has no entry %d below its head %d", l.id, next, head)
				return t
			}
			es = []chat.Entry{e}
		}
		for _, e := range es {
			if e.Seq != int64(len(t.entries))+1 {
				break
			}
			events, err := e.Events()
			if err != nil {
				o.w.fail("%s/%d: %v", l.id, e.Seq, err)
			}
			t.entries = append(t.entries, &entry{Entry: e, at: l.at[e.Seq], events: events})
			if e.Kind == chat.KindSessionRevoked {
				var b chat.SessionRevokedBody
				if err := json.Unmarshal(e.Body, &b); err != nil {
					o.w.fail("%s/%d: %v", l.id, e.Seq, err)
				}
				o.revoked[b.Session] = revocation{at: l.at[e.Seq], log: l.id, seq: e.Seq}
			}
		}
	}
	if l.last != head || int64(len(l.at)) != head {
		o.w.fail("%s: the table's head is %d, but %d entries up to %d were committed", l.id, head, len(l.at), l.last)
	}
	return t
}

// includes says whether the user is entitled to that event and has asked for it.
func (o *oracle) includes(e *entry, ev chat.Event, v view) bool {
	return o.seats[v.user][e.Log].Contains(e.Seq) && ev.To.Includes(v.user, e.By) && v.wants(e.Log, ev.Type)
}

// view is who sees what of the logs.
type view struct {
	user chat.UserID
	narrow
}

func (c *client) view() view { return view{c.user, c.narrow} }

// next is the first event after a position that is to be seen.
func (o *oracle) next(t *truth, v view, after position) (position, *entry) {
	for _, e := range t.entries[max(0, after.seq-1):] {
		for _, ev := range e.events {
			if (e.Seq > after.seq || ev.Part > after.part) && o.includes(e, ev, v) {
				return position{e.Seq, ev.Part}, e
			}
		}
	}
	return position{}, nil
}

// missing is what a client lacks of a log behind its last event there, or since it
// had its position.
func (o *oracle) missing(t *truth, v view, last position, since time.Time) (position, *entry) {
	p, e := o.next(t, v, last)
	for last == (position{}) && e != nil && !e.at.After(since) {
		p, e = o.next(t, v, p)
	}
	return p, e
}

// active says whether the client must have everything.
func (o *oracle) active(c *client) bool {
	_, revoked := o.revoked[c.login.id]
	return !revoked && !c.failed
}

// complete says whether every client has what it must have.
func (o *oracle) complete() bool {
	for _, c := range o.w.clients {
		if !o.completeFor(c) {
			return false
		}
	}
	return true
}

func (o *oracle) completeFor(c *client) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !o.active(c) {
		return true
	}
	if c.since.IsZero() || c.conn == nil || c.conn.isGone {
		return false
	}
	for _, t := range o.logs {
		if _, e := o.missing(t, c.view(), c.last[t.id], c.since); e != nil {
			return false
		}
	}
	return true
}

// check checks everything. Clients get nothing meanwhile.
func (o *oracle) check() {
	o.checkMessages()
	for _, c := range o.w.clients {
		c.mu.Lock()
		r := &reading{oracle: o, c: c, last: map[chat.LogID]position{}}
		r.check()
		c.mu.Unlock()
	}
}

// checkMessages looks at what was written: nothing answered is lost, nothing is there
// twice.
func (o *oracle) checkMessages() {
	found := map[string]place{}
	for _, t := range o.logs {
		for _, e := range t.entries {
			if e.Kind != chat.KindMessage {
				continue
			}
			m, err := e.Message()
			if err != nil {
				o.w.fail("%s/%d: %v", t.id, e.Seq, err)
				continue
			}
			if before, twice := found[m.Content]; twice {
				o.w.fail("%.10q was appended twice: %s/%d and %s/%d", m.Content, before.log, before.seq, t.id, e.Seq)
			}
			found[m.Content] = place{t.id, e.Seq}
		}
	}
	for content, p := range o.w.answered {
		if found[content] != p {
			o.w.fail("%.10q was answered as %s/%d, but is %s/%d", content, p.log, p.seq, found[content].log, found[content].seq)
		}
	}
}
