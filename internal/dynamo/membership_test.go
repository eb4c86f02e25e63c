package dynamo_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tidings/internal/chat"
	"tidings/internal/chattest"
	"tidings/internal/dynamo"
)

type attributes = map[string]types.AttributeValue

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func num(n int64) types.AttributeValue  { return &types.AttributeValueMemberN{Value: fmt.Sprint(n)} }

// mustPut writes an item past the store.
func (w *world) mustPut(it attributes) {
	w.Helper()
	name := tableName
	if _, err := w.db.PutItem(w.Context(), &dynamodb.PutItemInput{TableName: &name, Item: it}); err != nil {
		w.Fatal(err)
	}
}

// mustGet reads an item past the store; nil when it is not there.
func (w *world) mustGet(pk, sk string) attributes {
	w.Helper()
	name := tableName
	o, err := w.db.GetItem(w.Context(), &dynamodb.GetItemInput{TableName: &name, Key: attributes{"PK": str(pk), "SK": str(sk)}})
	if err != nil {
		w.Fatal(err)
	}
	return o.Item
}

// mustBelong sets bob's times in the log: "1-3" makes him leave with entry 3.
func (w *world) mustBelong(log chat.LogID, iv string) {
	w.Helper()
	it := attributes{"PK": str("U#2"), "SK": str("M#" + string(log)), "role": str("member"), "iv": str(iv), "readn": num(0)}
	parsed, err := chat.ParseIntervals(iv)
	if err != nil {
		w.Fatal(err)
	}
	if parsed.Open() {
		it["since"] = num(parsed[len(parsed)-1].From)
	}
	w.mustPut(it)
}

// A member who has left keeps a membership, closed: to them the log is not there.
func TestMembershipClosed(t *testing.T) {
	w := newWorld(t, dynamo.Limits{})
	log := w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
	w.MustSend(log, 1, "x")
	w.mustBelong(log, "1-2")
	if _, err := w.View(t.Context(), 2, log); !errors.Is(err, chat.ErrConversationNotFound) {
		t.Errorf("View: %v", err)
	}
	if _, err := w.Messages(t.Context(), 2, log, chat.Page{Limit: 9}); !errors.Is(err, chat.ErrConversationNotFound) {
		t.Errorf("Messages: %v", err)
	}
	if _, err := w.MarkRead(t.Context(), 2, log, 2, chattest.Fresh()); !errors.Is(err, chat.ErrConversationNotFound) {
		t.Errorf("MarkRead: %v", err)
	}
	if _, err := w.AppendMessage(t.Context(), chat.Draft{Log: log, By: 2, Content: "x"}, chattest.Fresh()); !errors.Is(err, chat.ErrConversationNotFound) {
		t.Errorf("AppendMessage: %v", err)
	}
	if vs, err := w.Conversations(t.Context(), 2, chat.ConversationPrefix); err != nil || len(vs) != 0 {
		t.Errorf("Conversations: %+v, %v", vs, err)
	}
	ms, err := w.Memberships(t.Context(), 2)
	if err != nil || len(ms) != 1 || ms[0].Intervals.String() != "1-2" {
		t.Errorf("Memberships, which keep tombstones: %+v, %v", ms, err)
	}
}

// The member leaves between the reads and what rests on them.
func TestMembershipClosedMeanwhile(t *testing.T) {
	for name, s := range map[string]struct {
		before string
		call   func(w *world, log chat.LogID) error
	}{
		"AppendMessage": {"TransactWriteItems", func(w *world, log chat.LogID) error {
			_, err := w.AppendMessage(w.Context(), chat.Draft{Log: log, By: 2, Content: "x"}, chattest.Fresh())
			return err
		}},
		"MarkRead": {"TransactWriteItems", func(w *world, log chat.LogID) error {
			_, err := w.MarkRead(w.Context(), 2, log, 2, chattest.Fresh())
			return err
		}},
		"View": {"GetItem", func(w *world, log chat.LogID) error {
			_, err := w.View(w.Context(), 2, log)
			return err
		}},
		"Messages": {"GetItem", func(w *world, log chat.LogID) error {
			_, err := w.Messages(w.Context(), 2, log, chat.Page{Limit: 9})
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, dynamo.DefaultLimits)
			log := w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
			w.MustSend(log, 1, "x")
			w.races.before(s.before, func() { w.mustBelong(log, "1-2") })
			if err := s.call(w, log); !errors.Is(err, chat.ErrConversationNotFound) {
				t.Errorf("err %v", err)
			}
			if n := len(w.mustEntries(log)); n != 2 {
				t.Errorf("%d entries", n)
			}
		})
	}
	t.Run("Conversations", func(t *testing.T) {
		w := newWorld(t, dynamo.Limits{})
		log := w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
		w.races.before("BatchGetItem", func() { w.mustBelong(log, "1-1") })
		if vs, err := w.Conversations(t.Context(), 2, chat.ConversationPrefix); err != nil || len(vs) != 0 {
			t.Errorf("%+v, %v", vs, err)
		}
	})
}

