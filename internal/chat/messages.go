package chat

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
)

// Messages is the service of what is said in conversations.
type Messages struct {
	Store MessageStore
	Views ConversationStore
	Bus   Publisher
	Log   *slog.Logger
}

// Send appends a message to the conversation.
func (m *Messages) Send(ctx context.Context, user UserID, conversationID, content string, idem Idempotency) (Message, error) {
	log, err := conversationOf(user, conversationID)
	if err != nil {
		return Message{}, err
	}
	if content, err = CleanContent(content); err != nil {
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

// List gives a page of the conversation's messages, newest last.
func (m *Messages) List(ctx context.Context, user UserID, conversationID string, page Page) (MessagePage, error) {
	log, err := conversationOf(user, conversationID)
	if err != nil {
		return MessagePage{}, err
	}
	p, err := m.Store.Messages(ctx, user, log, page)
	if err != nil {
		return MessagePage{}, fmt.Errorf("read messages: %w", err)
	}
	return p, nil
}

// MarkRead says that the user has read the conversation up to a message: told to
// the user's other devices and, as a receipt, to the other member.
func (m *Messages) MarkRead(ctx context.Context, user UserID, conversationID, messageID string, idem Idempotency) error {
	log, err := conversationOf(user, conversationID)
	if err != nil {
		return err
	}
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
	var mark ReadBody
	if err := a.Entry.decode(&mark); err != nil {
		return err
	}
	err = m.tell(ctx, user, log, KindReceipt, func(UserRef) any {
		return receiptData{ConversationID: log.ID(), UserID: user, MessageID: messageID, ReadCount: mark.ReadCount}
	})
	if err != nil { // the mark is done; a receipt may be lost
		m.Log.WarnContext(ctx, "tell receipt", "log", log, "error", err)
	}
	return nil
}

// Typing tells the other member that the user is writing.
func (m *Messages) Typing(ctx context.Context, user UserID, conversationID string) error {
	log, err := conversationOf(user, conversationID)
	if err != nil {
		return err
	}
	return m.tell(ctx, user, log, KindTyping, func(u UserRef) any {
		return typingData{ConversationID: log.ID(), User: u}
	})
}

// tell publishes an ephemeral. Its loss is allowed, so a failed publish is only
// logged.
func (m *Messages) tell(ctx context.Context, user UserID, log LogID, kind EphemeralKind, data func(UserRef) any) error {
	v, err := m.Views.View(ctx, user, log)
	if err != nil {
		return fmt.Errorf("read conversation: %w", err)
	}
	var me UserRef
	for _, u := range v.Head.Members {
		if u.ID == user {
			me = u
		}
	}
	body, err := json.Marshal(data(me))
	if err != nil {
		return fmt.Errorf("encode %s: %w", kind, err)
	}
	e := Ephemeral{Log: log, Head: v.Head.Seq, Kind: kind, By: user, Body: body, Shards: v.Head.Shards}
	if err := m.Bus.PublishEphemeral(ctx, e); err != nil {
		m.Log.WarnContext(ctx, "publish ephemeral", "log", log, "kind", kind, "error", err)
	}
	return nil
}
