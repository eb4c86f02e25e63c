package chat

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Audience says which members of a log an event is for.
type Audience int

// The audiences.
const (
	ToEveryone Audience = iota // all members
	ToOthers                   // all but Entry.By
	ToAuthor                   // Entry.By alone
)

// Includes says whether user, a member, is in the audience of an entry by author.
func (a Audience) Includes(user, author UserID) bool {
	switch a {
	case ToOthers:
		return user != author
	case ToAuthor:
		return user == author
	default:
		return true
	}
}

// Event is one frame's content: what an entry tells one audience. A part has a
// fixed number per kind of frame, so that (log, seq, part) names it for ever.
type Event struct {
	Part int
	Type string
	To   Audience
	data any
}

// Data is the event's JSON.
func (ev Event) Data() json.RawMessage { return ev.AppendData(nil) }

// AppendData writes the event's JSON behind b.
func (ev Event) AppendData(b []byte) []byte {
	switch data := ev.data.(type) {
	case appender:
		return data.appendJSON(b)
	case encoded:
		return append(b, data...)
	default:
		return append(b, mustMarshal(data)...)
	}
}

// encoded is data that is JSON already.
type encoded []byte

// The parts: of several frames of one entry, in the order they are sent.
const (
	PartMessage      = 1
	PartNotification = 2
	PartUpdate       = 3
)

// EventID is what clients drop duplicates by: "<log>/<seq>/<part>".
func EventID(log LogID, seq int64, part int) string {
	return string(AppendEventID(nil, log, seq, part))
}

// AppendEventID writes an event's id behind b.
func AppendEventID(b []byte, log LogID, seq int64, part int) []byte {
	b = append(append(b, log...), '/')
	b = append(strconv.AppendInt(b, seq, 10), '/')
	return strconv.AppendInt(b, int64(part), 10)
}

// NotificationID names the notification that an entry makes.
func NotificationID(log LogID, seq int64) string {
	return string(log) + "/" + strconv.FormatInt(seq, 10)
}

// place is where something happened, as frames and lists name it.
type place struct {
	ConversationID string `json:"conversationId,omitempty"` // of a 1:1 conversation
	GroupChatID    string `json:"groupChatId,omitempty"`    // of a group chat
}

func placeOf(log LogID) place {
	if log.Is(GroupPrefix) {
		return place{GroupChatID: log.ID()}
	}
	return place{ConversationID: log.ID()}
}

// The bodies of entries, by kind. What the envelope says (log, seq, ts, n) is not
// repeated in them.
type (
	// CreatedBody belongs to KindCreated in a 1:1 conversation.
	CreatedBody struct {
		Members []UserRef `json:"members"`
	}
	// MessageBody belongs to KindMessage.
	MessageBody struct {
		Sender  UserRef     `json:"sender"`
		Content string      `json:"content"`
		Members []UserRef   `json:"members,omitempty"` // of a 1:1 conversation
		Group   *GroupState `json:"group,omitempty"`   // of a group chat
	}
	// ReadBody belongs to KindRead.
	ReadBody struct {
		Log       LogID `json:"log"`
		Message   int64 `json:"message"` // seq of the newest message read
		ReadCount int64 `json:"readCount"`
	}
	// SessionRevokedBody belongs to KindSessionRevoked.
	SessionRevokedBody struct {
		Session string `json:"session"`
		Until   int64  `json:"until,omitempty"` // Unix ms: of foreign sessions, those issued up to here
	}
)

// Message is the message that an entry of KindMessage holds.
func (e Entry) Message() (Message, error) {
	b, err := bodyOf(e, (*scanner).messageBody)
	if err != nil {
		return Message{}, err
	}
	return e.message(b), nil
}

func (e Entry) message(b MessageBody) Message {
	return Message{ID: MessageID(e.Seq), Seq: e.Seq, Sender: b.Sender, Content: b.Content, CreatedAt: Millis(e.TS)}
}

func (e Entry) decode(body any) error {
	if err := json.Unmarshal(e.Body, body); err != nil {
		return fmt.Errorf("decode %s entry %s/%d: %w", e.Kind, e.Log, e.Seq, err)
	}
	return nil
}

// Last is what lists show of the message.
func (m Message) Last() *LastMessage {
	return &LastMessage{ID: m.ID, Seq: m.Seq, Sender: m.Sender, Preview: Preview(m.Content), CreatedAt: m.CreatedAt}
}

// Events are the frames of an entry, in the order they are sent. A kind that
// makes none, or that this version doesn't know, gives none.
func (e Entry) Events() ([]Event, error) {
	switch {
	case e.Kind == KindMessage:
		return e.messageEvents()
	case e.Log.Is(ConversationPrefix):
		return e.conversationEvents()
	case e.Log.Is(GroupPrefix):
		return e.groupEvents()
	default:
		return e.userEvents()
	}
}

