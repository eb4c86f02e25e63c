package chattest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings/internal/chat"
)

// mustPair makes alice, bob, their conversation c:1-2, and carol, who is not in it.
func (w *World) mustPair() chat.LogID {
	w.Helper()
	log := w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
	w.MustUser("carol")
	return log
}

func (c Contract) appendMessage(t *testing.T) {
	c.test(t, "OK", func(w *World) {
		alice, bob := w.MustUser("alice"), w.MustUser("bob")
		log := w.MustConversation(alice, bob)
		w.MustSend(log, 2, "first")
		w.Advance(time.Minute)
		a, err := w.AppendMessage(w.Context(), chat.Draft{Log: log, By: 1, Content: "héllo"}, Given("k", "h"))
		body, _ := json.Marshal(chat.MessageBody{Sender: alice, Content: "héllo", Members: []chat.UserRef{alice, bob}})
		want := chat.Answer{Status: 201, Entry: chat.Entry{
			Log: log, Seq: 3, TS: w.Now().UnixMilli(), Kind: chat.KindMessage, By: 1, N: 2, Body: body, Shards: chat.Shards{}.With(1, 2),
		}}
		if diff := cmp.Diff(want, a); err != nil || diff != "" {
			w.Errorf("%v (-want +got)\n%s", err, diff)
		}
		if n := w.MustView(1, log).Membership.ReadCount; n != 2 {
			w.Errorf("who writes has read what stands above: %d", n)
		}
		if n := w.MustView(2, log).Membership.ReadCount; n != 1 {
			w.Errorf("the other has read %d", n)
		}
	})
	c.test(t, "TimesIncreaseWhileTheClockStands", func(w *World) {
		log := w.mustPair()
		var es []chat.Entry
		for i := range 5 {
			es = append(es, w.MustSend(log, chat.UserID(i%2+1), "x"))
		}
		w.Advance(-time.Hour) // another machine's clock is behind
		es = append(es, w.MustSend(log, 1, "x"))
		mustAscend(w.T, es...)
		if first := w.Now().Add(time.Hour).UnixMilli() + 1; es[0].TS != first {
			w.Errorf("the first message has time %d, want %d: after that of the conversation", es[0].TS, first)
		}
	})
	c.test(t, "ErrConversationNotFound", func(w *World) {
		log := w.mustPair()
		for _, d := range []chat.Draft{
			{Log: log, By: 3, Content: "of a stranger"},
			{Log: log, By: 99, Content: "of nobody"},
			{Log: "c:1-3", By: 1, Content: "where nothing is"},
			// Even what can't be stored must not tell that the conversation is there.
			{Log: log, By: 3, Content: strings.Repeat("x", chat.MaxEntryBody)},
		} {
			if _, err := w.AppendMessage(w.Context(), d, Fresh()); !errors.Is(err, chat.ErrConversationNotFound) {
				w.Errorf("%.20s: err %v", d.Content, err)
			}
		}
		if n := len(w.MustMessages(1, log)); n != 0 {
			w.Errorf("%d messages", n)
		}
	})
	c.test(t, "ErrEntryTooLarge", func(w *World) {
		log := w.mustPair()
		body, _ := json.Marshal(chat.MessageBody{Sender: w.ref(1), Members: []chat.UserRef{w.ref(1), w.ref(2)}})
		fits := strings.Repeat("x", chat.MaxEntryBody-len(body))
		_, err := w.AppendMessage(w.Context(), chat.Draft{Log: log, By: 1, Content: fits + "x"}, Fresh())
		if !errors.Is(err, chat.ErrEntryTooLarge) {
			w.Errorf("a byte too many: %v", err)
		}
		if e := w.MustSend(log, 1, fits); e.Seq != 2 {
			w.Errorf("the refused message used up a seq: the next got %d", e.Seq)
		}
	})
	c.test(t, "AtOnce", messagesAtOnce)
}

// A crowd writes in one log, each message sent twice with one key: no hole, and
// each message once.
func messagesAtOnce(w *World) {
	log := w.mustPair()
	var es [crowd]chat.Entry
	atOnce(func(i int) {
		d := chat.Draft{Log: log, By: chat.UserID(i%2 + 1), Content: fmt.Sprint(i % (crowd / 2))}
		a, err := w.AppendMessage(w.Context(), d, Given(d.Content, "h"))
		if err != nil {
			w.Error(err)
		}
		es[i] = a.Entry
	})
	if w.Failed() {
		return
	}
	ms := w.MustMessages(2, log)
	if len(ms) != crowd/2 {
		w.Fatalf("%d messages", len(ms))
	}
	for i, m := range ms {
		if m.Seq != int64(i+2) || i > 0 && m.CreatedAt <= ms[i-1].CreatedAt {
			w.Errorf("message %d has seq %d, time %d", i, m.Seq, m.CreatedAt)
		}
	}
	for _, e := range es {
		if got, err := e.Message(); err != nil || !slices.Contains(ms, got) {
			w.Errorf("answered with %+v, %v, which the log has not", got, err)
		}
	}
}

func (w *World) ref(id chat.UserID) chat.UserRef {
	w.Helper()
	us, err := w.Users(w.Context(), id)
	if err != nil {
		w.Fatal(err)
	}
	return us[id].UserRef
}

