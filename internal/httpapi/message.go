package httpapi

import (
	"net/http"
	"net/url"
	"strconv"

	"tidings/internal/chat"
)

var messageRoutes = []Route{
	{Method: "GET", Path: "/api/conversations/{id}/messages", handle: (*API).listMessages},
	{Method: "POST", Path: "/api/conversations/{id}/messages", handle: (*API).sendMessage},
	{Method: "POST", Path: "/api/conversations/{id}/read", handle: (*API).markRead},
	{Method: "POST", Path: "/api/conversations/{id}/typing", handle: (*API).typing},
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
	id, page := c.r.PathValue("id"), c.page()
	if err := c.invalid(); err != nil {
		return err
	}
	p, err := a.Messages.List(c.ctx(), c.user(), id, page)
	if err != nil {
		return err
	}
	answer := messagesAnswer{Messages: p.Messages, Links: links(messagesPath(id), page, p)}
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
	if got.Older && first > 0 {
		l.Older = pagePath(path, "before", first, asked.Limit)
	}
	if got.Newer && last > 0 {
		l.Newer = pagePath(path, "after", last, asked.Limit)
	}
	return l
}

func (a *API) sendMessage(c *call) error {
	f := c.fields()
	content := f.text("content")
	if err := f.err(); err != nil {
		return err
	}
	id := c.r.PathValue("id")
	m, err := a.Messages.Send(c.ctx(), c.user(), id, content, c.idempotency)
	if err != nil {
		return err
	}
	// A message has no path of its own: the page that begins and ends with it.
	c.w.Header().Set("Location", pagePath(messagesPath(id), "after", m.Seq-1, 1))
	return c.answer(http.StatusCreated, messageAnswer{m})
}

func (a *API) markRead(c *call) error {
	f := c.fields()
	message := f.text("messageId")
	if err := f.err(); err != nil {
		return err
	}
	if err := a.Messages.MarkRead(c.ctx(), c.user(), c.r.PathValue("id"), message, c.idempotency); err != nil {
		return err
	}
	return c.done(http.StatusNoContent)
}

func (a *API) typing(c *call) error {
	if err := c.noFields(); err != nil {
		return err
	}
	if err := a.Messages.Typing(c.ctx(), c.user(), c.r.PathValue("id")); err != nil {
		return err
	}
	return c.done(http.StatusAccepted)
}

func messagesPath(conversationID string) string {
	return conversationPath(conversationID) + "/messages"
}

func pagePath(path, side string, seq int64, limit int) string {
	q := url.Values{side: {strconv.FormatInt(seq, 10)}, "limit": {strconv.Itoa(limit)}}
	return path + "?" + q.Encode()
}
