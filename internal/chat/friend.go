package chat

import (
	"strings"
	"time"
)

// Limits of friendships.
const (
	// MaxRequests is how many requests a user may have open, sent and got each: one
	// answer lists them all.
	MaxRequests = 200
	// DeclinedFor is how long a declined request can't be made again.
	DeclinedFor = 24 * time.Hour
)

// Friend is one of a user's friends.
type Friend struct {
	User  UserRef `json:"user"`
	Seq   int64   `json:"seq"` // the entry of the reader's own log that made them friends
	Since Millis  `json:"since"`
}

// FriendRequest is an open request as one of its two sides sees it. Its id is
// "<from>-<to>".
type FriendRequest struct {
	ID        string  `json:"id"`
	Seq       int64   `json:"seq"` // the entry of the reader's own log that told of it
	From      UserRef `json:"from"`
	To        UserRef `json:"to"`
	CreatedAt Millis  `json:"createdAt"` // of that entry
}

// RequestID is the id of a friend request.
func RequestID(from, to UserID) string { return from.String() + "-" + to.String() }

// ParseRequestID reads an id and says whether it has the one valid form.
func ParseRequestID(id string) (from, to UserID, ok bool) {
	first, second, found := strings.Cut(id, "-")
	from, okFrom := ParseUserID(first)
	to, okTo := ParseUserID(second)
	return from, to, found && okFrom && okTo && from != to
}

// FriendChange is what happens between two users.
type FriendChange string

// The changes.
const (
	FriendRequested  FriendChange = "requested"
	FriendAccepted   FriendChange = "accepted"
	FriendDeclined   FriendChange = "declined"
	FriendWithdrawn  FriendChange = "withdrawn"
	FriendUnfriended FriendChange = "unfriended"
)

// FriendBody belongs to KindFriendRequest, KindFriendAccepted and
// KindFriendsChanged.
type FriendBody struct {
	Change    FriendChange `json:"change"`
	User      UserRef      `json:"user"` // the other side
	RequestID string       `json:"requestId,omitempty"`
}

// Friends is the body of an entry about friends.
func (e Entry) Friends() (FriendBody, error) {
	var b FriendBody
	err := e.decode(&b)
	return b, err
}

// friendsChanged tells a side of a change that no notification tells it.
type friendsChanged struct {
	Seq       int64        `json:"seq"`
	Change    FriendChange `json:"change" enum:"requested,accepted,declined,withdrawn,unfriended"`
	User      UserRef      `json:"user"`                // the other side
	RequestID string       `json:"requestId,omitempty"` // a notification of this request is read from now on
	CreatedAt Millis       `json:"createdAt"`
}

func (e Entry) friendsChangedEvents() ([]Event, error) {
	b, err := e.Friends()
	if err != nil {
		return nil, err
	}
	return []Event{event(PartUpdate, "friends_changed", ToEveryone, friendsChanged{
		Seq: e.Seq, Change: b.Change, User: b.User, RequestID: b.RequestID, CreatedAt: Millis(e.TS),
	})}, nil
}
