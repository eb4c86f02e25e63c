package dynamo

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"tidings/internal/chat"
)

// storedLifetime is how long notifications are kept, with their entries.
const storedLifetime = 90 * 24 * time.Hour

// notePrefix begins the keys of a log's index of stored notifications: the entry at
// each, and when it was read. Read marks and the like are far more than they are, so
// the list must not look for them among all entries. The key is the entry's time,
// which stands once in a log and orders as the list does.
const notePrefix = "N#"

func noteKey(log chat.LogID, ts int64) key {
	return key{logPK(log), fmt.Sprintf("%s%013d", notePrefix, ts)}
}

func noteItem(e chat.Entry) item {
	it := noteKey(e.Log, e.TS).item()
	it["seq"], it["ts"], it["ttl"] = num(e.Seq), num(e.TS), num(time.UnixMilli(e.TS).Add(storedLifetime).Unix())
	return it
}

// note is an item of the index.
type note struct {
	seq, ts int64
	read    bool
}

// notes reads the newest ones up to a time. readTo is the head's: what lies up to it
// was read at once.
func (s *Store) notes(ctx context.Context, log chat.LogID, readTo, upTo int64, most int) ([]note, error) {
	var out []note
	q := query{pk: logPK(log), from: noteKey(log, 0).sk, to: noteKey(log, min(upTo, chat.MaxTS)).sk, descending: true, limit: most}
	err := s.pages(ctx, q, func(items []item) (bool, error) {
		for _, it := range items {
			r := reader{it: it}
			n := note{seq: r.int("seq"), ts: r.int("ts")}
			n.read = r.int("seen") > 0 || n.ts <= readTo
			if r.err != nil {
				return false, r.err
			}
			out = append(out, n)
		}
		return len(out) < most, nil
	})
	if err != nil {
		return nil, fmt.Errorf("read notifications: %w", err)
	}
	return out[:min(len(out), most)], nil
}

// recent reads the newest chat.MaxUnread notes of a user's log, its head first.
func (s *Store) recent(ctx context.Context, log chat.LogID) (notes []note, h chat.Head, err error) {
	hs, err := s.Heads(ctx, []chat.LogID{log})
	if err != nil {
		return nil, chat.Head{}, err
	}
	h, ok := hs[log]
	if !ok {
		return nil, chat.Head{}, fmt.Errorf("read notifications: %s has no head", log)
	}
	notes, err = s.notes(ctx, log, h.ReadTo, chat.MaxTS, chat.MaxUnread)
	return notes, h, err
}

func isRead(n note) bool { return n.read }

// StoredNotifications implements chat.NotificationStore.
func (s *Store) StoredNotifications(ctx context.Context, user chat.UserID, upTo int64, limit int, unread bool) (chat.StoredNotifications, error) {
	log := chat.UserLog(user)
	recent, h, err := s.recent(ctx, log)
	if err != nil {
		return chat.StoredNotifications{}, err
	}
	fresh := slices.DeleteFunc(slices.Clone(recent), isRead)
	out := chat.StoredNotifications{Unread: len(fresh)}
	page := fresh
	if !unread {
		if page, err = s.notes(ctx, log, h.ReadTo, upTo, limit); err != nil {
			return chat.StoredNotifications{}, err
		}
	}
	page = slices.DeleteFunc(page, func(n note) bool { return n.ts > upTo })
	page = page[:min(len(page), limit)]
	if len(recent) == chat.MaxUnread { // what is older counts as read
		for i := range page {
			page[i].read = page[i].read || page[i].ts < recent[len(recent)-1].ts
		}
	}
	out.Page, err = s.noted(ctx, log, page)
	return out, err
}

