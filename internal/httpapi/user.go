package httpapi

import (
	"net/http"

	"tidings/internal/chat"
)

var userRoutes = []Route{
	{
		Method: "GET", Path: "/api/users", handle: (*API).searchUsers,
		Summary: "Find people by the start of their username", Params: []Field{
			{Name: "query", Doc: "the start of a username, in any case", Schema: Schema{
				Type: "string", MinLength: 1, MaxLength: chat.MaxUsername, Example: "al",
			}},
		},
		Answers: map[int]any{200: usersAnswer{}},
	},
	{
		Method: "GET", Path: "/api/users/{id}", handle: (*API).user,
		Summary: "Show one person", Params: []Field{userIDParam},
		Answers: map[int]any{200: userAnswer{}}, Errors: []*chat.Error{chat.ErrUserNotFound},
	},
}

type (
	userAnswer struct {
		User chat.UserRef `json:"user"`
	}
	usersAnswer struct {
		Users []chat.UserRef `json:"users"`
	}
)

func (a *API) searchUsers(c *call) error {
	prefix, _ := c.parameter("query")
	if err := c.invalid(); err != nil {
		return err
	}
	us, err := a.Accounts.Search(c.ctx(), prefix)
	if err != nil {
		return err
	}
	if us == nil {
		us = []chat.UserRef{}
	}
	return c.answer(http.StatusOK, usersAnswer{us})
}

func (a *API) user(c *call) error {
	id, ok := chat.ParseUserID(c.r.PathValue("id"))
	if !ok {
		return chat.ErrUserNotFound // such a user can't exist
	}
	u, err := a.Accounts.User(c.ctx(), id)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, userAnswer{u})
}
