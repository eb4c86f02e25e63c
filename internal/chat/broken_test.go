package chat_test

import (
	"context"

	"tidings/internal/chat"
)

// brokenStores fails whatever it is asked.
type brokenStores struct{}

func (brokenStores) CreateUser(context.Context, chat.User) (chat.User, error) {
	return chat.User{}, errDown
}

func (brokenStores) Users(context.Context, ...chat.UserID) (map[chat.UserID]chat.User, error) {
	return nil, errDown
}

func (brokenStores) UserByName(context.Context, string) (chat.User, error) {
	return chat.User{}, errDown
}

func (brokenStores) SearchUsers(context.Context, string, int) ([]chat.UserRef, error) {
	return nil, errDown
}

func (brokenStores) UserOf(context.Context, chat.Identity) (chat.UserID, error) { return 0, errDown }

func (brokenStores) CreateUserFor(context.Context, chat.Identity, chat.User) (chat.UserID, error) {
	return 0, errDown
}

func (brokenStores) CreateSession(context.Context, chat.Session) error { return errDown }

func (brokenStores) Session(context.Context, chat.Session) (chat.Session, error) {
	return chat.Session{}, errDown
}

func (brokenStores) EndSession(context.Context, chat.Session) (chat.Entry, error) {
	return chat.Entry{}, errDown
}

func (brokenStores) CreateConversation(context.Context, chat.UserID, []chat.UserRef, chat.Idempotency) (chat.Answer, error) {
	return chat.Answer{}, errDown
}

func (brokenStores) Conversations(context.Context, chat.UserID, string) ([]chat.LogView, error) {
	return nil, errDown
}

func (brokenStores) View(context.Context, chat.UserID, chat.LogID) (chat.LogView, error) {
	return chat.LogView{}, errDown
}

func (brokenStores) AppendMessage(context.Context, chat.Draft, chat.Idempotency) (chat.Answer, error) {
	return chat.Answer{}, errDown
}

func (brokenStores) Messages(context.Context, chat.UserID, chat.LogID, chat.Page) (chat.MessagePage, error) {
	return chat.MessagePage{}, errDown
}

func (brokenStores) MarkRead(context.Context, chat.UserID, chat.LogID, int64, chat.Idempotency) (chat.Answer, error) {
	return chat.Answer{}, errDown
}
