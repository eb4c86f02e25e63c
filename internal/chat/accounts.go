package chat

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"
	"unicode/utf8"
)

// PasswordHasher makes and checks password hashes.
type PasswordHasher interface {
	Hash(password string) (string, error)
	// Verify takes as long for an empty hash as for a real one, so that the time
	// does not tell whether a username exists.
	Verify(hash, password string) bool
}

// Accounts is the service of registration, log-in and people.
type Accounts struct {
	Users    UserStore
	Sessions SessionStore
	Attempts LoginAttempts // nil: log-ins are not slowed
	Hasher   PasswordHasher
	Bus      Publisher
	Now      func() time.Time
	Log      *slog.Logger
}

// Register makes an account and logs it in.
func (a *Accounts) Register(ctx context.Context, r Registration) (User, Session, error) {
	if err := r.Validate(); err != nil {
		return User{}, Session{}, err
	}
	hash, err := a.Hasher.Hash(r.Password)
	if err != nil {
		return User{}, Session{}, fmt.Errorf("hash password: %w", err)
	}
	u, err := a.Users.CreateUser(ctx, User{
		UserRef:      UserRef{Username: r.Username, DisplayName: r.DisplayName},
		PasswordHash: hash,
		Created:      a.Now(),
	})
	if err != nil {
		return User{}, Session{}, fmt.Errorf("create user: %w", err)
	}
	s, err := a.start(ctx, u.ID)
	return u, s, err
}

// Login checks a password and starts a session. It does not tell which of the
// two was wrong.
func (a *Accounts) Login(ctx context.Context, username, password string) (User, Session, error) {
	if n := len(username); n < MinUsername || n > MaxUsername || !usernameShape.MatchString(username) ||
		utf8.RuneCountInString(password) > MaxPassword {
		return User{}, Session{}, ErrBadCredentials // such an account can't exist
	}
	name := FoldUsername(username)
	if a.Attempts != nil {
		if err := a.Attempts.BeginLogin(ctx, name, a.Now()); err != nil {
			return User{}, Session{}, fmt.Errorf("begin log-in: %w", err)
		}
	}
	u, err := a.Users.UserByName(ctx, name)
	if err != nil && !errors.Is(err, ErrUserNotFound) {
		return User{}, Session{}, fmt.Errorf("find user: %w", err)
	}
	if !a.Hasher.Verify(u.PasswordHash, password) {
		return User{}, Session{}, ErrBadCredentials
	}
	if a.Attempts != nil {
		if err := a.Attempts.LoginSucceeded(ctx, name); err != nil {
			return User{}, Session{}, fmt.Errorf("end log-in: %w", err)
		}
	}
	s, err := a.start(ctx, u.ID)
	return u, s, err
}

func (a *Accounts) start(ctx context.Context, user UserID) (Session, error) {
	now := a.Now()
	s := Session{ID: rand.Text(), User: user, Created: now, Expires: now.Add(SessionLifetime).Truncate(time.Second)}
	if err := a.Sessions.CreateSession(ctx, s); err != nil {
		return Session{}, fmt.Errorf("create session: %w", err)
	}
	return s, nil
}

// Logout ends the session and its streams. Ending it twice is no error.
func (a *Accounts) Logout(ctx context.Context, s Session) error {
	e, err := a.Sessions.EndSession(ctx, s)
	if errors.Is(err, ErrSessionEnded) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	publish(ctx, a.Bus, a.Log, e)
	return nil
}

// Session reads an authenticated session again: ErrSessionEnded when it expired or
// was revoked.
func (a *Accounts) Session(ctx context.Context, s Session) (Session, error) {
	s, err := a.Sessions.Session(ctx, s)
	if err != nil {
		return Session{}, fmt.Errorf("read session: %w", err)
	}
	if s.Expired(a.Now()) {
		return Session{}, ErrSessionEnded
	}
	return s, nil
}

// User is one person as others see them; ErrUserNotFound.
func (a *Accounts) User(ctx context.Context, id UserID) (UserRef, error) {
	us, err := a.Users.Users(ctx, id)
	if err != nil {
		return UserRef{}, fmt.Errorf("read user: %w", err)
	}
	u, ok := us[id]
	if !ok {
		return UserRef{}, ErrUserNotFound
	}
	return u.UserRef, nil
}

// MaxSearchResults bounds a search for people; who wants more types more.
const MaxSearchResults = 20

// Search finds people by the start of their username.
func (a *Accounts) Search(ctx context.Context, prefix string) ([]UserRef, error) {
	prefix = FoldUsername(prefix)
	if prefix == "" || utf8.RuneCountInString(prefix) > MaxUsername {
		return nil, Invalid(Field("query", "query_length", "1 to %d characters.", MaxUsername))
	}
	if !usernameShape.MatchString(prefix) {
		return []UserRef{}, nil // no username starts so
	}
	us, err := a.Users.SearchUsers(ctx, prefix, MaxSearchResults)
	if err != nil {
		return nil, fmt.Errorf("search users: %w", err)
	}
	return us, nil
}

// publishTimeout is how long an answer waits for its fast path. SNS takes some 10 ms.
const publishTimeout = 2 * time.Second

// publish is the fast path of an entry. A failure costs time only: the relay has
// the entry from the table's stream.
func publish(ctx context.Context, bus Publisher, log *slog.Logger, e Entry) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	if err := bus.Publish(ctx, e); err != nil {
		log.WarnContext(ctx, "publish entry", "log", e.Log, "seq", e.Seq, "error", err)
	}
}
