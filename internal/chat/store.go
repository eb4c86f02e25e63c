package chat

import (
	"context"
	"time"
)

// UserStore keeps accounts.
type UserStore interface {
	// CreateUser gives the account its id; ErrUsernameTaken.
	CreateUser(ctx context.Context, u User) (User, error)
	// Users reads accounts; those that don't exist are left out.
	Users(ctx context.Context, ids ...UserID) (map[UserID]User, error)
	// UserByName finds an account by its folded username; ErrUserNotFound.
	UserByName(ctx context.Context, folded string) (User, error)
	// SearchUsers finds accounts whose folded username starts so, in its order.
	SearchUsers(ctx context.Context, prefix string, limit int) ([]UserRef, error)
}

// SessionStore keeps log-ins.
type SessionStore interface {
	CreateSession(ctx context.Context, s Session) error
	// Session reads a session again, strongly: ErrSessionEnded when it is not there,
	// or, being foreign, was ended.
	Session(ctx context.Context, s Session) (Session, error)
	// EndSession deletes the session (keeps the end of a foreign one for as long as
	// its tokens last) and appends its session_revoked entry, once: ErrSessionEnded
	// when it has ended already.
	EndSession(ctx context.Context, s Session) (Entry, error)
}

// LoginAttempts counts failed log-ins of a username, so that guessing is slow.
type LoginAttempts interface {
	// BeginLogin counts an attempt before its password is checked;
	// TooManyAttempts.
	BeginLogin(ctx context.Context, folded string, now time.Time) error
	// LoginSucceeded forgets the failures.
	LoginSucceeded(ctx context.Context, folded string) error
}

// ConversationStore keeps 1:1 conversations.
type ConversationStore interface {
	// CreateConversation appends the log's first entry, which adds both members.
	// An existing conversation gives Status 200 and an entry that only names its log.
	// ErrIdempotencyMismatch, ErrTooManyConversations.
	CreateConversation(ctx context.Context, by UserID, members []UserRef, idem Idempotency) (Answer, error)
	// Conversations reads the heads and memberships of all open logs of the user
	// whose ids have the prefix, strongly.
	Conversations(ctx context.Context, user UserID, prefix string) ([]LogView, error)
	// View reads one; ErrConversationNotFound when the user is no member now.
	View(ctx context.Context, user UserID, log LogID) (LogView, error)
}

// LogView is a log's head with the reader's membership, read after it.
type LogView struct {
	Head       Head
	Membership Membership
}

// MessageStore keeps the messages of logs.
type MessageStore interface {
	// AppendMessage commits a message: ErrIdempotencyMismatch,
	// ErrConversationNotFound, RateLimited, SlowMode, in this order of precedence.
	AppendMessage(ctx context.Context, m Draft, idem Idempotency) (Answer, error)
	// Messages reads a page of what the user may see, strongly;
	// ErrConversationNotFound.
	Messages(ctx context.Context, user UserID, log LogID, page Page) (MessagePage, error)
	// MarkRead moves the user's read position to the message at seq and appends
	// the mark to the user's own log. A position that is not ahead changes
	// nothing and gives no entry. ErrConversationNotFound, ErrMessageNotFound.
	MarkRead(ctx context.Context, user UserID, log LogID, seq int64, idem Idempotency) (Answer, error)
}

// Draft is a message before it has its place in the log.
type Draft struct {
	Log     LogID
	By      UserID
	Content string
}

// GroupStore keeps group chats. A change that changes nothing gives an entry
// without a seq.
type GroupStore interface {
	// CreateGroup appends the log's first entry, which adds the members; the first
	// of them is the owner. ErrIdempotencyMismatch, ErrTooManyConversations.
	CreateGroup(ctx context.Context, log LogID, name string, members []UserRef, idem Idempotency) (Answer, error)
	RenameGroup(ctx context.Context, user UserID, log LogID, name string) (Entry, error)
	SetOwner(ctx context.Context, user UserID, log LogID, heir UserID) (Entry, error)
	DeleteGroup(ctx context.Context, user UserID, log LogID) (Entry, error)
}

// MemberStore keeps who belongs to a group chat.
type MemberStore interface {
	// AddMembers passes over those who are members already.
	AddMembers(ctx context.Context, user UserID, log LogID, members []UserRef, idem Idempotency) (Answer, error)
	// RemoveMember removes another (the owner may) or leaves. An owner who leaves
	// hands over to the longest member; the last one out deletes.
	RemoveMember(ctx context.Context, user UserID, log LogID, target UserRef) (Entry, error)
	// Members reads a page, after a user's id, in the order of the ids as text.
	Members(ctx context.Context, log LogID, after UserID, limit int) (members []Membership, more bool, err error)
}

// FriendStore keeps friendships and friend requests.
type FriendStore interface {
	// ChangeFriends commits a change by one of two users, on both sides and in both
	// their own logs. Requesting what the other side has requested accepts it;
	// accepting what is accepted gives the answer again. Without a key the change is
	// no client's POST. ErrIdempotencyMismatch; ErrAlreadyFriends, ErrRequestExists,
	// ErrRequestNotFound, ErrFriendNotFound; DeclinedRecently, ErrTooManyRequests,
	// RateLimited, in this order of precedence.
	ChangeFriends(ctx context.Context, c FriendChange, me, other UserRef, idem Idempotency) (FriendAnswer, error)
	// Friends reads a page, after a user's id, in the order of the ids as text, strongly.
	Friends(ctx context.Context, user, after UserID, limit int) (friends []Friend, more bool, err error)
	// Strangers are those of the others who are no friends of the user, read strongly.
	Strangers(ctx context.Context, user UserID, others []UserID) ([]UserID, error)
	// FriendRequests reads the open requests of both directions, the newest first, strongly.
	FriendRequests(ctx context.Context, user UserRef) (incoming, outgoing []FriendRequest, err error)
}

// FriendAnswer is what a change between two users ended with.
type FriendAnswer struct {
	Answer       // of the one who changed it, with the entry of their own log
	Theirs Entry // of the other side's log; without a seq when it isn't at hand
}

// NotificationStore keeps the notifications that are entries of a user's own log.
type NotificationStore interface {
	// StoredNotifications reads at most limit of those up to a time in Unix ms, the
	// newest first, strongly.
	StoredNotifications(ctx context.Context, user UserID, upTo int64, limit int, unread bool) (StoredNotifications, error)
	// ReadNotification marks one as read; read already gives no entry.
	// ErrNotificationNotFound.
	ReadNotification(ctx context.Context, user UserID, seq int64) (Entry, error)
	// ReadAll marks all as read and moves the read positions of all logs to their
	// heads, with as few entries as hold them. Nothing to read gives none, and so does
	// a repeated request.
	ReadAll(ctx context.Context, user UserID, idem Idempotency) ([]Entry, error)
}

// StoredNotifications is a page, and how many are unread in all.
type StoredNotifications struct {
	Page   []StoredNotification
	Unread int // at most MaxUnread
}

// StoredNotification is an entry of a stored kind and whether it was read.
type StoredNotification struct {
	Entry Entry
	Read  bool
}

// Publisher is the fast path from a commit to the streamers. It may fail or be
// lost: the relay publishes a hint of every entry.
type Publisher interface {
	Publish(ctx context.Context, e Entry) error
	PublishEphemeral(ctx context.Context, e Ephemeral) error
}