type (
	messageEvent struct {
		place
		Message Message `json:"message"`
	}
	conversationUpdate struct {
		Conversation Conversation `json:"conversation"`
		Change       string       `json:"change" enum:"created,message"`
		Message      *Message     `json:"message,omitempty"` // whole, to its author alone
	}
	readMark struct {
		Seq int64 `json:"seq"` // of the entry in the user's own log
		place
		MessageID string `json:"messageId"` // the newest message that was read
		ReadCount int64  `json:"readCount"` // the messages up to that one; messageCount less these are unread
	}
)

func (e Entry) messageEvents() ([]Event, error) {
	b, err := bodyOf(e, (*scanner).messageBody)
	if err != nil {
		return nil, err
	}
	m := e.message(b)
	n := Notification{
		ID: NotificationID(e.Log, e.Seq), Seq: e.Seq, Kind: "message", Actor: m.Sender, place: placeOf(e.Log),
		MessageID: m.ID, Preview: Preview(m.Content), CreatedAt: m.CreatedAt,
	}
	typ, update, own := "conversation_update", any(nil), any(nil)
	if g := b.Group; g != nil {
		n.Kind, typ = "group_message", "group_update"
		u := groupUpdate{GroupChat: e.groupChat(*g), Change: "message"}
		u.GroupChat.LastMessage = m.Last()
		update = u
		u.Message = &m // the author's other devices get no "message" frame
		own = u
	} else {
		u := conversationUpdate{Conversation: e.conversation(b.Members, m.Last()), Change: "message"}
		update = u
		u.Message = &m
		own = u
	}
	return []Event{
		event(PartMessage, "message", ToOthers, messageEvent{place: placeOf(e.Log), Message: m}),
		event(PartNotification, "notification", ToOthers, n),
		event(PartUpdate, typ, ToOthers, update),
		event(PartUpdate, typ, ToAuthor, own),
	}, nil
}

// conversationEvents are those of a 1:1 conversation but its messages.
func (e Entry) conversationEvents() ([]Event, error) {
	if e.Kind != KindCreated {
		return nil, nil
	}
	var b CreatedBody
	if err := e.decode(&b); err != nil {
		return nil, err
	}
	return []Event{event(PartUpdate, "conversation_update", ToEveryone, conversationUpdate{
		Conversation: e.conversation(b.Members, nil), Change: "created",
	})}, nil
}

// userEvents are those of a user's own log.
func (e Entry) userEvents() ([]Event, error) {
	switch {
	case e.Kind.Stored():
		return e.storedEvents()
	case e.Kind == KindFriendsChanged:
		return e.friendsChangedEvents()
	case e.Kind == KindNotificationRead:
		return e.notificationReadEvents()
	case e.Kind != KindRead:
		return nil, nil
	}
	b, err := bodyOf(e, (*scanner).readBody)
	if err != nil {
		return nil, err
	}
	return []Event{event(PartMessage, "read", ToEveryone, readMark{
		Seq: e.Seq, place: placeOf(b.Log), MessageID: MessageID(b.Message), ReadCount: b.ReadCount,
	})}, nil
}

func (e Entry) conversation(members []UserRef, last *LastMessage) Conversation {
	return Conversation{ID: e.Log.ID(), Seq: e.Seq, Members: members, LastMessage: last, MessageCount: e.N, UpdatedAt: Millis(e.TS)}
}

func event(part int, typ string, to Audience, data any) Event {
	return Event{Part: part, Type: typ, To: to, data: data}
}

// EphemeralKind says what an ephemeral tells.
type EphemeralKind string

// The kinds of ephemerals.
const (
	KindTyping  EphemeralKind = "typing"
	KindReceipt EphemeralKind = "receipt"
)

// Ephemeral is told to the other members that are connected now, at most once:
// no entry, no id, dropped first under load.
type Ephemeral struct {
	Log    LogID           `json:"log"`
	Head   int64           `json:"head"` // the log's seq known to the writer; a hub that is behind it drops the ephemeral
	Kind   EphemeralKind   `json:"kind"`
	By     UserID          `json:"by"`
	Body   json.RawMessage `json:"body"` // the frame's data
	Shards Shards          `json:"-"`
}

// Event is the ephemeral's frame.
func (e Ephemeral) Event() Event {
	return event(0, string(e.Kind), ToOthers, encoded(e.Body))
}

type (
	typingData struct {
		place
		User UserRef `json:"user"`
	}
	receiptData struct {
		place
		UserID    UserID `json:"userId"`    // who has read
		MessageID string `json:"messageId"` // the newest message that was read
		ReadCount int64  `json:"readCount"` // the messages up to that one
	}
)
