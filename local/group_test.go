package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"tidings/internal/chat"
)

// group is what the tests look at of a group chat.
type group struct {
	chat.GroupChat
}

func (p *person) createGroup(name string, others ...*person) group {
	p.t.Helper()
	ids := make([]string, len(others))
	for i, o := range others {
		ids[i] = o.ref.ID.String()
	}
	var out struct{ GroupChat chat.GroupChat }
	p.must(201, &out, "POST", "/api/groupchats", fmt.Sprintf(`{"name":%q,"memberIds":[%s]}`, name, strings.Join(ids, ",")))
	return group{out.GroupChat}
}

func (g group) path() string { return "/api/groupchats/" + g.ID }

func (g group) event(seq int64, part int) string { return chat.EventID(chat.GroupLog(g.ID), seq, part) }

// expectGroup checks the next event, a change of the group chat, and gives its data.
func (p *person) expectGroup(g group, seq int64, change string, count int) map[string]any {
	p.t.Helper()
	f := p.nextFrame()
	var d struct {
		GroupChat chat.GroupChat
		Change    string
	}
	if err := json.Unmarshal(f.Data, &d); err != nil || f.Type != "group_update" || f.EventID != g.event(seq, 3) ||
		d.Change != change || d.GroupChat.MemberCount != count || d.GroupChat.Seq != seq {
		p.t.Fatalf("%s got %s %s %s, want %s of %d with %d members: %v", p.ref.Username, f.Type, f.EventID, f.Data, change, seq, count, err)
	}
	var raw map[string]any
	_ = json.Unmarshal(f.Data, &raw) // was read above
	return raw
}

// The life of a group chat: who gets which frames, by roles and by the time of
// their membership.
func TestFramesOfAGroup(t *testing.T) { onEach(t, testGroup) }

