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
	// Session reads a session strongly; ErrSessionEnded when it is not there.
	Session(ctx context.Context, user UserID, id string) (Session, error)
	// EndSession deletes the session and appends its session_revoked entry, once:
	// ErrSessionEnded when it has ended already.
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

// Publisher is the fast path from a commit to the streamers. It may fail or be
// lost: the relay publishes a hint of every entry.
type Publisher interface {
	Publish(ctx context.Context, e Entry) error
	PublishEphemeral(ctx context.Context, e Ephemeral) error
}