// Who has come back sees what lies in their times.
func TestMembershipWithAGap(t *testing.T) {
	w := newWorld(t, dynamo.Limits{})
	log := w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
	for i := range 6 { // seqs 2 to 7
		w.MustSend(log, 1, fmt.Sprint(i))
	}
	w.mustBelong(log, "1-3 6-")
	var seen []int64
	for _, m := range w.MustMessages(2, log) {
		seen = append(seen, m.Seq)
	}
	if !slices.Equal(seen, []int64{2, 3, 6, 7}) {
		t.Errorf("seen: %v", seen)
	}
	for seq, want := range map[int64]error{3: nil, 4: chat.ErrMessageNotFound, 7: nil} {
		if _, err := w.MarkRead(t.Context(), 2, log, seq, chattest.Fresh()); !errors.Is(err, want) {
			t.Errorf("MarkRead %d: %v", seq, err)
		}
	}
	w.mustBelong(log, "1-3 8-")
	if v := w.MustView(2, log); v.Head.Last != nil {
		t.Errorf("a last message from before they came back: %+v", v.Head.Last)
	}
	vs, err := w.Conversations(t.Context(), 2, chat.ConversationPrefix)
	if err != nil || len(vs) != 1 || vs[0].Head.Last != nil {
		t.Errorf("in the list: %+v, %v", vs, err)
	}
}

// Who was away for a page's length or more still reaches the messages from before.
func TestMembershipWithALongGap(t *testing.T) {
	w := newWorld(t, dynamo.Limits{})
	log := w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
	for i := range 10 { // seqs 2 to 11
		w.MustSend(log, 1, fmt.Sprint(i))
	}
	w.mustBelong(log, "1-5 11-")
	for name, c := range map[string]struct {
		page chat.Page
		seen []int64
		more bool // older ones, or newer ones when paged upwards
	}{
		"Newest":   {chat.Page{Limit: 3}, []int64{4, 5, 11}, true},
		"Before":   {chat.Page{Limit: 3, Before: 11}, []int64{3, 4, 5}, true},
		"First":    {chat.Page{Limit: 3, Before: 4}, []int64{2, 3}, false},
		"After":    {chat.Page{Limit: 2, After: 3}, []int64{4, 5}, true},
		"AfterGap": {chat.Page{Limit: 2, After: 5}, []int64{11}, false},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := w.Messages(t.Context(), 2, log, c.page)
			if err != nil {
				t.Fatal(err)
			}
			var seen []int64
			for _, m := range p.Messages {
				seen = append(seen, m.Seq)
			}
			more := p.Older
			if c.page.After > 0 {
				more = p.Newer
			}
			if !slices.Equal(seen, c.seen) || more != c.more {
				t.Errorf("seen %v, more %v; want %v, %v", seen, more, c.seen, c.more)
			}
		})
	}
}

// What can't be done by what was read is refused without the cost of a transaction.
func TestRefusedWithoutATransaction(t *testing.T) {
	w := newWorld(t, dynamo.Limits{Messages: 1, Window: time.Minute})
	log := w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
	w.MustSend(log, 1, "x")
	w.units.Reset()
	_, err := w.AppendMessage(t.Context(), chat.Draft{Log: log, By: 1, Content: "x"}, chattest.Fresh())
	if !errors.Is(err, chat.RateLimited(0)) {
		t.Errorf("err %v", err)
	}
	if got, want := w.units.String(), "BatchGetItem 3"; got != want {
		t.Errorf("past the rate: %s, want %s", got, want)
	}
	// alice has read what she wrote.
	w.units.Reset()
	if _, err := w.MarkRead(t.Context(), 1, log, 2, chattest.Fresh()); err != nil {
		t.Error(err)
	}
	if got, want := w.units.String(), "BatchGetItem 3"; got != want {
		t.Errorf("a mark that isn't ahead: %s, want %s", got, want)
	}
}
