package dynamo

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tidings/internal/chat"
)

// Statuses of answers that are kept in idempotency records.
const (
	statusOK        = 200
	statusCreated   = 201
	statusNoContent = 204
)

// CreateConversation makes the log of two users with its first entry, which adds
// them, and both sides of both memberships: one transaction.
func (s *Store) CreateConversation(ctx context.Context, by chat.UserID, members []chat.UserRef, idem chat.Idempotency) (chat.Answer, error) {
	log := chat.ConversationLog(chat.ConversationID(members[0].ID, members[1].ID))
	got, err := s.getAll(ctx, withRecord(by, idem, headKey(log))...)
	if err != nil {
		return chat.Answer{}, err
	}
	if rec, err := s.earlier(got[idemKey(by, idem)], idem); err != nil {
		return chat.Answer{}, err
	} else if rec != nil {
		return s.answer(ctx, *rec)
	}
	if got[headKey(log)] != nil {
		return s.remember(ctx, by, idem, record{status: statusOK, log: log})
	}
	if err := s.mayJoin(ctx, by, ids(members)); err != nil {
		return chat.Answer{}, err
	}
	return s.create(ctx, by, log, members, idem)
}

func (s *Store) create(ctx context.Context, by chat.UserID, log chat.LogID, members []chat.UserRef, idem chat.Idempotency) (chat.Answer, error) {
	body, err := json.Marshal(chat.CreatedBody{Members: members})
	if err != nil {
		return chat.Answer{}, fmt.Errorf("encode entry: %w", err)
	}
	a := chat.Answer{Status: statusCreated}
	var done *record
	there := false // somebody else has made it meanwhile
	err = s.commit(ctx, change{build: func(now time.Time) ([]write, error) {
		e := chat.Entry{Log: log, Seq: 1, TS: now.UnixMilli(), Kind: chat.KindCreated, By: by, Body: body}
		h := chat.Head{Log: log, Seq: e.Seq, TS: e.TS, Members: members}
		for _, m := range members {
			e.Adds = append(e.Adds, m.ID)
		}
		e.Shards = e.Shards.With(e.Adds...)
		h.Shards = e.Shards
		a.Entry = e
		ws := []write{
			s.keep(by, idem, record{status: statusCreated, log: log, seq: e.Seq}, now, func(was record) { done = &was }),
			{op: s.put(headItem(h), absent, nil), failed: func(item) error { there = true; return errSettled }},
			{op: s.put(entryItem(e), "", nil)},
		}
		for _, u := range e.Adds {
			m := chat.Membership{Log: log, User: u, Role: "member", Intervals: chat.Intervals{{From: e.Seq}}}
			ws = append(ws, write{op: s.put(membershipItem(m), "", nil)}, write{op: s.put(memberItem(m), "", nil)})
		}
		return ws, nil
	}})
	if err != nil {
		return chat.Answer{}, err
	}
	if there {
		return s.remember(ctx, by, idem, record{status: statusOK, log: log})
	}
	return s.settled(ctx, done, a)
}

// Conversations reads the open logs of the user with that prefix: which they are,
// then their heads, then the memberships once more, so that a list never shows
// what lies past a removal in between.
func (s *Store) Conversations(ctx context.Context, user chat.UserID, prefix string) ([]chat.LogView, error) {
	first, err := s.memberships(ctx, user, prefix)
	if err != nil {
		return nil, err
	}
	var logs []chat.LogID
	for _, m := range first {
		if m.Intervals.Open() {
			logs = append(logs, m.Log)
		}
	}
	if len(logs) == 0 {
		return nil, nil
	}
	heads, err := s.Heads(ctx, logs)
	if err != nil {
		return nil, err
	}
	last, err := s.memberships(ctx, user, prefix)
	if err != nil {
		return nil, err
	}
	var out []chat.LogView
	for _, m := range last {
		h, ok := heads[m.Log]
		switch {
		case !ok || !m.Intervals.Open():
		case h.Deleted > 0:
			if err := s.closeMembership(ctx, m, h); err != nil {
				return nil, err
			}
		default:
			out = append(out, view(h, m))
		}
	}
	return out, nil
}

// View reads a log's head, then the user's membership.
func (s *Store) View(ctx context.Context, user chat.UserID, log chat.LogID) (chat.LogView, error) {
	heads, err := s.Heads(ctx, []chat.LogID{log})
	if err != nil {
		return chat.LogView{}, err
	}
	m, err := s.Membership(ctx, user, log)
	if err != nil {
		return chat.LogView{}, err
	}
	h, ok := heads[log]
	if !ok || !m.Intervals.Open() || h.Deleted > 0 {
		return chat.LogView{}, chat.NotFoundIn(log)
	}
	return view(h, m), nil
}

// view hides a last message from before the member's present time: a list says what
// the events of that time say.
func view(h chat.Head, m chat.Membership) chat.LogView {
	if h.Last != nil && h.Last.Seq < m.Intervals.Last() {
		h.Last = nil
	}
	return chat.LogView{Head: h, Membership: m}
}
