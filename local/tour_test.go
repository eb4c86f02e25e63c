package main

import (
	"fmt"
	"os"
	"testing"
)

// What an evening with Tidings is made of. Only entries are looked at, nothing
// ephemeral, so it must hold as well where the fast path is broken and the relay alone
// delivers: infra/ministack runs it so.
func TestTour(t *testing.T) { onEach(t, testTour) }

func testTour(t *testing.T, url string) {
	ann, ben, cat := newPerson(t, url, "ann"), newPerson(t, url, "ben"), newPerson(t, url, "cat")
	phone := ben.device() // a log-in of its own
	for _, p := range []*person{ann, ben, cat} {
		p.listen()
	}

	// Ann asks Ben to be her friend, and he accepts.
	var asked struct{ Request struct{ ID string } }
	ann.must(201, &asked, "POST", "/api/friends/request", fmt.Sprintf(`{"username":%q}`, ben.ref.Username))
	told(t, ann, "friends_changed requested")
	told(t, ben, "notification friend_request")
	ben.must(200, nil, "PUT", "/api/friends/request/"+asked.Request.ID, `{"action":"accept"}`)
	told(t, ann, "notification friend_accepted")
	told(t, ben, "friends_changed accepted")

	// They talk. Ben's phone comes back later, with the position that his first stream
	// had after the second message, and gets what it missed, once.
	id := ann.open(ben)
	told(t, ann, "conversation_update created")
	told(t, ben, "conversation_update created")
	var position string
	for i := range 4 {
		if os.Getenv("RELAY_ALONE") != "" { // then this is heard by nobody
			ben.must(202, nil, "POST", "/api/conversations/"+id+"/typing", "")
		}
		ann.say(id, fmt.Sprint("message ", i))
		told(t, ann, "conversation_update message +message")
		told(t, ben, "message", "notification message")
		last := ben.next()
		if got := describe(ben, last); got != "conversation_update message" {
			t.Errorf("ben got %s", got)
		}
		if i == 1 {
			position = last.ID
		}
	}
	phone.resume(position)
	for range 2 {
		told(t, phone, "message", "notification message", "conversation_update message")
	}

	// A group chat: Cat hears what is said while she belongs to it.
	g := ann.createGroup("tour", ben)
	for _, p := range []*person{ann, ben, phone} {
		told(t, p, "group_update created")
	}
	ann.must(200, nil, "POST", g.path()+"/members", fmt.Sprintf(`{"userIds":[%s]}`, cat.ref.ID))
	for _, p := range []*person{ann, ben, phone, cat} {
		told(t, p, "group_update members_added")
	}
	cat.must(201, nil, "POST", g.path()+"/messages", `{"content":"hello"}`)
	told(t, cat, "group_update message +message")
	for _, p := range []*person{ann, ben, phone} {
		told(t, p, "message", "notification group_message", "group_update message")
	}
	ann.must(204, nil, "DELETE", g.path()+"/members/"+cat.ref.ID.String(), "")
	for _, p := range []*person{ann, ben, phone, cat} {
		told(t, p, "group_update member_removed")
	}
	ben.must(201, nil, "POST", g.path()+"/messages", `{"content":"is she gone?"}`)
	told(t, ann, "message", "notification group_message", "group_update message")
	for _, p := range []*person{ben, phone} {
		told(t, p, "group_update message +message")
	}

	// A log-out ends that session's stream alone. What Cat gets next is her own doing.
	phone.must(204, nil, "POST", "/api/auth/logout", "")
	told(t, phone, "revoked logout", "closed")
	cat.open(ben)
	told(t, cat, "conversation_update created")
	told(t, ben, "conversation_update created")
}

// told checks the next frames of somebody's stream, written as in the matrix.
func told(t *testing.T, p *person, want ...string) {
	t.Helper()
	for _, w := range want {
		if got := describe(p, p.next()); got != w {
			t.Fatalf("%s got %q, want %q", p.ref.Username, got, w)
		}
	}
}
