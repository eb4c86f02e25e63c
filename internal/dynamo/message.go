package dynamo

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tidings/internal/chat"
)

// AppendMessage commits a message: its place at the head, the entry, the author's
// right and read position, the idempotency record. The same four items for 2
// members and for 100,000.
func (s *Store) AppendMessage(ctx context.Context, d chat.Draft, idem chat.Idempotency) (chat.Answer, error) {
	head, mine, author, kept := headKey(d.Log), membershipKey(d.By, d.Log), profileKey(d.By), idemKey(d.By, idem.Key)
	got, err := s.getAll(ctx, withRecord(d.By, idem, head, mine, author)...)
	if err != nil {
		return chat.Answer{}, err
	}
	if rec, err := s.earlier(got[kept], idem); err != nil {
		return chat.Answer{}, err
	} else if rec != nil {
		return s.answer(ctx, *rec)
	}
	r := &right{s: s, user: d.By, log: d.Log}
	if err := r.learn(got[mine]); err != nil {
		return chat.Answer{}, err
	}
	a, err := s.newMessage(got[head], got[author], d)
	if err != nil {
		return chat.Answer{}, err
	}
	return s.appendMessage(ctx, a, r, idem)
}

// newMessage prepares the append of the draft at the head.
func (s *Store) newMessage(headItem, author item, d chat.Draft) (*appender, error) {
	if headItem == nil || author == nil {
		return nil, fmt.Errorf("%s: user %d has a membership, but there is no head or no profile", d.Log, d.By)
	}
	head, err := decodeHead(headItem)
	if err != nil {
		return nil, err
	}
	u, err := decodeUser(d.By, author)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(chat.MessageBody{Sender: u.UserRef, Content: d.Content, Members: head.Members})
	if err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	return &appender{s: s, head: head, draft: chat.Entry{Kind: chat.KindMessage, By: d.By, Body: body}}, nil
}

func (s *Store) appendMessage(ctx context.Context, a *appender, r *right, idem chat.Idempotency) (chat.Answer, error) {
	var done *record
	err := s.commit(ctx, change{refresh: a.refresh, build: func(now time.Time) ([]write, error) {
		if err := r.check(now); err != nil {
			return nil, err
		}
		ws, err := a.writes(now)
		if err != nil {
			return nil, err
		}
		rec := record{status: statusCreated, log: a.entry.Log, seq: a.entry.Seq}
		return append([]write{
			s.keep(r.user, idem, rec, now, func(was record) { done = &was }),
			r.use(now, a.after.Count),
		}, ws...), nil
	}})
	if err != nil {
		return chat.Answer{}, err
	}
	return s.settled(ctx, done, chat.Answer{Entry: a.entry, Status: statusCreated}, idem)
}

// settled is the answer of a commit: its own, or that of the record which it found.
func (s *Store) settled(ctx context.Context, done *record, own chat.Answer, idem chat.Idempotency) (chat.Answer, error) {
	if done == nil {
		return own, nil
	}
	a, err := s.answer(ctx, *done)
	a.Replayed = idem.Given // else it was an attempt of this request, still to be published
	return a, err
}

// Messages reads a page of messages, then the membership, and shows what lies in
// its intervals.
func (s *Store) Messages(ctx context.Context, user chat.UserID, log chat.LogID, page chat.Page) (chat.MessagePage, error) {
	q := query{pk: logPK(log), from: entrySK(page.After + 1), to: entrySK(maxSeq), limit: page.Limit + 1, kind: string(chat.KindMessage)}
	if page.Before > 0 {
		q.to = entrySK(min(page.Before, maxSeq) - 1)
	}
	q.descending = page.After == 0
	var found []chat.Entry
	for {
		read, err := s.messageEntries(ctx, q, page.Limit+1-len(found))
		if err != nil {
			return chat.MessagePage{}, err
		}
		m, err := s.Membership(ctx, user, log)
		if err != nil {
			return chat.MessagePage{}, err
		}
		if !m.Intervals.Open() {
			return chat.MessagePage{}, chat.ErrConversationNotFound
		}
		want := page.Limit + 1 - len(found)
		found = slices.DeleteFunc(append(found, read...), func(e chat.Entry) bool { return !m.Intervals.Contains(e.Seq) })
		if len(read) < want || len(found) > page.Limit {
			return pageOf(found, page)
		}
		// Some of it lies between the reader's times: on behind it.
		if last := read[len(read)-1].Seq; q.descending {
			q.to = entrySK(last - 1)
		} else {
			q.from = entrySK(last + 1)
		}
	}
}

