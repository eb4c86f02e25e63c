package chat_test

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"tidings/internal/chat"
)

func (w *world) identities() *chat.Identities {
	return &chat.Identities{Store: w.Stores, Users: w.Stores, Now: w.Now}
}

func ann(subject string) chat.Identity {
	return chat.Identity{Issuer: "nextauth", Subject: subject, Name: "Ann Lee", Email: "ann@example.org"}
}

func (w *world) mustBe(ids *chat.Identities, id chat.Identity, want chat.UserID) {
	w.Helper()
	if user, err := ids.User(w.Context(), id); err != nil || user != want {
		w.Errorf("%s is user %d, %v, want %d", id.Subject, user, err, want)
	}
}

func TestIdentitiesUser(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		w := newWorld(t)
		w.MustUser("alice")
		ids := w.identities()
		w.mustBe(ids, ann("a"), 2)
		us, err := w.Users(t.Context(), 2)
		if u := us[2]; err != nil || u.Username != "ann.lee" || u.DisplayName != "Ann Lee" || u.PasswordHash != "" || !u.Created.Equal(w.Now()) {
			t.Errorf("%+v, %v", u, err)
		}
		w.mustBe(ids, ann("a"), 2)
		w.mustBe(w.identities(), ann("a"), 2) // another process
	})
	// Two people of one name are two.
	t.Run("NameTaken", func(t *testing.T) {
		w := newWorld(t)
		ids := w.identities()
		w.mustBe(ids, ann("a"), 1)
		w.mustBe(ids, ann("b"), 2)
		us, err := w.Users(t.Context(), 2)
		if u := us[2]; err != nil || !regexp.MustCompile(`^ann\.lee-[a-z2-7]{6}$`).MatchString(u.Username) || u.DisplayName != "Ann Lee" {
			t.Errorf("%+v, %v", u, err)
		}
	})
	// Nobody logs in to it by a password, the empty one included.
	t.Run("NoPassword", func(t *testing.T) {
		w := newWorld(t)
		w.mustBe(w.identities(), ann("a"), 1)
		for _, password := range []string{"", "password"} {
			if _, _, err := w.accounts.Login(t.Context(), "ann.lee", password); !errors.Is(err, chat.ErrBadCredentials) {
				t.Errorf("password %q: %v", password, err)
			}
		}
	})
	t.Run("AtOnce", func(t *testing.T) {
		w := newWorld(t)
		ids := []*chat.Identities{w.identities(), w.identities()}
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				if user, err := ids[i%2].User(t.Context(), ann("a")); err != nil || user != 1 {
					t.Errorf("user %d, %v", user, err)
				}
			})
		}
		wg.Wait()
	})
}

func TestIdentitiesRemember(t *testing.T) {
	// Once known, an identity costs no read.
	t.Run("Remembered", func(t *testing.T) {
		w := newWorld(t)
		ids := w.identities()
		w.mustBe(ids, ann("a"), 1)
		ids.Store = brokenStores{}
		w.mustBe(ids, ann("a"), 1)
		if _, err := ids.User(t.Context(), ann("b")); !errors.Is(err, errDown) {
			t.Errorf("one that isn't known: %v", err)
		}
	})
	// What is remembered is bounded: of one too many somebody is read again.
	t.Run("Forgotten", func(t *testing.T) {
		w := newWorld(t)
		ids, reads := w.identities(), 0
		ids.Store = counted{w.Stores, &reads}
		const people = 10_001
		for range 2 {
			for i := range people {
				w.mustBe(ids, ann(strconv.Itoa(i)), 1)
			}
		}
		if reads <= people || reads > 2*people {
			t.Errorf("%d reads", reads)
		}
	})
}

func TestIdentitiesRefuse(t *testing.T) {
	t.Run("ErrUnauthenticated", func(t *testing.T) {
		w := newWorld(t)
		for _, subject := range []string{"", strings.Repeat("x", chat.MaxSubject+1)} {
			if _, err := w.identities().User(t.Context(), ann(subject)); !errors.Is(err, chat.ErrUnauthenticated) {
				t.Errorf("%d characters: %v", len(subject), err)
			}
		}
	})
	t.Run("ErrNoFreeName", func(t *testing.T) {
		w := newWorld(t)
		ids := w.identities()
		ids.Store = crowded{w.Stores}
		_, err := ids.User(t.Context(), ann("a"))
		var told *chat.Error
		if err == nil || errors.As(err, &told) {
			t.Errorf("err %v", err)
		}
	})
	t.Run("ErrStore", func(t *testing.T) {
		ids := &chat.Identities{Store: brokenStores{}, Users: brokenStores{}, Now: newWorld(t).Now}
		_, err := ids.User(t.Context(), ann("17"))
		mustFailInside(t, err)
		ids.Numeric = true
		_, err = ids.User(t.Context(), ann("17"))
		mustFailInside(t, err)
	})
}

