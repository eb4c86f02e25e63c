package httpapi_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"tidings/internal/chat"
)

const nothingToTell = `{"notifications":[],"unreadCount":0,"links":{}}`

// askedNotification is what bob is told of the request of alice.
func askedNotification(read bool) string {
	return fmt.Sprintf(`{"id":"u:2/1","seq":1,"kind":"friend_request","actor":%s,"requestId":"1-2","preview":"","createdAt":%s,"read":%t}`,
		aliceRef, startOf, read)
}

func TestListNotifications(t *testing.T) {
	both(t, func(w *world) {
		alice, bob := w.mustPair()
		carol := w.mustRegister("carol")
		w.want(w.get("/api/notifications", as(bob)), 200, nothingToTell)
		w.post("/api/friends/request", `{"userId":2}`, as(alice))
		w.advance(time.Second)
		w.mustSay(alice, "one")
		w.advance(time.Second)
		w.mustSay(alice, "two")
		w.advance(time.Second)
		group := w.mustGroup(carol, bob)
		w.post(group+"/messages", `{"content":"hi all"}`, as(carol))

		told := `{"id":"c:1-2/3","seq":3,"kind":"message","actor":` + aliceRef + `,"conversationId":"1-2","messageId":"3","preview":"two",
			"createdAt":"2026-01-02T03:04:07.678Z","read":false,"count":2,"messageCount":2,"readCount":0}`
		toldGroup := `{"id":"g:<random>/2","seq":2,"kind":"group_message","actor":{"id":3,"username":"carol","displayName":"carol"},
			"groupChatId":"<random>","messageId":"2","preview":"hi all","createdAt":"2026-01-02T03:04:08.679Z","read":false,"count":1,"messageCount":1,"readCount":0}`
		w.want(w.get("/api/notifications", as(bob)), 200,
			`{"notifications":[`+toldGroup+`,`+told+`,`+askedNotification(false)+`],"unreadCount":3,"links":{}}`)
		w.want(w.get("/api/notifications", as(alice)), 200, nothingToTell) // one's own are never unread
		w.want(w.get("/api/notifications", as(carol)), 200, nothingToTell)

		// Pages join without gap or repetition.
		var ids []string
		for path := "/api/notifications?limit=1"; path != ""; {
			var page struct {
				Notifications []chat.Notification
				UnreadCount   int
				Links         struct{ Older string }
			}
			a := w.get(path, as(bob))
			if err := json.Unmarshal([]byte(a.body), &page); err != nil || len(page.Notifications) != 1 || page.UnreadCount != 3 {
				w.Fatalf("%s: %d %s %v", path, a.status, a.body, err)
			}
			ids = append(ids, w.anonymous(page.Notifications[0].ID))
			path = page.Links.Older
		}
		if got := strings.Join(ids, " "); got != "g:<random>/2 c:1-2/3 u:2/1" {
			w.Errorf("pages of one: %s", got)
		}

		// Part of the conversation is read, then all of it by an answer.
		w.want(w.send("PUT", "/api/notifications/c:1-2/2", `{"read":true}`, as(bob)), 204, "")
		w.want(w.get("/api/notifications?unread=true&limit=2", as(bob)), 200, `{"notifications":[`+toldGroup+`,`+
			strings.Replace(told, `"count":2,"messageCount":2,"readCount":0`, `"count":1,"messageCount":2,"readCount":1`, 1)+
			`],"unreadCount":3,"links":{"older":"/api/notifications?before=1767323047678-c%3A1-2%2F3\u0026limit=2\u0026unread=true"}}`)
		w.mustSay(bob, "answer")
		w.want(w.send("PUT", "/api/notifications/u:2/1", `{"read":true}`, as(bob)), 204, "")
		w.want(w.get("/api/notifications?unread=true", as(bob)), 200, `{"notifications":[`+toldGroup+`],"unreadCount":1,"links":{}}`)
		w.want(w.get("/api/notifications?unread=false", as(bob)), 200, `{"notifications":[`+toldGroup+`,`+askedNotification(true)+`],"unreadCount":1,"links":{}}`)

		// Out of the group, nothing of it is left.
		w.want(w.send("DELETE", group+"/members/2", "", as(carol)), 204, "")
		w.want(w.get("/api/notifications?unread=true", as(bob)), 200, nothingToTell)
	})
}

