package chat

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
)

// Conversations is the service of 1:1 conversations.
type Conversations struct {
	Store ConversationStore
	Users UserStore
	Bus   Publisher
	Log   *slog.Logger

	Contacts Contacts
}

// Open gives the conversation with another user, which it makes if there is none;
// status is 201 if this (or the request that used the key first) made it, else 200.
func (c *Conversations) Open(ctx context.Context, user, other UserID, idem Idempotency) (conv Conversation, status int, err error) {
	if other < 1 || other > MaxUserID {
		return Conversation{}, 0, Invalid(Field("userId", "user_id", "A positive whole number."))
	}
	if other == user {
		return Conversation{}, 0, Invalid(Field("userId", "not_yourself", "A conversation needs another user."))
	}
	us, err := c.Users.Users(ctx, user, other)
	if err != nil {
		return Conversation{}, 0, fmt.Errorf("read users: %w", err)
	}
	if _, ok := us[other]; !ok {
		return Conversation{}, 0, ErrUserNotFound
	}
	members := []UserRef{us[min(user, other)].UserRef, us[max(user, other)].UserRef}
	if err := c.mayOpen(ctx, user, members); err != nil {
		return Conversation{}, 0, err
	}
	a, err := c.Store.CreateConversation(ctx, user, members, idem)
	if err != nil {
		return Conversation{}, 0, fmt.Errorf("create conversation: %w", err)
	}
	if a.Status == 200 {
		conv, err = c.Get(ctx, user, a.Entry.Log.ID())
		return conv, a.Status, err
	}
	if !a.Replayed {
		publish(ctx, c.Bus, c.Log, a.Entry)
	}
	// What the first answer said, whatever happened since: as the entry made it.
	return viewConversation(
		Head{Log: a.Entry.Log, Seq: a.Entry.Seq, TS: a.Entry.TS, Members: members},
		Membership{Intervals: Intervals{{From: a.Entry.Seq}}},
	), a.Status, nil
}

// mayOpen refuses a new conversation with somebody who may not be contacted. One that
// is there stays usable, whatever has become of the friendship.
func (c *Conversations) mayOpen(ctx context.Context, user UserID, members []UserRef) error {
	err := c.Contacts.check(ctx, user, members)
	if !errors.Is(err, ErrNotFriends) {
		return err
	}
	if _, there := c.Store.View(ctx, user, ConversationLog(ConversationID(members[0].ID, members[1].ID))); there == nil {
		return nil
	}
	return err
}

// List gives the user's conversations, the newest change first.
func (c *Conversations) List(ctx context.Context, user UserID) ([]Conversation, error) {
	views, err := c.Store.Conversations(ctx, user, ConversationPrefix)
	if err != nil {
		return nil, fmt.Errorf("list conversations: %w", err)
	}
	out := make([]Conversation, 0, len(views))
	for _, v := range views {
		out = append(out, viewConversation(v.Head, v.Membership))
	}
	slices.SortFunc(out, func(a, b Conversation) int {
		return cmp.Or(-cmp.Compare(a.UpdatedAt, b.UpdatedAt), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

// Get gives one conversation of the user; ErrConversationNotFound.
func (c *Conversations) Get(ctx context.Context, user UserID, id string) (Conversation, error) {
	log, err := ConversationOf(user, id)
	if err != nil {
		return Conversation{}, err
	}
	v, err := c.Store.View(ctx, user, log)
	if err != nil {
		return Conversation{}, fmt.Errorf("read conversation: %w", err)
	}
	return viewConversation(v.Head, v.Membership), nil
}

// ConversationOf is the log of the conversation, if its id is one of the user's.
// Others' ids and impossible ones look alike: ErrConversationNotFound.
func ConversationOf(user UserID, id string) (LogID, error) {
	a, b, ok := ParseConversationID(id)
	if !ok || (a != user && b != user) {
		return "", ErrConversationNotFound
	}
	return ConversationLog(id), nil
}
