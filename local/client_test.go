package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// client is what an app keeps of the lists and how events change it: written from
// API.md alone, without a type of this project, as somebody would in a browser. The
// lists may be fetched at any time after the stream's ready; the events since ready
// are applied to them, those too that the lists reflect already.
type client struct {
	me      obj
	logs    map[string]obj     // conversations by "c:<id>", group chats by "g:<id>", as listed
	bell    map[string]obj     // the notification of unread messages, by log
	stored  map[string]obj     // the other notifications, by id
	friends map[string]obj     // by user id
	asked   map[string]obj     // friend requests of both directions, by id
	read    map[string]float64 // by log: how many messages were read, also of logs not known yet
	counted map[string]bool    // by log: whether read is exact, although the log may not be in the list of notifications
	seen    map[string]bool    // event ids
	applied int                // events of the stream
}

type obj = map[string]any

// lists are the answers of the five lists, decoded.
var lists = []string{"/api/conversations", "/api/groupchats", "/api/notifications?limit=100", "/api/friends?limit=100", "/api/friends/request"}

func (p *person) fetch() map[string]obj {
	p.t.Helper()
	out := map[string]obj{}
	for _, path := range lists {
		var o obj
		p.must(200, &o, "GET", path, "")
		out[path] = o
	}
	return out
}

// newClient fetches the lists.
func newClient(p *person) *client {
	p.t.Helper()
	c := &client{
		me:   obj{"id": float64(p.ref.ID), "username": p.ref.Username, "displayName": p.ref.DisplayName},
		logs: map[string]obj{}, bell: map[string]obj{}, stored: map[string]obj{}, friends: map[string]obj{},
		asked: map[string]obj{}, read: map[string]float64{}, counted: map[string]bool{}, seen: map[string]bool{},
	}
	got := p.fetch()
	for _, o := range items(got[lists[0]], "conversations") {
		c.logs["c:"+text(o, "id")] = o
	}
	for _, o := range items(got[lists[1]], "groupChats") {
		c.logs["g:"+text(o, "id")] = o
	}
	for log, o := range c.logs {
		c.reads(log, num(o, "readCount"))
	}
	for _, n := range items(got[lists[2]], "notifications") {
		if log, ok := logOfMessage(n); ok {
			c.bell[log], c.counted[log] = n, true
			c.reads(log, num(n, "readCount"))
		} else {
			c.stored[text(n, "id")] = n
		}
	}
	for _, f := range items(got[lists[3]], "friends") {
		c.friends[id(f["user"])] = f
	}
	for _, r := range slices.Concat(items(got[lists[4]], "incoming"), items(got[lists[4]], "outgoing")) {
		c.asked[text(r, "id")] = r
	}
	return c
}

func text(o obj, name string) string { s, _ := o[name].(string); return s }
func num(o obj, name string) float64 { n, _ := o[name].(float64); return n }
func id(user any) string             { return fmt.Sprint(user.(obj)["id"]) }

func items(o obj, name string) []obj {
	var out []obj
	list, _ := o[name].([]any)
	for _, x := range list {
		out = append(out, x.(obj))
	}
	return out
}

// logOfMessage says which log a notification of messages stands for.
func logOfMessage(n obj) (log string, ok bool) {
	log, _, _ = strings.Cut(text(n, "id"), "/")
	return log, strings.HasSuffix(text(n, "kind"), "message")
}

// apply takes one event: the data of an SSE block without a name.
func (c *client) apply(t testing.TB, data string) {
	var e struct {
		Type, EventID string
		Data          any
	}
	if err := json.Unmarshal([]byte(data), &e); err != nil {
		t.Errorf("event %s: %v", data, err)
	}
	if e.EventID == "" || c.seen[e.EventID] {
		return // ephemeral, or a duplicate
	}
	c.seen[e.EventID] = true
	switch d, _ := e.Data.(obj); e.Type {
	case "conversation_update":
		c.update("c:", d["conversation"].(obj), d)
	case "group_update":
		c.update("g:", d["groupChat"].(obj), d)
	case "notification":
		c.notify(d)
	case "read":
		c.reads(place(d), num(d, "readCount"))
	case "notification_read":
		c.notificationRead(d)
	case "friends_changed":
		c.friendsChanged(d)
	case "message":
	default:
		c.emitted(e.Type, e.EventID, e.Data)
	}
}

func place(d obj) string {
	if g := text(d, "groupChatId"); g != "" {
		return "g:" + g
	}
	return "c:" + text(d, "conversationId")
}

func (c *client) reads(log string, n float64) { c.read[log] = max(c.read[log], n) }

// update takes a change of a conversation or group chat.
func (c *client) update(prefix string, now, d obj) {
	log, seq, change := prefix+text(now, "id"), num(now, "seq"), text(d, "change")
	have, known := c.logs[log]
	mine := func(user any) bool { return user != nil && id(user) == id(c.me) }
	switch {
	case change == "created", change == "members_added" && slices.ContainsFunc(items(d, "members"), func(u obj) bool { return mine(u) }):
		c.reads(log, num(now, "messageCount")) // a joiner starts at the count of that moment
		if !known || num(have, "memberSeq") < seq {
			joined := maps.Clone(now)
			joined["memberSeq"] = float64(seq)
			c.logs[log] = joined
		}
		return
	case change == "deleted", change == "member_removed" && mine(d["member"]):
		if known && num(have, "memberSeq") < seq {
			delete(c.logs, log)
		}
		if num(c.bell[log], "seq") < seq {
			delete(c.bell, log)
		}
		return
	}
	if d["message"] != nil {
		c.reads(log, num(now, "messageCount")) // posting reads up to one's own message
	}
	if n := c.bell[log]; change == "message" && num(n, "seq") == seq {
		if n["messageCount"] == nil && !c.counted[log] { // the first unread one since the list, where all was read
			c.reads(log, num(now, "messageCount")-1)
		}
		c.counted[log], n["messageCount"] = true, now["messageCount"]
	}
	if known && num(have, "seq") < seq {
		maps.Copy(have, now) // what it doesn't name stays
	}
}