func testGroup(t *testing.T, url string) {
	ann, ben, cat, stranger := newPerson(t, url, "ann"), newPerson(t, url, "ben"), newPerson(t, url, "cat"), newPerson(t, url, "stranger")
	for _, p := range []*person{ann, ben, cat, stranger} {
		p.listen()
	}
	g := ann.createGroup(" climbers ", ben)
	if g.Name != "climbers" || g.MemberCount != 2 || g.OwnerID != ann.ref.ID || g.Seq != 1 {
		t.Fatalf("created %+v", g)
	}
	for _, p := range []*person{ann, ben} {
		if d := p.expectGroup(g, 1, "created", 2); len(d["members"].([]any)) != 2 {
			t.Errorf("%s: %v", p.ref.Username, d)
		}
	}

	// 2: a message. Its author gets the update alone.
	var out struct{ Message chat.Message }
	ann.must(201, &out, "POST", g.path()+"/messages", `{"content":"hello"}`)
	m := out.Message
	last := o{"id", "2", "seq", 2, "sender", ann.ref, "preview", "hello", "createdAt", m.CreatedAt}
	update := o{"id", g.ID, "seq", 2, "name", "climbers", "ownerId", ann.ref.ID, "memberCount", 2, "lastMessage", last, "messageCount", 1, "updatedAt", m.CreatedAt}
	ben.expect("message", g.event(2, 1), o{"groupChatId", g.ID, "message", m})
	ben.expect("notification", g.event(2, 2), o{
		"id", "g:" + g.ID + "/2", "seq", 2, "kind", "group_message", "actor", ann.ref, "groupChatId", g.ID,
		"messageId", "2", "preview", "hello", "createdAt", m.CreatedAt, "read", false,
	})
	ben.expect("group_update", g.event(2, 3), o{"groupChat", update, "change", "message"})
	ann.expect("group_update", g.event(2, 3), o{"groupChat", update, "change", "message", "message", m})

	// 3: Cat comes. She sees nothing of what was before.
	ann.must(200, nil, "POST", g.path()+"/members", fmt.Sprintf(`{"userIds":[%d,%d]}`, cat.ref.ID, ben.ref.ID))
	for _, p := range []*person{ann, ben, cat} {
		if d := p.expectGroup(g, 3, "members_added", 3); len(d["members"].([]any)) != 1 {
			t.Errorf("%s: %v", p.ref.Username, d)
		}
	}
	var page struct{ Messages []chat.Message }
	cat.must(200, &page, "GET", g.path()+"/messages", "")
	var seen struct{ GroupChat chat.GroupChat }
	cat.must(200, &seen, "GET", g.path(), "")
	if len(page.Messages) != 0 || seen.GroupChat.LastMessage != nil || seen.GroupChat.UnreadCount != 0 || seen.GroupChat.MemberSeq != 3 {
		t.Errorf("cat sees %d messages, %+v", len(page.Messages), seen.GroupChat)
	}

	// 4: a message to all; a receipt and typing to the others.
	cat.must(201, nil, "POST", g.path()+"/messages", `{"content":"hi"}`)
	for _, p := range []*person{ann, ben} {
		p.nextFrame()
		p.nextFrame()
		p.expectGroup(g, 4, "message", 3)
	}
	cat.expectGroup(g, 4, "message", 3)
	ben.must(204, nil, "POST", g.path()+"/read", `{"messageId":"4"}`)
	ben.expect("read", fmt.Sprintf("u:%d/1/1", ben.ref.ID), o{"seq", 1, "groupChatId", g.ID, "messageId", "4", "readCount", 2})
	for _, p := range []*person{ann, cat} {
		p.expect("receipt", "", o{"groupChatId", g.ID, "userId", ben.ref.ID, "messageId", "4", "readCount", 2})
	}
	ben.must(202, nil, "POST", g.path()+"/typing", "")
	ann.expect("typing", "", o{"groupChatId", g.ID, "user", ben.ref})
	cat.expect("typing", "", o{"groupChatId", g.ID, "user", ben.ref})

	// 5, 6: rights; a new name.
	ben.must(403, nil, "PATCH", g.path(), `{"name":"x"}`)
	ben.must(403, nil, "POST", g.path()+"/members", fmt.Sprintf(`{"userIds":[%d]}`, stranger.ref.ID))
	ben.must(403, nil, "DELETE", fmt.Sprintf("%s/members/%d", g.path(), cat.ref.ID), "")
	ben.must(403, nil, "DELETE", g.path(), "")
	stranger.must(404, nil, "GET", g.path(), "")
	stranger.must(404, nil, "PATCH", g.path(), `{"name":"x"}`)
	stranger.must(404, nil, "DELETE", fmt.Sprintf("%s/members/%d", g.path(), cat.ref.ID), "")
	stranger.must(404, nil, "POST", g.path()+"/messages", `{"content":"x"}`)
	ann.must(404, nil, "DELETE", fmt.Sprintf("%s/members/%d", g.path(), stranger.ref.ID), "")
	ann.must(200, nil, "PATCH", g.path(), `{"name":"walkers"}`)
	ann.must(200, nil, "PATCH", g.path(), `{"name":"walkers"}`) // changes nothing, tells nobody
	// 6: Ben is removed; 7 is not for him.
	ann.must(204, nil, "DELETE", fmt.Sprintf("%s/members/%d", g.path(), ben.ref.ID), "")
	ann.must(201, nil, "POST", g.path()+"/messages", `{"content":"ben is gone"}`)
	for _, p := range []*person{ann, ben, cat} {
		p.expectGroup(g, 5, "renamed", 3)
		p.expectGroup(g, 6, "member_removed", 2)
	}
	ann.expectGroup(g, 7, "message", 2)
	cat.nextFrame()
	cat.nextFrame()
	cat.expectGroup(g, 7, "message", 2)
	ben.must(404, nil, "GET", g.path()+"/messages", "")

	// 8: Ben comes back and gets what is from there on. 9: Ann leaves, Cat has been
	// there for longest. 10: the group ends.
	ann.must(200, nil, "POST", g.path()+"/members", fmt.Sprintf(`{"userIds":[%d]}`, ben.ref.ID))
	ann.must(204, nil, "DELETE", fmt.Sprintf("%s/members/%d", g.path(), ann.ref.ID), "")
	ann.expectGroup(g, 8, "members_added", 3)
	ann.expectGroup(g, 9, "member_removed", 2)
	for _, p := range []*person{ben, cat} {
		p.expectGroup(g, 8, "members_added", 3)
		d := p.expectGroup(g, 9, "member_removed", 2)
		if owner := d["groupChat"].(map[string]any)["ownerId"]; owner != float64(cat.ref.ID) {
			t.Errorf("the owner is %v now", owner)
		}
	}
	ben.must(200, &page, "GET", g.path()+"/messages", "")
	if len(page.Messages) != 2 {
		t.Errorf("ben sees %+v, want the two messages of his first time", page.Messages)
	}
	cat.must(204, nil, "DELETE", g.path(), "")
	ben.expectGroup(g, 10, "deleted", 0)
	cat.expectGroup(g, 10, "deleted", 0)
	cat.must(404, nil, "GET", g.path(), "")
	cat.must(404, nil, "POST", g.path()+"/messages", `{"content":"x"}`)
	var list struct{ GroupChats []chat.GroupChat }
	for range 2 { // the first closes what is left of the memberships
		ben.must(200, &list, "GET", "/api/groupchats", "")
		if len(list.GroupChats) != 0 {
			t.Errorf("ben still has %+v", list.GroupChats)
		}
	}

	// The stranger's first event is the first that is theirs.
	mine := stranger.createGroup("alone")
	stranger.expectGroup(mine, 1, "created", 1)
	stranger.must(204, nil, "DELETE", fmt.Sprintf("%s/members/%d", mine.path(), stranger.ref.ID), "")
	stranger.expectGroup(mine, 2, "deleted", 0)
	// And nobody of the group heard anything else.
	for _, p := range []*person{ann, ben, cat} {
		end := p.createGroup("end")
		p.expectGroup(end, 1, "created", 1)
	}
}

