package dynamo_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings/internal/chat"
	"tidings/internal/chattest"
	"tidings/internal/dynamo"
	"tidings/local/aws"
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
			if diff := cmp.Diff(first, second); diff != "" { // nor is the second replayed: it can't know that it wasn't itself
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

// Another request of the owner's gives the same name meanwhile: this one has changed
// nothing, and has no entry to publish.
func TestRenameGroupOvertaken(t *testing.T) {
	w := newWorld(t, dynamo.Limits{})
	w.mustGroup(2)
	w.races.before("TransactWriteItems", func() {
		if e, err := w.RenameGroup(w.Context(), 1, climbers, "walkers"); err != nil || e.Seq != 2 {
			t.Errorf("%+v %v", e, err)
		}
	})
	e, err := w.RenameGroup(w.Context(), 1, climbers, "walkers")
	if diff := cmp.Diff(chat.Entry{}, e); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

// The same request has overtaken this one, and the author was removed since: the key's
// answer counts before the right to write.
func TestAppendMessageOvertakenThenRemoved(t *testing.T) {
	w := newWorld(t, dynamo.DefaultLimits)
	log := w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
	send := func() (chat.Answer, error) {
		return w.AppendMessage(w.Context(), chat.Draft{Log: log, By: 2, Content: "x"}, chattest.Given("k", "h"))
	}
	var first chat.Answer
	w.races.before("TransactWriteItems", func() {
		var err error
		if first, err = send(); err != nil {
			t.Error(err)
		}
		w.mustBelong(log, "1-3")
	})
	second, err := send()
	if diff := cmp.Diff(first, second); err != nil || diff != "" {
		t.Errorf("%v (-first +second)\n%s", err, diff)
	}
}

// Others append while this request is on its way, on a clock that has gone on: its
// entry tells the time of the attempt that was done, not of the first.
func TestAppendMessageTellsTheTimeOfItsAttempt(t *testing.T) {
	w := newWorld(t, dynamo.Limits{})
	log := w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
	w.races.before("TransactWriteItems", func() {
		w.MustSend(log, 2, "first")
		w.Advance(2 * time.Second)
	})
	if e := w.MustSend(log, 1, "second"); e.Seq != 3 || e.TS < w.Now().UnixMilli() {
		t.Errorf("seq %d, %d ms before now", e.Seq, w.Now().UnixMilli()-e.TS)
	}
}

// A head that was set back by hand: nobody's entry is written over.
func TestAppendMessageHeadSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, dynamo.Limits{})
		log := w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
		back := w.mustGet("L#"+string(log), "HEAD")
		w.MustSend(log, 1, "theirs")
		before := w.mustEntries(log)
		w.mustPut(back)
		w.races.latency = 10 * time.Millisecond
		_, err := w.AppendMessage(t.Context(), chat.Draft{Log: log, By: 2, Content: "mine"}, chattest.Fresh())
		var told *chat.Error
		if !errors.As(err, &told) || told.Code != chat.SlowMode(0).Code {
			t.Errorf("err %v", err)
		}
		if diff := cmp.Diff(before, w.mustEntries(log)); diff != "" {
			t.Errorf("(-before +after)\n%s", diff)
		}
	})
}

// The answer of the commit is lost, and the request's next attempt finds the record
// of the first: nobody has published what it did, whether or not the key was given.
func TestAppendMessageAnswerLost(t *testing.T) {
	for name, idem := range map[string]chat.Idempotency{"OwnKey": chattest.Fresh(), "GivenKey": chattest.Given("k", "h")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, dynamo.Limits{})
				log := w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
				w.races.latency = 10 * time.Millisecond
				w.mustFaults(aws.FaultConfig{TimeoutAfterCommit: 1})
				time.AfterFunc(25*time.Millisecond, func() { w.mustFaults(aws.FaultConfig{}) }) // after the read and one attempt
				d := chat.Draft{Log: log, By: 1, Content: "x"}
				a, err := w.AppendMessage(t.Context(), d, idem)
				if err != nil || a.Replayed || a.Entry.Seq != 2 || a.Status != 201 {
					t.Errorf("%+v, %v", a, err)
				}
				if c := w.aws.Faults().Counts(); len(c) == 0 {
					t.Error("no answer was lost")
				}
				again, err := w.AppendMessage(t.Context(), d, idem)
				a.Replayed = idem.Given
				if diff := cmp.Diff(a, again); err != nil || diff != "" {
					t.Errorf("sent again: %v (-first +again)\n%s", err, diff)
				}
			})
		})
	}
}
