package chat_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidings/internal/chat"
	"tidings/internal/chattest"
)

func TestSend(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		w := newWorld(t)
		w.mustPair()
		m, err := w.messages.Send(t.Context(), 1, "c:1-2", "  hello \n", chattest.Fresh())
		if err != nil || m.ID != "2" || m.Content != "hello" || m.Sender.Username != "alice" {
			t.Errorf("%+v, %v", m, err)
		}
		es := w.bus.Entries()
		if len(es) != 1 || es[0].Log != "c:1-2" || es[0].Seq != 2 || len(es[0].Shards) != 2 {
			t.Errorf("published %+v", es)
		}
	})
	t.Run("Idempotent", func(t *testing.T) {
		w := newWorld(t)
		w.mustPair()
		send := func() (chat.Message, error) {
			return w.messages.Send(t.Context(), 1, "c:1-2", "hello", chattest.Given("k", "h"))
		}
		first, err := send()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := send(); err != nil || again != first || len(w.bus.Entries()) != 1 {
			t.Errorf("%+v, %v, %d entries published", again, err, len(w.bus.Entries()))
		}
	})
	t.Run("ErrInvalidContent", func(t *testing.T) {
		w := newWorld(t)
		w.mustPair()
		for _, content := range []string{"", " \n", strings.Repeat("x", chat.MaxContent+1)} {
			_, err := w.messages.Send(t.Context(), 1, "c:1-2", content, chattest.Fresh())
			mustInvalid(t, err, "content", "content_length")
		}
	})
	t.Run("ErrConversationNotFound", func(t *testing.T) {
		w := newWorld(t)
		w.mustPair()
		w.MustUser("carol")
		for _, c := range notTheirs {
			if _, err := w.messages.Send(t.Context(), c.user, chat.ConversationLog(c.id), "x", chattest.Fresh()); !errors.Is(err, chat.ErrConversationNotFound) {
				t.Errorf("%q for user %d: %v", c.id, c.user, err)
			}
		}
		if n := len(w.bus.Entries()); n != 0 {
			t.Errorf("%d entries published", n)
		}
	})
	t.Run("PublishFails", func(t *testing.T) {
		w := newWorld(t)
		w.mustPair()
		w.bus.down = true
		if m, err := w.messages.Send(t.Context(), 1, "c:1-2", "hello", chattest.Fresh()); err != nil || m.Seq != 2 {
			t.Errorf("%+v, %v", m, err)
		}
		w.mustHaveLogged("publish entry")
	})
}

func TestListMessages(t *testing.T) {
	w := newWorld(t)
	w.mustPair()
	w.MustUser("carol")
	w.MustSend("c:1-2", 1, "hello")
	p, err := w.messages.List(t.Context(), 2, "c:1-2", chat.Page{Limit: 9})
	if err != nil || len(p.Messages) != 1 || p.Messages[0].Content != "hello" {
		t.Errorf("%+v, %v", p, err)
	}
	for _, c := range notTheirs {
		if _, err := w.messages.List(t.Context(), c.user, chat.ConversationLog(c.id), chat.Page{Limit: 9}); !errors.Is(err, chat.ErrConversationNotFound) {
			t.Errorf("%q for user %d: %v", c.id, c.user, err)
		}
	}
}

func TestMarkRead(t *testing.T) {
	// The own devices get a mark, the other member a receipt; once.
	t.Run("OK", func(t *testing.T) {
		w := newWorld(t)
		w.mustPair()
		for range 3 { // seqs 2 to 4
			w.MustSend("c:1-2", 1, "x")
		}
		idem := chattest.Given("k", "h")
		for range 2 {
			if err := w.messages.MarkRead(t.Context(), 2, "c:1-2", "3", idem); err != nil {
				t.Fatal(err)
			}
		}
		es, receipts := w.bus.Entries(), w.bus.Ephemerals()
		if len(es) != 1 || es[0].Log != "u:2" || es[0].Kind != chat.KindRead || len(es[0].Shards) != 1 {
			t.Errorf("published %+v", es)
		}
		want := []chat.Ephemeral{{
			Log: "c:1-2", Head: 4, Kind: chat.KindReceipt, By: 2, Shards: chat.Shards{}.With(1, 2),
			Body: []byte(`{"conversationId":"1-2","userId":2,"messageId":"3","readCount":2}`),
		}}
		if diff := cmp.Diff(want, receipts); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if ev := receipts[0].Event(); ev.Type != "receipt" || ev.To.Includes(2, 2) || !ev.To.Includes(1, 2) || ev.Part != 0 {
			t.Errorf("frame %+v", ev)
		}
	})
	t.Run("NotAheadTellsNobody", func(t *testing.T) {
		w := newWorld(t)
		w.mustPair()
		w.MustSend("c:1-2", 1, "x")
		if err := w.messages.MarkRead(t.Context(), 1, "c:1-2", "2", chattest.Fresh()); err != nil {
			t.Error(err)
		}
		if es, ephemerals := w.bus.Entries(), w.bus.Ephemerals(); len(es)+len(ephemerals) != 0 {
			t.Errorf("published %+v and %+v", es, ephemerals)
		}
	})
	t.Run("ErrInvalidMessage", func(t *testing.T) {
		w := newWorld(t)
		w.mustPair()
		for _, id := range []string{"", "0", "-1", "02", "x", "9007199254740992"} {
			mustInvalid(t, w.messages.MarkRead(t.Context(), 1, "c:1-2", id, chattest.Fresh()), "messageId", "message_id")
		}
	})
	t.Run("ErrMessageNotFound", func(t *testing.T) {
		w := newWorld(t)
		w.mustPair()
		for _, id := range []string{"1", "2", "9007199254740991"} { // 1 is the creation
			if err := w.messages.MarkRead(t.Context(), 1, "c:1-2", id, chattest.Fresh()); !errors.Is(err, chat.ErrMessageNotFound) {
				t.Errorf("message %s: %v", id, err)
			}
		}
	})
	t.Run("ErrConversationNotFound", func(t *testing.T) {
		w := newWorld(t)
		w.mustPair()
		w.MustUser("carol")
		w.MustSend("c:1-2", 1, "x")
		for _, c := range notTheirs {
			if err := w.messages.MarkRead(t.Context(), c.user, chat.ConversationLog(c.id), "2", chattest.Fresh()); !errors.Is(err, chat.ErrConversationNotFound) {
				t.Errorf("%q for user %d: %v", c.id, c.user, err)
			}
		}
	})
}

