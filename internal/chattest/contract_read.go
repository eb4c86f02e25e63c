package chattest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings/internal/chat"
)

func (c Contract) messages(t *testing.T) {
	for name, p := range map[string]struct {
		page         chat.Page
		first, last  int64
		older, newer bool
	}{
		"Newest":           {chat.Page{Limit: 3}, 9, 11, true, false},
		"All":              {chat.Page{Limit: 100}, 2, 11, false, false},
		"AllJustFit":       {chat.Page{Limit: 10}, 2, 11, false, false},
		"AllButOne":        {chat.Page{Limit: 9}, 3, 11, true, false},
		"Before":           {chat.Page{Before: 9, Limit: 3}, 6, 8, true, true},
		"BeforeJustFit":    {chat.Page{Before: 5, Limit: 3}, 2, 4, false, true},
		"BeforeFewer":      {chat.Page{Before: 4, Limit: 3}, 2, 3, false, true},
		"BeforeFirst":      {chat.Page{Before: 2, Limit: 3}, 0, 0, false, true},
		"BeforeAnything":   {chat.Page{Before: 1, Limit: 3}, 0, 0, false, true},
		"BeforeTheAbsurd":  {chat.Page{Before: int64(chat.MaxUserID), Limit: 1}, 11, 11, true, true},
		"After":            {chat.Page{After: 2, Limit: 3}, 3, 5, true, true},
		"AfterTheCreation": {chat.Page{After: 1, Limit: 100}, 2, 11, true, false},
		"AfterJustFit":     {chat.Page{After: 8, Limit: 3}, 9, 11, true, false},
		"AfterFewer":       {chat.Page{After: 9, Limit: 3}, 10, 11, true, false},
		"AfterLast":        {chat.Page{After: 11, Limit: 3}, 0, 0, true, false},
		"AfterTheAbsurd":   {chat.Page{After: int64(chat.MaxUserID), Limit: 1}, 0, 0, true, false},
	} {
		c.test(t, name, func(w *World) {
			log := w.mustPair()
			all := map[int64]chat.Message{}
			for i := range 10 { // seqs 2 to 11
				m, err := w.MustSend(log, chat.UserID(i%2+1), fmt.Sprint(i)).Message()
				if err != nil {
					w.Fatal(err)
				}
				all[m.Seq] = m
			}
			got, err := w.Messages(w.Context(), 2, log, p.page)
			if err != nil || got.Older != p.older || got.Newer != p.newer {
				w.Errorf("older %v, newer %v: %v", got.Older, got.Newer, err)
			}
			var want []chat.Message
			for seq := p.first; seq != 0 && seq <= p.last; seq++ {
				want = append(want, all[seq])
			}
			if !slices.Equal(got.Messages, want) {
				w.Errorf("%+v, want %+v", got.Messages, want)
			}
		})
	}
	c.test(t, "ErrConversationNotFound", func(w *World) {
		log := w.mustPair()
		w.MustSend(log, 1, "secret")
		for _, s := range []struct {
			user chat.UserID
			log  chat.LogID
		}{{3, log}, {99, log}, {1, "c:1-3"}} {
			for _, page := range []chat.Page{{Limit: 1}, {Before: 3, Limit: 1}, {After: 1, Limit: 1}, {Before: 1, Limit: 1}} {
				p, err := w.Messages(w.Context(), s.user, s.log, page)
				if !errors.Is(err, chat.ErrConversationNotFound) || len(p.Messages) > 0 {
					w.Errorf("%s for user %d: %+v, %v", s.log, s.user, p, err)
				}
			}
		}
	})
}

// mustPairWith is mustPair with n messages of alice, from seq 2 on.
func (w *World) mustPairWith(n int) chat.LogID {
	w.Helper()
	log := w.mustPair()
	for i := range n {
		w.MustSend(log, 1, fmt.Sprint(i))
	}
	return log
}

func (w *World) read(user chat.UserID, log chat.LogID, seq int64, idem chat.Idempotency) (chat.Answer, error) {
	return w.MarkRead(w.Context(), user, log, seq, idem)
}

