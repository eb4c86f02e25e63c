package chat

import (
	"context"
	"fmt"
	"log/slog"
)

// Friends is the service of friendships and of the requests that lead to them.
type Friends struct {
	Store FriendStore
	Users UserStore
	Bus   Publisher
	Log   *slog.Logger
}

// Requested is what a request has led to: one of the two.
type Requested struct {
	Request *FriendRequest
	Friend  *Friend // the other side had asked already, and this was the answer
}

// Request asks another user to be friends. ErrAlreadyFriends, ErrRequestExists,
// DeclinedRecently, ErrTooManyRequests, RateLimited.
func (f *Friends) Request(ctx context.Context, user, other UserID, idem Idempotency) (Requested, error) {
	if other == user {
		return Requested{}, errNotYourself("userId")
	}
	me, a, err := f.change(ctx, FriendRequested, user, other, idem)
	if err != nil {
		return Requested{}, err
	}
	b, err := a.Entry.Friends()
	if err != nil {
		return Requested{}, err
	}
	if b.Change == FriendAccepted {
		return Requested{Friend: friendOf(a.Entry, b)}, nil
	}
	return Requested{Request: &FriendRequest{
		ID: b.RequestID, Seq: a.Entry.Seq, From: me, To: b.User, CreatedAt: Millis(a.Entry.TS),
	}}, nil
}

func errNotYourself(field string) *Error {
	return Invalid(Field(field, "not_yourself", "A friendship needs another user."))
}

func friendOf(e Entry, b FriendBody) *Friend {
	return &Friend{User: b.User, Seq: e.Seq, Since: Millis(e.TS)}
}

// RequestNamed is Request for somebody whose username is known.
func (f *Friends) RequestNamed(ctx context.Context, user UserID, username string, idem Idempotency) (Requested, error) {
	u, err := f.Users.UserByName(ctx, FoldUsername(username))
	if err != nil {
		return Requested{}, fmt.Errorf("find user: %w", err)
	}
	if u.ID == user {
		return Requested{}, errNotYourself("username")
	}
	return f.Request(ctx, user, u.ID, idem)
}

// Accept makes friends of the sender and the receiver of a request, who accepts it.
// Accepting again is no error while they are friends. ErrRequestNotFound,
// ErrNotReceiver.
func (f *Friends) Accept(ctx context.Context, user UserID, requestID string) (Friend, error) {
	from, err := received(user, requestID)
	if err != nil {
		return Friend{}, err
	}
	_, a, err := f.change(ctx, FriendAccepted, user, from, Idempotency{})
	if err != nil {
		return Friend{}, err
	}
	b, err := a.Entry.Friends()
	if err != nil {
		return Friend{}, err
	}
	return *friendOf(a.Entry, b), nil
}

// Decline refuses a request, as its receiver may. ErrRequestNotFound, ErrNotReceiver.
func (f *Friends) Decline(ctx context.Context, user UserID, requestID string) error {
	from, err := received(user, requestID)
	if err != nil {
		return err
	}
	_, _, err = f.change(ctx, FriendDeclined, user, from, Idempotency{})
	return err
}

// received gives the sender of a request that the user got, as its id says.
func received(user UserID, requestID string) (from UserID, err error) {
	from, to, ok := ParseRequestID(requestID)
	switch {
	case ok && to == user:
		return from, nil
	case ok && from == user:
		return 0, ErrNotReceiver
	default:
		return 0, ErrRequestNotFound
	}
}

// Withdraw takes back a request, as its sender may. ErrRequestNotFound, ErrNotSender.
func (f *Friends) Withdraw(ctx context.Context, user UserID, requestID string) error {
	from, to, ok := ParseRequestID(requestID)
	switch {
	case ok && to == user:
		return ErrNotSender
	case !ok || from != user:
		return ErrRequestNotFound
	}
	_, _, err := f.change(ctx, FriendWithdrawn, user, to, Idempotency{})
	return err
}

// Remove ends a friendship. ErrFriendNotFound.
func (f *Friends) Remove(ctx context.Context, user, other UserID) error {
	if other == user {
		return ErrFriendNotFound
	}
	_, _, err := f.change(ctx, FriendUnfriended, user, other, Idempotency{})
	return err
}

// change commits a change and tells both sides.
func (f *Friends) change(ctx context.Context, c FriendChange, user, other UserID, idem Idempotency) (me UserRef, a FriendAnswer, err error) {
	us, err := f.Users.Users(ctx, user, other)
	if err != nil {
		return UserRef{}, FriendAnswer{}, fmt.Errorf("read users: %w", err)
	}
	they, ok := us[other]
	if !ok {
		return UserRef{}, FriendAnswer{}, nobody(c)
	}
	me = us[user].UserRef
	a, err = f.Store.ChangeFriends(ctx, c, me, they.UserRef, idem)
	if err != nil {
		return UserRef{}, FriendAnswer{}, fmt.Errorf("change friends: %w", err)
	}
	if !a.Replayed && a.Entry.Seq > 0 {
		publish(ctx, f.Bus, f.Log, a.Entry)
	}
	if a.Theirs.Seq > 0 {
		publish(ctx, f.Bus, f.Log, a.Theirs)
	}
	return me, a, nil
}

// nobody is what is said when the other side of a change doesn't exist.
func nobody(c FriendChange) *Error {
	switch c {
	case FriendRequested:
		return ErrUserNotFound
	case FriendUnfriended:
		return ErrFriendNotFound
	default:
		return ErrRequestNotFound
	}
}

// List gives a page of the user's friends after one of them (0: from the first), in
// the order of their ids as text.
func (f *Friends) List(ctx context.Context, user, after UserID, limit int) (friends []Friend, more bool, err error) {
	friends, more, err = f.Store.Friends(ctx, user, after, limit)
	if err != nil {
		return nil, false, fmt.Errorf("list friends: %w", err)
	}
	return friends, more, nil
}

// Requests gives the open requests that the user got and sent, the newest first.
func (f *Friends) Requests(ctx context.Context, user UserID) (incoming, outgoing []FriendRequest, err error) {
	us, err := f.Users.Users(ctx, user)
	if err != nil {
		return nil, nil, fmt.Errorf("read user: %w", err)
	}
	incoming, outgoing, err = f.Store.FriendRequests(ctx, us[user].UserRef)
	if err != nil {
		return nil, nil, fmt.Errorf("list friend requests: %w", err)
	}
	return incoming, outgoing, nil
}
