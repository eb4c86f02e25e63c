package dynamo_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tidings/internal/chat"
	"tidings/internal/chattest"
	"tidings/internal/dynamo"
)

// What a message costs in the table's capacity units, and that it is the same for
// 2 members and for 1,000. docs/architecture.md repeats these numbers.
func TestMessageUnits(t *testing.T) {
	w := newWorld(t, dynamo.DefaultLimits)
	small := w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
	large := w.mustLog("g:large", 1000)
	for _, c := range []struct {
		content, want string
	}{
		// Reads: head, membership, profile: a unit each. Writes: four items of up to
		// 1 KB, two units each in a transaction.
		{"hello", "BatchGetItem 3 + TransactWriteItems 8"},
		// 4,000 ASCII characters make an entry of 4 to 5 KB: 10 units instead of 2.
		{strings.Repeat("x", chat.MaxContent), "BatchGetItem 3 + TransactWriteItems 16"},
	} {
		for _, log := range []chat.LogID{small, large} {
			w.MustSend(log, 1, "the head's preview has its size from here on")
			w.units.Reset()
			w.MustSend(log, 1, c.content)
			if got := w.units.String(); got != c.want {
				t.Errorf("%d characters in %s: %s, want %s", len(c.content), log, got, c.want)
			}
		}
	}
	w.units.Reset()
	if _, err := w.AppendMessage(t.Context(), chat.Draft{Log: small, By: 1, Content: "x"}, chattest.Given("k", "h")); err != nil {
		t.Fatal(err)
	}
	if got, want := w.units.String(), "BatchGetItem 4 + TransactWriteItems 8"; got != want {
		t.Errorf("with an Idempotency-Key: %s, want %s", got, want)
	}
}

// The other routes, in the same units.
func TestRouteUnits(t *testing.T) {
	w := newWorld(t, dynamo.DefaultLimits)
	alice, bob := w.MustUser("alice"), w.MustUser("bob")
	log := w.MustConversation(alice, bob)
	for range 50 {
		w.MustSend(log, 1, "hello")
	}
	for _, c := range []struct {
		name, want string
		call       func() error
	}{
		{"read", "BatchGetItem 3 + TransactWriteItems 8", func() error {
			_, err := w.MarkRead(t.Context(), 2, log, 40, chattest.Fresh())
			return err
		}},
		{"history of 40", "Query 3 + GetItem 1", func() error {
			_, err := w.Messages(t.Context(), 2, log, chat.Page{Limit: 40})
			return err
		}},
		{"one conversation", "BatchGetItem 1 + GetItem 1", func() error {
			_, err := w.View(t.Context(), 2, log)
			return err
		}},
		{"list of one", "Query 1 + BatchGetItem 1 + Query 1", func() error {
			_, err := w.Conversations(t.Context(), 2, chat.ConversationPrefix)
			return err
		}},
		{"new conversation", "BatchGetItem 1 + TransactWriteItems 14", func() error {
			_, err := w.CreateConversation(t.Context(), 1, []chat.UserRef{alice, w.carol()}, chattest.Fresh())
			return err
		}},
	} {
		w.units.Reset()
		if err := c.call(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got := w.units.String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func (w *world) carol() chat.UserRef {
	return chat.UserRef{ID: 3, Username: "carol", DisplayName: "carol"}
}

// mustLog makes a log with many members, alice first, straight in the table.
func (w *world) mustLog(log chat.LogID, members int) chat.LogID {
	w.Helper()
	var shards chat.Shards
	for id := range chat.UserID(members) {
		id++
		shards = shards.With(id)
		w.mustPut(attributes{
			"PK": str("U#" + id.String()), "SK": str("M#" + string(log)), "role": str("member"), "iv": str("1-"), "since": num(1), "readn": num(0),
		})
	}
	w.mustPut(attributes{
		"PK": str("L#" + string(log)), "SK": str("HEAD"), "seq": num(1), "ts": num(w.Now().UnixMilli()), "msgs": num(0),
		"shards": &types.AttributeValueMemberB{Value: shards},
	})
	return log
}
