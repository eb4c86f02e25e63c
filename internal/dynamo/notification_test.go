package dynamo_test

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tidings/internal/chat"
	"tidings/internal/chattest"
	"tidings/internal/dynamo"
	embedded "tidings/local/aws"
)

// mustDeleteNotes takes a log's index of notifications away, as their ttl does.
func (w *world) mustDeleteNotes(log chat.LogID) {
	w.Helper()
	o, err := w.db.Query(w.Context(), &dynamodb.QueryInput{
		TableName: aws.String(tableName), KeyConditionExpression: aws.String("PK = :pk AND begins_with(SK, :n)"),
		ExpressionAttributeValues: attributes{":pk": str("L#" + string(log)), ":n": str("N#")},
	})
	if err != nil {
		w.Fatal(err)
	}
	for _, it := range o.Items {
		key := attributes{"PK": it["PK"], "SK": it["SK"]}
		if _, err := w.db.DeleteItem(w.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(tableName), Key: key}); err != nil {
			w.Fatal(err)
		}
	}
}

// mustNotify has so many people ask bob.
func (w *friends) mustNotify(n int) {
	w.Helper()
	for i := range n {
		w.Advance(time.Second)
		w.must(chat.FriendRequested, w.MustUser(fmt.Sprintf("asker%d", i)), w.bob)
	}
}

func (w *friends) mustStored(upTo int64, limit int, unread bool) chat.StoredNotifications {
	w.Helper()
	s, err := w.StoredNotifications(w.Context(), w.bob.ID, upTo, limit, unread)
	if err != nil {
		w.Fatal(err)
	}
	return s
}

func seqs(s chat.StoredNotifications) string {
	out := ""
	for _, n := range s.Page {
		out += " " + strconv.FormatInt(n.Entry.Seq, 10)
		if n.Read {
			out += "r"
		}
	}
	return out
}

func TestStoredNotifications(t *testing.T) {
	w := newFriends(t, dynamo.Limits{})
	w.mustNotify(4)
	log := w.MustConversation(w.alice, w.bob)
	w.MustSend(log, 1, "x")
	if _, err := w.MarkRead(t.Context(), 2, log, 2, chattest.Fresh()); err != nil { // an entry that is no notification
		t.Fatal(err)
	}
	if e, err := w.ReadNotification(t.Context(), 2, 3); err != nil || e.Seq != 6 {
		t.Fatalf("%+v %v", e, err)
	}
	for _, c := range []struct {
		upTo   int64
		limit  int
		unread bool
		want   string
	}{
		{chat.MaxTS, 10, false, " 4 3r 2 1"},
		{chat.MaxTS, 2, false, " 4 3r"},
		{chat.MaxTS, 2, true, " 4 2"},
		{w.mustEntries("u:2")[2].TS, 10, false, " 3r 2 1"},
		{w.mustEntries("u:2")[2].TS - 1, 1, false, " 2"},
		{w.mustEntries("u:2")[2].TS, 10, true, " 2 1"},
		{1, 10, false, ""},
	} {
		if s := w.mustStored(c.upTo, c.limit, c.unread); seqs(s) != c.want || s.Unread != 3 {
			t.Errorf("up to %d, %d of them, unread %t: %s of %d unread, want %s of 3", c.upTo, c.limit, c.unread, seqs(s), s.Unread, c.want)
		}
	}
	// They and their entries are kept for 90 days, others for 8.
	for seq, days := range map[int64]int{1: 90, 5: 8} {
		if got := w.mustLifetime("u:2", seq); got != time.Duration(days)*24*time.Hour {
			t.Errorf("entry %d is kept for %v", seq, got)
		}
	}
}

// mustLifetime is how long an entry is kept, to the second.
func (w *world) mustLifetime(log chat.LogID, seq int64) time.Duration {
	w.Helper()
	it := w.mustGet("L#"+string(log), fmt.Sprintf("E#%012d", seq))
	ttl, ok := it["ttl"].(*types.AttributeValueMemberN)
	if !ok {
		w.Fatalf("%s/%d has no ttl", log, seq)
	}
	end, err := strconv.ParseInt(ttl.Value, 10, 64)
	if err != nil {
		w.Fatal(err)
	}
	return time.Unix(end, 0).Sub(time.UnixMilli(w.mustEntries(log)[seq-1].TS).Truncate(time.Second))
}

