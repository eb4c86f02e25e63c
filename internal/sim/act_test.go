package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"tidings/internal/chat"
)

// populate makes the first logs and clients.
func (w *world) populate() {
	ctx := context.Background()
	us := must(w.clean.Store.Users(ctx, w.users...))
	idem := func() chat.Idempotency {
		w.callCount++
		return chat.Idempotency{Key: fmt.Sprint("set-up ", w.callCount), Hash: "h"}
	}
	for range w.history.conversations {
		a, b := w.twoUsers()
		must(w.clean.Store.CreateConversation(ctx, a, []chat.UserRef{us[min(a, b)].UserRef, us[max(a, b)].UserRef}, idem()))
	}
	for i := range w.history.groups + w.history.crowd {
		owner := w.user()
		members := []chat.UserRef{us[owner].UserRef}
		for _, u := range w.users {
			if u != owner && (i >= w.history.groups || w.rand.IntN(2) == 0) {
				members = append(members, us[u].UserRef)
			}
		}
		must(w.clean.Store.CreateGroup(ctx, chat.GroupLog(chat.NewGroupID(time.Now())), "a group", members, idem()))
	}
	for range w.history.early {
		w.join()
	}
}

// stir lets everything happen, with all faults.
func (w *world) stir() {
	w.calm.Store(false)
	w.changeFaults()
	for range w.history.steps {
		w.history.menu.draw(w.rand)(w)
		time.Sleep(logUniform(w.rand, w.history.rest/50, w.history.rest))
	}
}

func (w *world) user() chat.UserID { return w.users[w.rand.IntN(len(w.users))] }

func (w *world) twoUsers() (a, b chat.UserID) {
	i := w.rand.IntN(len(w.users))
	k := (i + 1 + w.rand.IntN(len(w.users)-1)) % len(w.users)
	return w.users[i], w.users[k]
}

// group draws a group chat that lives, as far as the driver knows.
func (w *world) group() (l *logState, members []chat.UserID, owner chat.UserID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []*logState
	for _, l := range w.order {
		if l.id.Is(chat.GroupPrefix) && !l.deleted {
			all = append(all, l)
		}
	}
	if len(all) == 0 {
		return nil, nil, 0
	}
	l = all[w.rand.IntN(len(all))]
	return l, w.membersOf(l), l.owner
}

// membersOf is for who holds the lock.
func (w *world) membersOf(l *logState) (out []chat.UserID) {
	for _, u := range w.users {
		if l.members[u] {
			out = append(out, u)
		}
	}
	return out
}

// someLog draws a log with messages and one of its members.
func (w *world) someLog() (l *logState, member chat.UserID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []*logState
	for _, l := range w.order {
		if !l.id.Is(chat.UserPrefix) && !l.deleted && len(l.members) > 0 {
			all = append(all, l)
		}
	}
	if len(all) == 0 {
		return nil, 0
	}
	l = all[w.rand.IntN(len(all))]
	ms := w.membersOf(l)
	return l, ms[w.rand.IntN(len(ms))]
}

// path is the log's in the API.
func path(log chat.LogID) string {
	if log.Is(chat.GroupPrefix) {
		return "/api/groupchats/" + log.ID()
	}
	return "/api/conversations/" + log.ID()
}

// do asks the API in the background.
func (w *world) do(user chat.UserID, method, path, body string, then func(answer)) {
	w.callCount++
	name := fmt.Sprint("call ", w.callCount)
	r := w.source(name)
	key := ""
	if method == http.MethodPost && r.IntN(3) > 0 {
		key = name
	}
	token := w.token(user)
	w.calls.Go(func() {
		a := w.ask(r, "user "+user.String(), token, method, path, body, key)
		if then != nil && a.status >= 200 && a.status < 300 {
			then(a)
		}
	})
}

// token is that of a login of the user that holds.
func (w *world) token(user chat.UserID) string {
	for _, c := range w.clients {
		c.mu.Lock()
		l := c.login
		c.mu.Unlock()
		w.mu.Lock()
		out := l.loggedOut
		w.mu.Unlock()
		if c.user == user && !out {
			return l.token
		}
	}
	return w.newLogin(user).token
}

