package chat

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
)

// Messages is the service of what is said in conversations and group chats.
type Messages struct {
	Store MessageStore
	Views ConversationStore
	Users UserStore
	Bus   Publisher
	Log   *slog.Logger
}

// Send appends a message to the log.
func (m *Messages) Send(ctx context.Context, user UserID, log LogID, content string, idem Idempotency) (Message, error) {
	content, err := CleanContent(content)
	if err != nil {
		return Message{}, err
	}
	a, err := m.Store.AppendMessage(ctx, Draft{Log: log, By: user, Content: content}, idem)
	if err != nil {
		return Message{}, fmt.Errorf("append message: %w", err)
	}
	if !a.Replayed {
		publish(ctx, m.Bus, m.Log, a.Entry)
	}
	return a.Entry.Message()
}

// List gives a page of the log's messages, newest last.
func (m *Messages) List(ctx context.Context, user UserID, log LogID, page Page) (MessagePage, error) {
	p, err := m.Store.Messages(ctx, user, log, page)
	if err != nil {
		return MessagePage{}, fmt.Errorf("read messages: %w", err)
	}
	return p, nil
}

// MaxReceiptMembers is the largest log whose members are told who has read. In a
// larger one each message would come back as many receipts.
const MaxReceiptMembers = 100

// MarkRead says that the user has read the log up to a message: told to the user's
// other devices and, as a receipt, to the other members.
func (m *Messages) MarkRead(ctx context.Context, user UserID, log LogID, messageID string, idem Idempotency) error {
	seq, ok := ParseMessageID(messageID)
	if !ok {
		return Invalid(Field("messageId", "message_id", "The id of a message."))
	}
	a, err := m.Store.MarkRead(ctx, user, log, seq, idem)
	if err != nil {
		return fmt.Errorf("mark read: %w", err)
	}
	if a.Replayed || a.Entry.Seq == 0 {
		return nil
	}
	publish(ctx, m.Bus, m.Log, a.Entry)
	mark, err := bodyOf(a.Entry, (*scanner).readBody)
	if err != nil {
		return err
	}
	if err := m.receipt(ctx, user, mark); err != nil { // the mark is done; a receipt may be lost
		m.Log.WarnContext(ctx, "tell receipt", "log", log, "error", err)
	}
	return nil
}

// receipt tells the other members how far the user has read.
func (m *Messages) receipt(ctx context.Context, user UserID, mark ReadBody) error {
	v, err := m.Views.View(ctx, user, mark.Log)
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	if v.Head.Group != nil && v.Head.Group.MemberCount > MaxReceiptMembers {
		return nil
	}
	return m.tell(ctx, user, v.Head, KindReceipt, receiptData{
		place: placeOf(mark.Log), UserID: user, MessageID: MessageID(mark.Message), ReadCount: mark.ReadCount,
	})
}

// Typing tells the other members that the user is writing.
func (m *Messages) Typing(ctx context.Context, user UserID, log LogID) error {
	v, err := m.Views.View(ctx, user, log)
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	us, err := m.Users.Users(ctx, user)
	if err != nil {
		return fmt.Errorf("read user: %w", err)
	}
	return m.tell(ctx, user, v.Head, KindTyping, typingData{place: placeOf(log), User: us[user].UserRef})
}

// tell publishes an ephemeral. Its loss is allowed, so a failed publish is only
// logged.
func (m *Messages) tell(ctx context.Context, user UserID, h Head, kind EphemeralKind, data any) error {
	body, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("encode %s: %w", kind, err)
	}
	e := Ephemeral{Log: h.Log, Head: h.Seq, Kind: kind, By: user, Body: body, Shards: h.Shards}
	if err := m.Bus.PublishEphemeral(ctx, e); err != nil {
		m.Log.WarnContext(ctx, "publish ephemeral", "log", h.Log, "kind", kind, "error", err)
	}
	return nil
}