// Only the newest chat.MaxUnread can be unread: what is older counts as read, on every
// page.
func TestOldNotificationsAreRead(t *testing.T) {
	w := newFriends(t, dynamo.Limits{})
	w.mustNotify(2) // entries 1 and 2, later than what follows
	for i := range chat.MaxUnread - 1 {
		w.mustPut(attributes{"PK": str("L#u:2"), "SK": str(fmt.Sprintf("N#%013d", i+1)), "seq": num(int64(i%2 + 1)), "ts": num(int64(i + 1))})
	}
	for upTo, want := range map[int64]string{chat.MaxTS: " 2 1", 2: " 2 1r"} {
		if s := w.mustStored(upTo, 2, false); seqs(s) != want || s.Unread != chat.MaxUnread {
			t.Errorf("up to %d: %s of %d unread", upTo, seqs(s), s.Unread)
		}
	}
	if s := w.mustStored(2, 2, true); seqs(s) != " 2" {
		t.Errorf("unread up to 2: %s", seqs(s))
	}
}

func TestReadNotification(t *testing.T) {
	w := newFriends(t, dynamo.Limits{})
	w.mustNotify(2)
	read := func(seq int64) (chat.Entry, error) { return w.ReadNotification(t.Context(), 2, seq) }
	t.Run("OK", func(t *testing.T) {
		e, err := read(1)
		if err != nil || e.Seq != 3 || e.Kind != chat.KindNotificationRead || string(e.Body) != `{"ids":["u:2/1"]}` {
			t.Errorf("%+v %v", e, err)
		}
		w.checkStory(w.bob)
	})
	t.Run("ReadAlready", func(t *testing.T) {
		if e, err := read(1); err != nil || e.Seq != 0 {
			t.Errorf("%+v %v", e, err)
		}
	})
	t.Run("ErrNotificationNotFound", func(t *testing.T) {
		for _, seq := range []int64{3, 4, 1 << 52} {
			if _, err := read(seq); !errors.Is(err, chat.ErrNotificationNotFound) {
				t.Errorf("%d: %v", seq, err)
			}
		}
	})
	// Twenty devices read one at once: the others are told once.
	t.Run("AtOnce", func(t *testing.T) {
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, err := read(2); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := len(w.mustEntries("u:2")); n != 4 {
			t.Errorf("%d entries", n)
		}
	})
	t.Run("TimeoutAfterCommit", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newFriends(t, dynamo.Limits{})
			w.mustNotify(1)
			w.mustFaults(embedded.FaultConfig{TimeoutAfterCommit: 1})
			if _, err := w.ReadNotification(t.Context(), 2, 1); err != nil {
				t.Error(err)
			}
			w.mustFaults(embedded.FaultConfig{})
			if n := len(w.mustEntries("u:2")); n != 2 {
				t.Errorf("%d entries", n)
			}
			w.checkStory(w.bob)
		})
	})
}

func (w *friends) mustReadAll(idem chat.Idempotency) []chat.Entry {
	w.Helper()
	es, err := w.ReadAll(w.Context(), w.bob.ID, idem)
	if err != nil {
		w.Fatal(err)
	}
	return es
}

// unread counts what bob has not read: notifications, and conversations with something new.
func (w *friends) unread() int {
	w.Helper()
	views, err := w.Conversations(w.Context(), w.bob.ID, "")
	if err != nil {
		w.Fatal(err)
	}
	n := w.mustStored(chat.MaxTS, 1, false).Unread
	for _, v := range views {
		if v.Head.Count > v.Membership.ReadCount {
			n++
		}
	}
	return n
}

