package sim

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tidings/internal/chat"
)

// reading goes through what one client got.
type reading struct {
	*oracle
	c       *client
	since   time.Time               // of the position from which it goes on
	last    map[chat.LogID]position // since then
	lastID  time.Time               // when it got its newest id
	brought time.Time               // when it got the one that it brought to this connection
	conn    *conn
	ready   bool // on this connection
	unready bool // ready said that the position was not taken up: a reset must follow
}

func (r *reading) wrong(e event, format string, args ...any) {
	r.w.fail("%s on connection %d at %v, %s: %s", r.c.name, e.conn.n, e.at.Sub(r.w.began), short(e), fmt.Sprintf(format, args...))
}

func (r *reading) check() {
	for _, e := range r.c.got {
		if e.conn != r.conn {
			r.conn, r.ready, r.unready, r.brought = e.conn, false, false, r.lastID
		}
		if r.unready && e.name != "reset" {
			r.wrong(e, "the position was not taken up, but no reset followed")
		}
		switch {
		case e.part > 0:
			r.durable(e)
		case e.name == "message":
			r.ephemeral(e)
		case e.name == "":
			if r.since.IsZero() {
				r.since = e.at
			}
		case e.name == "ready":
			r.readyAt(e)
		case e.name == "reset":
			r.reset(e)
		case e.name == "reconnect" || e.name == "revoked":
		default:
			r.wrong(e, "an unknown event")
		}
		if wants := e.part > 0 || e.name == "reset" || e.name == ""; wants != e.hasID && (e.name != "reconnect" || e.id != e.conn.lastID) {
			r.wrong(e, "has an id: %v", e.hasID)
		}
		// What the client brought may only be told again, and the next positions still be
		// founded on it.
		if e.hasID && (e.conn.lastID == "" || e.at.Sub(e.conn.began) > 3*time.Minute) || e.name == "reset" {
			r.lastID = e.at
		}
		if e.hasID {
			if e.id == "" || len(e.id) > 2000 || strings.ContainsFunc(e.id, func(c rune) bool { return c <= ' ' || c > '~' || c == '"' }) {
				r.wrong(e, "an id that browsers can't send: %q", e.id)
			}
		}
	}
	r.end()
}

// end looks at what is missing in the end.
func (r *reading) end() {
	c := r.c
	if rev, revoked := r.revoked[c.login.id]; revoked && c.conn != nil && c.conn.login == c.login && !c.conn.isGone && time.Since(rev.at) > revokedBound {
		r.w.fail("%s is still connected %v after its session was revoked", c.name, time.Since(rev.at))
	}
	if !r.active(c) {
		return
	}
	if r.since.IsZero() {
		r.w.fail("%s never got a position", c.name)
		return
	}
	for _, t := range r.logs {
		if p, e := r.missing(t, c.view(), r.last[t.id], r.since); e != nil {
			r.w.fail("%s: %s/%d/%d is missing, committed at %v; its last there is %v, its position from %v",
				c.name, t.id, p.seq, p.part, e.at.Sub(r.w.began), r.last[t.id], r.since.Sub(r.w.began))
		}
	}
}

func (r *reading) readyAt(e event) {
	var d struct{ Resumed bool }
	switch err := json.Unmarshal([]byte(e.data), &d); {
	case err != nil:
		r.wrong(e, "%v", err)
	case r.ready:
		r.wrong(e, "ready twice")
	case r.since.IsZero():
		r.wrong(e, "ready before the position")
	case d.Resumed && e.conn.lastID == "":
		r.wrong(e, "resumed without a position")
	case d.Resumed && e.conn.foreign:
		r.wrong(e, "resumed from the position of another selection")
	}
	r.ready = true
	r.unready = !d.Resumed && e.conn.lastID != ""
	if d.Resumed {
		r.w.count("resumed")
	}
}

// durable checks an event of an entry.
func (r *reading) durable(e event) {
	r.w.count("durable events")
	if e.conn.narrow.any() {
		r.w.count("durable events on narrowed streams")
	}
	log, at := e.place.log, position{e.place.seq, e.part}
	t, v := r.logs[log], view{r.c.user, e.conn.narrow}
	if t == nil || e.place.seq > int64(len(t.entries)) {
		r.wrong(e, "there is no such entry")
		return
	}
	ent := t.entries[e.place.seq-1]
	if !r.content(e, ent) {
		return
	}
	if !r.ready {
		r.wrong(e, "before ready")
	}
	r.revocation(e)
	last, going := r.last[log]
	if going {
		switch want, _ := r.next(t, v, last); {
		case at.seq < last.seq || at.seq == last.seq && at.part <= last.part:
			r.wrong(e, "twice, or out of order: after %d/%d", last.seq, last.part)
		case at != want:
			r.wrong(e, "%s/%d/%d is missing before it", log, want.seq, want.part)
		}
	} else if want, missed := r.missing(t, v, position{}, r.since); missed != nil && (want.seq < at.seq || want.seq == at.seq && want.part < at.part) {
		r.wrong(e, "%s/%d/%d is missing before it, committed at %v, after the position of %v", log, want.seq, want.part, missed.at.Sub(r.w.began), r.since.Sub(r.w.began))
	} else if first, _ := r.next(t, v, position{seq: at.seq}); first != at {
		r.wrong(e, "begins within an entry")
	}
	r.last[log] = at
}

