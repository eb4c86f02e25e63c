package dynamo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tidings/internal/chat"
)

// AppendMessage commits a message: its place at the head, the entry, the author's
// right and read position, the idempotency record. The same four items for 2
// members and for 100,000.
func (s *Store) AppendMessage(ctx context.Context, d chat.Draft, idem chat.Idempotency) (chat.Answer, error) {
	head, mine, author, kept := headKey(d.Log), membershipKey(d.By, d.Log), profileKey(d.By), idemKey(d.By, idem)
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
	a := &appender{s: s, head: head, draft: chat.Entry{Kind: chat.KindMessage, By: d.By}}
	a.body = func(h *chat.Head) (any, error) {
		if h.Deleted > 0 {
			return nil, chat.NotFoundIn(d.Log)
		}
		return chat.MessageBody{Sender: u.UserRef, Content: d.Content, Members: h.Members, Group: h.Group}, nil
	}
	return a, nil
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
	return s.settled(ctx, done, chat.Answer{Entry: a.entry, Status: statusCreated})
}

// settled is the answer of a commit: its own, or that of the record which it found.
// The record may be that of an attempt of this request whose answer was lost, so the
// answer doesn't count as replayed: it is still to be published. If another request
// with the key has overtaken this one it is published twice, which harms nobody.
func (s *Store) settled(ctx context.Context, done *record, own chat.Answer) (chat.Answer, error) {
	if done == nil {
		return own, nil
	}
	a, err := s.answer(ctx, *done)
	a.Replayed = false
	return a, err
}

// Messages reads a page of messages, then the membership, and shows what lies in
// its intervals. Where that leaves too few, it reads again, in the intervals alone.
func (s *Store) Messages(ctx context.Context, user chat.UserID, log chat.LogID, page chat.Page) (chat.MessagePage, error) {
	to := int64(maxSeq)
	if page.Before > 0 {
		to = min(page.Before, maxSeq) - 1
	}
	all := chat.Intervals{{From: page.After + 1, To: to}}
	found, m, err := s.messagesIn(ctx, user, log, all, page)
	if err != nil {
		return chat.MessagePage{}, err
	}
	hidden := func(e chat.Entry) bool { return !m.Intervals.Contains(e.Seq) }
	if slices.ContainsFunc(found, hidden) {
		if found, m, err = s.messagesIn(ctx, user, log, m.Intervals.Within(page.After+1, to), page); err != nil {
			return chat.MessagePage{}, err
		}
	}
	return pageOf(slices.DeleteFunc(found, hidden), page)
}

// messagesIn reads one message more than the page holds, out of the intervals, and
// then the membership, which must be open.
func (s *Store) messagesIn(ctx context.Context, user chat.UserID, log chat.LogID, in chat.Intervals, page chat.Page) (found []chat.Entry, m chat.Membership, err error) {
	q := query{pk: logPK(log), limit: page.Limit + 1, kind: string(chat.KindMessage), descending: page.After == 0}
	if q.descending {
		in = slices.Clone(in)
		slices.Reverse(in)
	}
	for _, i := range in {
		if len(found) > page.Limit || i.To < i.From {
			continue
		}
		q.from, q.to = entrySK(i.From), entrySK(i.To)
		err := s.pages(ctx, q, func(items []item) (bool, error) {
			for _, it := range items {
				e, err := decodeEntry(it)
				if err != nil {
					return false, err
				}
				found = append(found, e)
			}
			return len(found) <= page.Limit, nil
		})
		if err != nil {
			return nil, m, fmt.Errorf("read entries: %w", err)
		}
	}
	if log.Is(chat.GroupPrefix) { // one that was deleted ends memberships whose items are open still
		v, err := s.View(ctx, user, log)
		return found, v.Membership, err
	}
	if m, err = s.Membership(ctx, user, log); err != nil {
		return nil, m, err
	}
	if !m.Intervals.Open() {
		return nil, m, chat.NotFoundIn(log)
	}
	return found, m, nil
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
	mine, target, head, kept := membershipKey(user, log), entryKey(log, min(seq, maxSeq)), headKey(own), idemKey(user, idem)
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
		return chat.Answer{}, chat.NotFoundIn(log)
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
	a := newAppender(s, h, chat.Entry{Kind: chat.KindRead, By: user}, chat.ReadBody{Log: log, Message: seq, ReadCount: e.N})
	return s.appendMark(ctx, a, mine, e.N, idem)
}

func (s *Store) appendMark(ctx context.Context, a *appender, mine key, count int64, idem chat.Idempotency) (chat.Answer, error) {
	var done *record
	passed := false // another device has read further meanwhile
	move := write{
		op:     s.update(mine, "SET readn = :n", "attribute_exists(since) AND readn < :n", item{":n": num(count)}),
		failed: func(it item) error { passed = it != nil && it["since"] != nil; return refusedMark(passed, mine) },
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
	return s.settled(ctx, done, chat.Answer{Entry: a.entry, Status: statusNoContent})
}

func refusedMark(passed bool, mine key) error {
	if passed {
		return errSettled
	}
	return chat.NotFoundIn(chat.LogID(mine.sk[len(membershipPrefix):]))
}
