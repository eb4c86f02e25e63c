package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"tidings/internal/chat"
)

// group is what the tests look at of a group chat.
type group struct {
	chat.GroupChat
}

func (p *person) createGroup(name string, others ...*person) group {
	p.t.Helper()
	var out struct{ GroupChat chat.GroupChat }
	p.must(201, &out, "POST", "/api/groupchats", fmt.Sprintf(`{"name":%q,"memberIds":%s}`, name, ids(others)))
	return group{out.GroupChat}
}

func (g group) path() string { return "/api/groupchats/" + g.ID }

// member is the path of somebody's membership.
func (g group) member(p *person) string { return fmt.Sprintf("%s/members/%d", g.path(), p.ref.ID) }

func (g group) event(seq int64, part int) string { return chat.EventID(chat.GroupLog(g.ID), seq, part) }

// add is done by an owner, for whom the others may be members already.
func (g group) add(by *person, others ...*person) {
	by.t.Helper()
	by.must(200, nil, "POST", g.path()+"/members", userIDs(others...))
}

// userIDs is the body of a request that names people.
func userIDs(people ...*person) string { return `{"userIds":` + ids(people) + `}` }

func ids(people []*person) string {
	all := make([]string, len(people))
	for i, p := range people {
		all[i] = p.ref.ID.String()
	}
	return "[" + strings.Join(all, ",") + "]"
}

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

// testGroup tells the life of one group chat in chapters. What follows each chapter is
// its next entries, and nobody hears anything in between.
func testGroup(t *testing.T, url string) {
	l := groupLife{t: t, ann: newPerson(t, url, "ann"), ben: newPerson(t, url, "ben"), cat: newPerson(t, url, "cat"), stranger: newPerson(t, url, "stranger")}
	for _, p := range []*person{l.ann, l.ben, l.cat, l.stranger} {
		p.listen()
	}
	l.createdWithBen()
	l.messageToBen()
	l.catSeesNothingBefore()
	l.receiptAndTypingToTheOthers()
	l.renamedByTheOwnerOnly()
	l.benGetsNothingAfterHisRemoval()
	l.annLeavesItToCat()
	l.endsForAll()
	l.nothingElseWasHeard()
}

// groupLife is a group chat that Ann makes with Ben, Cat, who comes later, and somebody
// who is never in it.
type groupLife struct {
	t                       *testing.T
	ann, ben, cat, stranger *person
	g                       group
}

// Entry 1.
func (l *groupLife) createdWithBen() {
	l.g = l.ann.createGroup(" climbers ", l.ben)
	if g := l.g; g.Name != "climbers" || g.MemberCount != 2 || g.OwnerID != l.ann.ref.ID || g.Seq != 1 {
		l.t.Fatalf("created %+v", g)
	}
	for _, p := range []*person{l.ann, l.ben} {
		if d := p.expectGroup(l.g, 1, "created", 2); len(d["members"].([]any)) != 2 {
			l.t.Errorf("%s: %v", p.ref.Username, d)
		}
	}
}

// Entry 2: a message. Its author gets the update alone.
func (l *groupLife) messageToBen() {
	g, ann := l.g, l.ann
	var out struct{ Message chat.Message }
	ann.must(201, &out, "POST", g.path()+"/messages", `{"content":"hello"}`)
	m := out.Message
	last := o{"id", "2", "seq", 2, "sender", ann.ref, "preview", "hello", "createdAt", m.CreatedAt}
	update := o{"id", g.ID, "seq", 2, "name", "climbers", "ownerId", ann.ref.ID, "memberCount", 2, "lastMessage", last, "messageCount", 1, "updatedAt", m.CreatedAt}
	l.ben.expect("message", g.event(2, 1), o{"groupChatId", g.ID, "message", m})
	l.ben.expect("notification", g.event(2, 2), o{
		"id", "g:" + g.ID + "/2", "seq", 2, "kind", "group_message", "actor", ann.ref, "groupChatId", g.ID,
		"messageId", "2", "preview", "hello", "createdAt", m.CreatedAt, "read", false,
	})
	l.ben.expect("group_update", g.event(2, 3), o{"groupChat", update, "change", "message"})
	ann.expect("group_update", g.event(2, 3), o{"groupChat", update, "change", "message", "message", m})
}

