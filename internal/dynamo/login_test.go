package dynamo_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tidings/internal/chat"
	"tidings/internal/dynamo"
)

// Guessing a password: five tries are free, then each waits twice as long, for
// names with and without an account alike.
func TestBeginLogin(t *testing.T) {
	w := newWorld(t, dynamo.Limits{})
	begin := func(name string) error { return w.BeginLogin(t.Context(), name, w.Now()) }
	wait := time.Duration(0)
	for i := range 8 {
		w.Advance(wait)
		if err := begin("alice"); err != nil {
			t.Fatalf("try %d: %v", i+1, err)
		}
		var e *chat.Error
		if err := begin("alice"); i >= 4 {
			if !errors.As(err, &e) || e.Code != "too_many_attempts" {
				t.Fatalf("try %d at once: %v", i+2, err)
			}
			if want := time.Second << (i - 3); e.RetryAfter != want {
				t.Errorf("after %d failures: wait %v, want %v", i+1, e.RetryAfter, want)
			}
			wait = e.RetryAfter
		} else if err == nil {
			if err := w.LoginSucceeded(t.Context(), "alice"); err != nil {
				t.Fatal(err)
			}
			for range i + 1 {
				if err := begin("alice"); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := w.LoginSucceeded(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	if err := begin("alice"); err != nil {
		t.Errorf("after a success: %v", err)
	}
}

func TestBeginLoginForgets(t *testing.T) {
	w := newWorld(t, dynamo.Limits{})
	for range 5 {
		if err := w.BeginLogin(t.Context(), "alice", w.Now()); err != nil {
			t.Fatal(err)
		}
	}
	w.Advance(25 * time.Hour)
	for range 5 {
		if err := w.BeginLogin(t.Context(), "alice", w.Now()); err != nil {
			t.Errorf("a day later: %v", err)
		}
	}
}

// Guesses at once are not more than one after the other.
func TestBeginLoginAtOnce(t *testing.T) {
	w := newWorld(t, dynamo.Limits{})
	var begun atomic.Int64
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			switch err := w.BeginLogin(t.Context(), "alice", w.Now()); {
			case err == nil:
				begun.Add(1)
			case !errors.Is(err, chat.TooManyAttempts(0)):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := begun.Load(); n < 1 || n > 5 {
		t.Errorf("%d of 20 guesses passed", n)
	}
}

// Somebody guesses faster than the count of this guess can be kept: refused, uncounted.
func TestBeginLoginOutrun(t *testing.T) {
	w := newWorld(t, dynamo.Limits{})
	guesses := int64(0)
	var outrun func()
	outrun = func() {
		guesses++
		w.mustDamage("NAME#alice", "LOGIN", "fails", num(guesses))
		w.mustDamage("NAME#alice", "LOGIN", "ttl", num(w.Now().Add(time.Hour).Unix()))
		w.races.before("UpdateItem", outrun)
	}
	w.races.before("UpdateItem", outrun)
	if err := w.BeginLogin(t.Context(), "alice", w.Now()); !errors.Is(err, chat.TooManyAttempts(0)) {
		t.Errorf("err %v", err)
	}
}
