package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tidings/internal/chat"
)

// act does what comes to mind until no actions are left. Each action makes the logs
// that it rests on its own, says what the contract makes of it, and asks.
func (c *crowd) act(a *actor) {
	acts := []struct {
		weight int
		act    func()
	}{
		{6, a.openConversation},
		{3, a.createGroup},
		{40, a.message},
		{12, a.markRead},
		{3, a.typing},
		{3, a.rename},
		{3, a.handOver},
		{12, a.add},
		{9, a.remove},
		{1, a.delete},
		{10, a.befriend},
		{8, a.answerRequest},
		{4, a.unfriend},
		{5, a.readNotification},
		{4, a.readAll},
		{5, a.emit},
	}
	sum := 0
	for _, x := range acts {
		sum += x.weight
	}
	for a.more() {
		n := a.rng.IntN(sum)
		for _, x := range acts {
			if n -= x.weight; n < 0 {
				x.act()
				break
			}
		}
	}
}

// unless is a status where a condition does not hold, and 0, no refusal, where it does.
func unless(ok bool, status int) int {
	if ok {
		return 0
	}
	return status
}

func (a *actor) openConversation() {
	p, other := a.anyone(), a.anyone()
	if p == other {
		return
	}
	id := "c:" + chat.ConversationID(p.ref.ID, other.ref.ID)
	defer a.lock(id, userLog(p.ref.ID), userLog(other.ref.ID))()
	body := fmt.Sprintf(`{"userId":%d}`, other.ref.ID)
	if len(a.at(id).entries) > 0 {
		a.ask(p, "POST", "/api/conversations", body, 200, 0, 200)
		return
	}
	a.ask(p, "POST", "/api/conversations", body, 201, 0, 201)
	a.tell(id, modelEntry{kind: "created", by: p.ref.ID}, []chat.UserID{p.ref.ID, other.ref.ID}, nil)
}

// at is a log whose lock the actor holds.
func (a *actor) at(id string) *modelLog {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.log(id)
}

func (a *actor) createGroup() {
	p := a.anyone()
	members := []chat.UserID{p.ref.ID}
	logs := []string{userLog(p.ref.ID)}
	var others []string
	for range a.rng.IntN(4) {
		if u := a.anyone().ref.ID; !slices.Contains(members, u) {
			members, others, logs = append(members, u), append(others, u.String()), append(logs, userLog(u))
		}
	}
	defer a.lock(logs...)()
	a.ask(p, "POST", "/api/groupchats", `{"name":"g","memberIds":[`+strings.Join(others, ",")+`]}`, 201, 0, 201)
	a.founded(p.ref.ID, members)
}

// founded tells of the group chat that was just made.
func (a *actor) founded(owner chat.UserID, members []chat.UserID) *modelLog {
	var out struct{ GroupChat chat.GroupChat }
	a.decode(&out)
	id := "g:" + out.GroupChat.ID
	a.tell(id, modelEntry{kind: "created", by: owner}, members, nil)
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.log(id)
	l.owner, l.name = owner, "g"
	return l
}

func (a *actor) message() {
	p := a.anyone()
	l := a.someLog(p.ref.ID, "")
	if l == nil {
		return
	}
	defer a.lock(l.id)()
	text := fmt.Sprintf("m%d-%d", a.number, a.sent)
	if !a.ask(p, "POST", pathOf(l.id)+"/messages", fmt.Sprintf(`{"content":%q}`, text), 201, unless(l.members[p.ref.ID] > 0, 404), 201) {
		return
	}
	var out struct{ Message chat.Message }
	if a.decode(&out); out.Message.Seq != int64(len(l.entries))+1 || out.Message.Content != text {
		a.t.Errorf("%s: message %+v, want seq %d", l.id, out.Message, len(l.entries)+1)
	}
	a.tell(l.id, modelEntry{kind: "message", by: p.ref.ID, what: text}, nil, nil)
}

func (a *actor) markRead() {
	p := a.anyone()
	u := p.ref.ID
	l := a.someLog(u, "")
	if l == nil {
		return
	}
	defer a.lock(l.id, userLog(u))()
	seq := 1 + a.rng.Int64N(int64(len(l.entries))+1)
	can := l.members[u] > 0 && l.sees(seq, u) && l.entries[seq-1].kind == "message"
	if !a.ask(p, "POST", pathOf(l.id)+"/read", fmt.Sprintf(`{"messageId":"%d"}`, seq), 204, unless(can, 404), 204) {
		return
	}
	if n := l.entries[seq-1].n; n > l.read[u] {
		a.tell(userLog(u), modelEntry{kind: "read", by: u}, nil, nil)
		a.mu.Lock()
		l.read[u] = n
		a.mu.Unlock()
	}
}

func (a *actor) typing() {
	p := a.anyone()
	if l := a.someLog(p.ref.ID, ""); l != nil {
		defer a.lock(l.id)()
		a.ask(p, "POST", pathOf(l.id)+"/typing", "", 202, unless(l.members[p.ref.ID] > 0, 404), 202)
	}
}

// owners says what a change of the owner's is refused with.
func (l *modelLog) owners(u chat.UserID) int {
	if l.members[u] == 0 {
		return 404
	}
	return unless(l.owner == u, 403)
}

func (a *actor) rename() {
	p := a.anyone()
	l := a.someLog(p.ref.ID, "g:")
	if l == nil {
		return
	}
	defer a.lock(l.id)()
	name := "g" + strconv.Itoa(a.rng.IntN(3))
	if a.ask(p, "PATCH", pathOf(l.id), fmt.Sprintf(`{"name":%q}`, name), 200, l.owners(p.ref.ID), 200) && l.name != name {
		a.tell(l.id, modelEntry{kind: "renamed", by: p.ref.ID}, nil, nil)
		l.name = name
	}
}

