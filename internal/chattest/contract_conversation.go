package chattest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings/internal/chat"
)

func (c Contract) createConversation(t *testing.T) {
	c.test(t, "OK", func(w *World) {
		members := []chat.UserRef{w.MustUser("alice"), w.MustUser("bob")}
		a, err := w.CreateConversation(w.Context(), 2, members, Given("k", "h"))
		body, _ := json.Marshal(chat.CreatedBody{Members: members})
		want := chat.Answer{Status: 201, Entry: chat.Entry{
			Log: "c:1-2", Seq: 1, TS: w.Now().UnixMilli(), Kind: chat.KindCreated, By: 2, Adds: []chat.UserID{1, 2},
			Body: body, Shards: chat.Shards{}.With(1, 2),
		}}
		if diff := cmp.Diff(want, a); err != nil || diff != "" {
			w.Errorf("%v (-want +got)\n%s", err, diff)
		}
	})
	// A first entry is not kept for as long as its conversation, so who finds one
	// there is told its log and no more.
	c.test(t, "AlreadyThere", func(w *World) {
		members := []chat.UserRef{w.MustUser("alice"), w.MustUser("bob")}
		w.MustConversation(members[0], members[1])
		want := chat.Answer{Status: 200, Entry: chat.Entry{Log: "c:1-2"}}
		for _, idem := range []chat.Idempotency{Fresh(), Given("k", "h")} {
			for _, by := range []chat.UserID{1, 2} {
				a, err := w.CreateConversation(w.Context(), by, members, idem)
				if diff := cmp.Diff(want, a); err != nil || diff != "" {
					w.Errorf("by %d: %v (-want +got)\n%s", by, err, diff)
				}
			}
		}
		if e := w.MustSend("c:1-2", 1, "x"); e.Seq != 2 {
			w.Errorf("the first message has seq %d", e.Seq)
		}
	})
	t.Run("ErrTooManyConversations", func(t *testing.T) {
		clock := NewClock()
		tooManyConversations(&World{T: t, Stores: c.OpenFew(t, clock, 2), Clock: clock})
	})
	// Both sides open the conversation at once, each with its own keys: one makes it.
	c.test(t, "AtOnce", func(w *World) {
		members := []chat.UserRef{w.MustUser("alice"), w.MustUser("bob")}
		var made atomic.Int64
		atOnce(func(i int) {
			a, err := w.CreateConversation(w.Context(), chat.UserID(i%2+1), members, Given(fmt.Sprint(i), "h"))
			if err != nil || a.Entry.Log != "c:1-2" || a.Replayed {
				w.Errorf("%+v, %v", a, err)
			}
			if a.Status == 201 {
				made.Add(1)
			}
		})
		if n := made.Load(); n != 1 {
			w.Errorf("made %d times", n)
		}
	})
}

