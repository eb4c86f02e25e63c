package chat

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// UserID is a user's number: 1, 2, 3 … in the order of registration.
type UserID int64

// MaxUserID is the largest id that a browser can hold exactly (2^53 − 1).
const MaxUserID UserID = 1<<53 - 1

func (id UserID) String() string { return strconv.FormatInt(int64(id), 10) }

// ParseUserID reads a decimal id as it stands in a path: no sign, no zeros in front.
func ParseUserID(s string) (UserID, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 || n > int64(MaxUserID) || strconv.FormatInt(n, 10) != s {
		return 0, false
	}
	return UserID(n), true
}

// UserRef is a user as others see them.
type UserRef struct {
	ID          UserID `json:"id"`
	Username    string `json:"username"`
	DisplayName string `json:"displayName"`
}

// User is an account.
type User struct {
	UserRef
	PasswordHash string
	Created      time.Time
}

// Limits of an account's fields. A username stands in keys and on one line of a
// list; the password limit bounds the work that one log-in can ask for.
const (
	MinUsername    = 3
	MaxUsername    = 32
	MinPassword    = 8
	MaxPassword    = 128
	MaxDisplayName = 64
)

// UsernamePattern is what a username is made of.
const UsernamePattern = `^[A-Za-z0-9][A-Za-z0-9_.-]*$`

var usernameShape = regexp.MustCompile(UsernamePattern)

// Registration is what a new user sends.
type Registration struct {
	Username    string `json:"username"`
	Password    string `json:"password"`
	DisplayName string `json:"displayName,omitempty"` // the username unless given
}

// Validate trims the display name, fills its default and checks all fields.
func (r *Registration) Validate() error {
	r.DisplayName = strings.TrimSpace(r.DisplayName)
	if r.DisplayName == "" {
		r.DisplayName = r.Username
	}
	var bad []FieldError
	if n := len(r.Username); n < MinUsername || n > MaxUsername || !usernameShape.MatchString(r.Username) {
		bad = append(bad, Field("username", "username_shape",
			"%d to %d letters, digits, dots, hyphens and underscores, the first a letter or digit.", MinUsername, MaxUsername))
	}
	if n := utf8.RuneCountInString(r.Password); n < MinPassword || n > MaxPassword {
		bad = append(bad, Field("password", "password_length", "%d to %d characters.", MinPassword, MaxPassword))
	}
	if utf8.RuneCountInString(r.DisplayName) > MaxDisplayName {
		bad = append(bad, Field("displayName", "too_long", "At most %d characters.", MaxDisplayName))
	}
	if strings.ContainsFunc(r.DisplayName, unicode.IsControl) {
		bad = append(bad, Field("displayName", "control_character", "No control characters."))
	}
	if len(bad) > 0 {
		return Invalid(bad...)
	}
	return nil
}

// FoldUsername is the form under which a username is unique and searched.
func FoldUsername(s string) string { return strings.ToLower(s) }
