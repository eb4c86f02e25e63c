package httpapi_test

import (
	"fmt"
	"testing"
	"time"

	"tidings/internal/chat"
	"tidings/internal/dynamo"
)

const (
	aliceRef = `{"id":1,"username":"alice","displayName":"alice"}`
	bobRef   = `{"id":2,"username":"bob","displayName":"bob"}`
	startOf  = `"2026-01-02T03:04:05.678Z"` // the clock that stands still
	noFriend = `{"friends":[],"links":{}}`
	noAsking = `{"incoming":[],"outgoing":[]}`
)

// asked is the request of alice to bob, as the side whose log has it at seq sees it.
func asked(seq int) string {
	return fmt.Sprintf(`{"id":"1-2","seq":%d,"from":%s,"to":%s,"createdAt":%s}`, seq, aliceRef, bobRef, startOf)
}

func friendSince(ref string, seq int, since string) string {
	return fmt.Sprintf(`{"user":%s,"seq":%d,"since":%s}`, ref, seq, since)
}

func TestFriendRequest(t *testing.T) {
	t.Run("Accepted", func(t *testing.T) {
		both(t, func(w *world) {
			alice, bob := w.mustRegister("alice"), w.mustRegister("bob")
			w.want(w.post("/api/friends/request", `{"userId":2}`, as(alice)), 201, `{"request":`+asked(1)+`}`)
			w.want(w.get("/api/friends/request", as(alice)), 200, `{"incoming":[],"outgoing":[`+asked(1)+`]}`)
			w.want(w.get("/api/friends/request", as(bob)), 200, `{"incoming":[`+asked(1)+`],"outgoing":[]}`)
			w.refused(w.post("/api/friends/request", `{"username":"BOB"}`, as(alice)), 409, "request_exists")

			accept := func() answer { return w.send("PUT", "/api/friends/request/1-2", `{"action":"accept"}`, as(bob)) }
			next := `"2026-01-02T03:04:05.679Z"`
			w.want(accept(), 200, `{"friend":`+friendSince(aliceRef, 2, next)+`}`)
			w.want(accept(), 200, `{"friend":`+friendSince(aliceRef, 2, next)+`}`)
			w.want(w.get("/api/friends", as(alice)), 200, `{"friends":[`+friendSince(bobRef, 2, next)+`],"links":{}}`)
			w.want(w.get("/api/friends", as(bob)), 200, `{"friends":[`+friendSince(aliceRef, 2, next)+`],"links":{}}`)
			for _, u := range []user{alice, bob} {
				w.want(w.get("/api/friends/request", as(u)), 200, noAsking)
			}
			w.refused(w.post("/api/friends/request", `{"userId":1}`, as(bob)), 409, "already_friends")
			w.want(w.send("DELETE", "/api/friends/2", "", as(alice)), 204, "")
			w.refused(w.send("DELETE", "/api/friends/1", "", as(bob)), 404, "friend_not_found")
			w.want(w.get("/api/friends", as(bob)), 200, noFriend)
			if n := len(w.bus.Entries()); n != 6 {
				w.Errorf("%d entries published, want 6", n)
			}
		})
	})
	t.Run("Crossing", func(t *testing.T) {
		both(t, func(w *world) {
			alice, bob := w.mustRegister("alice"), w.mustRegister("bob")
			w.post("/api/friends/request", `{"userId":2}`, as(alice))
			crossed := `{"friend":` + friendSince(aliceRef, 2, `"2026-01-02T03:04:05.679Z"`) + `}`
			w.want(w.post("/api/friends/request", `{"username":"alice"}`, as(bob), key("k")), 200, crossed)
			w.want(w.post("/api/friends/request", `{"username":"alice"}`, as(bob), key("k")), 200, crossed)
			if n := len(w.bus.Entries()); n != 4 {
				w.Errorf("%d entries published, want 4", n)
			}
		})
	})
	t.Run("Declined", func(t *testing.T) {
		both(t, func(w *world) {
			alice, bob := w.mustRegister("alice"), w.mustRegister("bob")
			w.post("/api/friends/request", `{"userId":2}`, as(alice))
			w.want(w.send("PUT", "/api/friends/request/1-2", `{"action":"decline"}`, as(bob)), 204, "")
			w.refused(w.send("PUT", "/api/friends/request/1-2", `{"action":"decline"}`, as(bob)), 404, "request_not_found")
			w.advance(time.Hour)
			a := w.post("/api/friends/request", `{"userId":2}`, as(alice))
			w.refused(a, 429, "declined_recently")
			if got := a.header.Get("Retry-After"); got != "82800" {
				w.Errorf("Retry-After %q", got)
			}
			w.advance(chat.DeclinedFor)
			if a := w.post("/api/friends/request", `{"userId":2}`, as(alice)); a.status != 201 {
				w.Errorf("%d %s", a.status, a.body)
			}
		})
	})
	t.Run("Withdrawn", func(t *testing.T) {
		both(t, func(w *world) {
			alice, bob := w.mustRegister("alice"), w.mustRegister("bob")
			w.post("/api/friends/request", `{"userId":2}`, as(alice))
			w.want(w.send("DELETE", "/api/friends/request/1-2", "", as(alice)), 204, "")
			w.want(w.get("/api/friends/request", as(bob)), 200, noAsking)
			w.refused(w.send("PUT", "/api/friends/request/1-2", `{"action":"accept"}`, as(bob)), 404, "request_not_found")
		})
	})
}