func (c Contract) appendMessageIdempotency(t *testing.T) {
	c.test(t, "Idempotent", func(w *World) {
		log := w.mustPair()
		send := func(by chat.UserID, hash string) (chat.Answer, error) {
			return w.AppendMessage(w.Context(), chat.Draft{Log: log, By: by, Content: "x"}, Given("k", hash))
		}
		first, err := send(1, "h")
		if err != nil || first.Replayed {
			w.Fatalf("%+v, %v", first, err)
		}
		if other, err := send(2, "other"); err != nil || other.Replayed || other.Entry.Seq != 3 {
			w.Errorf("one user's key counted for another: %+v, %v", other, err)
		}
		w.Advance(chat.IdempotencyLifetime - 2*time.Second)
		again, err := send(1, "h")
		mustReplay(w.T, again, err, first)
		if n := len(w.MustMessages(1, log)); n != 2 {
			w.Errorf("%d messages", n)
		}
		w.Advance(4 * time.Second)
		if later, err := send(1, "other"); err != nil || later.Replayed || later.Entry.Seq != 4 {
			w.Errorf("an expired key counts as absent: %+v, %v", later, err)
		}
	})
	c.test(t, "ErrIdempotencyMismatch", func(w *World) {
		log := w.mustPair()
		if _, err := w.AppendMessage(w.Context(), chat.Draft{Log: log, By: 1, Content: "x"}, Given("k", "h")); err != nil {
			w.Fatal(err)
		}
		_, err := w.AppendMessage(w.Context(), chat.Draft{Log: log, By: 1, Content: "y"}, Given("k", "other"))
		if !errors.Is(err, chat.ErrIdempotencyMismatch) {
			w.Errorf("another message: %v", err)
		}
		if _, err := w.MarkRead(w.Context(), 1, log, 2, Given("k", "other")); !errors.Is(err, chat.ErrIdempotencyMismatch) {
			w.Errorf("another kind of request: %v", err)
		}
		if n := len(w.MustMessages(1, log)); n != 1 {
			w.Errorf("%d messages", n)
		}
	})
	// An attempt repeated by whoever made the key itself: one message, and it still
	// counts as done by this request, because nobody has published it.
	c.test(t, "SameAttempt", func(w *World) {
		log := w.mustPair()
		d, idem := chat.Draft{Log: log, By: 1, Content: "x"}, Fresh()
		first, err := w.AppendMessage(w.Context(), d, idem)
		if err != nil {
			w.Fatal(err)
		}
		again, err := w.AppendMessage(w.Context(), d, idem)
		if diff := cmp.Diff(first, again); err != nil || diff != "" {
			w.Errorf("%v (-first +again)\n%s", err, diff)
		}
	})
	c.test(t, "RefusalLeavesTheKey", func(w *World) {
		log := w.mustPair()
		if _, err := w.AppendMessage(w.Context(), chat.Draft{Log: "c:1-3", By: 1, Content: "x"}, Given("k", "h")); !errors.Is(err, chat.ErrConversationNotFound) {
			w.Fatal(err)
		}
		if a, err := w.AppendMessage(w.Context(), chat.Draft{Log: log, By: 1, Content: "x"}, Given("k", "other")); err != nil || a.Replayed {
			w.Errorf("%+v, %v", a, err)
		}
	})
	c.test(t, "AtOnce", func(w *World) {
		log := w.mustPair()
		var answers [crowd]chat.Answer
		atOnce(func(i int) {
			var err error
			d := chat.Draft{Log: log, By: 1, Content: "x"}
			if answers[i], err = w.AppendMessage(w.Context(), d, Given("k", "h")); err != nil {
				w.Error(err)
			}
		})
		mustBeOne(w.T, answers[:])
		if e := w.MustSend(log, 1, "next"); e.Seq != 3 {
			w.Errorf("the next message has seq %d", e.Seq)
		}
	})
}

// Of several reasons to refuse, the one that counts. (A lost head is no refusal.)
func (c Contract) appendMessagePrecedence(t *testing.T) {
	c.test(t, "MismatchBeforeMembership", func(w *World) {
		log := w.mustPair()
		carols := w.MustConversation(w.ref(1), w.ref(3))
		if _, err := w.AppendMessage(w.Context(), chat.Draft{Log: carols, By: 3, Content: "x"}, Given("k", "h")); err != nil {
			w.Fatal(err)
		}
		_, err := w.AppendMessage(w.Context(), chat.Draft{Log: log, By: 3, Content: "x"}, Given("k", "other"))
		if !errors.Is(err, chat.ErrIdempotencyMismatch) {
			w.Errorf("err %v", err)
		}
	})
	if c.OpenLimited == nil {
		return // the rate comes last, so without one there is no more to order
	}
	limited := func(outcome string, story func(w *World, log chat.LogID, send func(chat.UserID, chat.Idempotency) error)) {
		t.Run(outcome, func(t *testing.T) {
			w := c.openLimited(t, 1, time.Minute)
			log := w.mustPair()
			send := func(by chat.UserID, idem chat.Idempotency) error {
				_, err := w.AppendMessage(w.Context(), chat.Draft{Log: log, By: by, Content: "x"}, idem)
				return err
			}
			if err := send(1, Given("k", "h")); err != nil {
				t.Fatal(err)
			}
			story(w, log, send)
		})
	}
	limited("MismatchBeforeRate", func(w *World, _ chat.LogID, send func(chat.UserID, chat.Idempotency) error) {
		if err := send(1, Given("k", "other")); !errors.Is(err, chat.ErrIdempotencyMismatch) {
			w.Errorf("err %v", err)
		}
	})
	limited("ReplayBeforeRate", func(w *World, _ chat.LogID, send func(chat.UserID, chat.Idempotency) error) {
		if err := send(1, Given("k", "h")); err != nil {
			w.Errorf("the same request again is no new message: %v", err)
		}
	})
	limited("MembershipBeforeRate", func(w *World, _ chat.LogID, send func(chat.UserID, chat.Idempotency) error) {
		for range 3 {
			if err := send(3, Fresh()); !errors.Is(err, chat.ErrConversationNotFound) {
				w.Errorf("err %v", err)
			}
		}
	})
}