// counted counts the reads of identities, all of which are user 1's.
type counted struct {
	chat.IdentityStore
	reads *int
}

func (c counted) UserOf(context.Context, chat.Identity) (chat.UserID, error) {
	*c.reads++
	return 1, nil
}

// crowded has no name left.
type crowded struct{ chat.IdentityStore }

func (crowded) CreateUserFor(context.Context, chat.Identity, chat.User) (chat.UserID, error) {
	return 0, chat.ErrUsernameTaken
}

func TestIdentitiesNumeric(t *testing.T) {
	numeric := func(w *world) *chat.Identities {
		ids := w.identities()
		ids.Numeric = true
		return ids
	}
	t.Run("Made", func(t *testing.T) {
		w := newWorld(t)
		ids := numeric(w)
		w.mustBe(ids, ann("2"), 2)
		us, err := w.Users(t.Context(), 2)
		if u := us[2]; err != nil || u.Username != "ann.lee" || u.DisplayName != "Ann Lee" {
			t.Errorf("%+v, %v", u, err)
		}
		w.mustBe(ids, ann("2"), 2)
		for _, want := range []chat.UserID{1, 3} { // the counter passes over it
			if u := w.MustUser("user" + want.String()); u.ID != want {
				t.Errorf("id %d, want %d", u.ID, want)
			}
		}
	})
	t.Run("AlreadyThere", func(t *testing.T) {
		w := newWorld(t)
		alice := w.MustUser("alice")
		w.mustBe(numeric(w), ann("1"), alice.ID)
		if us, err := w.Users(t.Context(), 1); err != nil || us[1].UserRef != alice {
			t.Errorf("%+v, %v", us, err)
		}
	})
	t.Run("NameTaken", func(t *testing.T) {
		w := newWorld(t)
		w.MustUser("ann.lee")
		w.mustBe(numeric(w), ann("17"), 17)
	})
	t.Run("ErrUnauthenticated", func(t *testing.T) {
		w := newWorld(t)
		for _, subject := range []string{"cm5ann0001", "0", "-1", "017", "1.0", "9007199254740992"} {
			if _, err := numeric(w).User(t.Context(), ann(subject)); !errors.Is(err, chat.ErrUnauthenticated) {
				t.Errorf("%s: %v", subject, err)
			}
		}
	})
}

// What people are called fits the rules of a username, with a random end where it is
// too short or says nothing.
func TestIdentityNames(t *testing.T) {
	const end = `-[a-z2-7]{4}`
	for test, c := range map[string]struct{ name, email, username, displayName string }{
		"Name":            {"Ann Lee", "x@example.org", `ann\.lee`, "Ann Lee"},
		"Punctuation":     {"  J. P. O'Neill-Smith (he/him) ", "", `j\.p\.oneill-smith\.hehim`, "J. P. O'Neill-Smith (he/him)"},
		"Address":         {"", "Ann_Lee+news@example.org", `ann_leenews`, ""},
		"NameIsAddress":   {"ann.lee@example.org", "", `ann\.lee`, "ann.lee@example.org"},
		"OtherLetters":    {"Łukasz Żółć", "lukasz@example.org", `lukasz`, "Łukasz Żółć"},
		"NoLettersOfOurs": {"安", "安@example.org", `user` + end, "安"},
		"Nothing":         {"", "", `user` + end, ""},
		"OnlyMarks":       {"-._ !", "@", `user` + end, "-._ !"},
		"Short":           {"Al", "", `al` + end, "Al"},
		"Long":            {strings.Repeat("ab ", 50), "", `(ab\.){10}ab`, strings.TrimSpace(strings.Repeat("ab ", 22)[:64])},
		"Control":         {"Ann\x00\n\u0085Lee", "ann@example.org", `ann`, "AnnLee"},
	} {
		t.Run(test, func(t *testing.T) {
			w := newWorld(t)
			w.mustBe(w.identities(), chat.Identity{Issuer: "nextauth", Subject: "a", Name: c.name, Email: c.email}, 1)
			us, err := w.Users(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			u := us[1]
			if c.displayName == "" {
				c.displayName = u.Username
			}
			if !regexp.MustCompile("^"+c.username+"$").MatchString(u.Username) || u.DisplayName != c.displayName {
				t.Errorf("%+v", u)
			}
			again := chat.Registration{Username: u.Username, DisplayName: u.DisplayName, Password: "password"}
			if err := again.Validate(); err != nil {
				t.Errorf("%+v breaks the rules: %v", u, err)
			}
		})
	}
}