func TestReadNotification(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		both(t, func(w *world) {
			alice, bob := w.mustPair()
			w.post("/api/friends/request", `{"userId":2}`, as(alice))
			w.mustSay(alice, "hi")
			before := len(w.bus.Entries())
			for _, id := range []string{"u:2/1", "u:2%2F1", "u%3A2%2f1", "c:1-2/2", "c:1-2%2F2"} {
				w.want(w.send("PUT", "/api/notifications/"+id, `{"read":true}`, as(bob)), 204, "")
			}
			if n := len(w.bus.Entries()) - before; n != 2 {
				w.Errorf("%d entries published, want 2", n)
			}
			if n := len(w.bus.Ephemerals()); n != 1 {
				w.Errorf("%d receipts, want 1", n)
			}
		})
	})
	t.Run("ErrNotificationNotFound", func(t *testing.T) {
		both(t, func(w *world) {
			alice, bob := w.mustPair()
			carol := w.mustRegister("carol")
			w.mustSay(alice, "hi")
			w.post("/api/friends/request", `{"userId":2}`, as(alice))
			for _, id := range []string{
				"u:1/1", "u:2/2", "u:2/0", "u:2/9", "u:3/1", "u:/1", "u:02/1", "c:1-2/1", "c:1-2/9", "c:1-3/2", "c:/2", "c:x/2",
				"g:x/1", "g:01890a5d-ac96-774b-bcce-b302099a8057/1", "x:1/1", "1/1", "u:2/01", "u:2/-1", "u:2/x", "u:2/9007199254740991",
			} {
				w.refused(w.send("PUT", "/api/notifications/"+id, `{"read":true}`, as(bob)), 404, "notification_not_found")
			}
			for _, id := range []string{"u:2/1", "c:1-2/2"} {
				w.refused(w.send("PUT", "/api/notifications/"+id, `{"read":true}`, as(carol)), 404, "notification_not_found")
			}
			for _, id := range []string{"u:2", "u:2/1/1", ""} {
				if a := w.send("PUT", "/api/notifications/"+id, `{"read":true}`, as(bob)); a.status != 404 && a.status != 405 {
					w.Errorf("%q: %d", id, a.status)
				}
			}
		})
	})
	t.Run("ErrInvalid", func(t *testing.T) {
		both(t, func(w *world) {
			_, bob := w.mustPair()
			for body, field := range inOrder(map[string]string{
				`{}`: "read required", `{"read":false}`: "read not_true", `{"read":"true"}`: "read not_true", `{"read":null}`: "read required",
			}) {
				w.refused(w.send("PUT", "/api/notifications/u:2/1", body, as(bob)), 422, "validation_failed", field)
			}
			for query, field := range inOrder(map[string]string{
				"unread=1": "unread wrong_type", "unread=": "unread wrong_type", "before=": "before position", "before=1": "before position",
				"before=1-x": "before position", "before=-1-u:2/1": "before position", "before=99999999999999-u:2/1": "before position",
				"before=x-u:2/1": "before position", "limit=101": "limit out_of_range",
			}) {
				w.refused(w.get("/api/notifications?"+query, as(bob)), 422, "validation_failed", field)
			}
			w.refused(w.post("/api/notifications/read-all", `{"x":1}`, as(bob)), 422, "validation_failed", "x unknown_field")
		})
	})
}

func TestReadAllNotifications(t *testing.T) {
	both(t, func(w *world) {
		alice, bob := w.mustPair()
		w.want(w.post("/api/notifications/read-all", "", as(bob)), 204, "")
		if n := len(w.bus.Entries()); n != 1 { // that of the conversation
			w.Errorf("%d entries published, want 1", n)
		}
		w.mustSay(alice, "hi")
		w.post("/api/friends/request", `{"userId":2}`, as(alice))
		before := len(w.bus.Entries())
		w.want(w.post("/api/notifications/read-all", "{}", as(bob), key("k")), 204, "")
		w.want(w.get("/api/notifications", as(bob)), 200, `{"notifications":[`+askedNotification(true)+`],"unreadCount":0,"links":{}}`)
		w.mustSay(alice, "more")
		w.want(w.post("/api/notifications/read-all", "{}", as(bob), key("k")), 204, "")
		if a := w.get("/api/notifications?unread=true", as(bob)); !strings.Contains(a.body, `"unreadCount":1`) {
			w.Errorf("the repeated request read what came later: %s", a.body)
		}
		if n := len(w.bus.Entries()) - before; n != 2 {
			w.Errorf("%d entries published, want 2", n)
		}
		if es := w.bus.Ephemerals(); len(es) != 1 || es[0].Kind != chat.KindReceipt || es[0].Head != 2 {
			w.Errorf("receipts %+v", es)
		}
	})
}