// messageEntries reads the first n entries of the range, fewer if it has no more.
func (s *Store) messageEntries(ctx context.Context, q query, n int) ([]chat.Entry, error) {
	var found []chat.Entry
	if q.from > q.to {
		return nil, nil
	}
	err := s.pages(ctx, q, func(items []item) (bool, error) {
		for _, it := range items {
			e, err := decodeEntry(it)
			if err != nil {
				return false, err
			}
			found = append(found, e)
		}
		return len(found) < n, nil
	})
	if err != nil {
		return nil, fmt.Errorf("read entries: %w", err)
	}
	return found[:min(n, len(found))], nil
}

func pageOf(found []chat.Entry, page chat.Page) (chat.MessagePage, error) {
	more := len(found) > page.Limit
	found = found[:min(len(found), page.Limit)]
	p := chat.MessagePage{Messages: make([]chat.Message, 0, len(found))}
	if page.After > 0 {
		p.Older, p.Newer = true, more
	} else {
		slices.Reverse(found)
		p.Older, p.Newer = more, page.Before > 0
	}
	for _, e := range found {
		msg, err := e.Message()
		if err != nil {
			return chat.MessagePage{}, err
		}
		p.Messages = append(p.Messages, msg)
	}
	return p, nil
}

// MarkRead moves the read position and appends the mark to the user's own log.
func (s *Store) MarkRead(ctx context.Context, user chat.UserID, log chat.LogID, seq int64, idem chat.Idempotency) (chat.Answer, error) {
	own := chat.UserLog(user)
	mine, target, head, kept := membershipKey(user, log), entryKey(log, min(seq, maxSeq)), headKey(own), idemKey(user, idem.Key)
	got, err := s.getAll(ctx, withRecord(user, idem, mine, target, head)...)
	if err != nil {
		return chat.Answer{}, err
	}
	if rec, err := s.earlier(got[kept], idem); err != nil {
		return chat.Answer{}, err
	} else if rec != nil {
		return s.answer(ctx, *rec)
	}
	m, err := decodeMembership(got[mine])
	if err != nil {
		return chat.Answer{}, err
	}
	if !m.Intervals.Open() {
		return chat.Answer{}, chat.ErrConversationNotFound
	}
	if got[target] == nil || !m.Intervals.Contains(seq) {
		return chat.Answer{}, chat.ErrMessageNotFound
	}
	e, err := decodeEntry(got[target])
	if err != nil {
		return chat.Answer{}, err
	}
	if e.Kind != chat.KindMessage {
		return chat.Answer{}, chat.ErrMessageNotFound
	}
	if e.N <= m.ReadCount { // read already: nothing to tell anybody
		return s.remember(ctx, user, idem, record{status: statusNoContent})
	}
	h, err := decodeHead(got[head])
	if err != nil {
		return chat.Answer{}, err
	}
	body, err := json.Marshal(chat.ReadBody{Log: log, Message: seq, ReadCount: e.N})
	if err != nil {
		return chat.Answer{}, fmt.Errorf("encode mark: %w", err)
	}
	a := &appender{s: s, head: h, draft: chat.Entry{Kind: chat.KindRead, By: user, Body: body}}
	return s.appendMark(ctx, a, mine, e.N, idem)
}

func (s *Store) appendMark(ctx context.Context, a *appender, mine key, count int64, idem chat.Idempotency) (chat.Answer, error) {
	var done *record
	passed := false // another device has read further meanwhile
	move := write{
		op:     s.update(mine, "SET readn = :n", "attribute_exists(since) AND readn < :n", item{":n": num(count)}),
		failed: func(it item) error { passed = it != nil && it["since"] != nil; return refusedMark(passed) },
	}
	user := a.draft.By
	err := s.commit(ctx, change{refresh: a.refresh, build: func(now time.Time) ([]write, error) {
		ws, err := a.writes(now)
		if err != nil {
			return nil, err
		}
		rec := record{status: statusNoContent, log: a.entry.Log, seq: a.entry.Seq}
		return append([]write{s.keep(user, idem, rec, now, func(was record) { done = &was }), move}, ws...), nil
	}})
	if err != nil {
		return chat.Answer{}, err
	}
	if passed {
		return s.remember(ctx, user, idem, record{status: statusNoContent})
	}
	return s.settled(ctx, done, chat.Answer{Entry: a.entry, Status: statusNoContent}, idem)
}

func refusedMark(passed bool) error {
	if passed {
		return errSettled
	}
	return chat.ErrConversationNotFound
}
