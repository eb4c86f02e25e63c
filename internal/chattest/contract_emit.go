package chattest

import (
	"encoding/json"
	"errors"
	"sync"
	"testing"

	"tidings/internal/chat"
)

// shipped is an event that a service emits.
var shipped = chat.CustomBody{Type: "order_shipped", Data: json.RawMessage(`{"orderId":17}`)}

// of is the key of a service.
func of(caller, key, hash string) chat.Idempotency {
	idem := Given(key, hash)
	idem.Caller = caller
	return idem
}

func (w *World) mustEmit(user chat.UserID, idem chat.Idempotency) chat.Answer {
	w.Helper()
	a, err := w.AppendCustom(w.Context(), user, shipped, idem)
	if err != nil {
		w.Fatal(err)
	}
	return a
}

func (c Contract) appendCustom(t *testing.T) {
	c.test(t, "OK", func(w *World) {
		u := w.MustUser("alice")
		first, second := w.mustEmit(u.ID, Fresh()).Entry, w.mustEmit(u.ID, Fresh()).Entry
		mustAscend(t, first, second)
		n, err := first.Notification()
		if err != nil || first.Log != chat.UserLog(u.ID) || first.Seq != 1 || n.Type != shipped.Type || string(n.Data) != string(shipped.Data) {
			w.Errorf("%+v %+v %v", first, n, err)
		}
		if cells := first.Shards.Cells(256); len(cells) != 1 {
			w.Errorf("for the cells %v, not the user's own alone", cells)
		}
	})
	c.test(t, "ErrUserNotFound", func(w *World) {
		if _, err := w.AppendCustom(w.Context(), 7, shipped, Fresh()); !errors.Is(err, chat.ErrUserNotFound) {
			w.Errorf("err %v", err)
		}
	})
	c.test(t, "SameKey", func(w *World) {
		alice, bob := w.MustUser("alice"), w.MustUser("bob")
		first := w.mustEmit(alice.ID, of("shop", "k", "h"))
		if first.Replayed {
			w.Error("the first counts as replayed")
		}
		again := w.mustEmit(alice.ID, of("shop", "k", "h"))
		if !again.Replayed || again.Entry.Log != first.Entry.Log || again.Entry.Seq != first.Entry.Seq {
			w.Errorf("again: %+v", again)
		}
		if a := w.mustEmit(bob.ID, of("shop", "k", "h")); a.Replayed || a.Entry.Log != chat.UserLog(bob.ID) {
			w.Errorf("another receiver: %+v", a)
		}
		if a := w.mustEmit(alice.ID, of("billing", "k", "h")); a.Replayed || a.Entry.Seq != 2 {
			w.Errorf("another caller: %+v", a)
		}
		w.Advance(chat.IdempotencyLifetime)
		if a := w.mustEmit(alice.ID, of("shop", "k", "h")); a.Replayed || a.Entry.Seq != 3 {
			w.Errorf("a day later: %+v", a)
		}
	})
	c.test(t, "ErrIdempotencyMismatch", func(w *World) {
		alice := w.MustUser("alice")
		w.mustEmit(alice.ID, of("shop", "k", "h"))
		if _, err := w.AppendCustom(w.Context(), alice.ID, shipped, of("shop", "k", "other")); !errors.Is(err, chat.ErrIdempotencyMismatch) {
			w.Errorf("err %v", err)
		}
	})
	// A user may choose any key. None of them stands in the way of a service.
	c.test(t, "UsersKeyIsAnother", func(w *World) {
		alice, bob := w.MustUser("alice"), w.MustUser("bob")
		for _, k := range []string{"k", "shop#k", "EMIT#shop#k"} {
			if _, err := w.CreateConversation(w.Context(), alice.ID, []chat.UserRef{alice, bob}, Given(k, "h")); err != nil {
				w.Fatal(err)
			}
		}
		if a := w.mustEmit(alice.ID, of("shop", "k", "of the event")); a.Replayed {
			w.Error("taken for the user's own")
		}
	})
	c.test(t, "AtOnce", func(w *World) {
		alice := w.MustUser("alice")
		var mu sync.Mutex
		seqs := map[int64]bool{}
		atOnce(func(int) {
			a, err := w.AppendCustom(w.Context(), alice.ID, shipped, of("shop", "k", "h"))
			mu.Lock()
			defer mu.Unlock()
			if seqs[a.Entry.Seq] = true; err != nil {
				w.Error(err)
			}
		})
		if len(seqs) != 1 || !seqs[1] {
			w.Errorf("one event became those of %v", seqs)
		}
	})
}
