package main

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tidings/internal/chat"
	"tidings/internal/chattest"
	"tidings/internal/httpapi"
)

// emission is a row of the emission matrix: what somebody does, and which frames each
// of four people gets from it, in order, on each of their streams. What a column
// leaves out, that person must not get.
//
//	ann   owns the group chat, has a conversation with ben, and acts in most rows
//	ben   the other side; a member of the group chat
//	cat   a member of the group chat, and nothing to ann otherwise
//	dan   a stranger to all of them
//
// A frame is written as its type, then the change or kind that its data names, then
// +message where an update carries the author's own message.
type emission struct {
	name  string
	given string   // what there is before the streams open: one of the cases of cast.prepare
	does  []string // requests: who, the status unless it is a success, method, path, body; * after who sends an Idempotency-Key

	ann, ben, cat, dan string // frames, separated by commas
	members            string // of ann, ben and cat alike
	device             string // of the streams of ann's other session, where they differ; - for none
}

// The frames of a message, for its author and for the others.
const (
	said   = "conversation_update message +message"
	heard  = "message, notification message, conversation_update message"
	saidG  = "group_update message +message"
	heardG = "message, notification group_message, group_update message"
)

// matrix is every route that changes something, and whom it tells what.
var matrix = []emission{
	{name: "register: nobody", does: []string{`ann POST /api/auth/register {"username":"{ann.name}-2","password":"correct horse"}`}},
	{name: "log in again: nobody", does: []string{`ann POST /api/auth/login {"username":"{ann.name}","password":"correct horse"}`}},
	{name: "log out: the streams of that session end", does: []string{`ann POST /api/auth/logout`}, ann: "revoked logout, closed", device: "-"},

	{
		name: "open a conversation",
		does: []string{`ann POST /api/conversations {"userId":{dan}}`},
		ann:  "conversation_update created", dan: "conversation_update created",
	},
	{
		name: "open it again, from either side: nobody", given: "conversation",
		does: []string{`ann POST /api/conversations {"userId":{ben}}`, `ben POST /api/conversations {"userId":{ann}}`},
	},
	{
		name: "open one, and again with the same key",
		does: []string{`ann* POST /api/conversations {"userId":{dan}}`, `ann* POST /api/conversations {"userId":{dan}}`},
		ann:  "conversation_update created", dan: "conversation_update created",
	},
	{name: "message", given: "conversation", does: []string{`ann POST /api/conversations/{c}/messages {"content":"hi"}`}, ann: said, ben: heard},
	{
		name: "message, and again with the same key", given: "conversation",
		does: []string{`ann* POST /api/conversations/{c}/messages {"content":"hi"}`, `ann* POST /api/conversations/{c}/messages {"content":"hi"}`},
		ann:  said, ben: heard,
	},
	{
		name: "two messages, one from each side", given: "conversation",
		does: []string{`ann POST /api/conversations/{c}/messages {"content":"hi"}`, `ben POST /api/conversations/{c}/messages {"content":"hi"}`},
		ann:  said + ", " + heard, ben: heard + ", " + said,
	},
	{name: "message of a stranger: nobody", given: "conversation", does: []string{`dan 404 POST /api/conversations/{c}/messages {"content":"hi"}`}},
	{name: "empty message: nobody", given: "conversation", does: []string{`ann 422 POST /api/conversations/{c}/messages {"content":" "}`}},
	{name: "read", given: "conversation", does: []string{`ann POST /api/conversations/{c}/read {"messageId":"2"}`}, ann: "read", ben: "receipt"},
	{
		name: "read twice: told once", given: "conversation",
		does: []string{`ann POST /api/conversations/{c}/read {"messageId":"2"}`, `ann POST /api/conversations/{c}/read {"messageId":"2"}`},
		ann:  "read", ben: "receipt",
	},
	{name: "read one's own message: nobody", given: "conversation", does: []string{`ben POST /api/conversations/{c}/read {"messageId":"2"}`}},
	{name: "typing", given: "conversation", does: []string{`ann POST /api/conversations/{c}/typing`}, ben: "typing"},
	{name: "typing of a stranger: nobody", given: "conversation", does: []string{`dan 404 POST /api/conversations/{c}/typing`}},

	{name: "create a group chat", does: []string{`ann POST /api/groupchats {"name":"g","memberIds":[{ben},{cat}]}`}, members: "group_update created"},
	{name: "group message", given: "group", does: []string{`ann POST /api/groupchats/{g}/messages {"content":"hi"}`}, ann: saidG, ben: heardG, cat: heardG},
	{name: "group message of a stranger: nobody", given: "group", does: []string{`dan 404 POST /api/groupchats/{g}/messages {"content":"hi"}`}},
	{name: "group read", given: "group", does: []string{`ann POST /api/groupchats/{g}/read {"messageId":"2"}`}, ann: "read", ben: "receipt", cat: "receipt"},
	{name: "group typing", given: "group", does: []string{`cat POST /api/groupchats/{g}/typing`}, ann: "typing", ben: "typing"},
	{name: "rename", given: "group", does: []string{`ann PATCH /api/groupchats/{g} {"name":"other"}`}, members: "group_update renamed"},
	{name: "rename to the same: nobody", given: "group", does: []string{`ann PATCH /api/groupchats/{g} {"name":"g"}`}},
	{name: "rename by a member: nobody", given: "group", does: []string{`ben 403 PATCH /api/groupchats/{g} {"name":"other"}`}},
	{name: "hand over", given: "group", does: []string{`ann PATCH /api/groupchats/{g} {"ownerId":{ben}}`}, members: "group_update owner_changed"},
	{name: "hand over to oneself: nobody", given: "group", does: []string{`ann PATCH /api/groupchats/{g} {"ownerId":{ann}}`}},
	{name: "add: the new one too", given: "group", does: []string{`ann POST /api/groupchats/{g}/members {"userIds":[{dan}]}`}, members: "group_update members_added", dan: "group_update members_added"},
	{name: "add a member: nobody", given: "group", does: []string{`ann POST /api/groupchats/{g}/members {"userIds":[{ben}]}`}},
	{
		name: "add, then a message: for the new one too", given: "group",
		does: []string{`ann POST /api/groupchats/{g}/members {"userIds":[{dan}]}`, `ben POST /api/groupchats/{g}/messages {"content":"hi"}`},
		ann:  "group_update members_added, " + heardG,
		ben:  "group_update members_added, " + saidG,
		cat:  "group_update members_added, " + heardG,
		dan:  "group_update members_added, " + heardG,
	},
	{name: "remove: the removed one too", given: "group", does: []string{`ann DELETE /api/groupchats/{g}/members/{ben}`}, members: "group_update member_removed"},
	{
		name: "remove, then a message: not for the removed one", given: "group",
		does: []string{`ann DELETE /api/groupchats/{g}/members/{ben}`, `cat POST /api/groupchats/{g}/messages {"content":"hi"}`},
		ann:  "group_update member_removed, " + heardG, ben: "group_update member_removed", cat: "group_update member_removed, " + saidG,
	},
	{
		name: "remove, and add again: the same as any other", given: "group",
		does:    []string{`ann DELETE /api/groupchats/{g}/members/{ben}`, `ann POST /api/groupchats/{g}/members {"userIds":[{ben}]}`},
		members: "group_update member_removed, group_update members_added",
	},
	{
		name: "remove, message, add again, message", given: "group",
		does: []string{
			`ann DELETE /api/groupchats/{g}/members/{ben}`, `cat POST /api/groupchats/{g}/messages {"content":"hi"}`,
			`ann POST /api/groupchats/{g}/members {"userIds":[{ben}]}`, `cat POST /api/groupchats/{g}/messages {"content":"hi"}`,
		},
		ann: "group_update member_removed, " + heardG + ", group_update members_added, " + heardG,
		ben: "group_update member_removed, group_update members_added, " + heardG,
		cat: "group_update member_removed, " + saidG + ", group_update members_added, " + saidG,
	},
	{name: "remove a stranger: nobody", given: "group", does: []string{`ann 404 DELETE /api/groupchats/{g}/members/{dan}`}},
	{name: "leave", given: "group", does: []string{`ben DELETE /api/groupchats/{g}/members/{ben}`}, members: "group_update member_removed"},
	{name: "the owner leaves: one entry that names the new owner", given: "group", does: []string{`ann DELETE /api/groupchats/{g}/members/{ann}`}, members: "group_update member_removed"},
	{name: "the last one leaves", given: "alone", does: []string{`ann DELETE /api/groupchats/{g}/members/{ann}`}, ann: "group_update deleted"},
	{name: "delete", given: "group", does: []string{`ann DELETE /api/groupchats/{g}`}, members: "group_update deleted"},
	{name: "delete by a member: nobody", given: "group", does: []string{`ben 403 DELETE /api/groupchats/{g}`}},

	{name: "ask to be friends", does: []string{`ann POST /api/friends/request {"userId":{dan}}`}, ann: "friends_changed requested", dan: "notification friend_request"},
	{
		name: "ask by name",
		does: []string{`ann POST /api/friends/request {"username":"{dan.name}"}`},
		ann:  "friends_changed requested", dan: "notification friend_request",
	},
	{
		name: "ask, and again with the same key",
		does: []string{`ann* POST /api/friends/request {"userId":{dan}}`, `ann* POST /api/friends/request {"userId":{dan}}`},
		ann:  "friends_changed requested", dan: "notification friend_request",
	},
	{name: "ask again: nobody", given: "request", does: []string{`ben 409 POST /api/friends/request {"userId":{ann}}`}},
	{
		name: "ask who has asked: accepted", given: "request",
		does: []string{`ann POST /api/friends/request {"userId":{ben}}`},
		ann:  "friends_changed accepted", ben: "notification friend_accepted",
	},
	{
		name: "accept", given: "request",
		does: []string{`ann PUT /api/friends/request/{r} {"action":"accept"}`},
		ann:  "friends_changed accepted", ben: "notification friend_accepted",
	},
	{name: "accept again: nobody", given: "friends", does: []string{`ann PUT /api/friends/request/{r} {"action":"accept"}`}},
	{
		name: "decline", given: "request",
		does: []string{`ann PUT /api/friends/request/{r} {"action":"decline"}`},
		ann:  "friends_changed declined", ben: "friends_changed declined",
	},
	{name: "decline again: nobody", given: "declined", does: []string{`ann 404 PUT /api/friends/request/{r} {"action":"decline"}`}},
	{name: "ask again after a decline: nobody", given: "declined", does: []string{`ben 429 POST /api/friends/request {"userId":{ann}}`}},
	{name: "accept one's own request: nobody", given: "request", does: []string{`ben 403 PUT /api/friends/request/{r} {"action":"accept"}`}},
	{name: "accept that of others: nobody", given: "request", does: []string{`dan 404 PUT /api/friends/request/{r} {"action":"accept"}`}},
	{name: "withdraw", given: "request", does: []string{`ben DELETE /api/friends/request/{r}`}, ann: "friends_changed withdrawn", ben: "friends_changed withdrawn"},
	{name: "withdraw that of others: nobody", given: "request", does: []string{`ann 403 DELETE /api/friends/request/{r}`}},
	{name: "unfriend", given: "friends", does: []string{`ann DELETE /api/friends/{ben}`}, ann: "friends_changed unfriended", ben: "friends_changed unfriended"},
	{name: "unfriend nobody: nobody", does: []string{`ann 404 DELETE /api/friends/{ben}`}},

	{name: "read the notification of a request", given: "request", does: []string{`ann PUT /api/notifications/{n} {"read":true}`}, ann: "notification_read"},
	{
		name: "read it twice: told once", given: "request",
		does: []string{`ann PUT /api/notifications/{n} {"read":true}`, `ann PUT /api/notifications/{n} {"read":true}`},
		ann:  "notification_read",
	},
	{name: "read it after the answer: nobody", given: "friends", does: []string{`ann PUT /api/notifications/{n} {"read":true}`}},
	{name: "read that of others: nobody", given: "request", does: []string{`dan 404 PUT /api/notifications/{n} {"read":true}`}},
	{
		name: "read the notification of a message", given: "conversation",
		does: []string{`ann PUT /api/notifications/c:{c}/2 {"read":true}`},
		ann:  "read", ben: "receipt",
	},
	{
		name: "read the notification of a group message", given: "group",
		does: []string{`ann PUT /api/notifications/g:{g}/2 {"read":true}`},
		ann:  "read", ben: "receipt", cat: "receipt",
	},
	{
		name: "read all, with an unread message", given: "conversation",
		does: []string{`ann POST /api/notifications/read-all`},
		ann:  "notification_read all", ben: "receipt",
	},
	{name: "read all, with an unread request", given: "request", does: []string{`ann POST /api/notifications/read-all`}, ann: "notification_read all"},
	{
		name: "read all twice: told once", given: "group",
		does: []string{`ann POST /api/notifications/read-all`, `ann POST /api/notifications/read-all`},
		ann:  "notification_read all", ben: "receipt", cat: "receipt",
	},
	{name: "read all where nothing is: nobody", does: []string{`ann POST /api/notifications/read-all`}},

	{name: "emit", does: []string{`app POST /api/events/emit {"userId":{ann},"type":"order_shipped","data":{"orderId":17}}`}, ann: "order_shipped"},
	{
		name: "emit to several, one of whom isn't there",
		does: []string{`app POST /api/events/emit {"userIds":[{ann},9007199254740991,{ben}],"type":"order_shipped"}`},
		ann:  "order_shipped", ben: "order_shipped",
	},
	{
		name: "emit to one, and with the same key to more: told once",
		does: []string{
			`app* POST /api/events/emit {"userIds":[{ann}],"type":"order_shipped","data":{"orderId":17}}`,
			`app* POST /api/events/emit {"userIds":[{ann},{dan}],"type":"order_shipped","data":{"orderId":17}}`,
		},
		ann: "order_shipped", dan: "order_shipped",
	},
	{
		name: "emit, and read it",
		does: []string{
			`app POST /api/events/emit {"userId":{ann},"type":"order_shipped","data":{"orderId":17}}`,
			`ann PUT /api/notifications/u:{ann}/1 {"read":true}`,
		},
		ann: "order_shipped, notification_read",
	},
	{name: "report what has arrived: nobody", does: []string{`ann POST /api/events/receipts {"receipts":[{"type":"message","latencyMs":12}]}`}},
	{name: "emit with a session: nobody", does: []string{`ann 401 POST /api/events/emit {"userId":{ben},"type":"order_shipped"}`}},
	{name: "emit what only the service tells: nobody", does: []string{`app 422 POST /api/events/emit {"userId":{ann},"type":"message","data":{}}`}},
}

