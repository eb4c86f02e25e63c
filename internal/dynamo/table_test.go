package dynamo_test

import (
	"errors"
	"strings"
	"testing"

	"tidings/internal/chat"
	"tidings/internal/chattest"
	"tidings/internal/dynamo"
)

func TestCreateTable(t *testing.T) {
	w := newWorld(t, dynamo.Limits{})
	w.MustUser("alice")
	if err := w.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	if us, err := w.Users(t.Context(), 1); err != nil || len(us) != 1 {
		t.Errorf("a table that was there: %+v, %v", us, err)
	}
}

func TestStreamARN(t *testing.T) {
	w := newWorld(t, dynamo.Limits{})
	arn, err := w.StreamARN(t.Context())
	if err != nil || !strings.Contains(arn, ":table/"+tableName+"/stream/") {
		t.Errorf("%q, %v", arn, err)
	}
	if _, err := dynamo.New(w.aws.Config(), "another", dynamo.Limits{}, nil).StreamARN(t.Context()); err == nil {
		t.Error("a table that is not there has a stream")
	}
}

// A table that is not there is an internal error of every call, at once.
func TestTableMissing(t *testing.T) {
	w := newWorld(t, dynamo.Limits{})
	s, ctx := dynamo.New(w.aws.Config(), "another", dynamo.Limits{}, w.Now), t.Context()
	session := chat.Session{ID: "s", User: 1}
	for name, call := range map[string]func() error{
		"CreateUser": func() error {
			_, err := s.CreateUser(ctx, chat.User{UserRef: chat.UserRef{Username: "alice"}})
			return err
		},
		"UserOf":         func() error { _, err := s.UserOf(ctx, ann); return err },
		"Users":          func() error { _, err := s.Users(ctx, 1); return err },
		"UserByName":     func() error { _, err := s.UserByName(ctx, "alice"); return err },
		"SearchUsers":    func() error { _, err := s.SearchUsers(ctx, "al", 9); return err },
		"BeginLogin":     func() error { return s.BeginLogin(ctx, "alice", w.Now()) },
		"LoginSucceeded": func() error { return s.LoginSucceeded(ctx, "alice") },
		"CreateSession":  func() error { return s.CreateSession(ctx, session) },
		"Session":        func() error { _, err := s.Session(ctx, session); return err },
		"EndSession":     func() error { _, err := s.EndSession(ctx, session); return err },
		"CreateUserFor": func() error {
			_, err := s.CreateUserFor(ctx, ann, chat.User{UserRef: chat.UserRef{ID: 17, Username: "ann"}})
			return err
		},
		"CreateConversation": func() error {
			_, err := s.CreateConversation(ctx, 1, []chat.UserRef{{ID: 1}, {ID: 2}}, chattest.Fresh())
			return err
		},
		"Conversations": func() error { _, err := s.Conversations(ctx, 1, "c:"); return err },
		"View":          func() error { _, err := s.View(ctx, 1, "c:1-2"); return err },
		"Membership":    func() error { _, err := s.Membership(ctx, 1, "c:1-2"); return err },
		"Memberships":   func() error { _, err := s.Memberships(ctx, 1); return err },
		"Heads":         func() error { _, err := s.Heads(ctx, []chat.LogID{"c:1-2"}); return err },
		"Entries":       func() error { _, err := s.Entries(ctx, "c:1-2", 0, 9); return err },
		"Position":      func() error { _, err := s.Position(ctx, "c:1-2", 0, 0, 9); return err },
		"SessionsHold":  func() error { _, err := s.SessionsHold(ctx, []chat.Session{session}); return err },
		"AppendMessage": func() error {
			_, err := s.AppendMessage(ctx, chat.Draft{Log: "c:1-2", By: 1, Content: "x"}, chattest.Fresh())
			return err
		},
		"Messages": func() error { _, err := s.Messages(ctx, 1, "c:1-2", chat.Page{Limit: 9}); return err },
		"MarkRead": func() error { _, err := s.MarkRead(ctx, 1, "c:1-2", 2, chattest.Fresh()); return err },
	} {
		t.Run(name, func(t *testing.T) {
			err := call()
			var told *chat.Error
			if err == nil || errors.As(err, &told) {
				t.Errorf("err %v", err)
			}
		})
	}
}
