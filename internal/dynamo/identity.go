package dynamo

import (
	"context"
	"errors"
	"time"

	"tidings/internal/chat"
)

// UserOf reads strongly whose identity it is.
func (s *Store) UserOf(ctx context.Context, id chat.Identity) (chat.UserID, error) {
	it, err := s.get(ctx, identityKey(id))
	if err != nil {
		return 0, err
	}
	if it == nil {
		return 0, chat.ErrUserNotFound
	}
	r := reader{it: it}
	user := chat.UserID(r.int("userId"))
	return user, r.err
}

// CreateUserFor makes the account and its identity in one transaction. Of two first
// requests at once the second finds the first one's account.
func (s *Store) CreateUserFor(ctx context.Context, id chat.Identity, u chat.User) (chat.UserID, error) {
	if u.ID != 0 {
		return u.ID, s.createNumbered(ctx, u)
	}
	var owner chat.UserID
	_, err := s.createUser(ctx, u, func(user chat.UserID) []write {
		owner = user
		it := identityKey(id).item()
		it["userId"] = num(user)
		return []write{{op: s.put(it, absent, nil), failed: func(it item) error {
			r := reader{it: it}
			if owner = chat.UserID(r.int("userId")); r.err != nil {
				return r.err
			}
			return errSettled
		}}}
	})
	return owner, err
}

// createNumbered makes the account under an id that the caller chose. The counter
// passes over it when it comes there.
func (s *Store) createNumbered(ctx context.Context, u chat.User) error {
	err := s.commit(ctx, change{build: func(time.Time) ([]write, error) {
		return s.accountWrites(u, chat.FoldUsername(u.Username)), nil
	}})
	if errors.Is(err, errIDInUse) {
		return nil // made meanwhile
	}
	return err
}
