package chat

import (
	"context"
	"fmt"
)

// Contacts says with whom users may open a conversation and whom they may add to a
// group chat. The zero value: anyone.
type Contacts struct {
	Friends FriendStore // nil: anyone; else friends alone
}

// check refuses the first of others who may not be contacted: ErrNotFriends.
func (c Contacts) check(ctx context.Context, user UserID, others []UserRef) error {
	if c.Friends == nil {
		return nil
	}
	ids := make([]UserID, 0, len(others))
	for _, o := range others {
		if o.ID != user {
			ids = append(ids, o.ID)
		}
	}
	strangers, err := c.Friends.Strangers(ctx, user, ids)
	if err != nil {
		return fmt.Errorf("read friends: %w", err)
	}
	if len(strangers) > 0 {
		return ErrNotFriends
	}
	return nil
}
