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

	// Foreign says that another system issued the session (NextAuth, Auth.js). It
	// was never kept here, so it holds until it expires or a log-out is kept. Those
	// that can't be told apart have one ID.
	Foreign bool
}

// Expired says whether the session's time is over at now.
func (s Session) Expired(now time.Time) bool { return !now.Before(s.Expires) }

// Revocation says what the session's end at now ends. An issuer makes a session's
// token anew again and again, and nothing in the tokens ties them together: so the
// end of a foreign session is that of all with its ID that were issued up to now, or
// up to this one, should the issuer's clock be ahead.
func (s Session) Revocation(now time.Time) SessionRevokedBody {
	b := SessionRevokedBody{Session: s.ID}
	if s.Foreign {
		b.Until = max(now.UnixMilli(), s.Created.UnixMilli())
	}
	return b
}

// Ends says whether the revocation ends the session of the same user.
func (b SessionRevokedBody) Ends(s Session) bool {
	return s.ID == b.Session && (!s.Foreign || s.Created.UnixMilli() <= b.Until)
}