// content checks that the event is what the entry says, and the user's to see.
func (r *reading) content(e event, ent *entry) bool {
	user := r.c.user
	for _, ev := range ent.events {
		if ev.Part != e.part || !ev.To.Includes(user, ent.By) {
			continue
		}
		if !r.includes(ent, ev, view{user, e.conn.narrow}) {
			r.wrong(e, "is not the user's, who belongs to the log in %v and asked for %v", r.seats[user][ent.Log], e.conn.narrow)
			return false
		}
		want := `{"userId":` + user.String() + `,"type":` + strconv.Quote(ev.Type) + `,"data":` + string(ev.Data()) +
			`,"eventId":"` + chat.EventID(ent.Log, ent.Seq, ev.Part) + `"}`
		if e.data != want {
			r.wrong(e, "says  %s\nnot %s", e.data, want)
		}
		return true
	}
	r.wrong(e, "the entry has no such event for the user")
	return false
}

// revokedBound is how long a stream may outlive its session when everything goes wrong:
// it is read again every 5 minutes, by a table that hangs for 2.
const revokedBound = 8 * time.Minute

func (r *reading) revocation(e event) {
	rev, revoked := r.revoked[e.conn.login.id]
	switch {
	case !revoked:
	case e.conn.began.After(rev.at):
		r.wrong(e, "on a session that was revoked before, at %v", rev.at.Sub(r.w.began))
	case e.place.log == rev.log && e.place.seq > rev.seq:
		r.wrong(e, "behind the revocation of its session at %d", rev.seq)
	case e.at.Sub(rev.at) > revokedBound && r.logs[e.place.log].entries[e.place.seq-1].at.After(rev.at):
		r.wrong(e, "long after the revocation of its session at %v", rev.at.Sub(r.w.began))
	}
}

func (r *reading) ephemeral(e event) {
	r.w.count("ephemeral events")
	var d struct {
		UserID chat.UserID
		Type   string
		Data   struct{ ConversationID, GroupChatID string }
	}
	if err := json.Unmarshal([]byte(e.data), &d); err != nil {
		r.wrong(e, "%v", err)
		return
	}
	log := chat.ConversationLog(d.Data.ConversationID)
	if d.Data.GroupChatID != "" {
		log = chat.GroupLog(d.Data.GroupChatID)
	}
	switch {
	case d.Type != "typing" && d.Type != "receipt":
		r.wrong(e, "no ephemeral")
	case d.UserID != r.c.user:
		r.wrong(e, "of another user")
	case len(r.seats[r.c.user][log]) == 0:
		r.wrong(e, "the user never was a member")
	case !r.ready:
		r.wrong(e, "before ready")
	case !e.conn.narrow.wants(log, d.Type):
		r.wrong(e, "not asked for")
	}
}

// maxReplay is how many entries a stream may have to pull.
const maxReplay = 1000

// reset checks that there was a reason for it.
func (r *reading) reset(e event) {
	var d struct{ Reason string }
	if err := json.Unmarshal([]byte(e.data), &d); err != nil {
		r.wrong(e, "%v", err)
	}
	r.w.count("reset: " + d.Reason)
	switch {
	case d.Reason == "overflow" && r.unsent(e) > maxReplay:
	case d.Reason == "selection" && e.conn.foreign:
	case d.Reason == "expired" && len(r.w.gone) > 0:
	case d.Reason == "expired" && e.at.Sub(r.brought) > 7*24*time.Hour-4*time.Hour:
	default:
		r.wrong(e, "without a reason: %d entries were not sent, the last position is %v old", r.unsent(e), e.at.Sub(r.brought))
	}
	r.since, r.unready = e.at, false
	clear(r.last)
}

// unsent is how many entries the client may have lacked then.
func (r *reading) unsent(reset event) (n int) {
	for _, t := range r.logs {
		if !reset.conn.narrow.follows(t.id) {
			continue
		}
		last, going := r.last[t.id]
		iv := r.seats[r.c.user][t.id]
		for _, e := range t.entries {
			if e.at.After(reset.at) {
				break
			}
			if !iv.Contains(e.Seq) || going && e.Seq < last.seq || !going && e.at.Before(r.since.Add(-20*time.Minute)) {
				continue
			}
			n++
		}
	}
	return n
}
