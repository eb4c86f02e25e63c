package httpapi

import (
	"net/http"
	"net/url"
	"strconv"

	"tidings/internal/chat"
)

var notificationRoutes = []Route{
	{
		Method: "GET", Path: "/api/notifications", handle: (*API).listNotifications,
		Summary: "Read a page of notifications, the newest first",
		Detail: "Messages that were not read give one notification for each conversation and group chat; it goes when they are read. " +
			"The others are kept for 90 days. unreadCount is the number of those conversations and group chats and of the others not read, " +
			"of which only the newest " + strconv.Itoa(chat.MaxUnread) + " can be unread.",
		Params: []Field{
			{Name: "unread", Doc: "true leaves out what was read", Optional: true, Schema: Schema{Type: "boolean", Default: false}},
			{Name: "before", Doc: "where the page begins: opaque, from links.older", Optional: true, Schema: Schema{Type: "string", Example: "1700000000123-u:1/4"}},
			limitParam(chat.DefaultPageSize, chat.MaxPageSize),
		},
		Answers: map[int]any{200: notificationsAnswer{}},
	},
	{
		Method: "PUT", Path: "/api/notifications/{log}/{seq}", handle: (*API).readNotification,
		Summary: "Mark a notification as read", Params: []Field{
			pathParam("log", "the first half of the notification's id", "u:1"), pathParam("seq", "the second half, after the slash", "4"),
		},
		Detail: "The slash of the id may be escaped. One that stems from a message reads its conversation up to that message.",
		Body: []Field{{Name: "read", Doc: "true: what was read stays read", Schema: Schema{
			Type: "boolean", Enum: []any{true},
		}}},
		Answers: map[int]any{204: nil}, Errors: []*chat.Error{chat.ErrNotificationNotFound, chat.SlowMode(0)},
	},
	{
		Method: "POST", Path: "/api/notifications/read-all", handle: (*API).readAllNotifications,
		Summary: "Mark all notifications as read", Detail: "All conversations and group chats are read up to their newest messages.",
		Answers: map[int]any{204: nil}, Errors: []*chat.Error{chat.SlowMode(0)},
	},
}

type (
	notificationsAnswer struct {
		Notifications []chat.Notification `json:"notifications"`
		UnreadCount   int                 `json:"unreadCount"`
		Links         olderLink           `json:"links"`
	}
	// olderLink is relative to the API's origin, missing on the last page.
	olderLink struct {
		Older string `json:"older,omitempty"`
	}
)

func (a *API) listNotifications(c *call) error {
	page := chat.NotificationPage{Limit: c.limit(), Unread: c.onlyUnread()}
	if v, given := c.parameter("before"); given {
		var ok bool
		if page.Before, ok = chat.ParseNotificationPosition(v); !ok {
			c.reject("before", "position", "A position from links.older.")
		}
	}
	if err := c.invalid(); err != nil {
		return err
	}
	list, err := a.Notifications.List(c.ctx(), c.user(), page)
	if err != nil {
		return err
	}
	answer := notificationsAnswer{Notifications: list.Notifications, UnreadCount: list.UnreadCount}
	if answer.Notifications == nil {
		answer.Notifications = []chat.Notification{}
	}
	if list.More {
		q := url.Values{"before": {list.End().String()}, "limit": {strconv.Itoa(page.Limit)}}
		if page.Unread {
			q.Set("unread", "true")
		}
		answer.Links.Older = c.r.URL.Path + "?" + q.Encode()
	}
	return c.answer(http.StatusOK, answer)
}

func (c *call) onlyUnread() bool {
	v, given := c.parameter("unread")
	if given && v != "true" && v != "false" {
		c.reject("unread", "wrong_type", "Either true or false.")
	}
	return v == "true"
}

func (a *API) readNotification(c *call) error {
	f := c.fields()
	if v, ok := f.get("read", true); ok && v != true {
		c.reject("read", "not_true", "What was read stays read: only true can be said here.")
	}
	if err := f.err(); err != nil {
		return err
	}
	if err := a.Notifications.Read(c.ctx(), c.user(), c.r.PathValue("log")+"/"+c.r.PathValue("seq")); err != nil {
		return err
	}
	return c.done(http.StatusNoContent)
}

func (a *API) readAllNotifications(c *call) error {
	if err := c.noFields(); err != nil {
		return err
	}
	if err := a.Notifications.ReadAll(c.ctx(), c.user(), c.idempotency); err != nil {
		return err
	}
	return c.done(http.StatusNoContent)
}