func (w *world) say() {
	l, by := w.someLog()
	if l == nil {
		return
	}
	w.said++
	content := fmt.Sprintf("m%d.", w.said)
	if n := w.rand.IntN(w.history.content); n > len(content) {
		content += strings.Repeat("x", n-len(content))
	}
	w.do(by, http.MethodPost, path(l.id)+"/messages", fmt.Sprintf(`{"content":%q}`, content), func(a answer) {
		var out struct{ Message chat.Message }
		if err := json.Unmarshal(a.body, &out); err != nil {
			w.fail("%v in the answer to a message: %s", err, a.body)
			return
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.answered[content] = place{l.id, out.Message.Seq}
	})
}

func (w *world) sayMuch() {
	for range 2 + w.rand.IntN(4) {
		w.say()
		time.Sleep(logUniform(w.rand, time.Microsecond, 100*time.Millisecond))
	}
}

func (w *world) add() {
	l, members, owner := w.group()
	if l == nil {
		return
	}
	for range 3 { // mostly somebody who is no member
		u := w.user()
		if contains(members, u) && w.rand.IntN(10) > 0 {
			continue
		}
		w.do(owner, http.MethodPost, path(l.id)+"/members", fmt.Sprintf(`{"userIds":[%d]}`, u), nil)
		return
	}
}

func contains(us []chat.UserID, u chat.UserID) bool {
	for _, o := range us {
		if o == u {
			return true
		}
	}
	return false
}

func (w *world) remove() {
	l, members, owner := w.group()
	if l == nil || len(members) == 0 {
		return
	}
	u := members[w.rand.IntN(len(members))]
	if u == owner && w.rand.IntN(3) > 0 {
		return // the owner's leaving is rarer
	}
	by := owner
	if w.rand.IntN(2) == 0 {
		by = u
	}
	w.do(by, http.MethodDelete, path(l.id)+"/members/"+u.String(), "", nil)
}

func (w *world) makeGroup() {
	owner := w.user()
	var ids []string
	for _, u := range w.users {
		if u != owner && w.rand.IntN(2) == 0 {
			ids = append(ids, u.String())
		}
	}
	w.do(owner, http.MethodPost, "/api/groupchats", `{"name":"a new group","memberIds":[`+strings.Join(ids, ",")+`]}`, nil)
}

func (w *world) makeConversation() {
	a, b := w.twoUsers()
	w.do(a, http.MethodPost, "/api/conversations", fmt.Sprintf(`{"userId":%d}`, b), nil)
}

func (w *world) rename() {
	if l, _, owner := w.group(); l != nil {
		w.do(owner, http.MethodPatch, path(l.id), fmt.Sprintf(`{"name":"group %d"}`, w.callCount), nil)
	}
}

func (w *world) handOver() {
	if l, members, owner := w.group(); l != nil && len(members) > 0 {
		heir := members[w.rand.IntN(len(members))]
		w.do(owner, http.MethodPatch, path(l.id), fmt.Sprintf(`{"ownerId":%d}`, heir), nil)
	}
}

func (w *world) deleteGroup() {
	if l, _, owner := w.group(); l != nil {
		w.do(owner, http.MethodDelete, path(l.id), "", nil)
	}
}

func (w *world) read() {
	l, by := w.someLog()
	if l == nil {
		return
	}
	w.mu.Lock()
	last := l.last
	w.mu.Unlock()
	w.do(by, http.MethodPost, path(l.id)+"/read", fmt.Sprintf(`{"messageId":"%d"}`, last), nil)
}

func (w *world) readAll() {
	w.do(w.user(), http.MethodPost, "/api/notifications/read-all", "", nil)
}

func (w *world) typing() {
	if l, by := w.someLog(); l != nil {
		w.do(by, http.MethodPost, path(l.id)+"/typing", "", nil)
	}
}

func (w *world) befriend() {
	a, b := w.twoUsers()
	switch id := fmt.Sprintf("/api/friends/request/%d-%d", b, a); w.rand.IntN(4) {
	case 0:
		w.do(a, http.MethodPut, id, `{"action":"decline"}`, nil)
	case 1:
		w.do(a, http.MethodPut, id, `{"action":"accept"}`, nil)
	case 2:
		w.do(a, http.MethodDelete, fmt.Sprintf("/api/friends/%d", b), "", nil)
	default:
		w.do(a, http.MethodPost, "/api/friends/request", fmt.Sprintf(`{"userId":%d}`, b), nil)
	}
}
