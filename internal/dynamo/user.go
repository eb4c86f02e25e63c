package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tidings/internal/chat"
)

// CreateUser gives the account the next id, its unique name and its own log.
func (s *Store) CreateUser(ctx context.Context, u chat.User) (chat.User, error) {
	return s.createUser(ctx, u, func(chat.UserID) []write { return nil })
}

// createUser makes the account under the next free id, together with what else that
// id takes, whose refusals count first.
func (s *Store) createUser(ctx context.Context, u chat.User, with func(chat.UserID) []write) (chat.User, error) {
	folded := chat.FoldUsername(u.Username)
	if it, err := s.get(ctx, nameKey(folded)); err != nil {
		return chat.User{}, err
	} else if it != nil {
		return chat.User{}, chat.ErrUsernameTaken // without using up an id
	}
	for {
		id, err := s.nextUserID(ctx)
		if err != nil {
			return chat.User{}, err
		}
		u.ID = id
		err = s.commit(ctx, change{build: func(time.Time) ([]write, error) {
			return append(with(id), s.accountWrites(u, folded)...), nil
		}})
		if errors.Is(err, errIDInUse) {
			continue // the counter was behind, say after a restore: it catches up
		}
		return u, err
	}
}

var errIDInUse = errors.New("user id in use")

func (s *Store) accountWrites(u chat.User, folded string) []write {
	name := nameKey(folded).item()
	name["userId"], name["username"], name["displayName"] = num(u.ID), str(u.Username), str(u.DisplayName)
	name["GSI1PK"], name["GSI1SK"] = str(searchPK(folded)), str(folded)
	profile := profileKey(u.ID).item()
	profile["username"], profile["displayName"] = str(u.Username), str(u.DisplayName)
	profile["hash"], profile["created"] = str(u.PasswordHash), num(u.Created.UnixMilli())
	own := chat.UserLog(u.ID)
	return []write{
		{op: s.put(name, absent, nil), failed: func(it item) error {
			r := reader{it: it}
			if chat.UserID(r.int("userId")) == u.ID {
				return errSettled // an attempt of ours that timed out
			}
			return chat.ErrUsernameTaken
		}},
		{op: s.put(profile, absent, nil), failed: func(item) error { return errIDInUse }},
		{op: s.put(headItem(chat.Head{Log: own, Shards: chat.Shards{}.With(u.ID)}), absent, nil), failed: func(item) error { return errIDInUse }},
	}
}

func (s *Store) nextUserID(ctx context.Context) (chat.UserID, error) {
	o, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: counterKey.item(), UpdateExpression: aws.String("ADD nextId :one"),
		ExpressionAttributeValues: item{":one": num(1)}, ReturnValues: types.ReturnValueUpdatedNew,
	})
	if err != nil {
		return 0, fmt.Errorf("next user id: %w", busy(err))
	}
	r := reader{it: o.Attributes}
	id := chat.UserID(r.int("nextId"))
	return id, r.err
}

// Users reads accounts strongly; those that don't exist are left out.
func (s *Store) Users(ctx context.Context, ids ...chat.UserID) (map[chat.UserID]chat.User, error) {
	out := make(map[chat.UserID]chat.User, len(ids))
	keys := make([]key, len(ids))
	for i, id := range ids {
		keys[i] = profileKey(id)
	}
	items, err := s.getAll(ctx, keys...)
	if err != nil {
		return nil, err
	}
	for i, id := range ids {
		it := items[keys[i]]
		if it == nil {
			continue
		}
		if out[id], err = decodeUser(id, it); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func decodeUser(id chat.UserID, it item) (chat.User, error) {
	r := reader{it: it}
	u := chat.User{
		UserRef:      chat.UserRef{ID: id, Username: r.str("username"), DisplayName: r.str("displayName")},
		PasswordHash: r.str("hash"), Created: time.UnixMilli(r.int("created")),
	}
	return u, r.err
}

// UserByName finds an account by its folded name.
func (s *Store) UserByName(ctx context.Context, folded string) (chat.User, error) {
	it, err := s.get(ctx, nameKey(folded))
	if err != nil {
		return chat.User{}, err
	}
	if it == nil {
		return chat.User{}, chat.ErrUserNotFound
	}
	r := reader{it: it}
	id := chat.UserID(r.int("userId"))
	if r.err != nil {
		return chat.User{}, r.err
	}
	us, err := s.Users(ctx, id)
	if err != nil {
		return chat.User{}, err
	}
	u, ok := us[id]
	if !ok {
		return chat.User{}, fmt.Errorf("user %d has a name but no profile", id)
	}
	return u, nil
}

// searchPK spreads names over partitions by their first letter, which the
// shortest search already has.
func searchPK(folded string) string { return "NAMES#" + folded[:1] }

// SearchUsers reads the index of names: a new account shows in it a moment later.
func (s *Store) SearchUsers(ctx context.Context, prefix string, limit int) ([]chat.UserRef, error) {
	o, err := s.db.Query(ctx, &dynamodb.QueryInput{
		TableName: &s.table, IndexName: aws.String(nameIndex), Limit: aws.Int32(int32(limit)),
		KeyConditionExpression:    aws.String("GSI1PK = :pk AND begins_with(GSI1SK, :prefix)"),
		ExpressionAttributeValues: item{":pk": str(searchPK(prefix)), ":prefix": str(prefix)},
	})
	if err != nil {
		return nil, fmt.Errorf("query names: %w", busy(err))
	}
	out := make([]chat.UserRef, 0, len(o.Items))
	for _, it := range o.Items {
		r := reader{it: it}
		out = append(out, chat.UserRef{ID: chat.UserID(r.int("userId")), Username: r.str("username"), DisplayName: r.str("displayName")})
		if r.err != nil {
			return nil, r.err
		}
	}
	return out, nil
}
