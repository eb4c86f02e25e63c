package stream

import (
	"slices"
	"strings"
	"time"

	"tidings/internal/chat"
)

// client is an EventSource of the history with what the table was like around its
// beginning.
type client struct {
	user  chat.UserID
	conn  *fakeConn            // nil while it is away
	kept  string               // what came whole over the connections so far
	after map[chat.LogID]int64 // heads when it was first found ready: later entries must come; nil until then
	gone  bool                 // its session was ended or replaced
	batch time.Duration
	types []string     // its stream is narrowed to, as far as that takes no entry away
	logs  []chat.LogID // the same: nil is all
}

// raw is all that the client has read.
func (c *client) raw() string {
	if c.conn == nil {
		return c.kept
	}
	return c.kept + c.conn.text()
}

// cut breaks the connection off after some of what the hub has written. An
// unfinished block counts for nothing.
func (c *client) cut(n int) {
	text := c.conn.text()[:n]
	c.kept += text[:strings.LastIndex("\n\n"+text, "\n\n")]
	c.conn.stream.Closed()
	c.conn = nil
	if lastID(c.kept) == "" {
		c.after = nil // it never heard where it was
	}
}

func (p *play) newClient() *client {
	c := &client{user: p.someUser()}
	if p.percent(30) {
		c.batch = minBatch + time.Duration(p.r.Int64N(int64(maxBatch-minBatch)))
	}
	if p.percent(20) {
		c.types = []string{"conversation_update", "typing"} // all members get one of each entry
	}
	if p.percent(20) {
		c.logs = []chat.LogID{p.someLog(), p.someLog(), "c:98-99"}
	}
	p.clients = append(p.clients, c)
	return c
}

func (p *play) connect(c *client) {
	s := chat.Session{ID: c.user.String(), User: c.user, Expires: time.Now().Add(chat.SessionLifetime)}
	p.store.set(func() { p.store.sessions[s.ID] = s })
	c.conn = &fakeConn{user: c.user}
	st, err := p.hubs[p.r.IntN(len(p.hubs))].Open(p.t.Context(), Request{Session: s, LastEventID: lastID(c.kept), Batch: c.batch, selection: newSelection(slices.Clone(c.types), slices.Clone(c.logs))}, c.conn)
	if err != nil {
		p.t.Error(err)
	}
	c.conn.stream = st
}
