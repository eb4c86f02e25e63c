package dynamo

import (
	"context"
	"encoding/json"
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
func (s *Store) Session(ctx context.Context, user chat.UserID, id string) (chat.Session, error) {
	it, err := s.get(ctx, sessionKey(user, id))
	if err != nil {
		return chat.Session{}, err
	}
	if it == nil {
		return chat.Session{}, chat.ErrSessionEnded
	}
	r := reader{it: it}
	ses := chat.Session{ID: id, User: user, Created: time.UnixMilli(r.int("created")), Expires: time.Unix(r.int("ttl"), 0)}
	return ses, r.err
}

// EndSession deletes the log-in and tells its streams by an entry of the user's log.
func (s *Store) EndSession(ctx context.Context, ses chat.Session) (chat.Entry, error) {
	body, err := json.Marshal(chat.SessionRevokedBody{Session: ses.ID})
	if err != nil {
		return chat.Entry{}, fmt.Errorf("encode entry: %w", err)
	}
	heads, err := s.Heads(ctx, []chat.LogID{chat.UserLog(ses.User)})
	if err != nil {
		return chat.Entry{}, err
	}
	head, ok := heads[chat.UserLog(ses.User)]
	if !ok {
		return chat.Entry{}, fmt.Errorf("user %d has no log", ses.User)
	}
	own := &appender{s: s, head: head, draft: chat.Entry{Kind: chat.KindSessionRevoked, By: ses.User, Body: body}}
	end := write{
		op:     s.remove(sessionKey(ses.User, ses.ID), "attribute_exists(PK)"),
		failed: func(item) error { return chat.ErrSessionEnded },
	}
	err = s.commit(ctx, change{refresh: own.refresh, build: func(now time.Time) ([]write, error) {
		ws, err := own.writes(now)
		return append([]write{end}, ws...), err
	}})
	return own.entry, err
}
