package httpapi_test

import (
	"testing"
)

const members = `"members":[{"id":1,"username":"alice","displayName":"alice"},{"id":2,"username":"bob","displayName":"bob"}]`

const opened = `{"conversation":{"id":"1-2","seq":1,` + members + `,"lastMessage":null,"messageCount":0,` +
	`"updatedAt":"2026-01-02T03:04:05.678Z","readCount":0,"unreadCount":0,"memberSeq":1}}`

func TestOpenConversation(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		both(t, func(w *world) {
			alice, bob := w.mustRegister("alice"), w.mustRegister("bob")
			a := w.post("/api/conversations", `{"userId":2}`, as(alice))
			w.want(a, 201, opened)
			if got := a.header.Get("Location"); got != "/api/conversations/1-2" {
				w.Errorf("Location %q", got)
			}
			// From either side, again: the same one.
			for _, again := range []answer{
				w.post("/api/conversations", `{"userId":2}`, as(alice)),
				w.post("/api/conversations", ` {"userId" : 1} `, as(bob)),
			} {
				w.want(again, 200, opened)
			}
			if n := len(w.bus.Entries()); n != 1 {
				w.Errorf("%d entries published, want 1", n)
			}
		})
	})
	t.Run("ErrUserNotFound", func(t *testing.T) {
		both(t, func(w *world) {
			alice := w.mustRegister("alice")
			w.refused(w.post("/api/conversations", `{"userId":2}`, as(alice)), 404, "user_not_found")
			w.refused(w.post("/api/conversations", `{"userId":9007199254740991}`, as(alice)), 404, "user_not_found")
		})
	})
	t.Run("ErrInvalid", func(t *testing.T) {
		both(t, func(w *world) {
			alice := w.mustRegister("alice")
			for body, field := range inOrder(map[string]string{
				`{"userId":1}`:                       "userId not_yourself",
				`{"userId":0}`:                       "userId out_of_range",
				`{"userId":-2}`:                      "userId out_of_range",
				`{"userId":9007199254740992}`:        "userId out_of_range",
				`{"userId":99999999999999999999999}`: "userId out_of_range",
				`{"userId":2.5}`:                     "userId not_whole",
				`{"userId":2.0}`:                     "userId not_whole",
				`{"userId":2e0}`:                     "userId not_whole",
				`{"userId":"2"}`:                     "userId wrong_type",
				`{"userId":true}`:                    "userId wrong_type",
				`{"userId":[2]}`:                     "userId wrong_type",
				`{"userId":null}`:                    "userId required",
				`{}`:                                 "userId required",
			}) {
				w.refused(w.post("/api/conversations", body, as(alice)), 422, "validation_failed", field)
			}
		})
	})
}

func TestListConversations(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		both(t, func(w *world) {
			alice, bob := w.mustPair()
			carol := w.mustRegister("carol")
			w.advance(1000)
			w.post("/api/conversations", `{"userId":1}`, as(carol))
			w.advance(1e9)
			w.mustSay(bob, "hi")
			w.want(w.get("/api/conversations", as(alice)), 200, `{"conversations":[
				{"id":"1-2","seq":2,`+members+`,
				 "lastMessage":{"id":"2","seq":2,"sender":{"id":2,"username":"bob","displayName":"bob"},"preview":"hi","createdAt":"2026-01-02T03:04:06.678Z"},
				 "messageCount":1,"updatedAt":"2026-01-02T03:04:06.678Z","readCount":0,"unreadCount":1,"memberSeq":1},
				{"id":"1-3","seq":1,"members":[{"id":1,"username":"alice","displayName":"alice"},{"id":3,"username":"carol","displayName":"carol"}],
				 "lastMessage":null,"messageCount":0,"updatedAt":"2026-01-02T03:04:05.678Z","readCount":0,"unreadCount":0,"memberSeq":1}]}`)
		})
	})
	t.Run("None", func(t *testing.T) {
		both(t, func(w *world) {
			w.want(w.get("/api/conversations", as(w.mustRegister("alice"))), 200, `{"conversations":[]}`)
		})
	})
}

func TestConversation(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		both(t, func(w *world) {
			alice, _ := w.mustPair()
			w.want(w.get("/api/conversations/1-2", as(alice)), 200, opened)
		})
	})
	t.Run("ErrConversationNotFound", func(t *testing.T) {
		both(t, func(w *world) {
			alice, _ := w.mustPair()
			carol := w.mustRegister("carol")
			w.refused(w.get("/api/conversations/1-3", as(alice)), 404, "conversation_not_found")
			w.refused(w.get("/api/conversations/1-2", as(carol)), 404, "conversation_not_found")
			for _, id := range absurdIDs {
				w.refused(w.get("/api/conversations/"+id, as(alice)), 404, "conversation_not_found")
			}
		})
	})
}