func TestReadAll(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		w := newFriends(t, dynamo.Limits{})
		w.mustNotify(2)
		log := w.MustConversation(w.alice, w.bob)
		w.MustSend(log, 1, "x")
		w.MustSend(log, 1, "y")
		es := w.mustReadAll(chattest.Given("k", "h"))
		if len(es) != 1 || string(es[0].Body) != `{"all":true,"reads":[{"log":"c:1-2","message":3,"readCount":2}]}` {
			t.Fatalf("%+v", es)
		}
		if n := w.unread(); n != 0 {
			t.Errorf("%d unread", n)
		}
		w.checkStory(w.bob)
		// What comes later is unread, and the same request again doesn't read it.
		w.must(chat.FriendRequested, w.alice, w.bob)
		if es := w.mustReadAll(chattest.Given("k", "h")); len(es) != 0 || w.unread() != 1 {
			t.Errorf("again: %+v, %d unread", es, w.unread())
		}
		if _, err := w.ReadAll(t.Context(), 2, chattest.Given("k", "other")); !errors.Is(err, chat.ErrIdempotencyMismatch) {
			t.Errorf("another request with the key: %v", err)
		}
		w.checkStory(w.bob)
	})
	t.Run("Nothing", func(t *testing.T) {
		w := newFriends(t, dynamo.Limits{})
		if es := w.mustReadAll(chattest.Given("k", "h")); len(es) != 0 || len(w.mustEntries("u:2")) != 0 {
			t.Errorf("%+v", es)
		}
		if _, err := w.ReadAll(t.Context(), 2, chattest.Given("k", "other")); !errors.Is(err, chat.ErrIdempotencyMismatch) {
			t.Errorf("the key with another request: %v", err)
		}
	})
	// Another device reads a conversation in between.
	t.Run("Overtaken", func(t *testing.T) {
		w := newFriends(t, dynamo.Limits{})
		log := w.MustConversation(w.alice, w.bob)
		w.MustSend(log, 1, "x")
		w.races.before("TransactWriteItems", func() {
			if _, err := w.MarkRead(t.Context(), 2, log, 2, chattest.Fresh()); err != nil {
				t.Error(err)
			}
		})
		es := w.mustReadAll(chattest.Fresh())
		if len(es) != 1 || string(es[0].Body) != `{"all":true}` || es[0].Seq != 2 {
			t.Errorf("%+v", es)
		}
	})
}

// checkToldOnce: bob's entries tell of each of the logs once, and the last of them that
// it is all.
func (w *friends) checkToldOnce(logs int) {
	w.Helper()
	told, all := map[chat.LogID]bool{}, 0
	es := w.mustEntries("u:2")
	for _, e := range es {
		b, err := e.NotificationRead()
		if err != nil {
			w.Fatal(err)
		}
		for _, r := range b.Reads {
			if told[r.Log] || r.ReadCount != 1 || r.Message != 2 {
				w.Errorf("%+v", r)
			}
			told[r.Log] = true
		}
		if b.All {
			all++
		}
	}
	if len(es) != 3 || all != 1 || len(told) != logs {
		w.Errorf("%d entries, %d say all, %d logs", len(es), all, len(told))
	}
}

// More conversations than a transaction holds.
func TestReadAllOfMany(t *testing.T) {
	for name, f := range map[string]embedded.FaultConfig{
		"NoFault": {}, "TimeoutAfterCommit": {TimeoutAfterCommit: 0.5, Seed: 3}, "Conflict": {Conflict: 0.5, Seed: 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newFriends(t, dynamo.Limits{})
				const logs = 200
				for i := range logs {
					u := w.MustUser(fmt.Sprintf("user%d", i))
					w.MustSend(w.MustConversation(w.bob, u), u.ID, "x")
				}
				w.mustFaults(f)
				w.mustReadAll(chattest.Fresh())
				w.mustFaults(embedded.FaultConfig{})
				if n := w.unread(); n != 0 {
					t.Errorf("%d unread", n)
				}
				w.checkToldOnce(logs)
			})
		})
	}
}

func TestNotificationUnits(t *testing.T) {
	w := newFriends(t, dynamo.DefaultLimits)
	w.mustNotify(10)
	log := w.MustConversation(w.alice, w.bob)
	w.MustSend(log, 1, "x")
	for _, c := range []struct {
		what, want string
		call       func() error
	}{
		{"list", "BatchGetItem 1 + Query 1 + Query 1 + BatchGetItem 10", func() error {
			_, err := w.StoredNotifications(t.Context(), 2, chat.MaxTS, 50, false)
			return err
		}},
		{"read one", "BatchGetItem 2 + TransactWriteItems 6", func() error { _, err := w.ReadNotification(t.Context(), 2, 1); return err }},
		{"read all", "Query 1 + BatchGetItem 1 + Query 1 + BatchGetItem 1 + Query 1 + TransactWriteItems 8", func() error {
			_, err := w.ReadAll(t.Context(), 2, chattest.Fresh())
			return err
		}},
	} {
		w.units.Reset()
		if err := c.call(); err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		if got := w.units.String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
}
