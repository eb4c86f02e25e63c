package dynamo_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tidings/internal/chat"
	"tidings/internal/dynamo"
	"tidings/local/aws"
)

// ann is somebody whom another system knows.
var ann = chat.Identity{Issuer: "nextauth", Subject: "cm5ann0001"}

func TestCreateUserFor(t *testing.T) {
	make := func(w *world, id chat.Identity, user chat.UserID, name string) chat.UserID {
		w.Helper()
		made, err := w.CreateUserFor(w.Context(), id, chat.User{UserRef: chat.UserRef{ID: user, Username: name}, Created: w.Now()})
		if err != nil {
			w.Fatal(err)
		}
		return made
	}
	// The answer of a commit is lost three times in ten: everybody still has one
	// account, under the first name that was tried.
	t.Run("TimeoutAfterCommit", func(t *testing.T) {
		w := newWorld(t, dynamo.Limits{})
		w.mustFaults(aws.FaultConfig{Seed: 1, TimeoutAfterCommit: 0.3})
		for i, name := range []string{"alice", "bob", "carol", "dave", "erin"} {
			id := chat.Identity{Issuer: "nextauth", Subject: name}
			mapped, numbered := make(w, id, 0, name), make(w, id, chat.UserID(1001+i), name+"-17")
			us, err := w.Users(t.Context(), mapped, numbered)
			if err != nil || us[mapped].Username != name || us[numbered].Username != name+"-17" {
				t.Errorf("%+v, %v", us, err)
			}
			if owner, err := w.UserOf(t.Context(), id); err != nil || owner != mapped {
				t.Errorf("%s: user %d, %v, want %d", name, owner, err, mapped)
			}
		}
	})
	// Another request makes the account between this one's reads and its transaction.
	t.Run("Overtaken", func(t *testing.T) {
		for _, name := range []string{"ann", "ann-x"} { // the same name, or another
			for _, user := range []chat.UserID{0, 17} {
				w := newWorld(t, dynamo.Limits{})
				var first chat.UserID
				w.races.before("TransactWriteItems", func() { first = make(w, ann, user, "ann") })
				if second := make(w, ann, user, name); second != first {
					t.Errorf("%s with id %d: users %d and %d", name, user, first, second)
				}
				if us, err := w.SearchUsers(t.Context(), "ann", 9); err != nil || len(us) != 1 {
					t.Errorf("%s with id %d: %+v, %v", name, user, us, err)
				}
			}
		}
	})
	t.Run("OwnLog", func(t *testing.T) {
		w := newWorld(t, dynamo.Limits{})
		make(w, ann, 17, "ann")
		if h := w.mustHead("u:17"); h.Log != "u:17" || h.Seq != 0 || len(h.Shards) != 1 {
			t.Errorf("head %+v", h)
		}
	})
}

// The end of a foreign session is kept until the last token that it ends is over.
func TestEndSessionForeignLifetime(t *testing.T) {
	w := newWorld(t, dynamo.Limits{})
	w.MustUser("alice")
	for _, lifetime := range []time.Duration{time.Hour, chat.SessionLifetime, 400 * 24 * time.Hour} {
		w.Advance(time.Minute)
		s := chat.Session{ID: "f", User: 1, Created: w.Now(), Expires: w.Now().Add(lifetime), Foreign: true}
		w.Advance(time.Minute) // a token made now, for as long, is ended too
		if _, err := w.EndSession(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		ttl, err := strconv.ParseInt(w.mustGet("U#1", "SESSION#f")["ttl"].(*types.AttributeValueMemberN).Value, 10, 64)
		want := w.Now().Add(max(lifetime, chat.SessionLifetime))
		if got := time.Unix(ttl, 0); err != nil || got.Before(want) || got.After(want.Add(time.Second)) {
			t.Errorf("after %v: kept until %v, want %v", lifetime, got, want)
		}
	}
}