// What a request answers that was made before, or too often.
func TestFriendRequestAgain(t *testing.T) {
	t.Run("Idempotency", func(t *testing.T) {
		both(t, func(w *world) {
			alice := w.mustRegister("alice")
			w.mustRegister("bob")
			first := w.post("/api/friends/request", `{"userId":2}`, as(alice), key("k"))
			w.send("DELETE", "/api/friends/request/1-2", "", as(alice))
			w.want(w.post("/api/friends/request", `{"userId":2}`, as(alice), key("k")), 201, first.body)
			w.refused(w.post("/api/friends/request", `{"username":"bob"}`, as(alice), key("k")), 422, "idempotency_mismatch")
			if n := len(w.bus.Entries()); n != 4 {
				w.Errorf("%d entries published, want 4", n)
			}
		})
	})
	t.Run("ErrRateLimited", func(t *testing.T) {
		both(t, func(w *world) {
			limited := w.table(dynamo.Limits{Requests: 1})
			w.api.Friends.Store = limited
			alice := w.mustRegister("alice")
			w.mustRegister("bob")
			w.mustRegister("carol")
			w.post("/api/friends/request", `{"userId":2}`, as(alice))
			a := w.post("/api/friends/request", `{"userId":3}`, as(alice))
			w.refused(a, 429, "rate_limited")
			if got := a.header.Get("Retry-After"); got != "3355" { // the hour has 55 min 54.322 s left
				w.Errorf("Retry-After %q", got)
			}
		})
	})
}

