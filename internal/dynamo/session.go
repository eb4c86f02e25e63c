package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"tidings/internal/chat"
)

// CreateSession keeps a new log-in.
func (s *Store) CreateSession(ctx context.Context, ses chat.Session) error {
	it := sessionKey(ses.User, ses.ID).item()
	it["created"], it["ttl"] = num(ses.Created.UnixMilli()), num(ses.Expires.Unix())
	if _, err := s.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: it}); err != nil {
		return fmt.Errorf("put session: %w", busy(err))
	}
	return nil
}

// Session reads a log-in strongly. It doesn't look at its expiry.
func (s *Store) Session(ctx context.Context, ses chat.Session) (chat.Session, error) {
	it, err := s.get(ctx, sessionKey(ses.User, ses.ID))
	if err != nil {
		return chat.Session{}, err
	}
	return decodeSession(it, ses)
}

// SessionsHold reads log-ins strongly and says of each, in their order, whether it
// holds still: what Session says of one, a hundred at a call.
func (s *Store) SessionsHold(ctx context.Context, ss []chat.Session) ([]bool, error) {
	keys := make([]key, len(ss))
	for i, ses := range ss {
		keys[i] = sessionKey(ses.User, ses.ID)
	}
	items, err := s.getAll(ctx, keys...)
	if err != nil {
		return nil, fmt.Errorf("read sessions: %w", err)
	}
	holds := make([]bool, len(ss))
	for i, ses := range ss {
		_, err := decodeSession(items[keys[i]], ses)
		if err != nil && !errors.Is(err, chat.ErrSessionEnded) {
			return nil, err
		}
		holds[i] = err == nil
	}
	return holds, nil
}

// decodeSession is the session as the item says, or ErrSessionEnded. Of a foreign one
// there is an item only if some with its ID were ended.
func decodeSession(it item, ses chat.Session) (chat.Session, error) {
	r := reader{it: it}
	if ses.Foreign {
		if (chat.SessionRevokedBody{Session: ses.ID, Until: r.int("revokedTo")}).Ends(ses) {
			return chat.Session{}, chat.ErrSessionEnded
		}
		return ses, r.err
	}
	if it == nil {
		return chat.Session{}, chat.ErrSessionEnded
	}
	ses.Created, ses.Expires = time.UnixMilli(r.int("created")), time.Unix(r.int("ttl"), 0)
	return ses, r.err
}

// endForeign keeps until when foreign sessions with this ID are ended. None of them
// outlasts the item: their tokens live as long as this one does, or as long as
// NextAuth's do by default, which is as long as ours.
func (s *Store) endForeign(ses chat.Session, body chat.SessionRevokedBody) write {
	it := sessionKey(ses.User, ses.ID).item()
	it["revokedTo"] = num(body.Until)
	lifetime := max(ses.Expires.Sub(ses.Created), chat.SessionLifetime)
	it["ttl"] = num(time.UnixMilli(body.Until).Add(lifetime).Unix() + 1)
	return write{
		op:     s.put(it, absent+" OR revokedTo < :to", item{":to": it["revokedTo"]}),
		failed: func(item) error { return chat.ErrSessionEnded },
	}
}

// EndSession deletes the log-in and tells its streams by an entry of the user's log.
func (s *Store) EndSession(ctx context.Context, ses chat.Session) (chat.Entry, error) {
	heads, err := s.Heads(ctx, []chat.LogID{chat.UserLog(ses.User)})
	if err != nil {
		return chat.Entry{}, err
	}
	head, ok := heads[chat.UserLog(ses.User)]
	if !ok {
		return chat.Entry{}, fmt.Errorf("user %d has no log", ses.User)
	}
	body := ses.Revocation(s.now())
	own := newAppender(s, head, chat.Entry{Kind: chat.KindSessionRevoked, By: ses.User}, body)
	end := write{
		op:     s.remove(sessionKey(ses.User, ses.ID), "attribute_exists(PK)"),
		failed: func(item) error { return chat.ErrSessionEnded },
	}
	if ses.Foreign {
		end = s.endForeign(ses, body)
	}
	err = s.commit(ctx, change{refresh: own.refresh, build: func(now time.Time) ([]write, error) {
		ws, err := own.writes(now)
		return append([]write{end}, ws...), err
	}})
	return own.entry, err
}
