package dynamo_test

import (
	"testing"

	"tidings/internal/dynamo"
	"tidings/local/aws"
)

func TestCreateUser(t *testing.T) {
	// The answer of a commit is lost three times in ten: nobody is told that their
	// own name is taken.
	t.Run("TimeoutAfterCommit", func(t *testing.T) {
		w := newWorld(t, dynamo.Limits{})
		w.aws.Faults().Set(aws.FaultConfig{Seed: 1, TimeoutAfterCommit: 0.3})
		for _, name := range []string{"alice", "bob", "carol", "dave", "erin"} {
			w.MustUser(name)
		}
	})
	// The counter is behind, say after a restore: it catches up, and nobody's account
	// is written over.
	t.Run("CounterBehind", func(t *testing.T) {
		w := newWorld(t, dynamo.Limits{})
		w.MustUser("alice")
		w.MustUser("bob")
		w.mustDamage("COUNTER#user", "COUNTER", "nextId", num(0))
		if u := w.MustUser("carol"); u.ID != 3 {
			t.Errorf("carol got id %d", u.ID)
		}
		if us, err := w.Users(t.Context(), 1, 2); err != nil || us[1].Username != "alice" || us[2].Username != "bob" {
			t.Errorf("%+v, %v", us, err)
		}
	})
	t.Run("OwnLog", func(t *testing.T) {
		w := newWorld(t, dynamo.Limits{})
		w.MustUser("alice")
		if h := w.mustHead("u:1"); h.Log != "u:1" || h.Seq != 0 || len(h.Shards) != 1 {
			t.Errorf("head %+v", h)
		}
	})
}
