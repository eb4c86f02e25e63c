package dynamo_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tidings/internal/chat"
	"tidings/internal/chattest"
	"tidings/internal/dynamo"
)

// An item that isn't as the store writes it (made by hand, or by another version)
// ends a call with an error that names it: no panic, no zero taken for a value, and
// nothing that a client would be told.
func TestDamagedItem(t *testing.T) {
	page := chat.Page{Limit: 9}
	view := func(w *world) error { _, err := w.View(w.Context(), 2, "c:1-2"); return err }
	list := func(w *world) error { _, err := w.Conversations(w.Context(), 2, "c:"); return err }
	messages := func(w *world) error { _, err := w.Messages(w.Context(), 2, "c:1-2", page); return err }
	entries := func(w *world) error { _, err := w.Entries(w.Context(), "c:1-2", 0, 9); return err }
	read := func(w *world) error {
		_, err := w.MarkRead(w.Context(), 2, "c:1-2", 2, chattest.Given("k", "h"))
		return err
	}
	send := func(w *world) error {
		_, err := w.AppendMessage(w.Context(), chat.Draft{Log: "c:1-2", By: 2, Content: "x"}, chattest.Given("k", "h"))
		return err
	}
	create := func(w *world) error {
		_, err := w.CreateConversation(w.Context(), 2, []chat.UserRef{{ID: 1}, {ID: 2}}, chattest.Given("k", "h"))
		return err
	}
	byName := func(w *world) error { _, err := w.UserByName(w.Context(), "bob"); return err }
	users := func(w *world) error { _, err := w.Users(w.Context(), 2); return err }
	search := func(w *world) error { _, err := w.SearchUsers(w.Context(), "bo", 9); return err }
	login := func(w *world) error { return w.BeginLogin(w.Context(), "bob", w.Now()) }
	session := func(w *world) error { _, err := w.Session(w.Context(), chat.Session{ID: "s", User: 2}); return err }
	hold := func(w *world) error {
		_, err := w.SessionsHold(w.Context(), []chat.Session{{ID: "s", User: 2}, {ID: "f", User: 2, Created: w.Now(), Foreign: true}})
		return err
	}
	position := func(w *world) error { _, err := w.Position(w.Context(), "c:1-2", 0, 0, 2); return err }
	membership := func(w *world) error { _, err := w.Membership(w.Context(), 2, "c:1-2"); return err }
	memberships := func(w *world) error { _, err := w.Memberships(w.Context(), 2); return err }
	end := func(w *world) error { _, err := w.EndSession(w.Context(), chat.Session{ID: "s", User: 2}); return err }
	foreign := func(w *world) error {
		_, err := w.Session(w.Context(), chat.Session{ID: "f", User: 2, Created: w.Now(), Foreign: true})
		return err
	}
	owner := func(w *world) error { _, err := w.UserOf(w.Context(), ann); return err }
	adopt := func(w *world) error {
		_, err := w.CreateUserFor(w.Context(), ann, chat.User{UserRef: chat.UserRef{Username: "ann"}})
		return err
	}

	for _, c := range []struct {
		pk, sk, attribute string
		value             types.AttributeValue // nil: the whole item is gone
		calls             map[string]func(*world) error
	}{
		{"L#c:1-2", "HEAD", "seq", str("2"), map[string]func(*world) error{"View": view, "Conversations": list, "AppendMessage": send}},
		{"L#c:1-2", "HEAD", "shards", str("x"), map[string]func(*world) error{"View": view}},
		{"L#c:1-2", "HEAD", "members", str("{"), map[string]func(*world) error{"View": view}},
		{"L#c:1-2", "HEAD", "latest", num(1), map[string]func(*world) error{"View": view}},
		{"L#c:1-2", "E#000000000002", "ts", str("1"), map[string]func(*world) error{"Messages": messages, "MarkRead": read, "Entries": entries, "Position": position}},
		{"L#c:1-2", "E#000000000002", "seq", str("2"), map[string]func(*world) error{"Position": position}},
		{"L#c:1-2", "E#000000000002", "body", str("{}"), map[string]func(*world) error{"Messages": messages}},
		{"L#c:1-2", "E#000000000001", "adds", num(1), map[string]func(*world) error{"Entries": entries}},
		{"L#c:1-2", "E#000000000001", "adds", &types.AttributeValueMemberL{Value: []types.AttributeValue{str("1")}}, map[string]func(*world) error{"Entries": entries}},
		{"U#2", "M#c:1-2", "iv", str("1"), map[string]func(*world) error{"View": view, "Conversations": list, "Messages": messages, "MarkRead": read, "AppendMessage": send}},
		{"U#2", "M#c:1-2", "rw", str("1"), map[string]func(*world) error{"AppendMessage": send}},
		{"U#2", "PROFILE", "username", num(1), map[string]func(*world) error{"Users": users, "UserByName": byName, "AppendMessage": send}},
		{"NAME#bob", "NAME", "userId", str("2"), map[string]func(*world) error{"UserByName": byName, "SearchUsers": search}},
		{"NAME#bob", "LOGIN", "fails", str("2"), map[string]func(*world) error{"BeginLogin": login}},
		{"U#2", "M#c:1-2", "ttl", str("1"), map[string]func(*world) error{"Membership": membership, "Memberships": memberships}},
		{"U#2", "SESSION#s", "ttl", str("2"), map[string]func(*world) error{"Session": session, "SessionsHold": hold}},
		{"U#2", "SESSION#f", "revokedTo", str("2"), map[string]func(*world) error{"Session": foreign, "SessionsHold": hold}},
		{"EXT#nextauth#cm5ann0001", "EXT", "userId", str("2"), map[string]func(*world) error{"UserOf": owner, "CreateUserFor": adopt}},
		{"U#2", "IDEM#k", "ttl", str("2"), map[string]func(*world) error{"AppendMessage": send, "MarkRead": read, "CreateConversation": create}},
		{"L#u:2", "HEAD", "ts", str("2"), map[string]func(*world) error{"EndSession": end, "MarkRead": read}},
		{"U#2", "PROFILE", "", nil, map[string]func(*world) error{"UserByName": byName, "AppendMessage": send}},
		{"L#c:1-2", "HEAD", "", nil, map[string]func(*world) error{"AppendMessage": send}},
		{"L#u:2", "HEAD", "", nil, map[string]func(*world) error{"EndSession": end}},
	} {
		for name, call := range c.calls {
			t.Run(strings.ReplaceAll(c.pk+" "+c.sk, "#", "-")+" "+c.attribute+" "+name, func(t *testing.T) {
				w := newWorld(t, dynamo.DefaultLimits)
				w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
				w.MustSend("c:1-2", 1, "x")
				w.mustDamage(c.pk, c.sk, c.attribute, c.value)
				err := call(w)
				var told *chat.Error
				if err == nil || errors.As(err, &told) {
					t.Fatalf("err %v", err)
				}
				if c.value != nil && !strings.Contains(err.Error(), "attribute "+c.attribute) && !strings.Contains(err.Error(), "decode") {
					t.Errorf("err %v does not name %s", err, c.attribute)
				}
			})
		}
	}
}

