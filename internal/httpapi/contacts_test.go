package httpapi_test

import (
	"strings"
	"testing"

	"tidings/internal/dynamo"
)

// With CONTACTS=friends only friends can be written to first or added; what is there
// already stays usable.
func TestContactsFriends(t *testing.T) {
	both(t, func(w *world) {
		w.api.Conversations.Contacts.Friends, w.api.Groups.Contacts.Friends = w.store, w.store
		ann, ben, cat := w.mustRegister("ann"), w.mustRegister("ben"), w.mustRegister("cat")
		w.refused(w.post("/api/conversations", `{"userId":2}`, as(ann)), 403, "not_friends")
		w.refused(w.post("/api/groupchats", `{"name":"x","memberIds":[2]}`, as(ann)), 403, "not_friends")
		w.refused(w.post("/api/conversations", `{"userId":99}`, as(ann)), 404, "user_not_found")
		w.post("/api/friends/request", `{"userId":2}`, as(ann))
		w.send("PUT", "/api/friends/request/1-2", `{"action":"accept"}`, as(ben))
		if a := w.post("/api/conversations", `{"userId":2}`, as(ann)); a.status != 201 {
			w.Errorf("with a friend: %d %s", a.status, a.body)
		}
		path := w.mustGroup(ann, ben)
		w.refused(w.post(path+"/members", `{"userIds":[3]}`, as(ann)), 403, "not_friends")
		w.refused(w.get(path, as(cat)), 404, "group_not_found")
		w.want(w.send("DELETE", "/api/friends/2", "", as(ann)), 204, "")
		if a := w.post("/api/conversations", `{"userId":1}`, as(ben)); a.status != 200 {
			w.Errorf("one that is there: %d %s", a.status, a.body)
		}
		if a := w.post("/api/conversations/1-2/messages", `{"content":"still"}`, as(ben)); a.status != 201 {
			w.Errorf("unfriended, but the conversation is usable: %d %s", a.status, a.body)
		}
	})
}

// Who is in as many conversations as one can be in makes no more, and gets into none.
// The refusal says whose limit it is, by the id that the caller gave.
func TestTooManyConversations(t *testing.T) {
	both(t, func(w *world) {
		few := w.table(dynamo.Limits{Memberships: 2})
		w.api.Conversations.Store, w.api.Groups.Store, w.api.Groups.Members = few, few, few
		ann, ben, cat := w.mustRegister("ann"), w.mustRegister("ben"), w.mustRegister("cat")
		path := w.mustGroup(ann, ben)
		w.post("/api/conversations", `{"userId":2}`, as(ann))
		w.mustGroup(cat)
		w.refused(w.post("/api/conversations", `{"userId":3}`, as(ann)), 409, "too_many_conversations")
		w.refused(w.post("/api/groupchats", `{"name":"x"}`, as(ben)), 409, "too_many_conversations")
		for _, a := range []answer{
			w.post("/api/conversations", `{"userId":2}`, as(cat)),
			w.post("/api/groupchats", `{"name":"x","memberIds":[2]}`, as(cat)),
		} {
			w.refused(a, 409, "too_many_conversations")
			if !strings.Contains(a.body, `"User 2 is in as many`) {
				w.Errorf("whose limit it is: %s", a.body)
			}
		}
		if a := w.post(path+"/members", `{"userIds":[3]}`, as(ann)); a.status != 200 {
			w.Errorf("cat's second: %d %s", a.status, a.body)
		}
		w.refused(w.post("/api/conversations", `{"userId":1}`, as(cat)), 409, "too_many_conversations")
		if a := w.post("/api/conversations", `{"userId":1}`, as(ben)); a.status != 200 {
			w.Errorf("one that is there: %d %s", a.status, a.body)
		}
		dan := w.mustRegister("dan")
		other := w.mustGroup(dan)
		w.refused(w.post(other+"/members", `{"userIds":[4,1]}`, as(dan)), 409, "too_many_conversations")
	})
}
