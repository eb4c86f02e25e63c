package httpapi

import (
	"net/http"
	"slices"

	"tidings/internal/chat"
)

var opsRoutes = []Route{
	{
		Method: "GET", Path: "/api/ops/connections", Admin: true, handle: (*API).connections,
		Summary: "Count the streams, and those of one user",
		Detail: "For admins. Each streamer says every 10 seconds how many streams it holds; one that has said nothing for 40 seconds is not listed. " +
			"With userId each of them is asked, which takes 2 seconds at most.",
		Params: []Field{
			{Name: "userId", Doc: "whose streams to count too", Optional: true, Schema: userIDSchema},
		},
		Answers: map[int]any{200: connectionsAnswer{}},
	},
}

type connectionsAnswer struct {
	Connections int                 `json:"connections"` // of all instances
	Instances   []chat.Instance     `json:"instances"`
	Listeners   *chat.UserListeners `json:"listeners,omitempty"` // of the user who was asked for
}

// authorize refuses who is no admin.
func (a *API) authorize(user chat.UserID) error {
	if !slices.Contains(a.Admins, user) {
		return chat.ErrNotAdmin
	}
	return nil
}

func (a *API) connections(c *call) error {
	user := c.userParameter("userId")
	if err := c.invalid(); err != nil {
		return err
	}
	instances, err := a.Operations.Instances(c.ctx())
	if err != nil {
		return err
	}
	answer := connectionsAnswer{Instances: append([]chat.Instance{}, instances...)}
	for _, i := range instances {
		answer.Connections += i.Connections
	}
	if user != 0 {
		l := a.Operations.Listeners(c.ctx(), instances, user)
		answer.Listeners = &l
	}
	return c.answer(http.StatusOK, answer)
}
