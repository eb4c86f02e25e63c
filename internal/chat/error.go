package chat

import (
	"fmt"
	"time"
)

// ErrorKind sorts refusals by what the caller can do about them.
type ErrorKind int

// The kinds; internal/httpapi gives each its HTTP status.
const (
	KindInvalid         ErrorKind = iota // a field breaks a rule
	KindMalformed                        // the request can't be read at all
	KindUnauthenticated                  // no session, or one that has ended
	KindForbidden                        // known to you, but not yours to do
	KindNotFound                         // not there, or not yours to know of
	KindConflict                         // the state says no
	KindTooLarge                         // past a size limit
	KindTooFast                          // past a rate; RetryAfter says when
	KindUnavailable                      // overloaded; RetryAfter says when
)

// Error is the one error type that reaches clients: a stable code and a message
// that is safe to show. Whatever else goes wrong is an internal error.
type Error struct {
	Kind       ErrorKind
	Code       string
	Message    string
	Fields     []FieldError  // for KindInvalid: which field broke which rule
	RetryAfter time.Duration // for KindTooFast and KindUnavailable
}

// FieldError names a field by its path in the request, such as "memberIds[2]".
type FieldError struct {
	Path    string `json:"path"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Is makes errors.Is compare by code, so that an error with details matches the
// plain one.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// The refusals of the domain. Their codes are part of the API.
var (
	ErrUnauthenticated      = &Error{Kind: KindUnauthenticated, Code: "unauthenticated", Message: "Log in first."}
	ErrSessionEnded         = &Error{Kind: KindUnauthenticated, Code: "session_ended", Message: "The session has ended. Log in again."}
	ErrInvalidAPIKey        = &Error{Kind: KindUnauthenticated, Code: "invalid_api_key", Message: "A valid API key is needed here."}
	ErrBadCredentials       = &Error{Kind: KindUnauthenticated, Code: "bad_credentials", Message: "Username or password is wrong."}
	ErrUsernameTaken        = &Error{Kind: KindConflict, Code: "username_taken", Message: "This username is taken."}
	ErrUserNotFound         = &Error{Kind: KindNotFound, Code: "user_not_found", Message: "There is no such user."}
	ErrConversationNotFound = &Error{Kind: KindNotFound, Code: "conversation_not_found", Message: "There is no such conversation."}
	ErrGroupNotFound        = &Error{Kind: KindNotFound, Code: "group_not_found", Message: "There is no such group chat."}
	ErrMemberNotFound       = &Error{Kind: KindNotFound, Code: "member_not_found", Message: "This user is no member of the group chat."}
	ErrNotAdmin             = &Error{Kind: KindForbidden, Code: "not_admin", Message: "Only those who run the service may do this."}
	ErrNotOwner             = &Error{Kind: KindForbidden, Code: "not_owner", Message: "Only the owner of the group chat may do this."}
	ErrNotFriends           = &Error{Kind: KindForbidden, Code: "not_friends", Message: "Only friends may be written to or added here."}
	ErrOwnerStays           = &Error{Kind: KindConflict, Code: "name_owner_first", Message: "Name another owner before you leave so large a group chat."}
	ErrGroupFull            = &Error{Kind: KindConflict, Code: "group_full", Message: "The group chat has as many members as it can have."}
	ErrJoinedTooOften       = &Error{Kind: KindConflict, Code: "joined_too_often", Message: "A user has joined this group chat too often to join again."}
	ErrTooManyConversations = &Error{Kind: KindConflict, Code: "too_many_conversations", Message: "You are in as many conversations and group chats as one can be in."}
	ErrAlreadyFriends       = &Error{Kind: KindConflict, Code: "already_friends", Message: "You are friends already."}
	ErrRequestExists        = &Error{Kind: KindConflict, Code: "request_exists", Message: "You have asked already; the request is open."}
	ErrTooManyRequests      = &Error{Kind: KindConflict, Code: "too_many_requests", Message: "One of you has as many open friend requests as one can have."}
	ErrRequestNotFound      = &Error{Kind: KindNotFound, Code: "request_not_found", Message: "There is no such open friend request."}
	ErrNotReceiver          = &Error{Kind: KindForbidden, Code: "not_receiver", Message: "Only who got the friend request may answer it."}
	ErrNotSender            = &Error{Kind: KindForbidden, Code: "not_sender", Message: "Only who sent the friend request may withdraw it."}
	ErrFriendNotFound       = &Error{Kind: KindNotFound, Code: "friend_not_found", Message: "You are not friends."}
	ErrNotificationNotFound = &Error{Kind: KindNotFound, Code: "notification_not_found", Message: "There is no such notification."}
	ErrMessageNotFound      = &Error{Kind: KindNotFound, Code: "message_not_found", Message: "There is no such message."}
	ErrIdempotencyMismatch  = &Error{Kind: KindInvalid, Code: "idempotency_mismatch", Message: "This Idempotency-Key was used with another request."}
	ErrEntryTooLarge        = &Error{Kind: KindTooLarge, Code: "entry_too_large", Message: "This is more than one event can carry."}
)

// NotFoundIn is what is said of a log to those who are no members.
func NotFoundIn(log LogID) *Error {
	if log.Is(GroupPrefix) {
		return ErrGroupNotFound
	}
	return ErrConversationNotFound
}

// SlowMode refuses an append that lost the race for the log's head too often:
// the log takes more writes than one item can.
func SlowMode(retryAfter time.Duration) *Error {
	return &Error{Kind: KindTooFast, Code: "slow_mode", Message: "Too many people write here at once. Try again in a moment.", RetryAfter: retryAfter}
}

// RateLimited refuses what one user does too often.
func RateLimited(retryAfter time.Duration) *Error {
	return &Error{Kind: KindTooFast, Code: "rate_limited", Message: "You are doing this too fast. Try again in a moment.", RetryAfter: retryAfter}
}

// DeclinedRecently refuses a friend request that was declined less than DeclinedFor
// ago.
func DeclinedRecently(retryAfter time.Duration) *Error {
	return &Error{Kind: KindTooFast, Code: "declined_recently", Message: "This friend request was declined. Try again another day.", RetryAfter: retryAfter}
}

// TooManyAttempts refuses a log-in after too many that failed.
func TooManyAttempts(retryAfter time.Duration) *Error {
	return &Error{Kind: KindTooFast, Code: "too_many_attempts", Message: "Too many failed log-ins. Try again later.", RetryAfter: retryAfter}
}

// Overloaded refuses what the service can't take right now.
func Overloaded(retryAfter time.Duration) *Error {
	return &Error{Kind: KindUnavailable, Code: "overloaded", Message: "The service is busy. Try again in a moment.", RetryAfter: retryAfter}
}

// TooManyConversations refuses to make another user, whom the caller has named by their
// id, a member of one more than MaxMemberships.
func TooManyConversations(user UserID) *Error {
	e := *ErrTooManyConversations
	e.Message = "User " + user.String() + " is in as many conversations and group chats as one can be in."
	return &e
}

// Invalid refuses a request because of its fields.
func Invalid(fields ...FieldError) *Error {
	return &Error{Kind: KindInvalid, Code: "validation_failed", Message: "Some fields break a rule; errors says which.", Fields: fields}
}

// Field makes a FieldError with a formatted message.
func Field(path, code, format string, args ...any) FieldError {
	return FieldError{Path: path, Code: code, Message: fmt.Sprintf(format, args...)}
}
