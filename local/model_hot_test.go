package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tidings/internal/chat"
)

// hotGroup is a group chat that several change at once: its keeper adds, removes and
// renames while others write, members or not. What comes of it is known at the end:
// the keeper is in all the time, so the keeper's stream tells every entry, and each of
// those must be one that was answered with success, and the other way round.
type hotGroup struct {
	id     string
	keeper int // index of the person and their stream that stays

	in [crowdSize]bool // guarded by the model's mu: who may be in, with what is under way

	mu  sync.Mutex
	did map[string][]modelDeed // guarded by mu: by author, and what it was, in order
}

// heat begins the hot group chats.
func (c *crowd) heat(doers *sync.WaitGroup) {
	for k := range hotGroups {
		a := c.actor(200 + 10*k)
		p := c.people[k]
		a.ask(p, "POST", "/api/groupchats", `{"name":"g"}`, 201, 0, 201)
		l := a.founded(p.ref.ID, []chat.UserID{p.ref.ID})
		c.mu.Lock()
		l.hot = true
		c.mu.Unlock()
		h := &hotGroup{id: l.id, keeper: k, did: map[string][]modelDeed{}}
		c.hot = append(c.hot, h)
		doers.Go(func() { a.keep(h) })
		for i := hotGroups; i < hotUsers; i++ {
			writer := c.actor(200 + 10*k + i)
			doers.Go(func() { writer.write(h, i) })
		}
	}
}

// done notes a request of the actor's that had success.
func (h *hotGroup) done(a *actor, by chat.UserID, what string) {
	end := a.tick()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.did[by.String()] = append(h.did[by.String()], modelDeed{what: what, begin: a.begin, end: end})
}

// keep lets the others come and go.
func (a *actor) keep(h *hotGroup) {
	p := a.people[h.keeper]
	joined := map[int]int{}
	for n := 0; a.moreHot(func() bool { return true }); n++ {
		i := hotGroups + a.rng.IntN(hotUsers-hotGroups)
		u := a.people[i].ref.ID
		switch in := h.isIn(a.model, i); {
		case a.rng.IntN(6) > 0 && in:
			a.ask(p, "DELETE", pathOf(h.id)+"/members/"+u.String(), "", 204, 0, 404)
			h.done(a, p.ref.ID, "member_removed "+u.String())
			h.let(a.crowd, i, false)
		case a.rng.IntN(6) > 0 && !in && joined[i] < chat.MaxIntervals:
			h.let(a.crowd, i, true)
			a.ask(p, "POST", pathOf(h.id)+"/members", fmt.Sprintf(`{"userIds":[%d]}`, u), 200, 0, 200)
			h.done(a, p.ref.ID, "members_added "+u.String())
			joined[i]++
		default:
			name := "g" + strconv.Itoa(n)
			a.ask(p, "PATCH", pathOf(h.id), fmt.Sprintf(`{"name":%q}`, name), 200, 0, 200)
			h.done(a, p.ref.ID, "renamed "+name)
		}
	}
}

func (h *hotGroup) isIn(m *model, i int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return h.in[i]
}

// let wakes the one who may write from now on.
func (h *hotGroup) let(c *crowd, i int, in bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h.in[i] = in
	c.moved.Broadcast()
}

// write says something whenever the person may be in.
func (a *actor) write(h *hotGroup, i int) {
	p := a.people[i]
	for a.moreHot(func() bool { return h.in[i] }) {
		text := fmt.Sprintf("m%d-%d", a.number, a.sent)
		switch status, _ := a.send(p, "POST", pathOf(h.id)+"/messages", fmt.Sprintf(`{"content":%q}`, text)); status {
		case 201:
			h.done(a, p.ref.ID, "message "+text)
		case 404:
		default:
			a.t.Errorf("%s writes to %s: %d %s", p.ref.Username, h.id, status, a.answer)
		}
	}
}

