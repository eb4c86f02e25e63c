package chat

import "time"

// SessionLifetime is how long a log-in lasts.
const SessionLifetime = 30 * 24 * time.Hour

// Session is one log-in of one user. It ends when it expires or is revoked.
type Session struct {
	ID      string
	User    UserID
	Created time.Time
	Expires time.Time
}

// Expired says whether the session's time is over at now.
func (s Session) Expired(now time.Time) bool { return !now.Before(s.Expires) }