func (c Contract) markRead(t *testing.T) {
	c.test(t, "OK", func(w *World) {
		log := w.mustPairWith(3)
		a, err := w.read(2, log, 3, Fresh())
		want := chat.Answer{Status: 204, Entry: chat.Entry{
			Log: "u:2", Seq: 1, TS: w.Now().UnixMilli(), Kind: chat.KindRead, By: 2,
			Body: []byte(`{"log":"c:1-2","message":3,"readCount":2}`), Shards: chat.Shards{}.With(2),
		}}
		if diff := cmp.Diff(want, a); err != nil || diff != "" {
			w.Errorf("%v (-want +got)\n%s", err, diff)
		}
		if v := w.MustView(2, log); v.Membership.ReadCount != 2 || v.Head.Seq != 4 {
			w.Errorf("%+v", v)
		}
		further, err := w.read(2, log, 4, Fresh())
		if err != nil || w.MustView(2, log).Membership.ReadCount != 3 {
			w.Errorf("further: %+v, %v", further, err)
		}
		mustAscend(w.T, a.Entry, further.Entry)
	})
	c.test(t, "NotAheadChangesNothing", func(w *World) {
		log := w.mustPairWith(3)
		first, err := w.read(2, log, 3, Fresh())
		if err != nil {
			w.Fatal(err)
		}
		for _, s := range []struct {
			user chat.UserID
			seq  int64
		}{{2, 2}, {2, 3}, {1, 4}} { // backwards, again, one's own
			a, err := w.read(s.user, log, s.seq, Fresh())
			if diff := cmp.Diff(chat.Answer{Status: 204}, a); err != nil || diff != "" {
				w.Errorf("user %d to %d: %v (-want +got)\n%s", s.user, s.seq, err, diff)
			}
		}
		if n := w.MustView(2, log).Membership.ReadCount; n != 2 {
			w.Errorf("read count %d", n)
		}
		next, err := w.read(2, log, 4, Fresh())
		if err != nil {
			w.Error(err)
		}
		mustAscend(w.T, first.Entry, next.Entry)
	})
	c.test(t, "ErrMessageNotFound", func(w *World) {
		log := w.mustPairWith(1)
		for _, seq := range []int64{1, 3, 0, -1, int64(chat.MaxUserID)} { // 1 is the creation
			if _, err := w.read(2, log, seq, Fresh()); !errors.Is(err, chat.ErrMessageNotFound) {
				w.Errorf("message %d: %v", seq, err)
			}
		}
	})
	c.test(t, "ErrConversationNotFound", func(w *World) {
		log := w.mustPairWith(1)
		for _, s := range []struct {
			user chat.UserID
			log  chat.LogID
			seq  int64
		}{{3, log, 2}, {3, log, 9}, {99, log, 2}, {1, "c:1-3", 2}} {
			if _, err := w.read(s.user, s.log, s.seq, Fresh()); !errors.Is(err, chat.ErrConversationNotFound) {
				w.Errorf("%s/%d for user %d: %v", s.log, s.seq, s.user, err)
			}
		}
	})
	c.test(t, "AtOnce", marksAtOnce)
}

// All the user's devices at once: the position only moves forward, and each mark
// in the own log is ahead of the one before.
func marksAtOnce(w *World) {
	log := w.mustPairWith(crowd)
	var marks [crowd]chat.Entry
	atOnce(func(i int) {
		a, err := w.read(2, log, int64(i+2), Fresh())
		if err != nil {
			w.Error(err)
		}
		marks[i] = a.Entry // by the message that it reads
	})
	told := slices.DeleteFunc(marks[:], func(e chat.Entry) bool { return e.Seq == 0 })
	mustAscend(w.T, told...)
	if n := w.MustView(2, log).Membership.ReadCount; n != crowd {
		w.Errorf("read count %d", n)
	}
}

func (c Contract) markReadIdempotency(t *testing.T) {
	c.test(t, "Idempotent", func(w *World) {
		log := w.mustPairWith(3)
		moved, err := w.read(2, log, 3, Given("moved", "h"))
		if err != nil {
			w.Fatal(err)
		}
		stayed, err := w.read(2, log, 2, Given("stayed", "h"))
		if err != nil {
			w.Fatal(err)
		}
		w.Advance(chat.IdempotencyLifetime - 2*time.Second)
		again, err := w.read(2, log, 3, Given("moved", "h"))
		mustReplay(w.T, again, err, moved)
		again, err = w.read(2, log, 2, Given("stayed", "h"))
		mustReplay(w.T, again, err, stayed)
		w.Advance(4 * time.Second)
		for _, key := range []string{"moved", "stayed"} {
			if a, err := w.read(2, log, 3, Given(key, "other")); err != nil || a.Replayed {
				w.Errorf("an expired key counts as absent: %+v, %v", a, err)
			}
		}
	})
	c.test(t, "ErrIdempotencyMismatch", func(w *World) {
		log := w.mustPairWith(3)
		for _, s := range []struct {
			key string
			seq int64
		}{{"moved", 3}, {"stayed", 2}} {
			if _, err := w.read(2, log, s.seq, Given(s.key, "h")); err != nil {
				w.Fatal(err)
			}
			if _, err := w.read(2, log, 4, Given(s.key, "other")); !errors.Is(err, chat.ErrIdempotencyMismatch) {
				w.Errorf("key %s: %v", s.key, err)
			}
			if _, err := w.read(2, "c:2-3", 4, Given(s.key, "other")); !errors.Is(err, chat.ErrIdempotencyMismatch) {
				w.Errorf("key %s, before membership: %v", s.key, err)
			}
		}
		if n := w.MustView(2, log).Membership.ReadCount; n != 2 {
			w.Errorf("read count %d", n)
		}
	})
	c.test(t, "AtOnce", func(w *World) {
		log := w.mustPairWith(3)
		var answers [crowd]chat.Answer
		atOnce(func(i int) {
			var err error
			if answers[i], err = w.read(2, log, 3, Given("k", "h")); err != nil {
				w.Error(err)
			}
		})
		mustBeOne(w.T, answers[:])
	})
}
