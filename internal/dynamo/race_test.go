package dynamo_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings/internal/chat"
	"tidings/internal/chattest"
	"tidings/internal/dynamo"
)

// A request is sent twice with one key, and the second overtakes the first between
// its reads and its transaction: both get the answer of the one that was done.
func TestCreateConversationOvertaken(t *testing.T) {
	create := func(w *world, by chat.UserID, idem chat.Idempotency) chat.Answer {
		w.Helper()
		a, err := w.CreateConversation(w.Context(), by, []chat.UserRef{{ID: 1}, {ID: 2}}, idem)
		if err != nil {
			w.Fatal(err)
		}
		return a
	}
	for name, overtake := range map[string]func(w *world) chat.Answer{
		"Created": func(w *world) chat.Answer { return create(w, 1, chattest.Given("k", "h")) },
		"AlreadyThere": func(w *world) chat.Answer {
			create(w, 2, chattest.Fresh())
			return create(w, 1, chattest.Given("k", "h"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, dynamo.Limits{})
			var first chat.Answer
			w.races.before("TransactWriteItems", func() {
				w.Advance(time.Second) // so that the two entries differ
				first = overtake(w)
			})
			second := create(w, 1, chattest.Given("k", "h"))
			first.Replayed = true
			if diff := cmp.Diff(first, second); diff != "" {
				t.Errorf("(-first +second)\n%s", diff)
			}
		})
	}
	// Nobody has published the entry of a lost attempt, so it is answered as done now.
	t.Run("TimeoutAfterCommit", func(t *testing.T) {
		w := newWorld(t, dynamo.Limits{})
		idem := chattest.Fresh()
		w.races.before("TransactWriteItems", func() {
			w.Advance(time.Second)
			create(w, 1, idem)
		})
		a := create(w, 1, idem)
		if diff := cmp.Diff(w.mustEntries("c:1-2"), []chat.Entry{a.Entry}); diff != "" || a.Replayed || a.Status != 201 {
			t.Errorf("%+v (-log +answer)\n%s", a, diff)
		}
	})
}

// Another device reads further meanwhile: nothing is left to tell, but the key is
// used.
func TestMarkReadOvertaken(t *testing.T) {
	w := newWorld(t, dynamo.Limits{})
	log := w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
	for range 3 {
		w.MustSend(log, 1, "x")
	}
	read := func(seq int64, idem chat.Idempotency) (chat.Answer, error) {
		return w.MarkRead(w.Context(), 2, log, seq, idem)
	}
	w.races.before("TransactWriteItems", func() {
		if _, err := read(4, chattest.Fresh()); err != nil {
			t.Error(err)
		}
	})
	first, err := read(3, chattest.Given("k", "h"))
	if diff := cmp.Diff(chat.Answer{Status: 204}, first); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	if n := w.MustView(2, log).Membership.ReadCount; n != 3 {
		t.Errorf("read count %d", n)
	}
	first.Replayed = true
	again, err := read(3, chattest.Given("k", "h"))
	if diff := cmp.Diff(first, again); err != nil || diff != "" {
		t.Errorf("%v (-first +again)\n%s", err, diff)
	}
	if _, err := read(2, chattest.Given("k", "other")); !errors.Is(err, chat.ErrIdempotencyMismatch) {
		t.Errorf("the key with another request: %v", err)
	}
}