func (c *client) notify(n obj) {
	if log, ok := logOfMessage(n); ok {
		if num(c.bell[log], "seq") < num(n, "seq") {
			c.bell[log] = n
		}
		return
	}
	if _, known := c.stored[text(n, "id")]; !known {
		c.stored[text(n, "id")] = n
	}
	request := text(n, "requestId")
	switch text(n, "kind") {
	case "friend_request":
		c.ask(obj{"id": request, "seq": n["seq"], "from": n["actor"], "to": c.me, "createdAt": n["createdAt"]})
	case "friend_accepted":
		c.answered(request, num(n, "seq"))
		c.befriend(n["actor"], n["seq"], n["createdAt"])
	}
}

// emitted takes what another service has told: a notification, whose time the event
// doesn't tell.
func (c *client) emitted(typ, eventID string, data any) {
	id := strings.TrimSuffix(eventID, "/1")
	seq, err := strconv.ParseFloat(id[strings.LastIndexByte(id, '/')+1:], 64)
	if _, known := c.stored[id]; !known && err == nil {
		c.stored[id] = obj{"id": id, "seq": seq, "kind": "custom", "type": typ, "data": data, "preview": "", "read": false}
	}
}

func (c *client) notificationRead(d obj) {
	ids, _ := d["ids"].([]any)
	for _, id := range ids {
		if n := c.stored[id.(string)]; n != nil {
			n["read"] = true
		}
	}
	for _, n := range c.stored {
		if d["all"] == true && num(n, "seq") < num(d, "seq") {
			n["read"] = true
		}
	}
	for _, r := range items(d, "reads") {
		c.reads(place(r), num(r, "readCount"))
	}
}

func (c *client) friendsChanged(d obj) {
	seq, user, request := num(d, "seq"), d["user"], text(d, "requestId")
	for _, n := range c.stored {
		if text(n, "kind") == "friend_request" && request != "" && n["requestId"] == request && num(n, "seq") < seq {
			n["read"] = true
		}
	}
	switch text(d, "change") {
	case "requested":
		c.ask(obj{"id": request, "seq": seq, "from": c.me, "to": user, "createdAt": d["createdAt"]})
	case "accepted":
		c.answered(request, seq)
		c.befriend(user, seq, d["createdAt"])
	case "declined", "withdrawn":
		c.answered(request, seq)
	case "unfriended":
		if num(c.friends[id(user)], "seq") < seq {
			delete(c.friends, id(user))
		}
	}
}

func (c *client) ask(r obj) {
	if num(c.asked[text(r, "id")], "seq") < num(r, "seq") {
		c.asked[text(r, "id")] = r
	}
}

func (c *client) answered(request string, seq float64) {
	if num(c.asked[request], "seq") < seq {
		delete(c.asked, request)
	}
}

func (c *client) befriend(user, seq, since any) {
	if num(c.friends[id(user)], "seq") < seq.(float64) {
		c.friends[id(user)] = obj{"user": user, "seq": seq, "since": since}
	}
}

// shown are the lists that the client would show, as the API answers them.
func (c *client) shown() map[string]obj {
	var conversations, groups, notifications, friends, incoming, outgoing []any
	for log, o := range c.logs {
		o = maps.Clone(o)
		o["readCount"] = c.read[log]
		o["unreadCount"] = max(0, num(o, "messageCount")-c.read[log])
		if strings.HasPrefix(log, "c:") {
			conversations = append(conversations, o)
		} else {
			groups = append(groups, o)
		}
	}
	unread := 0.0
	for log, n := range c.bell {
		n = maps.Clone(n)
		n["readCount"] = c.read[log]
		n["count"] = num(n, "messageCount") - c.read[log]
		if num(n, "count") > 0 {
			notifications = append(notifications, n)
			unread++
		}
	}
	for _, n := range c.stored {
		notifications = append(notifications, n)
		if n["read"] == false {
			unread++
		}
	}
	for _, f := range c.friends {
		friends = append(friends, f)
	}
	for _, r := range c.asked {
		if id(r["to"]) == id(c.me) {
			incoming = append(incoming, r)
		} else {
			outgoing = append(outgoing, r)
		}
	}
	newest(conversations, "updatedAt")
	newest(groups, "updatedAt")
	newest(notifications, "createdAt")
	newest(incoming, "createdAt")
	newest(outgoing, "createdAt")
	slices.SortFunc(friends, func(a, b any) int { return strings.Compare(id(a.(obj)["user"]), id(b.(obj)["user"])) })
	return map[string]obj{
		lists[0]: {"conversations": list(conversations)}, lists[1]: {"groupChats": list(groups)},
		lists[2]: {"notifications": list(notifications), "unreadCount": unread, "links": obj{}},
		lists[3]: {"friends": list(friends), "links": obj{}}, lists[4]: {"incoming": list(incoming), "outgoing": list(outgoing)},
	}
}

// newest sorts by a time, the newest first, and then by id.
func newest(all []any, field string) {
	slices.SortFunc(all, func(a, b any) int {
		x, y := a.(obj), b.(obj)
		return cmp.Or(-strings.Compare(text(x, field), text(y, field)), strings.Compare(text(x, "id"), text(y, "id")))
	})
}

// list is never null, as in the API.
func list(l []any) []any {
	if l == nil {
		return []any{}
	}
	return l
}