// Every route that changes something has a row.
func TestEmissionMatrixIsWhole(t *testing.T) {
	for _, rt := range httpapi.Routes() {
		shape := regexp.MustCompile(`^[a-d][a-z]+\*?( \d+)? ` + rt.Method + " " + regexp.MustCompile(`\{\w+\}`).ReplaceAllString(rt.Path, `[^/ ]+`) + `( .*)?$`)
		matches := func(row emission) bool { return slices.ContainsFunc(row.does, shape.MatchString) }
		if rt.Writes() && !slices.ContainsFunc(matrix, matches) {
			t.Errorf("no row has %s %s", rt.Method, rt.Path)
		}
	}
}

// Each row of the matrix, on three streams of each person: two tabs of one session and
// a device with a session of its own. That nothing more comes is shown twice: by a
// marker right after the row, and by one after all the rows.
func TestEmissionMatrix(t *testing.T) { onEach(t, testMatrix) }

func testMatrix(t *testing.T, url string) {
	var all []*cast
	for _, row := range matrix {
		t.Run(row.name, func(sub *testing.T) {
			c := newCast(t, url)
			c.prepare(row.given)
			c.listen()
			for _, request := range row.does {
				c.do(request)
			}
			for i, want := range []string{row.ann + row.members, row.ben + row.members, row.cat + row.members, row.dan} {
				device := want
				if i == 0 && row.device != "" {
					device = strings.TrimPrefix(row.device, "-")
				}
				for stream, p := range c.streams[i] {
					expected := want
					if stream == 2 {
						expected = device
					}
					if got := frames(p, expected); got != expected {
						sub.Errorf("%s, stream %d:\ngot  %s\nwant %s", p.ref.Username, stream, got, expected)
					}
				}
			}
			c.mark(sub)
			all = append(all, c)
		})
	}
	for i, c := range all {
		t.Run("nothing later/"+matrix[i].name, func(t *testing.T) { c.mark(t) })
	}
}

