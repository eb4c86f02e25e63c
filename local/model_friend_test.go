package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tidings/internal/chat"
)

// couple picks two users, makes their own logs the actor's, and gives what stands
// between them, from the first to the second and back.
func (a *actor) couple() (p, other *person, there, back *pairState, unlock func()) {
	p, other = a.anyone(), a.anyone()
	for p == other {
		other = a.anyone()
	}
	unlock = a.lock(userLog(p.ref.ID), userLog(other.ref.ID))
	a.mu.Lock()
	defer a.mu.Unlock()
	return p, other, a.pair(p.ref.ID, other.ref.ID), a.pair(other.ref.ID, p.ref.ID), unlock
}

func (a *actor) befriend() {
	p, other, there, back, unlock := a.couple()
	defer unlock()
	body := fmt.Sprintf(`{"userId":%d}`, other.ref.ID)
	switch {
	case there.friends, there.asked:
		a.ask(p, "POST", "/api/friends/request", body, 201, 409, 0)
	case back.asked:
		a.ask(p, "POST", "/api/friends/request", body, 200, 0, 200)
		a.accepted(p, other, there, back)
	default:
		status, _ := a.send(p, "POST", "/api/friends/request", body)
		if want := map[bool]int{false: 201, true: 429}[there.declined]; status != want && !(there.unsure && status == 429) {
			a.t.Errorf("%s asks %s: %d %s, want %d", p.ref.Username, other.ref.Username, status, a.answer, want)
		}
		if status == 429 {
			return
		}
		there.asked, there.unsure = true, false
		a.tell(userLog(p.ref.ID), modelEntry{kind: "friends_changed", what: "requested"}, nil, nil)
		a.note(other.ref.ID, modelEntry{kind: "friend_request"}, chat.RequestID(p.ref.ID, other.ref.ID))
	}
}

// note tells a notification that is kept.
func (a *actor) note(u chat.UserID, e modelEntry, request string) {
	a.tell(userLog(u), e, nil, nil)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stored[u] = append(a.stored[u], &storedNote{seq: int64(len(a.log(userLog(u)).entries)), request: request})
}

// accepted makes friends of the one who was asked and the one who asked.
func (a *actor) accepted(p, other *person, there, back *pairState) {
	a.tell(userLog(p.ref.ID), modelEntry{kind: "friends_changed", what: "accepted"}, nil, nil)
	a.note(other.ref.ID, modelEntry{kind: "friend_accepted"}, "")
	a.close(other, p, back)
	for _, s := range []*pairState{there, back} {
		s.friends, s.unsure, s.declined = true, s.unsure || s.declined, false
	}
}

// close ends a request: its notification is read.
func (a *actor) close(from, to *person, s *pairState) {
	s.asked = false
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, n := range a.stored[to.ref.ID] {
		n.read = n.read || n.request == chat.RequestID(from.ref.ID, to.ref.ID)
	}
}

// answerRequest accepts, declines or withdraws: mostly a request that is there.
func (a *actor) answerRequest() {
	p, other, there, back, unlock := a.couple()
	for try := 0; try < 40 && !there.asked && !back.asked; try++ {
		unlock()
		p, other, there, back, unlock = a.couple()
	}
	defer unlock()
	in := "/api/friends/request/" + chat.RequestID(other.ref.ID, p.ref.ID)
	out := "/api/friends/request/" + chat.RequestID(p.ref.ID, other.ref.ID)
	change := ""
	switch n := a.rng.IntN(4); {
	case there.asked && n > 0:
		a.ask(p, "DELETE", out, "", 204, 0, 404)
		change = "withdrawn"
		a.close(p, other, there)
	case there.asked:
		a.ask(p, "PUT", out, `{"action":"accept"}`, 200, 403, 0)
		return
	case n > 0 && !there.friends:
		if a.ask(p, "PUT", in, `{"action":"accept"}`, 200, unless(back.asked, 404), 200) {
			a.accepted(p, other, there, back)
		}
		return
	case !a.ask(p, "PUT", in, `{"action":"decline"}`, 204, unless(back.asked, 404), 404):
		return
	default:
		change = "declined"
		a.close(other, p, back)
		back.declined = true
	}
	for _, who := range []*person{p, other} {
		a.tell(userLog(who.ref.ID), modelEntry{kind: "friends_changed", what: change}, nil, nil)
	}
}

func (a *actor) unfriend() {
	p, other, there, back, unlock := a.couple()
	for try := 0; try < 20 && !there.friends; try++ {
		unlock()
		p, other, there, back, unlock = a.couple()
	}
	defer unlock()
	if a.ask(p, "DELETE", "/api/friends/"+other.ref.ID.String(), "", 204, unless(there.friends, 404), 404) {
		there.friends, back.friends = false, false
		for _, who := range []*person{p, other} {
			a.tell(userLog(who.ref.ID), modelEntry{kind: "friends_changed", what: "unfriended"}, nil, nil)
		}
	}
}

func (a *actor) readNotification() {
	p := a.anyone()
	own := userLog(p.ref.ID)
	defer a.lock(own)()
	a.mu.Lock()
	notes := slices.Clone(a.stored[p.ref.ID])
	a.mu.Unlock()
	if len(notes) == 0 {
		return
	}
	n := notes[a.rng.IntN(len(notes))]
	a.ask(p, "PUT", fmt.Sprintf("/api/notifications/%s/%d", own, n.seq), `{"read":true}`, 204, 0, 204)
	if !n.read {
		a.tell(own, modelEntry{kind: "notification_read"}, nil, nil)
		n.read = true
	}
}

// readAll reads everything of somebody who is in no hot log: what there is to read is
// certain only where the actor holds all their logs. Others who add them hold their own
// log too, so that the set can't grow once it is held.
func (a *actor) readAll() {
	p := a.people[hotUsers+a.rng.IntN(crowdSize-hotUsers)]
	u := p.ref.ID
	mine := func() []string {
		a.mu.Lock()
		defer a.mu.Unlock()
		ids := []string{userLog(u)}
		for id, l := range a.logs {
			if l.members[u] > 0 && !strings.HasPrefix(id, "u:") {
				ids = append(ids, id)
			}
		}
		slices.Sort(ids)
		return ids
	}
	ids := mine()
	defer a.lock(slices.Clone(ids)...)()
	if !slices.Equal(ids, mine()) {
		return // joined or left another one meanwhile
	}
	a.ask(p, "POST", "/api/notifications/read-all", "", 204, 0, 204)
	a.mu.Lock()
	some := slices.ContainsFunc(a.stored[u], func(n *storedNote) bool { return !n.read })
	logs := maps.Clone(a.logs)
	a.mu.Unlock()
	for _, id := range ids {
		some = some || !strings.HasPrefix(id, "u:") && logs[id].unread(u) > 0
	}
	if some {
		a.tell(userLog(u), modelEntry{kind: "notification_read"}, nil, nil)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range ids {
		logs[id].read[u] = logs[id].count
	}
	for _, n := range a.stored[u] {
		n.read = true
	}
}