// Members come and go while others write, with everything that SNS, SQS and the
// table can do on the way: each sees exactly the messages of their time.
func TestMembershipUnderFaults(t *testing.T) {
	sys := mustStart(t, nil)
	ann, ben := newPerson(t, sys.URL, "ann"), newPerson(t, sys.URL, "ben")
	g := ann.createGroup("club")
	ann.listen()
	ben.listen()
	f := faults["All"]
	f.Seed = 7
	if err := sys.AWS.Faults().Set(f); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 60 {
			sendTo(ann, g.path(), fmt.Sprint(i), fmt.Sprint("m", i))
		}
	})
	wg.Go(func() {
		for i := range 6 {
			retry(t, func() (int, string, error) {
				return ann.call("POST", g.path()+"/members", fmt.Sprintf(`{"userIds":[%d]}`, ben.ref.ID), "Idempotency-Key", fmt.Sprint("add", i))
			})
			retry(t, func() (int, string, error) {
				return ann.call("DELETE", fmt.Sprintf("%s/members/%d", g.path(), ben.ref.ID), "")
			})
		}
	})
	wg.Wait()
	if err := sys.AWS.Faults().Set(faults["None"]); err != nil {
		t.Fatal(err)
	}
	end := ann.createGroup("end", ben)

	// Ann sees every entry once and in order, and so knows when Ben was in.
	var want []int64
	in := false
	seq := int64(0)
	for {
		fr := ann.nextFrame()
		if fr.EventID == g.event(1, 3) {
			seq = 1
			continue
		}
		if fr.EventID == end.event(1, 3) {
			break
		}
		if seq == 0 {
			seq = 1 // her stream began after the first entry
		}
		if seq++; fr.EventID != g.event(seq, 3) {
			t.Fatalf("ann got %s, want entry %d", fr.EventID, seq)
		}
		var d struct{ Change string }
		if err := json.Unmarshal(fr.Data, &d); err != nil {
			t.Fatal(err)
		}
		in = in || d.Change == "members_added"
		if in {
			want = append(want, seq)
		}
		in = in && d.Change != "member_removed"
	}
	for _, seq := range want {
		for {
			fr := ben.nextFrame()
			if fr.Type == "message" || fr.Type == "notification" {
				continue
			}
			if fr.EventID != g.event(seq, 3) {
				t.Fatalf("ben got %s, want entry %d of %v", fr.EventID, seq, want)
			}
			break
		}
	}
	if fr := ben.nextFrame(); fr.EventID != end.event(1, 3) {
		t.Errorf("ben got %s after his time", fr.EventID)
	}
	t.Logf("ann saw %d entries, ben %d in his 6 times; %v", seq, len(want), sys.AWS.Faults().Counts())
}

// retry repeats a request until its answer is final.
func retry(t *testing.T, call func() (int, string, error)) {
	t.Helper()
	for range 50 {
		status, answer, err := call()
		if err == nil && status < 500 {
			if status >= 400 && status != 404 { // 404: an earlier try had done it
				t.Errorf("%d %s", status, answer)
			}
			return
		}
	}
	t.Error("not taken in 50 tries")
}

func sendTo(p *person, path, key, content string) {
	retry(p.t.(*testing.T), func() (int, string, error) {
		return p.call("POST", path+"/messages", fmt.Sprintf(`{"content":%q}`, content), "Idempotency-Key", key)
	})
}