// frames reads as many frames as are wanted and writes them as the matrix does.
func frames(p *person, want string) string {
	var got []string
	for n := len(strings.FieldsFunc(want, func(r rune) bool { return r == ',' })); len(got) < n; {
		got = append(got, describe(p, p.next()))
		if got[len(got)-1] == "closed" {
			break
		}
	}
	return strings.Join(got, ", ")
}

// describe writes one frame as the matrix does, and checks what all frames share.
func describe(p *person, e chattest.Event) string {
	p.t.Helper()
	if e.Name != "message" {
		var d struct{ Reason string }
		_ = json.Unmarshal([]byte(e.Data), &d) // closed has none
		return strings.TrimSpace(e.Name + " " + d.Reason)
	}
	var f frame
	var d struct {
		Change, Kind string
		All          bool
		Message      *chat.Message
	}
	if err := json.Unmarshal([]byte(e.Data), &f); err != nil || f.UserID != p.ref.ID || json.Unmarshal(f.Data, &d) != nil {
		p.t.Errorf("%s got %s", p.ref.Username, e.Data)
	}
	part, fixed := map[string]string{"message": "/1", "notification": "/2", "conversation_update": "/3", "group_update": "/3"}[f.Type]
	ephemeral := f.Type == "typing" || f.Type == "receipt"
	if ephemeral != (f.EventID == "") || fixed && !strings.HasSuffix(f.EventID, part) {
		p.t.Errorf("%s got the event id %q: %s", p.ref.Username, f.EventID, e.Data)
	}
	s := strings.TrimSpace(f.Type + " " + d.Change + d.Kind)
	if d.All {
		s += " all"
	}
	if d.Message != nil && f.Type != "message" {
		s += " +message"
	}
	return s
}
