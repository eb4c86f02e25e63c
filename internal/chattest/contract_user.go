package chattest

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidings/internal/chat"
)

func (c Contract) createUser(t *testing.T) {
	c.test(t, "OK", func(w *World) {
		for i, name := range []string{"alice", "bob", "Carol"} {
			in := chat.User{UserRef: chat.UserRef{Username: name, DisplayName: "The " + name}, PasswordHash: "x", Created: w.Now()}
			u, err := w.CreateUser(w.Context(), in)
			in.ID = chat.UserID(i + 1)
			if diff := cmp.Diff(in, u); err != nil || diff != "" {
				w.Errorf("%s: %v (-want +got)\n%s", name, err, diff)
			}
		}
	})
	// Names are taken in their folded form, and a refusal uses up no id.
	c.test(t, "ErrUsernameTaken", func(w *World) {
		w.MustUser("Alice")
		for _, name := range []string{"Alice", "alice", "ALICE"} {
			if _, err := w.CreateUser(w.Context(), chat.User{UserRef: chat.UserRef{Username: name}}); !errors.Is(err, chat.ErrUsernameTaken) {
				w.Errorf("%s: err %v", name, err)
			}
		}
		if u := w.MustUser("bob"); u.ID != 2 {
			w.Errorf("refused names used up ids: bob got %d", u.ID)
		}
		if u, err := w.UserByName(w.Context(), "alice"); err != nil || u.Username != "Alice" {
			w.Errorf("the name's owner is now %+v, %v", u, err)
		}
	})
	c.test(t, "OneNameAtOnce", func(w *World) {
		var made atomic.Int64
		atOnce(func(int) {
			switch _, err := w.CreateUser(w.Context(), chat.User{UserRef: chat.UserRef{Username: "alice"}}); {
			case err == nil:
				made.Add(1)
			case !errors.Is(err, chat.ErrUsernameTaken):
				w.Error(err)
			}
		})
		if n := made.Load(); n != 1 {
			w.Errorf("%d accounts have one name", n)
		}
	})
	c.test(t, "IDsAtOnce", func(w *World) {
		var ids [crowd]chat.UserID
		atOnce(func(i int) {
			u, err := w.CreateUser(w.Context(), chat.User{UserRef: chat.UserRef{Username: fmt.Sprint("user", i)}})
			if err != nil {
				w.Error(err)
			}
			ids[i] = u.ID
		})
		slices.Sort(ids[:])
		for i, id := range ids {
			if id != chat.UserID(i+1) {
				w.Fatalf("ids %v", ids)
			}
		}
	})
}

func (c Contract) users(t *testing.T) {
	c.test(t, "OK", func(w *World) {
		alice, bob := w.MustUser("alice"), w.MustUser("bob")
		us, err := w.Users(w.Context(), bob.ID, alice.ID)
		if err != nil || len(us) != 2 || us[1].UserRef != alice || us[2].UserRef != bob || us[2].PasswordHash != "hash of bob" || !us[1].Created.Equal(w.Now()) {
			w.Errorf("%+v, %v", us, err)
		}
	})
	c.test(t, "UnknownLeftOut", func(w *World) {
		alice := w.MustUser("alice")
		us, err := w.Users(w.Context(), -1, 0, 1, 2, chat.MaxUserID)
		if err != nil || len(us) != 1 || us[1].UserRef != alice {
			w.Errorf("%+v, %v", us, err)
		}
		if us, err := w.Users(w.Context()); err != nil || len(us) != 0 {
			w.Errorf("of nobody: %+v, %v", us, err)
		}
	})
	c.test(t, "AskedForTwice", func(w *World) {
		w.MustUser("alice")
		if us, err := w.Users(w.Context(), 1, 2, 1, 2); err != nil || len(us) != 1 {
			w.Errorf("%+v, %v", us, err)
		}
	})
	// More than one request to the table can ask for.
	c.test(t, "Many", func(w *World) {
		var ids []chat.UserID
		for i := range 101 {
			ids = append(ids, w.MustUser(fmt.Sprint("user", i)).ID)
		}
		if us, err := w.Users(w.Context(), ids...); err != nil || len(us) != len(ids) {
			w.Errorf("%d of %d, %v", len(us), len(ids), err)
		}
	})
}

func (c Contract) userByName(t *testing.T) {
	c.test(t, "OK", func(w *World) {
		w.MustUser("alice")
		carol := w.MustUser("Carol")
		u, err := w.UserByName(w.Context(), "carol")
		want := chat.User{UserRef: carol, PasswordHash: "hash of Carol", Created: w.Now()}
		if diff := cmp.Diff(want, u); err != nil || diff != "" {
			w.Errorf("%v (-want +got)\n%s", err, diff)
		}
	})
	c.test(t, "ErrUserNotFound", func(w *World) {
		w.MustUser("alice")
		for _, name := range []string{"bob", "alic", "alice2"} {
			if _, err := w.UserByName(w.Context(), name); !errors.Is(err, chat.ErrUserNotFound) {
				w.Errorf("%s: err %v", name, err)
			}
		}
	})
}

func (c Contract) searchUsers(t *testing.T) {
	for name, s := range map[string]struct {
		prefix string
		limit  int
		want   []string
	}{
		"InOrderOfFoldedNames": {"al", 9, []string{"al-x", "al.x", "al0", "al_x", "Albert", "alice"}},
		"UpToTheLimit":         {"al", 2, []string{"al-x", "al.x"}},
		"OneLetter":            {"b", 9, []string{"bob"}},
		"WholeName":            {"albert", 9, []string{"Albert"}},
		"None":                 {"zz", 9, nil},
		"LongerThanNames":      {"alberta", 9, nil},
		"NotInTheMiddle":       {"ob", 9, nil},
	} {
		c.test(t, name, func(w *World) {
			var all []chat.UserRef
			for _, name := range []string{"alice", "Albert", "bob", "al_x", "al.x", "al-x", "al0"} {
				all = append(all, w.MustUser(name))
			}
			us, err := w.SearchUsers(w.Context(), s.prefix, s.limit)
			var got []string
			for _, u := range us {
				got = append(got, u.Username)
				if !slices.Contains(all, u) {
					w.Errorf("nobody is %+v", u)
				}
			}
			if err != nil || !slices.Equal(got, s.want) {
				w.Errorf("%q, %v", got, err)
			}
		})
	}
}
