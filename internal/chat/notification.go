package chat

import (
	"encoding/json"
	"strings"
)

// Notification tells a user of something that others did.
type Notification struct {
	ID    string  `json:"id"`  // "<log>/<seq>" of the entry that tells it
	Seq   int64   `json:"seq"` // of that entry
	Kind  string  `json:"kind" enum:"message,group_message,friend_request,friend_accepted,custom"`
	Actor UserRef `json:"actor,omitzero"` // whose doing it is; custom ones have none
	place
	MessageID string          `json:"messageId,omitempty"`
	RequestID string          `json:"requestId,omitempty"`
	Type      string          `json:"type,omitempty"` // of a custom one: the type of its event
	Data      json.RawMessage `json:"data,omitempty"` // of a custom one: the data of its event
	Preview   string          `json:"preview"`        // the beginning of a message
	CreatedAt Millis          `json:"createdAt"`
	Read      bool            `json:"read"`

	// What only lists have, not the events.
	*UnreadMessages
}

// UnreadMessages is what a listed notification of a message stands for: all that the
// user has not read in its conversation or group chat.
type UnreadMessages struct {
	Count        int64 `json:"count"`        // the messages not read, messageCount − readCount
	MessageCount int64 `json:"messageCount"` // as in the updates of the conversation or group chat
	ReadCount    int64 `json:"readCount"`    // as in the read events
}

// Stored says whether entries of the kind are notifications that are kept and read
// one by one. Those of messages are derived from what was read of their log.
func (k EntryKind) Stored() bool {
	return k == KindFriendRequest || k == KindFriendAccepted || k == KindCustom
}

// The bodies of entries about notifications.
type (
	// CustomBody belongs to KindCustom.
	CustomBody struct {
		Type string          `json:"type"`
		Data json.RawMessage `json:"data"`
	}
	// NotificationReadBody belongs to KindNotificationRead: some, or all.
	NotificationReadBody struct {
		IDs   []string   `json:"ids,omitempty"`
		All   bool       `json:"all,omitempty"`
		Reads []ReadBody `json:"reads,omitempty"`
	}
)

// Notification is the notification that an entry of a stored kind holds, unread.
func (e Entry) Notification() (Notification, error) {
	n := Notification{ID: NotificationID(e.Log, e.Seq), Seq: e.Seq, Kind: string(e.Kind), CreatedAt: Millis(e.TS)}
	if e.Kind == KindCustom {
		var b CustomBody
		err := e.decode(&b)
		n.Type, n.Data = b.Type, b.Data
		return n, err
	}
	b, err := e.Friends()
	n.Actor, n.RequestID = b.User, b.RequestID
	return n, err
}

func (e Entry) storedEvents() ([]Event, error) {
	n, err := e.Notification()
	if err != nil {
		return nil, err
	}
	if e.Kind == KindCustom {
		return []Event{event(PartMessage, n.Type, ToEveryone, n.Data)}, nil
	}
	return []Event{event(PartNotification, "notification", ToEveryone, n)}, nil
}

// notificationRead tells the user's other devices what is read. With all, every
// stored notification before seq is, and every conversation up to its read.
type notificationRead struct {
	Seq   int64          `json:"seq"`
	IDs   []string       `json:"ids,omitempty"`
	All   bool           `json:"all,omitempty"`
	Reads []readPosition `json:"reads,omitempty"`
}

type readPosition struct {
	place
	MessageID string `json:"messageId"`
	ReadCount int64  `json:"readCount"`
}

func (e Entry) notificationReadEvents() ([]Event, error) {
	b, err := e.NotificationRead()
	if err != nil {
		return nil, err
	}
	data := notificationRead{Seq: e.Seq, IDs: b.IDs, All: b.All}
	for _, r := range b.Reads {
		data.Reads = append(data.Reads, readPosition{place: placeOf(r.Log), MessageID: MessageID(r.Message), ReadCount: r.ReadCount})
	}
	return []Event{event(PartMessage, "notification_read", ToEveryone, data)}, nil
}

// NotificationRead is the body of an entry of KindNotificationRead.
func (e Entry) NotificationRead() (NotificationReadBody, error) {
	var b NotificationReadBody
	err := e.decode(&b)
	return b, err
}

// ParseNotificationID reads an id: the log and the seq of the entry. Whether there is
// such a log is another question.
func ParseNotificationID(id string) (log LogID, seq int64, ok bool) {
	l, s, found := strings.Cut(id, "/")
	seq, ok = ParseMessageID(s)
	log = LogID(l)
	return log, seq, found && ok && log.ID() != "" && (log.Is(ConversationPrefix) || log.Is(GroupPrefix) || log.Is(UserPrefix))
}

// unreadNotification is the notification of what the member has not read of a log;
// ok is false when that is nothing.
func unreadNotification(v LogView) (n Notification, ok bool) {
	unread, last := v.Head.Count-v.Membership.ReadCount, v.Head.Last
	if unread <= 0 || last == nil {
		return Notification{}, false
	}
	n = Notification{
		ID: NotificationID(v.Head.Log, last.Seq), Seq: last.Seq, Kind: "message", Actor: last.Sender, place: placeOf(v.Head.Log),
		MessageID: last.ID, Preview: last.Preview, CreatedAt: last.CreatedAt,
		UnreadMessages: &UnreadMessages{Count: unread, MessageCount: v.Head.Count, ReadCount: v.Membership.ReadCount},
	}
	if v.Head.Group != nil {
		n.Kind = "group_message"
	}
	return n, true
}
