package dynamo_test

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"tidings/internal/chat"
)

// lists are what REST lists of friends, and of notifications that are stored.
type lists struct {
	Friends            []chat.Friend
	Incoming, Outgoing []chat.FriendRequest
	Notifications      []chat.Notification
	Unread             int
}

// told is what a client knows of the same by the events of the user's own log alone.
type told struct {
	me            chat.UserRef
	friends       map[chat.UserID]chat.Friend
	requests      map[string]chat.FriendRequest
	notifications map[string]chat.Notification
}

func newTold(me chat.UserRef) *told {
	return &told{me, map[chat.UserID]chat.Friend{}, map[string]chat.FriendRequest{}, map[string]chat.Notification{}}
}

// apply takes an event.
func (c *told) apply(ev chat.Event) error {
	var d struct {
		chat.Notification
		Change chat.FriendChange
		User   chat.UserRef
		IDs    []string
		All    bool
	}
	if err := json.Unmarshal(ev.Data(), &d); err != nil {
		return err
	}
	switch ev.Type {
	case "notification":
		c.notifications[d.ID] = d.Notification
		if d.Kind == string(chat.KindFriendAccepted) {
			c.change(d.Notification, chat.FriendAccepted, d.Actor)
		} else {
			c.requests[d.RequestID] = chat.FriendRequest{ID: d.RequestID, Seq: d.Seq, From: d.Actor, To: c.me, CreatedAt: d.CreatedAt}
		}
	case "friends_changed":
		c.change(d.Notification, d.Change, d.User)
	case "notification_read":
		for id, n := range c.notifications {
			n.Read = n.Read || d.All || slices.Contains(d.IDs, id)
			c.notifications[id] = n
		}
	}
	return nil
}

func (c *told) change(n chat.Notification, change chat.FriendChange, other chat.UserRef) {
	switch change {
	case chat.FriendRequested:
		c.requests[n.RequestID] = chat.FriendRequest{ID: n.RequestID, Seq: n.Seq, From: c.me, To: other, CreatedAt: n.CreatedAt}
		return
	case chat.FriendAccepted:
		c.friends[other.ID] = chat.Friend{User: other, Seq: n.Seq, Since: n.CreatedAt}
	case chat.FriendUnfriended:
		delete(c.friends, other.ID)
		return
	}
	delete(c.requests, n.RequestID)
	for id, asked := range c.notifications {
		if asked.Kind == string(chat.KindFriendRequest) && asked.RequestID == n.RequestID {
			asked.Read = true // there is nothing left to answer
			c.notifications[id] = asked
		}
	}
}

func (c *told) lists() lists {
	var l lists
	for _, f := range c.friends {
		l.Friends = append(l.Friends, f)
	}
	for _, r := range c.requests {
		if r.From == c.me {
			l.Outgoing = append(l.Outgoing, r)
		} else {
			l.Incoming = append(l.Incoming, r)
		}
	}
	for _, n := range c.notifications {
		l.Notifications = append(l.Notifications, n)
		if !n.Read {
			l.Unread++
		}
	}
	// In the order of REST.
	slices.SortFunc(l.Friends, func(x, y chat.Friend) int { return strings.Compare(x.User.ID.String(), y.User.ID.String()) })
	for _, rs := range [][]chat.FriendRequest{l.Incoming, l.Outgoing} {
		slices.SortFunc(rs, func(x, y chat.FriendRequest) int { return -cmp.Compare(x.Seq, y.Seq) })
	}
	slices.SortFunc(l.Notifications, func(x, y chat.Notification) int { return -cmp.Compare(x.Seq, y.Seq) })
	return l
}
