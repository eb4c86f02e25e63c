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
	Data json.RawMessage
}

// The parts: of several frames of one entry, in the order they are sent.
const (
	PartMessage      = 1
	PartNotification = 2
	PartUpdate       = 3
)

// EventID is what clients drop duplicates by: "<log>/<seq>/<part>".
func EventID(log LogID, seq int64, part int) string {
	return string(log) + "/" + strconv.FormatInt(seq, 10) + "/" + strconv.Itoa(part)
}

// NotificationID names the notification that an entry makes.
func NotificationID(log LogID, seq int64) string {
	return string(log) + "/" + strconv.FormatInt(seq, 10)
}

// Notification tells a user of something that others did.
type Notification struct {
	ID             string  `json:"id"`
	Seq            int64   `json:"seq"`
	Kind           string  `json:"kind"`
	Actor          UserRef `json:"actor"`
	ConversationID string  `json:"conversationId,omitempty"`
	MessageID      string  `json:"messageId,omitempty"`
	Preview        string  `json:"preview"`
	CreatedAt      Millis  `json:"createdAt"`
	Read           bool    `json:"read"`
}

// The bodies of entries, by kind. What the envelope says (log, seq, ts, n) is not
// repeated in them, so a body stays the same whichever attempt commits it.
type (
	// CreatedBody belongs to KindCreated in a 1:1 conversation.
	CreatedBody struct {
		Members []UserRef `json:"members"`
	}
	// MessageBody belongs to KindMessage in a 1:1 conversation.
	MessageBody struct {
		Sender  UserRef   `json:"sender"`
		Content string    `json:"content"`
		Members []UserRef `json:"members"`
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
	}
)

// Message is the message that an entry of KindMessage holds.
func (e Entry) Message() (Message, error) {
	var b MessageBody
	if err := e.decode(&b); err != nil {
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
	case e.Kind == KindMessage && e.Log.Is(ConversationPrefix):
		return e.messageEvents()
	case e.Kind == KindCreated && e.Log.Is(ConversationPrefix):
		var b CreatedBody
		if err := e.decode(&b); err != nil {
			return nil, err
		}
		return []Event{event(PartUpdate, "conversation_update", ToEveryone, conversationUpdate{
			Conversation: e.conversation(b.Members, nil), Change: "created",
		})}, nil
	case e.Kind == KindRead:
		var b ReadBody
		if err := e.decode(&b); err != nil {
			return nil, err
		}
		return []Event{event(PartMessage, "read", ToEveryone, readMark{
			Seq: e.Seq, ConversationID: b.Log.ID(), MessageID: MessageID(b.Message), ReadCount: b.ReadCount,
		})}, nil
	default:
		return nil, nil
	}
}

type (
	messageEvent struct {
		ConversationID string  `json:"conversationId"`
		Message        Message `json:"message"`
	}
	conversationUpdate struct {
		Conversation Conversation `json:"conversation"`
		Change       string       `json:"change"`
		Message      *Message     `json:"message,omitempty"`
	}
	readMark struct {
		Seq            int64  `json:"seq"`
		ConversationID string `json:"conversationId"`
		MessageID      string `json:"messageId"`
		ReadCount      int64  `json:"readCount"`
	}
)

func (e Entry) messageEvents() ([]Event, error) {
	var b MessageBody
	if err := e.decode(&b); err != nil {
		return nil, err
	}
	m := e.message(b)
	update := conversationUpdate{Conversation: e.conversation(b.Members, m.Last()), Change: "message"}
	own := update
	own.Message = &m // the author's other devices get no "message" frame
	return []Event{
		event(PartMessage, "message", ToOthers, messageEvent{ConversationID: e.Log.ID(), Message: m}),
		event(PartNotification, "notification", ToOthers, Notification{
			ID: NotificationID(e.Log, e.Seq), Seq: e.Seq, Kind: "message", Actor: m.Sender, ConversationID: e.Log.ID(),
			MessageID: m.ID, Preview: Preview(m.Content), CreatedAt: m.CreatedAt,
		}),
		event(PartUpdate, "conversation_update", ToOthers, update),
		event(PartUpdate, "conversation_update", ToAuthor, own),
	}, nil
}

func (e Entry) conversation(members []UserRef, last *LastMessage) Conversation {
	return Conversation{ID: e.Log.ID(), Seq: e.Seq, Members: members, LastMessage: last, MessageCount: e.N, UpdatedAt: Millis(e.TS)}
}

// event encodes data, which is made of this package's own types and can't fail.
func event(part int, typ string, to Audience, data any) Event {
	b, err := json.Marshal(data)
	if err != nil {
		panic(err)
	}
	return Event{Part: part, Type: typ, To: to, Data: b}
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
	return Event{Type: string(e.Kind), To: ToOthers, Data: e.Body}
}

type (
	typingData struct {
		ConversationID string  `json:"conversationId"`
		User           UserRef `json:"user"`
	}
	receiptData struct {
		ConversationID string `json:"conversationId"`
		UserID         UserID `json:"userId"`
		MessageID      string `json:"messageId"`
		ReadCount      int64  `json:"readCount"`
	}
)