func (c Contract) createConversationIdempotency(t *testing.T) {
	c.test(t, "Idempotent", func(w *World) {
		members := []chat.UserRef{w.MustUser("alice"), w.MustUser("bob")}
		create := func(by chat.UserID) (chat.Answer, error) {
			return w.CreateConversation(w.Context(), by, members, Given("k", "h"))
		}
		first, err := create(2)
		if err != nil {
			w.Fatal(err)
		}
		there, err := create(1)
		if err != nil || there.Status != 200 || there.Replayed {
			w.Errorf("one user's key counted for another: %+v, %v", there, err)
		}
		w.MustSend("c:1-2", 1, "what happens in between changes no answer")
		w.Advance(chat.IdempotencyLifetime - 2*time.Second)
		again, err := create(2)
		mustReplay(w.T, again, err, first)
		again, err = create(1)
		mustReplay(w.T, again, err, there)
		w.Advance(4 * time.Second)
		if a, err := create(2); err != nil || a.Status != 200 || a.Replayed {
			w.Errorf("an expired key counts as absent: %+v, %v", a, err)
		}
	})
	c.test(t, "ErrIdempotencyMismatch", func(w *World) {
		alice, bob, carol := w.MustUser("alice"), w.MustUser("bob"), w.MustUser("carol")
		for _, s := range []struct {
			by  chat.UserID
			key string
		}{{1, "of an answer 201"}, {2, "of an answer 200"}} {
			if _, err := w.CreateConversation(w.Context(), s.by, []chat.UserRef{alice, bob}, Given(s.key, "h")); err != nil {
				w.Fatal(err)
			}
			_, err := w.CreateConversation(w.Context(), s.by, []chat.UserRef{w.ref(s.by), carol}, Given(s.key, "other"))
			if !errors.Is(err, chat.ErrIdempotencyMismatch) {
				w.Errorf("key %s: err %v", s.key, err)
			}
		}
		if _, err := w.View(w.Context(), 3, "c:1-3"); !errors.Is(err, chat.ErrConversationNotFound) {
			w.Errorf("a refused conversation: %v", err)
		}
	})
	// One request sent many times at once: one answer.
	c.test(t, "IdempotentAtOnce", func(w *World) {
		members := []chat.UserRef{w.MustUser("alice"), w.MustUser("bob")}
		var answers [crowd]chat.Answer
		atOnce(func(i int) {
			var err error
			if answers[i], err = w.CreateConversation(w.Context(), 1, members, Given("k", "h")); err != nil {
				w.Error(err)
			}
		})
		mustBeOne(w.T, answers[:])
	})
}

// tooManyConversations tells of users who may have two. The refusal names the other
// side by its id, and nobody is a member of what was refused.
func tooManyConversations(w *World) {
	alice, bob, carol, dave := w.MustUser("alice"), w.MustUser("bob"), w.MustUser("carol"), w.MustUser("dave")
	create := func(by chat.UserID, other chat.UserRef, idem chat.Idempotency) (chat.Answer, error) {
		return w.CreateConversation(w.Context(), by, []chat.UserRef{w.ref(by), other}, idem)
	}
	w.MustConversation(alice, bob)
	last, err := create(1, carol, Given("k", "h"))
	if err != nil || last.Status != 201 {
		w.Fatalf("the last one: %+v, %v", last, err)
	}
	refused := func(by chat.UserID, other chat.UserRef, want string) {
		w.Helper()
		_, err := create(by, other, Fresh())
		var e *chat.Error
		if !errors.As(err, &e) || e.Code != "too_many_conversations" || e.Kind != chat.KindConflict || !strings.HasPrefix(e.Message, want) {
			w.Errorf("by user %d: %v", by, err)
		}
	}
	refused(1, dave, "You are ")
	refused(4, alice, "User 1 is ")
	if vs, err := w.Conversations(w.Context(), dave.ID, chat.ConversationPrefix); err != nil || len(vs) != 0 {
		w.Errorf("after the refusal: %+v, %v", vs, err)
	}
	if a, err := create(2, carol, Fresh()); err != nil || a.Status != 201 {
		w.Errorf("two others: %+v, %v", a, err)
	}
	// What is there, or was done, is answered as ever.
	for _, by := range []chat.UserID{1, 2} {
		if a, err := create(by, w.ref(3-by), Fresh()); err != nil || a.Status != 200 {
			w.Errorf("one that is there: %+v, %v", a, err)
		}
	}
	again, err := create(1, carol, Given("k", "h"))
	mustReplay(w.T, again, err, last)
	if _, err := create(1, dave, Given("k", "other")); !errors.Is(err, chat.ErrIdempotencyMismatch) {
		w.Errorf("err %v", err)
	}
}

// mustBeOne checks the answers to one request that was sent many times: the same,
// and not all replayed. Who was overtaken in its transaction can't tell that from an
// answer that it lost, so more than one may count as having done it.
func mustBeOne(t *testing.T, answers []chat.Answer) {
	t.Helper()
	first := slices.IndexFunc(answers, func(a chat.Answer) bool { return !a.Replayed })
	if first < 0 {
		t.Fatal("nobody did it")
	}
	for _, a := range answers {
		a.Replayed = true
		mustReplay(t, a, nil, answers[first])
	}
}

