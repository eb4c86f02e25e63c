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
	{
		Method: "GET", Path: "/api/ops/receipts", Admin: true, handle: (*API).deliverySummary,
		Summary: "Tell how many events clients have got, and how fast",
		Detail:  "For admins. It is the word of those clients that report it; types of other services count together, as custom.",
		Params: []Field{{Name: "minutes", Doc: "how far back, the present minute included", Optional: true, Schema: Schema{
			Type: "integer", Minimum: 1, Maximum: chat.MaxDeliveryMinutes, Default: defaultMinutes,
		}}},
		Answers: map[int]any{200: deliveryAnswer{}},
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
