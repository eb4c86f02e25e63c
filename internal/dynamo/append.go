package dynamo

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tidings/internal/chat"
)

// appender moves one log's head by one entry, as often as it takes.
type appender struct {
	s     *Store
	head  chat.Head
	draft chat.Entry // Kind, By, Adds and Removes
	// body changes what else the entry changes in the head, beyond its position and
	// its last message, and gives the entry's body from the head as it will be. An
	// error refuses the change.
	body  func(h *chat.Head) (any, error)
	after chat.Head  // of the newest attempt
	entry chat.Entry // of the newest attempt
}

// newAppender appends an entry whose body doesn't depend on the head.
func newAppender(s *Store, head chat.Head, draft chat.Entry, body any) *appender {
	return &appender{s: s, head: head, draft: draft, body: func(*chat.Head) (any, error) { return body, nil }}
}

// writes are the head's move and the entry, for this attempt.
func (a *appender) writes(now time.Time) ([]write, error) {
	e, h := a.draft, a.head
	e.Log, e.Seq, e.TS = h.Log, h.Seq+1, chat.NextTS(now, h.TS)
	e.Shards = h.Shards.With(e.Adds...)
	if e.Kind == chat.KindMessage {
		h.Count++
	}
	e.N = h.Count
	h.Seq, h.TS, h.Shards = e.Seq, e.TS, e.Shards
	body, err := a.body(&h)
	if err != nil {
		return nil, err
	}
	if e.Body, err = json.Marshal(body); err != nil {
		return nil, fmt.Errorf("encode %s entry: %w", e.Kind, err)
	}
	if len(e.Body) > chat.MaxEntryBody {
		return nil, chat.ErrEntryTooLarge
	}
	if e.Kind == chat.KindMessage {
		m, err := e.Message()
		if err != nil {
			return nil, err
		}
		h.Last = m.Last()
	}
	a.after, a.entry = h, e
	ws := []write{
		{op: a.s.advance(a.head, h), failed: lostRace},
		// The head's condition guards the entry's place; this one would catch a
		// head that was set back by hand.
		{op: a.s.put(entryItem(e), absent, nil), failed: lostRace},
	}
	if e.Kind.Stored() {
		ws = append(ws, write{op: a.s.put(noteItem(e), "", nil)})
	}
	return ws, nil
}

// lostRace is the condition of a head that somebody else has moved: try again.
func lostRace(item) error { return nil }

// refresh reads the head anew. What a failed condition would bring is old after
// the pause that follows it.
func (a *appender) refresh(ctx context.Context) error {
	it, err := a.s.get(ctx, headKey(a.head.Log))
	if err != nil {
		return err
	}
	if it == nil {
		return fmt.Errorf("append to %s: the log has no head", a.head.Log)
	}
	a.head, err = decodeHead(it)
	return err
}