func (a *actor) handOver() {
	p, heir := a.anyone(), a.anyone().ref.ID
	l := a.someLog(p.ref.ID, "g:")
	if l == nil {
		return
	}
	defer a.lock(l.id)()
	refused := l.owners(p.ref.ID)
	if refused == 0 && l.members[heir] == 0 {
		refused = 404
	}
	if a.ask(p, "PATCH", pathOf(l.id), fmt.Sprintf(`{"ownerId":%d}`, heir), 200, refused, 403) && l.owner != heir {
		a.tell(l.id, modelEntry{kind: "owner_changed", by: p.ref.ID}, nil, nil)
		l.owner = heir
	}
}

func (a *actor) add() {
	p := a.anyone()
	l := a.someLog(p.ref.ID, "g:")
	if l == nil {
		return
	}
	locks := []string{l.id}
	var ids []string
	var users, fresh []chat.UserID
	for range 1 + a.rng.IntN(3) {
		u := a.anyone().ref.ID
		ids, users, locks = append(ids, u.String()), append(users, u), append(locks, userLog(u))
	}
	defer a.lock(locks...)()
	for _, u := range users {
		if l.members[u] == 0 && !slices.Contains(fresh, u) {
			fresh = append(fresh, u)
		}
	}
	done := a.ask(p, "POST", pathOf(l.id)+"/members", `{"userIds":[`+strings.Join(ids, ",")+`]}`, 200, l.owners(p.ref.ID), 200)
	if done && len(fresh) > 0 {
		a.tell(l.id, modelEntry{kind: "members_added", by: p.ref.ID}, fresh, nil)
	}
}

func (a *actor) remove() {
	p, target := a.anyone(), a.anyone().ref.ID
	if a.rng.IntN(3) == 0 {
		target = p.ref.ID
	}
	l := a.someLog(p.ref.ID, "g:")
	if l == nil {
		return
	}
	defer a.lock(l.id)()
	refused := l.owners(p.ref.ID)
	if refused == 403 && target == p.ref.ID {
		refused = 0
	}
	if refused == 0 && l.members[target] == 0 {
		refused = 404
	}
	if !a.ask(p, "DELETE", pathOf(l.id)+"/members/"+target.String(), "", 204, refused, 404) {
		return
	}
	e := modelEntry{kind: "member_removed", by: p.ref.ID}
	if len(l.members) == 1 {
		e.kind = "deleted"
	}
	a.tell(l.id, e, nil, []chat.UserID{target})
	if l.owner == target && !l.ended {
		l.owner = a.heir(l)
	}
}

// heir is who has been a member for longest; where several have, the group chat says
// which of them it is.
func (a *actor) heir(l *modelLog) chat.UserID {
	var longest []*person
	for _, p := range a.people {
		since := l.members[p.ref.ID]
		if since > 0 && (longest == nil || since < l.members[longest[0].ref.ID]) {
			longest = nil
		}
		if since > 0 && (longest == nil || since == l.members[longest[0].ref.ID]) {
			longest = append(longest, p)
		}
	}
	if len(longest) == 1 {
		return longest[0].ref.ID
	}
	var out struct{ GroupChat chat.GroupChat }
	a.send(longest[0], "GET", pathOf(l.id), "")
	a.decode(&out)
	if !slices.ContainsFunc(longest, func(p *person) bool { return p.ref.ID == out.GroupChat.OwnerID }) {
		a.t.Errorf("%s: %d is the owner now, who has not been there for longest", l.id, out.GroupChat.OwnerID)
	}
	return out.GroupChat.OwnerID
}

func (a *actor) delete() {
	p := a.anyone()
	l := a.someLog(p.ref.ID, "g:")
	if l == nil {
		return
	}
	defer a.lock(l.id)()
	if a.ask(p, "DELETE", pathOf(l.id), "", 204, l.owners(p.ref.ID), 404) {
		a.tell(l.id, modelEntry{kind: "deleted", by: p.ref.ID}, nil, nil)
	}
}

// emit tells two users, and one who isn't there, an event of a service. Whom it fails
// for, the same key reaches.
func (a *actor) emit() {
	p, other, _, _, unlock := a.couple()
	defer unlock()
	a.begin = a.tick()
	a.sent++
	what, nobody := fmt.Sprintf("e%d-%d", a.number, a.sent), chat.MaxUserID
	body := fmt.Sprintf(`{"userIds":[%d,%d,%d],"type":"order_shipped","data":{"kind":%q}}`, p.ref.ID, nobody, other.ref.ID, what)
	for range 50 {
		status, answer, err := p.call("POST", "/api/events/emit", body, "Idempotency-Key", what, "Authorization", "Bearer "+testEmitKey)
		if err != nil || status >= 500 {
			continue
		}
		var out struct {
			Failed []struct{ UserID chat.UserID }
		}
		if a.answer = answer; status != 200 {
			break
		}
		if a.decode(&out); len(out.Failed) == 1 && out.Failed[0].UserID == nobody {
			a.note(p.ref.ID, modelEntry{kind: "order_shipped", what: what}, "")
			a.note(other.ref.ID, modelEntry{kind: "order_shipped", what: what}, "")
			return
		}
	}
	a.t.Errorf("emit %s: %s", body, a.answer)
}