// mustDamage changes one attribute of an item, which need not be there yet, or
// deletes the item.
func (w *world) mustDamage(pk, sk, attribute string, value types.AttributeValue) {
	w.Helper()
	if value == nil {
		name := tableName
		key := attributes{"PK": str(pk), "SK": str(sk)}
		if _, err := w.db.DeleteItem(w.Context(), &dynamodb.DeleteItemInput{TableName: &name, Key: key}); err != nil {
			w.Fatal(err)
		}
		return
	}
	it := w.mustGet(pk, sk)
	if it == nil {
		it = attributes{"PK": str(pk), "SK": str(sk)}
	}
	it[attribute] = value
	w.mustPut(it)
}

// An answer can't be given again once its entry is gone.
func TestReplayOfAGoneEntry(t *testing.T) {
	w := newWorld(t, dynamo.Limits{})
	log := w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
	send := func() error {
		_, err := w.AppendMessage(t.Context(), chat.Draft{Log: log, By: 1, Content: "x"}, chattest.Given("k", "h"))
		return err
	}
	if err := send(); err != nil {
		t.Fatal(err)
	}
	w.mustDamage("L#c:1-2", "E#000000000002", "", nil)
	var told *chat.Error
	if err := send(); err == nil || errors.As(err, &told) {
		t.Errorf("err %v", err)
	}
}
