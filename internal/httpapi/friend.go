package httpapi

import (
	"net/http"

	"tidings/internal/chat"
)

var (
	requestIDParam = pathParam("id", "the friend request's id", "2-1")
	friendIDParam  = pathParam("userId", "the friend's id", "2")

	friendPageParams = []Field{
		{Name: "after", Doc: "the friend that the page begins after", Optional: true, Schema: Schema{Type: "string", Pattern: `^[1-9][0-9]{0,15}$`, Example: "2"}},
		limitParam(chat.DefaultPageSize, chat.MaxPageSize),
	}
)

// The answers to a friend request.
const (
	actionAccept  = "accept"
	actionDecline = "decline"
)

var friendRoutes = []Route{
	{
		Method: "GET", Path: "/api/friends", handle: (*API).listFriends,
		Summary: "Read a page of one's friends, in the order of their ids as text", Params: friendPageParams,
		Answers: map[int]any{200: friendsAnswer{}},
	},
	{
		Method: "DELETE", Path: "/api/friends/{userId}", handle: (*API).removeFriend,
		Summary: "End a friendship", Params: []Field{friendIDParam},
		Detail:  "The conversation with them stays usable.",
		Answers: map[int]any{204: nil}, Errors: changesPair(chat.ErrFriendNotFound),
	},
	{
		Method: "POST", Path: "/api/friends/request", handle: (*API).requestFriend,
		Summary: "Ask another user to be friends",
		Detail: "If they have asked already, this accepts: 200 with the friend instead of 201 with the request. " +
			"A declined request can be made again after 24 hours.",
		Body: []Field{
			{Name: "userId", Doc: "the other user", Optional: true, Schema: userIDSchema},
			{Name: "username", Doc: "the other user's name, in any case", Optional: true, Schema: Schema{Type: "string", Example: "bob"}},
		},
		OneOf:   []string{"userId", "username"},
		Answers: map[int]any{200: friendAnswer{}, 201: requestAnswer{}},
		Errors: changesPair(chat.ErrUserNotFound, chat.ErrAlreadyFriends, chat.ErrRequestExists, chat.ErrTooManyRequests,
			chat.DeclinedRecently(0), chat.RateLimited(0)),
	},
	{
		Method: "GET", Path: "/api/friends/request", handle: (*API).listRequests,
		Summary: "List the open friend requests that one got and sent, the newest first", Answers: map[int]any{200: requestsAnswer{}},
	},
	{
		Method: "PUT", Path: "/api/friends/request/{id}", handle: (*API).answerRequest,
		Summary: "Answer a friend request that one got", Params: []Field{requestIDParam},
		Detail: "Accepting gives the friend; so does accepting again, while the friendship lasts.",
		Body: []Field{{Name: "action", Schema: Schema{
			Type: "string", Enum: []any{actionAccept, actionDecline}, Example: actionAccept,
		}}},
		Answers: map[int]any{200: friendAnswer{}, 204: nil}, Errors: changesPair(chat.ErrRequestNotFound, chat.ErrNotReceiver),
	},
	{
		Method: "DELETE", Path: "/api/friends/request/{id}", handle: (*API).withdrawRequest,
		Summary: "Withdraw a friend request that one sent", Params: []Field{requestIDParam},
		Answers: map[int]any{204: nil}, Errors: changesPair(chat.ErrRequestNotFound, chat.ErrNotSender),
	},
}

// changesPair are the refusals of a route that changes what stands between two users,
// and its own.
func changesPair(own ...*chat.Error) []*chat.Error { return append(own, chat.SlowMode(0)) }

type (
	friendAnswer struct {
		Friend chat.Friend `json:"friend"`
	}
	friendsAnswer struct {
		Friends []chat.Friend `json:"friends"`
		Links   nextLink      `json:"links"`
	}
	requestAnswer struct {
		Request chat.FriendRequest `json:"request"`
	}
	requestsAnswer struct {
		Incoming []chat.FriendRequest `json:"incoming"`
		Outgoing []chat.FriendRequest `json:"outgoing"`
	}
)

func (a *API) listFriends(c *call) error {
	after, limit := c.userParameter("after"), c.limit()
	if err := c.invalid(); err != nil {
		return err
	}
	friends, more, err := a.Friends.List(c.ctx(), c.user(), after, limit)
	if err != nil {
		return err
	}
	answer := friendsAnswer{Friends: friends}
	if n := len(friends); more && n > 0 {
		answer.Links.Next = pagePath(c.r.URL.Path, "after", int64(friends[n-1].User.ID), limit)
	}
	return c.answer(http.StatusOK, answer)
}

func (a *API) removeFriend(c *call) error {
	if err := c.noFields(); err != nil {
		return err
	}
	other, ok := chat.ParseUserID(c.r.PathValue("userId"))
	if !ok {
		return chat.ErrFriendNotFound // such a user can't exist
	}
	if err := a.Friends.Remove(c.ctx(), c.user(), other); err != nil {
		return err
	}
	return c.done(http.StatusNoContent)
}

func (a *API) requestFriend(c *call) error {
	f := c.fields()
	other, username := f.optionalUserID("userId"), f.optionalText("username")
	named := f.given("username")
	if f.fatal == nil && named == f.given("userId") {
		c.reject("", "one_of", "Exactly one of userId and username is needed.")
	}
	if err := f.err(); err != nil {
		return err
	}
	var r chat.Requested
	var err error
	if named {
		r, err = a.Friends.RequestNamed(c.ctx(), c.user(), username, c.idempotency)
	} else {
		r, err = a.Friends.Request(c.ctx(), c.user(), other, c.idempotency)
	}
	if err != nil {
		return err
	}
	if r.Friend != nil {
		return c.answer(http.StatusOK, friendAnswer{*r.Friend})
	}
	return c.answer(http.StatusCreated, requestAnswer{*r.Request})
}

func (a *API) listRequests(c *call) error {
	incoming, outgoing, err := a.Friends.Requests(c.ctx(), c.user())
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, requestsAnswer{incoming, outgoing})
}

func (a *API) answerRequest(c *call) error {
	f := c.fields()
	action := f.text("action")
	if f.given("action") && action != actionAccept && action != actionDecline && len(c.bad) == 0 {
		c.reject("action", "action", "Either "+actionAccept+" or "+actionDecline+".")
	}
	if err := f.err(); err != nil {
		return err
	}
	id := c.r.PathValue("id")
	if action == actionDecline {
		if err := a.Friends.Decline(c.ctx(), c.user(), id); err != nil {
			return err
		}
		return c.done(http.StatusNoContent)
	}
	friend, err := a.Friends.Accept(c.ctx(), c.user(), id)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, friendAnswer{friend})
}

func (a *API) withdrawRequest(c *call) error {
	if err := c.noFields(); err != nil {
		return err
	}
	if err := a.Friends.Withdraw(c.ctx(), c.user(), c.r.PathValue("id")); err != nil {
		return err
	}
	return c.done(http.StatusNoContent)
}