// settle tells the model the entries of a hot group chat, out of the keeper's stream.
func (c *crowd) settle(h *hotGroup) {
	keeper := c.stay[h.keeper]
	total := 0
	for _, deeds := range h.did {
		total += len(deeds)
	}
	c.await(keeper, h.id, 1+total)
	keeper.mu.Lock()
	told := slices.Clone(keeper.full[h.id])
	keeper.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, data := range told[1:] { // the first is known
		e, adds, removes := read(data)
		want := e.kind + " " + e.what
		for _, u := range slices.Concat(adds, removes) {
			want = e.kind + " " + u.String()
		}
		if e.by == 0 {
			e.by = c.people[h.keeper].ref.ID
		}
		deeds := h.did[e.by.String()]
		if len(deeds) == 0 || deeds[0].what != want {
			c.t.Errorf("%s: entry %d is %q of %d, which was not done then: %+v", h.id, i+2, want, e.by, deeds)
			return
		}
		e.begin, e.end = deeds[0].begin, deeds[0].end
		h.did[e.by.String()] = deeds[1:]
		if e.kind != "message" {
			e.what = ""
		}
		c.model.append(h.id, e, adds, removes)
	}
	for by, deeds := range h.did {
		if len(deeds) > 0 {
			c.t.Errorf("%s: %s did what no entry tells: %+v", h.id, by, deeds)
		}
	}
}

// await waits until a stream that stays has so many entries of a log.
func (c *crowd) await(l *listener, id string, n int) {
	timeout := time.After(patience)
	for {
		l.mu.Lock()
		got, more := len(l.full[id]), l.more
		l.mu.Unlock()
		if got >= n {
			return
		}
		select {
		case <-more:
		case <-timeout:
			c.t.Errorf("%s: the keeper was told %d entries of %d", id, got, n)
			return
		}
	}
}

// read takes an entry of a group chat out of the data of the update that tells it.
func read(data string) (e modelEntry, adds, removes []chat.UserID) {
	var d struct {
		Change    string
		GroupChat chat.GroupChat
		Members   []chat.UserRef
		Member    chat.UserRef
	}
	_ = json.Unmarshal([]byte(data), &d) // was JSON when it came
	e.kind = d.Change
	switch d.Change {
	case "message":
		e.by, e.what = d.GroupChat.LastMessage.Sender.ID, d.GroupChat.LastMessage.Preview
	case "renamed":
		e.what = d.GroupChat.Name
	case "members_added":
		for _, u := range d.Members {
			adds = append(adds, u.ID)
		}
	case "member_removed":
		removes = []chat.UserID{d.Member.ID}
	}
	return e, adds, removes
}

// checkLists reads a user's lists and histories, which must say what the model does.
func (c *crowd) checkLists(p *person) {
	u := p.ref.ID
	listed := map[string]string{}
	var conversations struct{ Conversations []chat.Conversation }
	var groups struct{ GroupChats []chat.GroupChat }
	p.must(200, &conversations, "GET", "/api/conversations", "")
	p.must(200, &groups, "GET", "/api/groupchats", "")
	for _, v := range conversations.Conversations {
		listed["c:"+v.ID] = fmt.Sprintf("seq %d, %d messages, %d unread", v.Seq, v.MessageCount, v.UnreadCount)
	}
	for _, v := range groups.GroupChats {
		listed["g:"+v.ID] = fmt.Sprintf("seq %d, %d messages, %d unread, %d members, owner %d", v.Seq, v.MessageCount, v.UnreadCount, v.MemberCount, v.OwnerID)
	}
	for id, l := range c.logs {
		if strings.HasPrefix(id, "u:") {
			continue
		}
		want := ""
		if l.members[u] > 0 {
			want = fmt.Sprintf("seq %d, %d messages, %d unread", len(l.entries), l.count, l.unread(u))
			if strings.HasPrefix(id, "g:") {
				want += fmt.Sprintf(", %d members, owner %d", len(l.members), l.owner)
			}
		}
		if listed[id] != want {
			c.t.Errorf("%s lists %s with %q, want %q", p.ref.Username, id, listed[id], want)
		}
		if want != "" {
			c.checkHistory(p, l)
		}
	}
}

func (c *crowd) checkHistory(p *person, l *modelLog) {
	var got, want []string
	for path := pathOf(l.id) + "/messages?limit=100"; path != ""; {
		var page struct {
			Messages []chat.Message
			Links    struct{ Older string }
		}
		p.must(200, &page, "GET", path, "")
		for _, m := range slices.Backward(page.Messages) {
			got = append(got, fmt.Sprintf("%d %s", m.Seq, m.Content))
		}
		path = page.Links.Older
	}
	for i, e := range slices.Backward(l.entries) {
		if e.kind == "message" && slices.Contains(e.to, p.ref.ID) {
			want = append(want, fmt.Sprintf("%d %s", i+1, e.what))
		}
	}
	if !slices.Equal(got, want) {
		c.t.Errorf("%s reads in %s\n%v, want\n%v", p.ref.Username, l.id, got, want)
	}
}