// The mark is committed, and who asked is told so, whoever else is not.
func TestMarkReadUntold(t *testing.T) {
	t.Run("PublishFails", func(t *testing.T) {
		w := newWorld(t)
		w.mustPair()
		w.MustSend("c:1-2", 1, "x")
		w.bus.down = true
		if err := w.messages.MarkRead(t.Context(), 2, "c:1-2", "2", chattest.Fresh()); err != nil {
			t.Errorf("err %v", err)
		}
		got := w.log.String()
		if strings.Count(got, "\n") != 2 || !strings.Contains(got, "publish entry") || !strings.Contains(got, "publish ephemeral") {
			t.Errorf("logged %q", got)
		}
		if n := w.MustView(2, "c:1-2").Membership.ReadCount; n != 1 {
			t.Errorf("read count %d", n)
		}
	})
	// The mark is committed and published; what can't be told is only its receipt.
	t.Run("ReceiptFails", func(t *testing.T) {
		w := newWorld(t)
		w.mustPair()
		w.MustSend("c:1-2", 1, "x")
		w.messages.Views = brokenStores{}
		if err := w.messages.MarkRead(t.Context(), 2, "c:1-2", "2", chattest.Fresh()); err != nil {
			t.Errorf("err %v", err)
		}
		if n := len(w.bus.Entries()); n != 1 {
			t.Errorf("%d entries published", n)
		}
		w.mustHaveLogged("tell receipt")
	})
}

func TestTyping(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		w := newWorld(t)
		w.mustPair()
		if err := w.messages.Typing(t.Context(), 1, "c:1-2"); err != nil {
			t.Fatal(err)
		}
		want := []chat.Ephemeral{{
			Log: "c:1-2", Head: 1, Kind: chat.KindTyping, By: 1, Shards: chat.Shards{}.With(1, 2),
			Body: []byte(`{"conversationId":"1-2","user":{"id":1,"username":"alice","displayName":"alice"}}`),
		}}
		if diff := cmp.Diff(want, w.bus.Ephemerals()); diff != "" || len(w.bus.Entries()) != 0 {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
	t.Run("ErrConversationNotFound", func(t *testing.T) {
		w := newWorld(t)
		w.mustPair()
		w.MustUser("carol")
		for _, c := range notTheirs {
			if err := w.messages.Typing(t.Context(), c.user, chat.ConversationLog(c.id)); !errors.Is(err, chat.ErrConversationNotFound) {
				t.Errorf("%q for user %d: %v", c.id, c.user, err)
			}
		}
		if n := len(w.bus.Ephemerals()); n != 0 {
			t.Errorf("%d told", n)
		}
	})
	t.Run("PublishFails", func(t *testing.T) {
		w := newWorld(t)
		w.mustPair()
		w.bus.down = true
		if err := w.messages.Typing(t.Context(), 1, "c:1-2"); err != nil {
			t.Errorf("err %v", err)
		}
		w.mustHaveLogged("publish ephemeral")
	})
}

func TestMessagesStoreFails(t *testing.T) {
	w := newWorld(t)
	w.mustPair()
	m := &chat.Messages{Store: brokenStores{}, Views: brokenStores{}, Bus: w.bus, Log: w.messages.Log}
	for name, call := range map[string]func() error{
		"Send":     func() error { _, err := m.Send(t.Context(), 1, "c:1-2", "x", chattest.Fresh()); return err },
		"List":     func() error { _, err := m.List(t.Context(), 1, "c:1-2", chat.Page{Limit: 9}); return err },
		"MarkRead": func() error { return m.MarkRead(t.Context(), 1, "c:1-2", "2", chattest.Fresh()) },
		"Typing":   func() error { return m.Typing(t.Context(), 1, "c:1-2") },
	} {
		t.Run(name, func(t *testing.T) { mustFailInside(t, call()) })
	}
}
