package httpapi

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tidings/internal/chat"
)

var messageRoutes = slices.Concat(
	messageRoutesIn("/api/conversations/{id}", conversationIDParam, chat.ErrConversationNotFound, "the other"),
	messageRoutesIn("/api/groupchats/{id}", groupIDParam, chat.ErrGroupNotFound, "the others"),
)

// messageRoutesIn are the routes of what is said in a place.
func messageRoutesIn(path string, id Field, unknown *chat.Error, others string) []Route {
	return []Route{
		{
			Method: "GET", Path: path + "/messages", handle: (*API).listMessages,
			Summary: "Read a page of messages, the newest last", Params: append([]Field{id}, pageParams...),
			Answers: map[int]any{200: messagesAnswer{}}, Errors: []*chat.Error{unknown},
		},
		{
			Method: "POST", Path: path + "/messages", handle: (*API).sendMessage,
			Summary: "Send a message", Params: []Field{id}, Body: []Field{contentField},
			Answers: map[int]any{201: messageAnswer{}}, Location: true, Errors: appends(unknown),
		},
		{
			Method: "POST", Path: path + "/read", handle: (*API).markRead,
			Summary: "Mark as read up to a message", Params: []Field{id},
			Body:    []Field{{Name: "messageId", Doc: "the newest message that was read", Schema: messageIDSchema}},
			Answers: map[int]any{204: nil}, Errors: appends(unknown, chat.ErrMessageNotFound),
		},
		{
			Method: "POST", Path: path + "/typing", handle: (*API).typing,
			Summary: "Tell " + others + " that one is writing", Params: []Field{id},
			Answers: map[int]any{202: nil}, Errors: []*chat.Error{unknown},
		},
	}
}

// log is the log that the path names, as far as it is one that the user could know.
func (c *call) log() (chat.LogID, error) {
	id := c.r.PathValue("id")
	if strings.HasPrefix(c.r.URL.Path, "/api/groupchats/") {
		return chat.GroupOf(id)
	}
	return chat.ConversationOf(c.user(), id)
}

// messagesPath is where the log's messages are.
func (c *call) messagesPath() string {
	return strings.TrimSuffix(c.r.URL.Path, "/messages") + "/messages"
}

type (
	messageAnswer struct {
		Message chat.Message `json:"message"`
	}
	messagesAnswer struct {
		Messages []chat.Message `json:"messages"`
		Links    pageLinks      `json:"links"`
	}
	// pageLinks are relative to the API's origin; a missing one means that there is
	// nothing more on that side.
	pageLinks struct {
		Older string `json:"older,omitempty"`
		Newer string `json:"newer,omitempty"`
	}
)

func (a *API) listMessages(c *call) error {
	log, err := c.log()
	if err != nil {
		return err
	}
	page := c.page()
	if err := c.invalid(); err != nil {
		return err
	}
	p, err := a.Messages.List(c.ctx(), c.user(), log, page)
	if err != nil {
		return err
	}
	answer := messagesAnswer{Messages: p.Messages, Links: links(c.messagesPath(), page, p)}
	if answer.Messages == nil {
		answer.Messages = []chat.Message{}
	}
	return c.answer(http.StatusOK, answer)
}

func links(path string, asked chat.Page, got chat.MessagePage) pageLinks {
	// An empty page lies between the position asked for and its neighbour.
	first, last := asked.After+1, asked.Before-1
	if n := len(got.Messages); n > 0 {
		first, last = got.Messages[0].Seq, got.Messages[n-1].Seq
	}
	var l pageLinks
	if got.Older && first > 0 && first <= int64(chat.MaxUserID) {
		l.Older = pagePath(path, "before", first, asked.Limit)
	}
	if got.Newer && last > 0 {
		l.Newer = pagePath(path, "after", last, asked.Limit)
	}
	return l
}

func (a *API) sendMessage(c *call) error {
	log, err := c.log()
	if err != nil {
		return err
	}
	f := c.fields()
	content := f.text("content")
	if err := f.err(); err != nil {
		return err
	}
	m, err := a.Messages.Send(c.ctx(), c.user(), log, content, c.idempotency)
	if err != nil {
		return err
	}
	// A message has no path of its own: the page that begins and ends with it.
	c.w.Header().Set("Location", pagePath(c.messagesPath(), "after", m.Seq-1, 1))
	return c.answer(http.StatusCreated, messageAnswer{m})
}

func (a *API) markRead(c *call) error {
	log, err := c.log()
	if err != nil {
		return err
	}
	f := c.fields()
	message := f.text("messageId")
	if err := f.err(); err != nil {
		return err
	}
	if err := a.Messages.MarkRead(c.ctx(), c.user(), log, message, c.idempotency); err != nil {
		return err
	}
	return c.done(http.StatusNoContent)
}

func (a *API) typing(c *call) error {
	log, err := c.log()
	if err != nil {
		return err
	}
	if err := c.noFields(); err != nil {
		return err
	}
	if err := a.Messages.Typing(c.ctx(), c.user(), log); err != nil {
		return err
	}
	return c.done(http.StatusAccepted)
}

func pagePath(path, side string, seq int64, limit int) string {
	q := url.Values{side: {strconv.FormatInt(seq, 10)}, "limit": {strconv.Itoa(limit)}}
	return path + "?" + q.Encode()
}
