package chattest

import (
	"errors"
	"strings"
	"testing"

	"tidings/internal/chat"
)

// ann is somebody whom another system knows.
var ann = chat.Identity{Issuer: "nextauth", Subject: "cm5ann0001"}

func (w *World) createUserFor(id chat.Identity, user chat.UserID, name string) (chat.UserID, error) {
	return w.CreateUserFor(w.Context(), id, chat.User{
		UserRef: chat.UserRef{ID: user, Username: name, DisplayName: "The " + name}, Created: w.Now(),
	})
}

func (c Contract) userOf(t *testing.T) {
	c.test(t, "OK", func(w *World) {
		w.MustUser("alice")
		long := chat.Identity{Issuer: "nextauth", Subject: strings.Repeat("#", chat.MaxSubject)}
		for id, name := range map[chat.Identity]string{ann: "ann", long: "bob"} {
			made, err := w.createUserFor(id, 0, name)
			if err != nil {
				w.Fatal(err)
			}
			if user, err := w.UserOf(w.Context(), id); err != nil || user != made {
				w.Errorf("%s: user %d, %v, want %d", name, user, err, made)
			}
		}
	})
	c.test(t, "ErrUserNotFound", func(w *World) {
		if _, err := w.createUserFor(ann, 0, "ann"); err != nil {
			w.Fatal(err)
		}
		for _, id := range []chat.Identity{
			{Issuer: "nextauth", Subject: "cm5ann0002"}, {Issuer: "nextauth", Subject: "CM5ANN0001"}, {Issuer: "other", Subject: ann.Subject},
		} {
			if _, err := w.UserOf(w.Context(), id); !errors.Is(err, chat.ErrUserNotFound) {
				w.Errorf("%+v: err %v", id, err)
			}
		}
	})
}

func (c Contract) createUserFor(t *testing.T) {
	c.test(t, "OK", func(w *World) {
		w.MustUser("alice")
		user, err := w.createUserFor(ann, 0, "ann")
		if err != nil || user != 2 {
			w.Fatalf("user %d, %v", user, err)
		}
		us, err := w.Users(w.Context(), 2)
		if u := us[2]; err != nil || u.Username != "ann" || u.DisplayName != "The ann" || u.PasswordHash != "" || !u.Created.Equal(w.Now()) {
			w.Errorf("%+v, %v", u, err)
		}
		if u, err := w.UserByName(w.Context(), "ann"); err != nil || u.ID != 2 {
			w.Errorf("by name: %+v, %v", u, err)
		}
		w.MustSend(w.MustConversation(chat.UserRef{ID: 1}, us[2].UserRef), 2, "an account like any other")
	})
	// The identity has an account already: nothing is made.
	c.test(t, "AlreadyThere", func(w *World) {
		first, err := w.createUserFor(ann, 0, "ann")
		if err != nil {
			w.Fatal(err)
		}
		if user, err := w.createUserFor(ann, 0, "ann2"); err != nil || user != first {
			w.Errorf("user %d, %v, want %d", user, err, first)
		}
		if _, err := w.UserByName(w.Context(), "ann2"); !errors.Is(err, chat.ErrUserNotFound) {
			w.Errorf("a second account: %v", err)
		}
	})
	c.test(t, "ErrUsernameTaken", func(w *World) {
		w.MustUser("Ann")
		for _, user := range []chat.UserID{0, 17} {
			if _, err := w.createUserFor(ann, user, "ann"); !errors.Is(err, chat.ErrUsernameTaken) {
				w.Errorf("id %d: err %v", user, err)
			}
		}
		if us, err := w.Users(w.Context(), 2, 17); err != nil || len(us) != 0 {
			w.Errorf("%+v, %v", us, err)
		}
	})
	// First requests at once, whose names were made up apart: one account.
	c.test(t, "AtOnce", func(w *World) {
		var users [crowd]chat.UserID
		atOnce(func(i int) {
			var err error
			if users[i], err = w.createUserFor(ann, 0, "ann-"+string(rune('a'+i))); err != nil {
				w.Error(err)
			}
		})
		owner, err := w.UserOf(w.Context(), ann)
		if err != nil {
			w.Fatal(err)
		}
		for _, u := range users {
			if u != owner {
				w.Fatalf("users %v, the identity is that of %d", users, owner)
			}
		}
		if us, err := w.SearchUsers(w.Context(), "ann", 99); err != nil || len(us) != 1 {
			w.Errorf("accounts %+v, %v", us, err)
		}
	})
}

func (c Contract) createUserForGivenID(t *testing.T) {
	c.test(t, "OK", func(w *World) {
		if user, err := w.createUserFor(chat.Identity{Issuer: "nextauth", Subject: "17"}, 17, "ann"); err != nil || user != 17 {
			w.Fatalf("user %d, %v", user, err)
		}
		if us, err := w.Users(w.Context(), 17); err != nil || us[17].Username != "ann" {
			w.Errorf("%+v, %v", us, err)
		}
		if user, err := w.createUserFor(chat.Identity{Issuer: "nextauth", Subject: "17"}, 17, "ann2"); err != nil || user != 17 {
			w.Errorf("again: user %d, %v", user, err)
		}
		if us, err := w.Users(w.Context(), 17); err != nil || us[17].Username != "ann" {
			w.Errorf("again: %+v, %v", us, err)
		}
	})
	// The counter passes over ids that were given.
	c.test(t, "NotGivenAgain", func(w *World) {
		for id, name := range map[chat.UserID]string{1: "ann", 3: "bob"} {
			if _, err := w.createUserFor(chat.Identity{Issuer: "nextauth", Subject: id.String()}, id, name); err != nil {
				w.Fatal(err)
			}
		}
		if carol, dave := w.MustUser("carol"), w.MustUser("dave"); carol.ID != 2 || dave.ID != 4 {
			w.Errorf("carol has id %d, dave %d", carol.ID, dave.ID)
		}
	})
	c.test(t, "AtOnce", func(w *World) {
		atOnce(func(i int) {
			user, err := w.createUserFor(chat.Identity{Issuer: "nextauth", Subject: "17"}, 17, "ann-"+string(rune('a'+i)))
			if err != nil || user != 17 {
				w.Errorf("user %d, %v", user, err)
			}
		})
		if us, err := w.SearchUsers(w.Context(), "ann", 99); err != nil || len(us) != 1 || us[0].ID != 17 {
			w.Errorf("accounts %+v, %v", us, err)
		}
	})
}
