package main

import (
	"fmt"
	"testing"

	"tidings/internal/chat"
)

// side is a person in a story about friends, with two tabs open, both of which must
// see the same.
type side struct {
	*person
	second *person
	seq    int64 // of their own log
}

func newSide(t *testing.T, url, name string) *side {
	p := newPerson(t, url, name)
	s := &side{person: p, second: p.tab(p.token)}
	s.listen()
	s.second.listen()
	return s
}

// expectOwn checks the next event of both tabs: the next of the own log.
func (s *side) expectOwn(part int, typ string, data o) {
	s.t.Helper()
	s.seq++
	id := chat.EventID(chat.UserLog(s.ref.ID), s.seq, part)
	s.expect(typ, id, data)
	s.second.expect(typ, id, data)
}

func (s *side) expectChange(change string, other *side, request string, at chat.Millis) {
	s.t.Helper()
	data := o{"seq", s.seq + 1, "change", change, "user", other.ref}
	if request != "" {
		data = append(data, "requestId", request)
	}
	s.expectOwn(3, "friends_changed", append(data, "createdAt", at))
}

func (s *side) expectNotification(kind string, other *side, request string, at chat.Millis) {
	s.t.Helper()
	s.expectOwn(2, "notification", o{
		"id", chat.NotificationID(chat.UserLog(s.ref.ID), s.seq+1), "seq", s.seq + 1, "kind", kind, "actor", other.ref,
		"requestId", request, "preview", "", "createdAt", at, "read", false,
	})
}

func (s *side) friends() []chat.Friend {
	s.t.Helper()
	var out struct{ Friends []chat.Friend }
	s.must(200, &out, "GET", "/api/friends", "")
	return out.Friends
}

func (s *side) requests() (incoming, outgoing []chat.FriendRequest) {
	s.t.Helper()
	var out struct{ Incoming, Outgoing []chat.FriendRequest }
	s.must(200, &out, "GET", "/api/friends/request", "")
	return out.Incoming, out.Outgoing
}

// Alice asks Bob, who reads of it and accepts; then it ends. Carol hears nothing.
// Every frame is checked to the byte, in both tabs of each.
func TestFramesOfFriends(t *testing.T) { onEach(t, testFriends) }

func testFriends(t *testing.T, url string) {
	alice, bob, carol := newSide(t, url, "alice"), newSide(t, url, "bob"), newSide(t, url, "carol")
	request := chat.RequestID(alice.ref.ID, bob.ref.ID)
	answer := "/api/friends/request/" + request

	var asked struct{ Request chat.FriendRequest }
	alice.must(201, &asked, "POST", "/api/friends/request", fmt.Sprintf(`{"username":%q}`, bob.ref.Username))
	incoming, _ := bob.requests()
	alice.expectChange("requested", bob, request, asked.Request.CreatedAt)
	bob.expectNotification("friend_request", alice, request, incoming[0].CreatedAt)

	bob.must(204, nil, "PUT", fmt.Sprintf("/api/notifications/u:%d/1", bob.ref.ID), `{"read":true}`)
	bob.expectOwn(1, "notification_read", o{"seq", 2, "ids", []string{fmt.Sprintf("u:%d/1", bob.ref.ID)}})

	var accepted struct{ Friend chat.Friend }
	bob.must(200, &accepted, "PUT", answer, `{"action":"accept"}`)
	bob.expectChange("accepted", alice, request, accepted.Friend.Since)
	alice.expectNotification("friend_accepted", bob, request, alice.friends()[0].Since)
	if f := alice.friends(); len(f) != 1 || f[0].User != bob.ref || f[0].Seq != alice.seq {
		t.Errorf("alice's friends: %+v", f)
	}
	if in, out := alice.requests(); len(in)+len(out) != 0 {
		t.Errorf("alice's requests: %+v %+v", in, out)
	}

	// What concerns others: a stranger may do nothing and sees nothing of it.
	carol.must(404, nil, "PUT", answer, `{"action":"accept"}`)
	carol.must(404, nil, "DELETE", answer, "")
	carol.must(404, nil, "PUT", fmt.Sprintf("/api/notifications/u:%d/1", bob.ref.ID), `{"read":true}`)
	bob.must(204, nil, "DELETE", fmt.Sprintf("/api/friends/%d", alice.ref.ID), "")
	for _, s := range []*side{alice, bob} {
		s.seq++
		for _, tab := range []*person{s.person, s.second} {
			if f := tab.nextFrame(); f.EventID != chat.EventID(chat.UserLog(s.ref.ID), s.seq, 3) || f.Type != "friends_changed" {
				t.Errorf("%s got %s %s", s.ref.Username, f.EventID, f.Data)
			}
		}
	}

	// Carol's first event is the first that is hers. Crossing requests meet: the second
	// accepts the first.
	alice.must(201, &asked, "POST", "/api/friends/request", fmt.Sprintf(`{"userId":%d}`, carol.ref.ID))
	request = chat.RequestID(alice.ref.ID, carol.ref.ID)
	incoming, _ = carol.requests()
	carol.expectNotification("friend_request", alice, request, incoming[0].CreatedAt)
	alice.expectChange("requested", carol, request, asked.Request.CreatedAt)
	carol.must(200, &accepted, "POST", "/api/friends/request", fmt.Sprintf(`{"userId":%d}`, alice.ref.ID))
	carol.expectChange("accepted", alice, request, accepted.Friend.Since)
	alice.expectNotification("friend_accepted", carol, request, alice.friends()[0].Since)
}

// Reading everything is told once, with the positions of what was read; the others
// get a receipt.
func TestFramesOfReadAll(t *testing.T) { onEach(t, testReadAll) }

func testReadAll(t *testing.T, url string) {
	alice, bob := newPerson(t, url, "alice"), newPerson(t, url, "bob")
	id := alice.open(bob)
	m := alice.say(id, "hello")
	alice.must(201, nil, "POST", "/api/friends/request", fmt.Sprintf(`{"userId":%d}`, bob.ref.ID))
	alice.listen()
	reader := &side{person: bob, second: bob.tab(bob.token), seq: 1}
	bob.listen()
	reader.second.listen()
	bob.must(204, nil, "POST", "/api/notifications/read-all", "")
	reader.expectOwn(1, "notification_read", o{"seq", 2, "all", true, "reads", []o{{"conversationId", id, "messageId", m.ID, "readCount", 1}}})
	alice.expect("receipt", "", o{"conversationId", id, "userId", bob.ref.ID, "messageId", m.ID, "readCount", 1})

	var list struct {
		Notifications []chat.Notification
		UnreadCount   int
	}
	bob.must(200, &list, "GET", "/api/notifications", "")
	if len(list.Notifications) != 1 || !list.Notifications[0].Read || list.UnreadCount != 0 {
		t.Errorf("%+v", list)
	}
	bob.must(204, nil, "POST", "/api/notifications/read-all", "") // nothing is left to tell
	alice.must(204, nil, "DELETE", "/api/friends/request/"+chat.RequestID(alice.ref.ID, bob.ref.ID), "")
	if f := bob.nextFrame(); f.Type != "friends_changed" || f.EventID != chat.EventID(chat.UserLog(bob.ref.ID), 3, 3) {
		t.Errorf("bob got %s %s", f.EventID, f.Data)
	}
}