// Entry 3: Cat comes, and Ben was there already.
func (l *groupLife) catSeesNothingBefore() {
	l.g.add(l.ann, l.cat, l.ben)
	for _, p := range []*person{l.ann, l.ben, l.cat} {
		if d := p.expectGroup(l.g, 3, "members_added", 3); len(d["members"].([]any)) != 1 {
			l.t.Errorf("%s: %v", p.ref.Username, d)
		}
	}
	var page struct{ Messages []chat.Message }
	l.cat.must(200, &page, "GET", l.g.path()+"/messages", "")
	var seen struct{ GroupChat chat.GroupChat }
	l.cat.must(200, &seen, "GET", l.g.path(), "")
	if len(page.Messages) != 0 || seen.GroupChat.LastMessage != nil || seen.GroupChat.UnreadCount != 0 || seen.GroupChat.MemberSeq != 3 {
		l.t.Errorf("cat sees %d messages, %+v", len(page.Messages), seen.GroupChat)
	}
}

// Entry 4 is a message to all; then there are a receipt and typing.
func (l *groupLife) receiptAndTypingToTheOthers() {
	g, ann, ben, cat := l.g, l.ann, l.ben, l.cat
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
}

// Entry 5: a new name, after all that others may not do.
func (l *groupLife) renamedByTheOwnerOnly() {
	g, ann, ben, cat, stranger := l.g, l.ann, l.ben, l.cat, l.stranger
	ben.must(403, nil, "PATCH", g.path(), `{"name":"x"}`)
	ben.must(403, nil, "POST", g.path()+"/members", userIDs(stranger))
	ben.must(403, nil, "DELETE", g.member(cat), "")
	ben.must(403, nil, "DELETE", g.path(), "")
	stranger.must(404, nil, "GET", g.path(), "")
	stranger.must(404, nil, "PATCH", g.path(), `{"name":"x"}`)
	stranger.must(404, nil, "DELETE", g.member(cat), "")
	stranger.must(404, nil, "POST", g.path()+"/messages", `{"content":"x"}`)
	ann.must(404, nil, "DELETE", g.member(stranger), "")
	ann.must(200, nil, "PATCH", g.path(), `{"name":"walkers"}`)
	ann.must(200, nil, "PATCH", g.path(), `{"name":"walkers"}`) // changes nothing, tells nobody
}

// Entry 6: Ben is removed; the message 7 is not for him.
func (l *groupLife) benGetsNothingAfterHisRemoval() {
	g, ann, ben, cat := l.g, l.ann, l.ben, l.cat
	ann.must(204, nil, "DELETE", g.member(ben), "")
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
}

// Entry 8: Ben comes back and gets what is from there on. Entry 9: Ann leaves; Cat has
// been there for longest.
func (l *groupLife) annLeavesItToCat() {
	g, ann, ben, cat := l.g, l.ann, l.ben, l.cat
	g.add(ann, ben)
	ann.must(204, nil, "DELETE", g.member(ann), "")
	ann.expectGroup(g, 8, "members_added", 3)
	ann.expectGroup(g, 9, "member_removed", 2)
	for _, p := range []*person{ben, cat} {
		p.expectGroup(g, 8, "members_added", 3)
		d := p.expectGroup(g, 9, "member_removed", 2)
		if owner := d["groupChat"].(map[string]any)["ownerId"]; owner != float64(cat.ref.ID) {
			l.t.Errorf("the owner is %v now", owner)
		}
	}
	var page struct{ Messages []chat.Message }
	ben.must(200, &page, "GET", g.path()+"/messages", "")
	if len(page.Messages) != 2 {
		l.t.Errorf("ben sees %+v, want the two messages of his first time", page.Messages)
	}
}

// Entry 10.
func (l *groupLife) endsForAll() {
	g, ben, cat := l.g, l.ben, l.cat
	cat.must(204, nil, "DELETE", g.path(), "")
	ben.expectGroup(g, 10, "deleted", 0)
	cat.expectGroup(g, 10, "deleted", 0)
	cat.must(404, nil, "GET", g.path(), "")
	cat.must(404, nil, "POST", g.path()+"/messages", `{"content":"x"}`)
	var list struct{ GroupChats []chat.GroupChat }
	for range 2 { // the first closes what is left of the memberships
		ben.must(200, &list, "GET", "/api/groupchats", "")
		if len(list.GroupChats) != 0 {
			l.t.Errorf("ben still has %+v", list.GroupChats)
		}
	}
}

// The stranger's first event is the first that is theirs, and the next one of the
// others is of a group chat of their own.
func (l *groupLife) nothingElseWasHeard() {
	mine := l.stranger.createGroup("alone")
	l.stranger.expectGroup(mine, 1, "created", 1)
	l.stranger.must(204, nil, "DELETE", mine.member(l.stranger), "")
	l.stranger.expectGroup(mine, 2, "deleted", 0)
	for _, p := range []*person{l.ann, l.ben, l.cat} {
		end := p.createGroup("end")
		p.expectGroup(end, 1, "created", 1)
	}
}
