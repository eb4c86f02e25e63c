package chat_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"tidings/internal/chat"
	"tidings/internal/chattest"
)

// readingAll is a chat.NotificationStore that has read what it is told to, and then
// may have failed.
type readingAll struct {
	chat.NotificationStore
	entries []chat.Entry
	err     error
}

func (r readingAll) ReadAll(context.Context, chat.UserID, chat.Idempotency) ([]chat.Entry, error) {
	return r.entries, r.err
}

func TestReadAll(t *testing.T) {
	const body = `{"reads":[{"log":"c:1-9","message":2,"readCount":1},{"log":"c:1-2","message":2,"readCount":1}]}`
	entry := chat.Entry{Log: "u:2", Seq: 1, Kind: chat.KindNotificationRead, By: 2, Body: []byte(body)}
	start := func(t *testing.T, s chat.NotificationStore) (*world, error) {
		w := newWorld(t)
		w.mustPair()
		n := &chat.Notifications{Store: s, Views: w, Messages: w.messages, Bus: w.bus, Log: slog.New(slog.NewTextHandler(w.log, nil))}
		return w, n.ReadAll(t.Context(), 2, chattest.Fresh())
	}
	// A receipt that can't be told is lost; the others go out.
	t.Run("ReceiptLost", func(t *testing.T) {
		w, err := start(t, readingAll{entries: []chat.Entry{entry}})
		if err != nil || len(w.bus.Entries()) != 1 {
			t.Errorf("%v, %d entries published", err, len(w.bus.Entries()))
		}
		if es := w.bus.Ephemerals(); len(es) != 1 || es[0].Log != "c:1-2" || !strings.Contains(w.log.String(), "tell receipts") {
			t.Errorf("%+v, log %s", es, w.log)
		}
	})
	// What was committed before an error is told.
	t.Run("ErrInside", func(t *testing.T) {
		w, err := start(t, readingAll{entries: []chat.Entry{entry}, err: errDown})
		mustFailInside(t, err)
		if len(w.bus.Entries()) != 1 {
			t.Errorf("%d entries published", len(w.bus.Entries()))
		}
	})
}
