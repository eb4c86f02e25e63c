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

// damagedCalls read the items that are damaged, by the method that each calls.
var damagedCalls = map[string]func(*world) error{
	"View":          func(w *world) error { _, err := w.View(w.Context(), 2, "c:1-2"); return err },
	"Conversations": func(w *world) error { _, err := w.Conversations(w.Context(), 2, "c:"); return err },
	"Messages":      func(w *world) error { _, err := w.Messages(w.Context(), 2, "c:1-2", chat.Page{Limit: 9}); return err },
	"Entries":       func(w *world) error { _, err := w.Entries(w.Context(), "c:1-2", 0, 9); return err },
	"MarkRead": func(w *world) error {
		_, err := w.MarkRead(w.Context(), 2, "c:1-2", 2, chattest.Given("k", "h"))
		return err
	},
	"AppendMessage": func(w *world) error {
		_, err := w.AppendMessage(w.Context(), chat.Draft{Log: "c:1-2", By: 2, Content: "x"}, chattest.Given("k", "h"))
		return err
	},
	"CreateConversation": func(w *world) error {
		_, err := w.CreateConversation(w.Context(), 2, []chat.UserRef{{ID: 1}, {ID: 2}}, chattest.Given("k", "h"))
		return err
	},
	"UserByName":  func(w *world) error { _, err := w.UserByName(w.Context(), "bob"); return err },
	"Users":       func(w *world) error { _, err := w.Users(w.Context(), 2); return err },
	"SearchUsers": func(w *world) error { _, err := w.SearchUsers(w.Context(), "bo", 9); return err },
	"BeginLogin":  func(w *world) error { return w.BeginLogin(w.Context(), "bob", w.Now()) },
	"Session":     func(w *world) error { _, err := w.Session(w.Context(), chat.Session{ID: "s", User: 2}); return err },
	"SessionsHold": func(w *world) error {
		_, err := w.SessionsHold(w.Context(), []chat.Session{{ID: "s", User: 2}, {ID: "f", User: 2, Created: w.Now(), Foreign: true}})
		return err
	},
	"Position":    func(w *world) error { _, err := w.Position(w.Context(), "c:1-2", 0, 0, 2); return err },
	"Membership":  func(w *world) error { _, err := w.Membership(w.Context(), 2, "c:1-2"); return err },
	"Memberships": func(w *world) error { _, err := w.Memberships(w.Context(), 2); return err },
	"EndSession":  func(w *world) error { _, err := w.EndSession(w.Context(), chat.Session{ID: "s", User: 2}); return err },
	"SessionForeign": func(w *world) error {
		_, err := w.Session(w.Context(), chat.Session{ID: "f", User: 2, Created: w.Now(), Foreign: true})
		return err
	},
	"UserOf": func(w *world) error { _, err := w.UserOf(w.Context(), ann); return err },
	"CreateUserFor": func(w *world) error {
		_, err := w.CreateUserFor(w.Context(), ann, chat.User{UserRef: chat.UserRef{Username: "ann"}})
		return err
	},
}

// An item that isn't as the store writes it (made by hand, or by another version)
// ends a call with an error that names it: no panic, no zero taken for a value, and
// nothing that a client would be told.
func TestDamagedItem(t *testing.T) {
	for _, c := range []struct {
		pk, sk, attribute string
		value             types.AttributeValue // nil: the whole item is gone
		calls             []string
	}{
		{"L#c:1-2", "HEAD", "seq", str("2"), []string{"View", "Conversations", "AppendMessage"}},
		{"L#c:1-2", "HEAD", "shards", str("x"), []string{"View"}},
		{"L#c:1-2", "HEAD", "members", str("{"), []string{"View"}},
		{"L#c:1-2", "HEAD", "latest", num(1), []string{"View"}},
		{"L#c:1-2", "E#000000000002", "ts", str("1"), []string{"Messages", "MarkRead", "Entries", "Position"}},
		{"L#c:1-2", "E#000000000002", "seq", str("2"), []string{"Position"}},
		{"L#c:1-2", "E#000000000002", "body", str("{}"), []string{"Messages"}},
		{"L#c:1-2", "E#000000000001", "adds", num(1), []string{"Entries"}},
		{"L#c:1-2", "E#000000000001", "adds", &types.AttributeValueMemberL{Value: []types.AttributeValue{str("1")}}, []string{"Entries"}},
		{"U#2", "M#c:1-2", "iv", str("1"), []string{"View", "Conversations", "Messages", "MarkRead", "AppendMessage"}},
		{"U#2", "M#c:1-2", "rw", str("1"), []string{"AppendMessage"}},
		{"U#2", "PROFILE", "username", num(1), []string{"Users", "UserByName", "AppendMessage"}},
		{"NAME#bob", "NAME", "userId", str("2"), []string{"UserByName", "SearchUsers"}},
		{"NAME#bob", "LOGIN", "fails", str("2"), []string{"BeginLogin"}},
		{"U#2", "M#c:1-2", "ttl", str("1"), []string{"Membership", "Memberships"}},
		{"U#2", "SESSION#s", "ttl", str("2"), []string{"Session", "SessionsHold"}},
		{"U#2", "SESSION#f", "revokedTo", str("2"), []string{"SessionForeign", "SessionsHold"}},
		{"EXT#nextauth#cm5ann0001", "EXT", "userId", str("2"), []string{"UserOf", "CreateUserFor"}},
		{"U#2", "IDEM#k", "ttl", str("2"), []string{"AppendMessage", "MarkRead", "CreateConversation"}},
		{"L#u:2", "HEAD", "ts", str("2"), []string{"EndSession", "MarkRead"}},
		{"U#2", "PROFILE", "", nil, []string{"UserByName", "AppendMessage"}},
		{"L#c:1-2", "HEAD", "", nil, []string{"AppendMessage"}},
		{"L#u:2", "HEAD", "", nil, []string{"EndSession"}},
	} {
		for _, name := range c.calls {
			t.Run(strings.ReplaceAll(c.pk+" "+c.sk, "#", "-")+" "+c.attribute+" "+name, func(t *testing.T) {
				w := newWorld(t, dynamo.DefaultLimits)
				w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
				w.MustSend("c:1-2", 1, "x")
				w.mustDamage(c.pk, c.sk, c.attribute, c.value)
				err := damagedCalls[name](w)
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