// noted reads the entries of notes. One whose entry has just expired is left out.
func (s *Store) noted(ctx context.Context, log chat.LogID, notes []note) ([]chat.StoredNotification, error) {
	keys := make([]key, len(notes))
	for i, n := range notes {
		keys[i] = entryKey(log, n.seq)
	}
	got, err := s.getAll(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var out []chat.StoredNotification
	for i, n := range notes {
		it := got[keys[i]]
		if it == nil {
			continue
		}
		e, err := decodeEntry(it)
		if err != nil {
			return nil, err
		}
		out = append(out, chat.StoredNotification{Entry: e, Read: n.read})
	}
	return out, nil
}

// ReadNotification implements chat.NotificationStore. An attempt whose answer was
// lost finds it read and gives no entry: the relay tells of it.
func (s *Store) ReadNotification(ctx context.Context, user chat.UserID, seq int64) (chat.Entry, error) {
	log := chat.UserLog(user)
	target := entryKey(log, min(seq, maxSeq))
	got, err := s.getAll(ctx, headKey(log), target)
	if err != nil {
		return chat.Entry{}, err
	}
	if got[target] == nil {
		return chat.Entry{}, chat.ErrNotificationNotFound
	}
	e, err := decodeEntry(got[target])
	if err != nil {
		return chat.Entry{}, err
	}
	if !e.Kind.Stored() {
		return chat.Entry{}, chat.ErrNotificationNotFound
	}
	h, err := decodeHead(got[headKey(log)])
	if err != nil {
		return chat.Entry{}, err
	}
	read := false
	a := &appender{s: s, head: h, draft: chat.Entry{Kind: chat.KindNotificationRead, By: user}}
	a.body = func(h *chat.Head) (any, error) {
		if read = h.ReadTo >= e.TS; read {
			return nil, errSettled
		}
		return chat.NotificationReadBody{IDs: []string{chat.NotificationID(log, seq)}}, nil
	}
	mark := write{
		op: s.update(noteKey(log, e.TS), "SET seen = :now", "attribute_exists(PK) AND attribute_not_exists(seen)", item{":now": num(s.now().UnixMilli())}),
		failed: func(it item) error {
			if it == nil {
				return chat.ErrNotificationNotFound
			}
			read = true
			return errSettled
		},
	}
	err = s.commit(ctx, change{refresh: a.refresh, build: func(now time.Time) ([]write, error) {
		ws, err := a.writes(now)
		return append([]write{mark}, ws...), err
	}})
	if err != nil || read {
		return chat.Entry{}, err
	}
	return a.entry, nil
}

// maxReads is how many read positions one transaction moves: it has the record, the
// head and the entry too, of 100 items at most.
const maxReads = 90

// ReadAll implements chat.NotificationStore. Who has more than maxReads conversations
// to read gets several entries, the last of which says that it is all.
func (s *Store) ReadAll(ctx context.Context, user chat.UserID, idem chat.Idempotency) ([]chat.Entry, error) {
	if idem.Given {
		it, err := s.get(ctx, idemKey(user, idem))
		if err != nil {
			return nil, err
		}
		if rec, err := s.earlier(it, idem); rec != nil || err != nil {
			return nil, err
		}
	}
	views, err := s.Conversations(ctx, user, "")
	if err != nil {
		return nil, err
	}
	recent, head, err := s.recent(ctx, chat.UserLog(user))
	if err != nil {
		return nil, err
	}
	reads := unreadIn(views)
	if len(reads) == 0 && !slices.ContainsFunc(recent, func(n note) bool { return !n.read }) {
		_, err := s.remember(ctx, user, idem, record{status: statusNoContent})
		return nil, err
	}
	var out []chat.Entry
	for {
		n := min(len(reads), maxReads)
		all := n == len(reads)
		key := idem
		if !all {
			key = chat.Idempotency{Key: rand.Text()}
		}
		e, err := s.readThese(ctx, head, user, reads[:n], all, key)
		if err != nil {
			return out, err
		}
		if e.Seq > 0 {
			out = append(out, e)
			head.Seq, head.TS = e.Seq, e.TS
		}
		if reads = reads[n:]; all {
			return out, nil
		}
	}
}

// unreadIn are the positions that read all, the newest log first.
func unreadIn(views []chat.LogView) []chat.ReadBody {
	slices.SortFunc(views, func(a, b chat.LogView) int { return -cmp.Compare(a.Head.TS, b.Head.TS) })
	var out []chat.ReadBody
	for _, v := range views {
		if v.Head.Last != nil && v.Head.Count > v.Membership.ReadCount {
			out = append(out, chat.ReadBody{Log: v.Head.Log, Message: v.Head.Last.Seq, ReadCount: v.Head.Count})
		}
	}
	return out
}

// readThese moves read positions and, with the last of them, marks all stored
// notifications as read. Nothing left to move gives no entry.
func (s *Store) readThese(ctx context.Context, head chat.Head, user chat.UserID, reads []chat.ReadBody, all bool, idem chat.Idempotency) (chat.Entry, error) {
	a := &appender{s: s, head: head, draft: chat.Entry{Kind: chat.KindNotificationRead, By: user}}
	a.body = func(h *chat.Head) (any, error) {
		if all {
			h.ReadTo = h.TS
		}
		return chat.NotificationReadBody{All: all, Reads: reads}, nil
	}
	refresh := func(ctx context.Context) (err error) {
		if reads, err = s.stillUnread(ctx, user, reads); err != nil {
			return err
		}
		return a.refresh(ctx)
	}
	var done *record
	none := false
	err := s.commit(ctx, change{refresh: refresh, build: func(now time.Time) ([]write, error) {
		if none = len(reads) == 0 && !all; none {
			return nil, errSettled
		}
		entry, err := a.writes(now)
		if err != nil {
			return nil, err
		}
		rec := record{status: statusNoContent, log: a.entry.Log, seq: a.entry.Seq}
		ws := []write{s.keep(user, idem, rec, now, func(was record) { done = &was })}
		for _, r := range reads {
			ws = append(ws, write{
				op:     s.update(membershipKey(user, r.Log), "SET readn = :n", "attribute_exists(since) AND readn < :n", item{":n": num(r.ReadCount)}),
				failed: lostRace,
			})
		}
		return append(ws, entry...), nil
	}})
	if err != nil || none {
		return chat.Entry{}, err
	}
	ans, err := s.settled(ctx, done, chat.Answer{Entry: a.entry})
	return ans.Entry, err
}

// stillUnread leaves out what was read, or left, meanwhile.
func (s *Store) stillUnread(ctx context.Context, user chat.UserID, reads []chat.ReadBody) ([]chat.ReadBody, error) {
	keys := make([]key, len(reads))
	for i, r := range reads {
		keys[i] = membershipKey(user, r.Log)
	}
	got, err := s.getAll(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var out []chat.ReadBody
	for i, r := range reads {
		m, err := decodeMembership(got[keys[i]])
		if err != nil {
			return nil, err
		}
		if m.Intervals.Open() && m.ReadCount < r.ReadCount {
			out = append(out, r)
		}
	}
	return out, nil
}
