package chat

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"
)

// MaxSubject is the longest subject in bytes (OpenID Connect Core section 2).
const MaxSubject = 255

// Identity is somebody as another system knows them.
type Identity struct {
	Issuer  string // that system, such as "nextauth"
	Subject string // its own name for them, the same for ever

	Name, Email string // what a new account's names are made of; either may be empty
}

// IdentityStore keeps whose account an identity is.
type IdentityStore interface {
	// UserOf reads strongly whose identity it is; ErrUserNotFound.
	UserOf(ctx context.Context, id Identity) (UserID, error)
	// CreateUserFor makes the account and ties the identity to it, in one step, and
	// gives the account's id: that of another's account if the identity has got one
	// meanwhile. With u.ID set the account gets that id, which then is the identity.
	// ErrUsernameTaken.
	CreateUserFor(ctx context.Context, id Identity, u User) (UserID, error)
}

// maxKnown bounds the identities that a process remembers: some 2 MB.
const maxKnown = 10_000

// Identities finds the accounts of people whom another system has logged in, and
// makes them at first sight. It is safe for concurrent use.
type Identities struct {
	// Constant.
	Store IdentityStore
	Users UserStore
	Now   func() time.Time
	// Numeric says that subjects are the ids of users here, decimal. Then only who
	// issues the subjects may give out ids: an account that was registered here is
	// that of the subject with its number.
	Numeric bool

	mu    sync.Mutex
	known map[[2]string]UserID // by issuer and subject; accounts never change hands. Guarded by mu
}

// User gives the id of the identity's account; ErrUnauthenticated when there can't
// be one.
func (i *Identities) User(ctx context.Context, id Identity) (UserID, error) {
	if id.Subject == "" || len(id.Subject) > MaxSubject {
		return 0, ErrUnauthenticated
	}
	k := [2]string{id.Issuer, id.Subject}
	if user, ok := i.recall(k); ok {
		return user, nil
	}
	user, err := i.find(ctx, id)
	if errors.Is(err, ErrUserNotFound) {
		user, err = i.create(ctx, id)
	}
	if err != nil {
		return 0, err
	}
	i.remember(k, user)
	return user, nil
}

func (i *Identities) find(ctx context.Context, id Identity) (UserID, error) {
	if !i.Numeric {
		user, err := i.Store.UserOf(ctx, id)
		if err != nil {
			return 0, fmt.Errorf("find identity: %w", err)
		}
		return user, nil
	}
	user, ok := ParseUserID(id.Subject)
	if !ok {
		return 0, ErrUnauthenticated
	}
	us, err := i.Users.Users(ctx, user)
	if err != nil {
		return 0, fmt.Errorf("read user: %w", err)
	}
	if _, ok := us[user]; !ok {
		return 0, ErrUserNotFound
	}
	return user, nil
}

// nameTries is how many usernames are tried. The second already has a random part.
const nameTries = 6

func (i *Identities) create(ctx context.Context, id Identity) (UserID, error) {
	u := User{Created: i.Now()} // without a password: it can't be logged in to here
	if i.Numeric {
		u.ID, _ = ParseUserID(id.Subject)
	}
	for try := range nameTries {
		u.Username = id.username(try)
		u.DisplayName = id.displayName(u.Username)
		user, err := i.Store.CreateUserFor(ctx, id, u)
		switch {
		case err == nil:
			return user, nil
		case !errors.Is(err, ErrUsernameTaken):
			return 0, fmt.Errorf("create user: %w", err)
		}
	}
	return 0, fmt.Errorf("create user: no free username like %s", u.Username) // not the client's fault
}

func (i *Identities) recall(k [2]string) (UserID, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	user, ok := i.known[k]
	return user, ok
}

func (i *Identities) remember(k [2]string, user UserID) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.known == nil {
		i.known = map[[2]string]UserID{}
	}
	if len(i.known) >= maxKnown {
		for other := range i.known { // any: the map's order is random
			delete(i.known, other)
			break
		}
	}
	i.known[k] = user
}

// username makes the name of a new account: the person's own as far as it fits the
// rule, else the part of the address before the @, else "user". From the second try
// on it has a random end.
func (id Identity) username(try int) string {
	name := usernameOf(id.Name)
	if name == "" {
		name = usernameOf(id.Email)
	}
	end := ""
	if try > 0 || len(name) < MinUsername {
		end = "-" + strings.ToLower(rand.Text()[:4+2*try])
	}
	if name == "" {
		name = "user"
	}
	return strings.TrimRight(name[:min(len(name), MaxUsername-len(end))], "._-") + end
}

// usernameOf makes "ann.lee" of "Ann Lee" and of "ann.lee@example.org"; "" when
// letters would be lost.
func usernameOf(s string) string {
	s, _, _ = strings.Cut(s, "@")
	var b strings.Builder
	apart := true // so that it begins with a letter or digit
	for _, c := range s {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
			b.WriteRune(unicode.ToLower(c))
			apart = false
		case c == '.' || c == '_' || c == '-' || unicode.IsSpace(c):
			if unicode.IsSpace(c) {
				c = '.'
			}
			if !apart {
				b.WriteRune(c)
			}
			apart = true
		case unicode.IsPunct(c) || unicode.IsSymbol(c):
		default:
			return ""
		}
	}
	return strings.TrimRight(b.String(), "._-")
}

// displayName is the person's name within the rules of ours, or the username.
func (id Identity) displayName(username string) string {
	name := strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return -1
		}
		return c
	}, id.Name)
	if r := []rune(strings.TrimSpace(name)); len(r) > 0 {
		return strings.TrimSpace(string(r[:min(len(r), MaxDisplayName)]))
	}
	return username
}
