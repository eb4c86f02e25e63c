package session

import (
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/argon2"

	"tidings/internal/chat"
)

var _ chat.PasswordHasher = (*Passwords)(nil)

// cheap is the least that argon2id takes.
func cheap() *Passwords { return NewPasswords(WithCost(8, 1)) }

func mustHash(t *testing.T, p *Passwords, password string) string {
	t.Helper()
	h, err := p.Hash(password)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestHash(t *testing.T) {
	t.Run("DefaultCost", func(t *testing.T) {
		h := mustHash(t, NewPasswords(), "correct horse")
		if !strings.HasPrefix(h, "$argon2id$v=19$m=19456,t=2,p=1$") {
			t.Errorf("hash %q is not at OWASP's minimum", h)
		}
	})
	t.Run("FreshSalt", func(t *testing.T) {
		p := cheap()
		if first, second := mustHash(t, p, "x"), mustHash(t, p, "x"); first == second {
			t.Error("two hashes of one password are the same")
		}
	})
}

func TestVerifyPassword(t *testing.T) {
	p := cheap()
	hash := mustHash(t, p, "correct horse")
	t.Run("OK", func(t *testing.T) {
		if !p.Verify(hash, "correct horse") {
			t.Error("the password is not accepted")
		}
	})
	t.Run("WrongPassword", func(t *testing.T) {
		for _, wrong := range []string{"", "correct hors", "correct horse ", "Correct horse"} {
			if p.Verify(hash, wrong) {
				t.Errorf("%q is accepted", wrong)
			}
		}
	})
	t.Run("OtherCost", func(t *testing.T) { // the hash outlives the defaults
		if !NewPasswords(WithCost(64, 3)).Verify(hash, "correct horse") {
			t.Error("a hash of another cost is not accepted")
		}
	})
	// The reference implementation's own test vector (phc-winner-argon2, test.c).
	t.Run("ForeignHash", func(t *testing.T) {
		const foreign = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
		if !p.Verify(foreign, "password") {
			t.Error("a hash of the reference implementation is not accepted")
		}
	})
	t.Run("UnusableHash", func(t *testing.T) {
		salt, sum := "c29tZXNhbHQ", "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
		for _, bad := range []string{
			"", "plain", "$argon2id$", "$argon2id$v=19$m=256,t=2,p=1$" + salt + "$",
			"$argon2i$v=19$m=256,t=2,p=1$" + salt + "$" + sum,
			"$argon2id$v=16$m=256,t=2,p=1$" + salt + "$" + sum,
			"$argon2id$v=19$m=256,t=0,p=1$" + salt + "$" + sum,
			"$argon2id$v=19$m=256,t=2,p=0$" + salt + "$" + sum,
			"$argon2id$v=19$m=4294967295,t=2,p=1$" + salt + "$" + sum,
			"$argon2id$v=19$m=256,t=4294967295,p=1$" + salt + "$" + sum,
			"$argon2id$v=19$m=256,t=2,p=1,x=1$" + salt + "$" + sum,
			"$argon2id$v=19$m=256,t=2,p=1$!!!$" + sum,
			"$argon2id$v=19$m=256,t=2,p=1$" + salt + "$" + sum + "$more",
			" $argon2id$v=19$m=256,t=2,p=1$" + salt + "$" + sum,
		} {
			if p.Verify(bad, "password") || p.Verify(bad, "") {
				t.Errorf("%q matches", bad)
			}
		}
	})
}

// What an empty hash is checked against costs as much as a real one: the same
// derivation with the same parameters. (Time itself is no steady witness.)
func TestVerifyEmptyHashCost(t *testing.T) {
	p := NewPasswords(WithCost(64, 2))
	real, ok := parsePHC(mustHash(t, p, "x"))
	if !ok {
		t.Fatal("own hash is unreadable")
	}
	d := p.dummy
	if d.memory != real.memory || d.passes != real.passes || d.lanes != real.lanes || len(d.salt) != len(real.salt) || len(d.hash) != len(real.hash) {
		t.Errorf("dummy %+v, real %+v", d, real)
	}
	if argon2.Version != 19 {
		t.Error("the PHC string names another version")
	}
}

func TestPasswordsConcurrency(t *testing.T) {
	p := NewPasswords(WithCost(8, 1), WithConcurrency(2))
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if !p.Verify(mustHash(t, p, "x"), "x") {
				t.Error("not accepted")
			}
		})
	}
	wg.Wait()
	if cap(p.slots) != 2 || len(p.slots) != 0 {
		t.Errorf("%d of %d slots are still taken", len(p.slots), cap(p.slots))
	}
}
