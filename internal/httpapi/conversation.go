package httpapi

import (
	"net/http"

	"tidings/internal/chat"
)

var conversationRoutes = []Route{
	{
		Method: "GET", Path: "/api/conversations", handle: (*API).listConversations,
		Summary: "List one's 1:1 conversations, the newest change first", Answers: map[int]any{200: conversationsAnswer{}},
	},
	{
		Method: "POST", Path: "/api/conversations", handle: (*API).openConversation,
		Summary: "Open the conversation with another user",
		Detail:  "Opening it again gives the same one, with 200 instead of 201.",
		Body:    []Field{{Name: "userId", Doc: "the other user", Schema: userIDSchema}},
		Answers: map[int]any{200: conversationAnswer{}, 201: conversationAnswer{}}, Location: true,
		Errors: appends(chat.ErrUserNotFound, chat.ErrNotFriends, chat.ErrTooManyConversations),
	},
	{
		Method: "GET", Path: "/api/conversations/{id}", handle: (*API).conversation,
		Summary: "Show one conversation", Params: []Field{conversationIDParam},
		Answers: map[int]any{200: conversationAnswer{}}, Errors: []*chat.Error{chat.ErrConversationNotFound},
	},
}

type (
	conversationAnswer struct {
		Conversation chat.Conversation `json:"conversation"`
	}
	conversationsAnswer struct {
		Conversations []chat.Conversation `json:"conversations"`
	}
)

func (a *API) listConversations(c *call) error {
	list, err := a.Conversations.List(c.ctx(), c.user())
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, conversationsAnswer{list})
}

func (a *API) openConversation(c *call) error {
	f := c.fields()
	other := f.userID("userId")
	if err := f.err(); err != nil {
		return err
	}
	conv, status, err := a.Conversations.Open(c.ctx(), c.user(), other, c.idempotency)
	if err != nil {
		return err
	}
	if status == http.StatusCreated {
		c.w.Header().Set("Location", conversationPath(conv.ID))
	}
	return c.answer(status, conversationAnswer{conv})
}

func (a *API) conversation(c *call) error {
	conv, err := a.Conversations.Get(c.ctx(), c.user(), c.r.PathValue("id"))
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, conversationAnswer{conv})
}

func conversationPath(id string) string { return "/api/conversations/" + id }
