package httpapi

import (
	"net/http"

	"tidings/internal/chat"
	"tidings/internal/session"
)

var authRoutes = []Route{
	{
		Method: "POST", Path: "/api/auth/register", Open: true, handle: (*API).register,
		Summary: "Make an account and log in", Body: []Field{
			{Name: "username", Doc: "unique, whatever its case", Schema: Schema{
				Type: "string", MinLength: chat.MinUsername, MaxLength: chat.MaxUsername, Pattern: chat.UsernamePattern, Example: "alice",
			}},
			{Name: "password", Schema: Schema{
				Type: "string", MinLength: chat.MinPassword, MaxLength: chat.MaxPassword, Example: "correct horse",
			}},
			{Name: "displayName", Doc: "without control characters; trimmed; the username unless given", Optional: true, Schema: Schema{
				Type: "string", MaxLength: chat.MaxDisplayName, Pattern: `^[^` + controls + `]*$`, Example: "Alice L.",
			}},
		},
		Answers: map[int]any{201: sessionAnswer{}}, Errors: []*chat.Error{chat.ErrUsernameTaken},
	},
	{
		Method: "POST", Path: "/api/auth/login", Open: true, handle: (*API).login,
		Summary: "Log in", Body: []Field{
			{Name: "username", Schema: Schema{Type: "string", Example: "alice"}},
			{Name: "password", Schema: Schema{Type: "string", Example: "correct horse"}},
		},
		Answers: map[int]any{200: sessionAnswer{}}, Errors: []*chat.Error{chat.ErrBadCredentials, chat.TooManyAttempts(0)},
	},
	{
		Method: "POST", Path: "/api/auth/logout", handle: (*API).logout,
		Summary: "End the session and its streams", Answers: map[int]any{204: nil},
	},
	{
		Method: "GET", Path: "/api/auth/session", handle: (*API).session,
		Summary: "Tell who is logged in", Answers: map[int]any{200: sessionAnswer{}}, Errors: []*chat.Error{chat.ErrUserNotFound},
	},
}

// sessionAnswer tells who is logged in. Token is for clients that keep no cookies.
type sessionAnswer struct {
	User    chat.UserRef `json:"user"`
	Token   string       `json:"token,omitempty"`
	Expires chat.Millis  `json:"expires"`
}

func (a *API) register(c *call) error {
	f := c.fields()
	r := chat.Registration{
		Username: f.text("username"), Password: f.text("password"), DisplayName: f.optionalText("displayName"),
	}
	if err := f.err(); err != nil {
		return err
	}
	u, s, err := a.Accounts.Register(c.ctx(), r)
	if err != nil {
		return err
	}
	return a.logIn(c, http.StatusCreated, u, s)
}

func (a *API) login(c *call) error {
	f := c.fields()
	username, password := f.text("username"), f.text("password")
	if err := f.err(); err != nil {
		return err
	}
	u, s, err := a.Accounts.Login(c.ctx(), username, password)
	if err != nil {
		return err
	}
	return a.logIn(c, http.StatusOK, u, s)
}

// logIn answers with the new session, in the cookie and in the body.
func (a *API) logIn(c *call, status int, u chat.User, s chat.Session) error {
	token, err := a.Authenticator.Tokens.Sign(s)
	if err != nil {
		return err
	}
	session.SetCookie(c.w, c.r, token, s.Expires, a.Authenticator.Now())
	return c.answer(status, sessionAnswer{User: u.UserRef, Token: token, Expires: millis(s)})
}

func (a *API) logout(c *call) error {
	if err := c.noFields(); err != nil {
		return err
	}
	if err := a.Accounts.Logout(c.ctx(), c.session); err != nil {
		return err
	}
	if !session.HasBearer(c.r) { // beside a Bearer token the cookie is another log-in's
		session.ClearCookie(c.w, c.r)
		a.Authenticator.NextAuth.ClearCookies(c.w, c.r) // the app would take it for its session still
	}
	return c.done(http.StatusNoContent)
}

func (a *API) session(c *call) error {
	u, err := a.Accounts.User(c.ctx(), c.user())
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, sessionAnswer{User: u, Expires: millis(c.session)})
}

func millis(s chat.Session) chat.Millis { return chat.Millis(s.Expires.UnixMilli()) }
