package chat_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"tidings/internal/chat"
	"tidings/internal/chattest"
)

// changed is a chat.FriendStore that has done what it was asked.
type changed struct {
	chat.FriendStore
	answer chat.FriendAnswer
	err    error
}

func (c changed) ChangeFriends(context.Context, chat.FriendChange, chat.UserRef, chat.UserRef, chat.Idempotency) (chat.FriendAnswer, error) {
	return c.answer, c.err
}

func TestRequestFriend(t *testing.T) {
	own := chat.Entry{Log: "u:1", Seq: 4, TS: 7, Body: []byte(`{"change":"requested","user":{"id":2},"requestId":"1-2"}`)}
	theirs := chat.Entry{Log: "u:2", Seq: 9}
	request := func(t *testing.T, s chat.FriendStore, other chat.UserID) (*world, chat.Requested, error) {
		w := newWorld(t)
		w.mustPair()
		f := &chat.Friends{Store: s, Users: w, Bus: w.bus, Log: slog.New(slog.NewTextHandler(w.log, nil))}
		r, err := f.Request(t.Context(), 1, other, chattest.Fresh())
		return w, r, err
	}
	t.Run("OK", func(t *testing.T) {
		w, r, err := request(t, changed{answer: chat.FriendAnswer{Answer: chat.Answer{Entry: own}, Theirs: theirs}}, 2)
		if err != nil || r.Friend != nil || r.Request.ID != "1-2" || r.Request.Seq != 4 || r.Request.From.ID != 1 || len(w.bus.Entries()) != 2 {
			t.Errorf("%+v %v, %d entries published", r, err, len(w.bus.Entries()))
		}
	})
	// The answer to a repeated request tells nobody again.
	t.Run("Replayed", func(t *testing.T) {
		w, _, err := request(t, changed{answer: chat.FriendAnswer{Answer: chat.Answer{Entry: own, Replayed: true}}}, 2)
		if err != nil || len(w.bus.Entries()) != 0 {
			t.Errorf("%v, %d entries published", err, len(w.bus.Entries()))
		}
	})
	t.Run("ErrUserNotFound", func(t *testing.T) {
		if _, _, err := request(t, changed{}, 9); !errors.Is(err, chat.ErrUserNotFound) {
			t.Error(err)
		}
	})
	t.Run("ErrNotYourself", func(t *testing.T) {
		_, _, err := request(t, changed{}, 1)
		mustInvalid(t, err, "userId", "not_yourself")
	})
	t.Run("ErrInside", func(t *testing.T) {
		_, _, err := request(t, changed{err: errDown}, 2)
		mustFailInside(t, err)
	})
}
