package httpapi_test

import (
	"fmt"
	"strings"
	"testing"

	"tidings/internal/chat"
)

func key(values ...string) option { return with("Idempotency-Key", values...) }

func TestIdempotencyKey(t *testing.T) {
	t.Run("SameAnswerAgain", func(t *testing.T) {
		both(t, func(w *world) {
			alice, bob := w.mustPair()
			first := w.post(messages, `{"content":"hi"}`, as(alice), key("k 1"))
			w.mustSay(bob, "meanwhile")
			again := w.post(messages, `{"content":"hi"}`, as(alice), key("k 1"))
			if again.status != 201 || again.body != first.body || again.header.Get("Location") != first.header.Get("Location") {
				w.Errorf("first %d %s, again %d %s", first.status, first.body, again.status, again.body)
			}
			if n := len(w.bus.Entries()); n != 3 {
				w.Errorf("%d entries published, want 3", n)
			}
		})
	})
	t.Run("OpenConversation", func(t *testing.T) {
		both(t, func(w *world) {
			alice, bob := w.mustRegister("alice"), w.mustRegister("bob")
			w.want(w.post("/api/conversations", `{"userId":2}`, as(alice), key("k")), 201, opened)
			w.want(w.post("/api/conversations", `{"userId":2}`, as(alice), key("k")), 201, opened)
			w.want(w.post("/api/conversations", `{"userId":2}`, as(alice), key("l")), 200, opened)
			w.want(w.post("/api/conversations", `{"userId":1}`, as(bob), key("k")), 200, opened) // keys are each user's own
		})
	})
	t.Run("ErrIdempotencyMismatch", func(t *testing.T) {
		both(t, func(w *world) {
			alice, bob := w.mustPair()
			w.mustSay(bob, "hi")
			w.post(messages, `{"content":"hi"}`, as(alice), key("k"))
			w.refused(w.post(messages, `{"content":"ho"}`, as(alice), key("k")), 422, "idempotency_mismatch")
			w.refused(w.post(messages, `{"content": "hi"}`, as(alice), key("k")), 422, "idempotency_mismatch")
			w.refused(w.post("/api/conversations/1-2/read", `{"messageId":"2"}`, as(alice), key("k")), 422, "idempotency_mismatch")
			carol := w.mustRegister("carol")
			w.post("/api/conversations", fmt.Sprintf(`{"userId":%d}`, carol.ID), as(alice))
			w.refused(w.post("/api/conversations/1-3/messages", `{"content":"hi"}`, as(alice), key("k")), 422, "idempotency_mismatch")
		})
	})
	t.Run("Forgotten", func(t *testing.T) {
		both(t, func(w *world) {
			alice, _ := w.mustPair()
			w.post(messages, `{"content":"hi"}`, as(alice), key("k"))
			w.advance(chat.IdempotencyLifetime)
			if a := w.post(messages, `{"content":"ho"}`, as(alice), key("k")); a.status != 201 {
				w.Errorf("%d %s", a.status, a.body)
			}
		})
	})
	// A refusal is not kept: the same key may be tried again.
	t.Run("RefusalNotKept", func(t *testing.T) {
		both(t, func(w *world) {
			alice := w.mustRegister("alice")
			w.refused(w.post("/api/conversations", `{"userId":2}`, as(alice), key("k")), 404, "user_not_found")
			w.mustRegister("bob")
			w.want(w.post("/api/conversations", `{"userId":2}`, as(alice), key("k")), 201, opened)
		})
	})
	t.Run("WithoutKeyTwice", func(t *testing.T) {
		both(t, func(w *world) {
			alice, _ := w.mustPair()
			w.mustSay(alice, "hi")
			w.mustSay(alice, "hi")
			if n := len(w.bus.Entries()); n != 3 {
				w.Errorf("%d entries published, want 3", n)
			}
		})
	})
}

func TestIdempotencyKeyShape(t *testing.T) {
	t.Run("ErrInvalid", func(t *testing.T) {
		both(t, func(w *world) {
			alice, _ := w.mustPair()
			for _, bad := range []string{"", strings.Repeat("k", chat.MaxIdempotencyKey+1), "ü", "a\tb", "a\xffb"} {
				w.refused(w.post(messages, `{"content":"hi"}`, as(alice), key(bad)), 422, "validation_failed", "Idempotency-Key idempotency_key")
				// Typing is kept nowhere, so there is nothing to do twice.
				w.want(w.post("/api/conversations/1-2/typing", "", as(alice), key(bad)), 202, "")
			}
			if a := w.post(messages, `{"content":"hi"}`, as(alice), key(strings.Repeat("k", chat.MaxIdempotencyKey))); a.status != 201 {
				w.Errorf("the longest key: %d %s", a.status, a.body)
			}
		})
	})
	// API Gateway hands on two headers as one, so they are one here as well.
	t.Run("TwoHeaders", func(t *testing.T) {
		both(t, func(w *world) {
			alice, _ := w.mustPair()
			w.post(messages, `{"content":"hi"}`, as(alice), key("a", "b"))
			w.refused(w.post(messages, `{"content":"ho"}`, as(alice), key("a,b")), 422, "idempotency_mismatch")
		})
	})
	t.Run("NoneForAuth", func(t *testing.T) {
		both(t, func(w *world) {
			u := w.mustRegister("alice")
			for range 2 {
				if a := w.post("/api/auth/login", `{"username":"alice","password":"correct horse"}`, key("")); a.status != 200 {
					w.Errorf("%d %s", a.status, a.body)
				} else {
					w.mustLogIn(a)
				}
			}
			w.want(w.post("/api/auth/logout", "", as(u), key("")), 204, "")
		})
	})
}