func TestFriendRefusals(t *testing.T) {
	both(t, func(w *world) {
		alice, bob, carol := w.mustRegister("alice"), w.mustRegister("bob"), w.mustRegister("carol")
		w.post("/api/friends/request", `{"userId":2}`, as(alice))
		for _, c := range []struct {
			by           user
			method, path string
			body         string
			status       int
			code         string
			fields       []string
		}{
			{alice, "POST", "/api/friends/request", `{}`, 422, "validation_failed", []string{" one_of"}},
			{alice, "POST", "/api/friends/request", `{"userId":2,"username":"bob"}`, 422, "validation_failed", []string{" one_of"}},
			{alice, "POST", "/api/friends/request", `{"userId":1}`, 422, "validation_failed", []string{"userId not_yourself"}},
			{alice, "POST", "/api/friends/request", `{"username":"Alice"}`, 422, "validation_failed", []string{"username not_yourself"}},
			{alice, "POST", "/api/friends/request", `{"userId":2.5}`, 422, "validation_failed", []string{"userId not_whole"}},
			{alice, "POST", "/api/friends/request", `{"username":2}`, 422, "validation_failed", []string{"username wrong_type"}},
			{alice, "POST", "/api/friends/request", `{"userId":99}`, 404, "user_not_found", nil},
			{alice, "POST", "/api/friends/request", `{"username":"nobody"}`, 404, "user_not_found", nil},
			{alice, "POST", "/api/friends/request", `{"username":""}`, 404, "user_not_found", nil},
			{alice, "POST", "/api/friends/request", `{"username":"\u0000"}`, 404, "user_not_found", nil},
			{alice, "PUT", "/api/friends/request/1-2", `{"action":"accept"}`, 403, "not_receiver", nil},
			{bob, "PUT", "/api/friends/request/1-2", `{"action":"maybe"}`, 422, "validation_failed", []string{"action action"}},
			{bob, "PUT", "/api/friends/request/1-2", `{"action":1}`, 422, "validation_failed", []string{"action wrong_type"}},
			{bob, "PUT", "/api/friends/request/1-2", `{}`, 422, "validation_failed", []string{"action required"}},
			{bob, "PUT", "/api/friends/request/3-2", `{"action":"accept"}`, 404, "request_not_found", nil},
			{bob, "PUT", "/api/friends/request/99-2", `{"action":"decline"}`, 404, "request_not_found", nil},
			{carol, "PUT", "/api/friends/request/1-2", `{"action":"accept"}`, 404, "request_not_found", nil},
			{bob, "DELETE", "/api/friends/request/1-2", ``, 403, "not_sender", nil},
			{carol, "DELETE", "/api/friends/request/1-2", ``, 404, "request_not_found", nil},
			{alice, "DELETE", "/api/friends/request/1-3", ``, 404, "request_not_found", nil},
			{alice, "DELETE", "/api/friends/2", ``, 404, "friend_not_found", nil},
			{alice, "DELETE", "/api/friends/1", ``, 404, "friend_not_found", nil},
			{alice, "DELETE", "/api/friends/99", ``, 404, "friend_not_found", nil},
			{alice, "DELETE", "/api/friends/bob", ``, 404, "friend_not_found", nil},
			{alice, "GET", "/api/friends?after=x&limit=0", ``, 422, "validation_failed", []string{"after user_id", "limit out_of_range"}},
			{alice, "PATCH", "/api/friends/request", `{}`, 405, "method_not_allowed", nil},
			{alice, "POST", "/api/friends", `{}`, 405, "method_not_allowed", nil},
		} {
			w.refused(w.send(c.method, c.path, c.body, as(c.by)), c.status, c.code, c.fields...)
		}
		for _, id := range []string{"1", "1-", "-2", "1-2-3", "01-2", "1-1", "2-2", "a-b", "1%2F2", "%00", "9007199254740992-2"} {
			w.refused(w.send("PUT", "/api/friends/request/"+id, `{"action":"accept"}`, as(bob)), 404, codeOf(id))
		}
	})
}

// codeOf is not_found for an id that is two segments of a path.
func codeOf(id string) string {
	if id == "1%2F2" {
		return "not_found"
	}
	return "request_not_found"
}

func TestFriendPages(t *testing.T) {
	both(t, func(w *world) {
		alice := w.mustRegister("alice")
		for i := range 3 {
			u := w.mustRegister(fmt.Sprintf("user%d", i))
			w.post("/api/friends/request", `{"userId":1}`, as(u))
			w.post("/api/friends/request", fmt.Sprintf(`{"userId":%d}`, u.ID), as(alice))
		}
		ref := func(i int) string {
			return fmt.Sprintf(`{"id":%d,"username":"user%d","displayName":"user%[2]d"}`, i+2, i)
		}
		w.want(w.get("/api/friends?limit=2", as(alice)), 200, `{"friends":[`+
			friendSince(ref(0), 2, `"2026-01-02T03:04:05.679Z"`)+`,`+friendSince(ref(1), 4, `"2026-01-02T03:04:05.681Z"`)+
			`],"links":{"next":"/api/friends?after=3\u0026limit=2"}}`)
		w.want(w.get("/api/friends?after=3&limit=2", as(alice)), 200, `{"friends":[`+friendSince(ref(2), 6, `"2026-01-02T03:04:05.683Z"`)+`],"links":{}}`)
	})
}