func (c Contract) conversations(t *testing.T) {
	c.test(t, "OK", func(w *World) {
		alice, bob, carol := w.MustUser("alice"), w.MustUser("bob"), w.MustUser("carol")
		w.MustConversation(alice, bob)
		w.MustConversation(alice, carol)
		w.MustConversation(bob, carol)
		w.MustSend("c:1-3", 3, "hello")
		for user, want := range map[chat.UserID][]chat.LogID{1: {"c:1-2", "c:1-3"}, 2: {"c:1-2", "c:2-3"}, 3: {"c:1-3", "c:2-3"}} {
			vs, err := w.Conversations(w.Context(), user, chat.ConversationPrefix)
			if err != nil || len(vs) != len(want) {
				w.Errorf("user %d: %+v, %v", user, vs, err)
			}
			for _, v := range vs {
				if diff := cmp.Diff(w.MustView(user, v.Head.Log), v); diff != "" || !slices.Contains(want, v.Head.Log) {
					w.Errorf("user %d (-alone +in the list)\n%s", user, diff)
				}
			}
		}
	})
	c.test(t, "NoneOfAStranger", func(w *World) {
		w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
		for _, user := range []chat.UserID{w.MustUser("carol").ID, 99} {
			if vs, err := w.Conversations(w.Context(), user, chat.ConversationPrefix); err != nil || len(vs) != 0 {
				w.Errorf("user %d: %+v, %v", user, vs, err)
			}
		}
	})
	c.test(t, "NoneOfAnotherPrefix", func(w *World) {
		w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
		if vs, err := w.Conversations(w.Context(), 1, chat.GroupPrefix); err != nil || len(vs) != 0 {
			w.Errorf("%+v, %v", vs, err)
		}
	})
}

func (c Contract) view(t *testing.T) {
	c.test(t, "OK", func(w *World) {
		alice, bob := w.MustUser("alice"), w.MustUser("bob")
		log := w.MustConversation(alice, bob)
		head := chat.Head{
			Log: log, Seq: 1, TS: w.Now().UnixMilli(), Shards: chat.Shards{}.With(1, 2), Members: []chat.UserRef{alice, bob},
		}
		mustSee := func(read map[chat.UserID]int64) {
			w.Helper()
			for user, n := range read {
				want := chat.LogView{Head: head, Membership: chat.Membership{
					Log: log, User: user, Role: "member", Intervals: chat.Intervals{{From: 1}}, ReadCount: n,
				}}
				if diff := cmp.Diff(want, w.MustView(user, log)); diff != "" {
					w.Errorf("user %d (-want +got)\n%s", user, diff)
				}
			}
		}
		mustSee(map[chat.UserID]int64{1: 0, 2: 0})
		w.Advance(time.Minute)
		e := w.MustSend(log, 2, "hello")
		head.Seq, head.TS, head.Count = 2, e.TS, 1
		head.Last = &chat.LastMessage{ID: "2", Seq: 2, Sender: bob, Preview: "hello", CreatedAt: chat.Millis(e.TS)}
		mustSee(map[chat.UserID]int64{1: 0, 2: 1}) // an author has read their own
	})
	c.test(t, "ErrConversationNotFound", func(w *World) {
		log := w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
		carol := w.MustUser("carol")
		for _, s := range []struct {
			user chat.UserID
			log  chat.LogID
		}{{carol.ID, log}, {99, log}, {1, "c:1-3"}, {1, "c:3-4"}} {
			if v, err := w.View(w.Context(), s.user, s.log); !errors.Is(err, chat.ErrConversationNotFound) || v.Head.Seq != 0 {
				w.Errorf("%s for user %d: %+v, %v", s.log, s.user, v, err)
			}
		}
	})
}
