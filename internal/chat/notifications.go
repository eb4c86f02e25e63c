package chat

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
)

// Limits of the list of notifications.
const (
	// MaxUnread is how many stored notifications, the newest ones, can be unread. What
	// is older counts as read, so that counting them is one bounded read.
	MaxUnread = 1000
	// maxPageData is how much custom data a page holds, in bytes: far below the 6 MB
	// that a Lambda function may answer. A page that would hold more ends early.
	maxPageData = 1 << 20
	// maxReceipts is of how many conversations reading everything sends receipts, the
	// newest first: each is a publish that the request waits for.
	maxReceipts = 20
)

// Notifications is the service of what a user may want to be told of.
type Notifications struct {
	Store    NotificationStore
	Views    ConversationStore
	Messages *Messages // for those that stem from a message
	Bus      Publisher
	Log      *slog.Logger
}

// NotificationPage asks for part of the list, the newest first.
type NotificationPage struct {
	Before NotificationPosition // zero: from the newest
	Limit  int                  // 1 to MaxPageSize
	Unread bool                 // leave out what is read
}

// NotificationPosition is a place in the list: right after the notification with
// that time and id.
type NotificationPosition struct {
	TS int64
	ID string
}

// String is the position as clients hand it back: "<unix ms>-<id>".
func (p NotificationPosition) String() string { return strconv.FormatInt(p.TS, 10) + "-" + p.ID }

// ParseNotificationPosition reads what String wrote.
func ParseNotificationPosition(s string) (p NotificationPosition, ok bool) {
	ms, id, found := strings.Cut(s, "-")
	ts, err := strconv.ParseInt(ms, 10, 64)
	_, _, okID := ParseNotificationID(id)
	return NotificationPosition{TS: ts, ID: id}, found && err == nil && okID && ts > 0 && ts <= MaxTS
}

// MaxTS is the latest time of an entry that lists can be asked for: the year 2286.
const MaxTS = 9_999_999_999_999

// compare orders notifications as the list does: the newest first.
func (p NotificationPosition) compare(q NotificationPosition) int {
	return cmp.Or(-cmp.Compare(p.TS, q.TS), strings.Compare(p.ID, q.ID))
}

func (n Notification) position() NotificationPosition {
	return NotificationPosition{TS: int64(n.CreatedAt), ID: n.ID}
}

// NotificationList is one page.
type NotificationList struct {
	Notifications []Notification
	More          bool
	// UnreadCount is the number of conversations and group chats with messages that
	// the user has not read, and of the stored notifications not read.
	UnreadCount int
}

// List gives a page: one notification for each conversation and group chat with
// messages that the user has not read, and the stored ones of 90 days.
func (n *Notifications) List(ctx context.Context, user UserID, page NotificationPage) (NotificationList, error) {
	views, err := n.Views.Conversations(ctx, user, "")
	if err != nil {
		return NotificationList{}, fmt.Errorf("list logs: %w", err)
	}
	before := page.Before
	if before.TS == 0 {
		before.TS = MaxTS
	}
	upTo := before.TS
	if LogID(before.ID).Is(UserPrefix) {
		upTo-- // a time stands only once in one log
	}
	stored, err := n.Store.StoredNotifications(ctx, user, upTo, page.Limit+1, page.Unread)
	if err != nil {
		return NotificationList{}, fmt.Errorf("read notifications: %w", err)
	}
	out := NotificationList{UnreadCount: stored.Unread}
	var all []Notification
	for _, v := range views {
		if one, ok := unreadNotification(v); ok {
			out.UnreadCount++
			if one.position().compare(before) > 0 {
				all = append(all, one)
			}
		}
	}
	for _, s := range stored.Page {
		one, err := s.Entry.Notification()
		if err != nil {
			return NotificationList{}, err
		}
		one.Read = s.Read
		all = append(all, one)
	}
	out.Notifications, out.More = firstOf(all, page.Limit)
	return out, nil
}

// firstOf sorts and cuts a page.
func firstOf(all []Notification, limit int) (page []Notification, more bool) {
	slices.SortFunc(all, func(a, b Notification) int { return a.position().compare(b.position()) })
	size := 0
	for i, one := range all {
		size += len(one.Data)
		if i == limit || i > 0 && size > maxPageData {
			return all[:i], true
		}
	}
	return all, false
}

// Read marks a notification as read; one that stems from a message reads the
// conversation up to it. ErrNotificationNotFound.
func (n *Notifications) Read(ctx context.Context, user UserID, id string) error {
	log, seq, ok := ParseNotificationID(id)
	if !ok || log.Is(UserPrefix) && log != UserLog(user) {
		return ErrNotificationNotFound
	}
	if !log.Is(UserPrefix) {
		return n.readMessage(ctx, user, log, seq)
	}
	e, err := n.Store.ReadNotification(ctx, user, seq)
	if err != nil {
		return fmt.Errorf("read notification: %w", err)
	}
	if e.Seq > 0 {
		publish(ctx, n.Bus, n.Log, e)
	}
	return nil
}

func (n *Notifications) readMessage(ctx context.Context, user UserID, log LogID, seq int64) error {
	err := n.Messages.MarkRead(ctx, user, log, MessageID(seq), Idempotency{Key: rand.Text()})
	for _, unknown := range []error{ErrConversationNotFound, ErrGroupNotFound, ErrMessageNotFound} {
		if errors.Is(err, unknown) {
			return ErrNotificationNotFound
		}
	}
	return err
}

// ReadAll marks everything as read that is there now.
func (n *Notifications) ReadAll(ctx context.Context, user UserID, idem Idempotency) error {
	es, err := n.Store.ReadAll(ctx, user, idem)
	for _, e := range es { // also those before an error
		publish(ctx, n.Bus, n.Log, e)
	}
	if err != nil {
		return fmt.Errorf("read all: %w", err)
	}
	n.receipts(ctx, user, es)
	return nil
}

// receipts tells the others how far the user has read. What can't be told is lost, as
// ephemerals may be: the reading is done.
func (n *Notifications) receipts(ctx context.Context, user UserID, es []Entry) {
	sent := 0
	for _, e := range es {
		b, err := e.NotificationRead()
		for _, r := range b.Reads {
			if sent++; sent > maxReceipts {
				return
			}
			err = errors.Join(err, n.Messages.receipt(ctx, user, r))
		}
		if err != nil {
			n.Log.WarnContext(ctx, "tell receipts", "log", e.Log, "seq", e.Seq, "error", err)
		}
	}
}

// End is where the page after this one begins.
func (l NotificationList) End() NotificationPosition {
	if len(l.Notifications) == 0 {
		return NotificationPosition{}
	}
	return l.Notifications[len(l.Notifications)-1].position()
}
