package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings/internal/chat"
	"tidings/internal/chattest"
	"tidings/internal/dynamo"
	"tidings/local/aws"
)

// Twenty on each side ask at once: there is one friendship, and both logs tell one
// story of it.
func TestCrossingRequestsRace(t *testing.T) {
	w := newFriends(t, dynamo.Limits{})
	var mu sync.Mutex
	statuses, codes := map[int]int{}, map[string]int{}
	var wg sync.WaitGroup
	for i := range 40 {
		me, other := w.alice, w.bob
		if i%2 == 1 {
			me, other = other, me
		}
		wg.Go(func() {
			a, err := w.change(chat.FriendRequested, me, other)
			mu.Lock()
			defer mu.Unlock()
			var told *chat.Error
			switch {
			case err == nil:
				statuses[a.Status]++
			case errors.As(err, &told):
				codes[told.Code]++
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if diff := cmp.Diff(map[int]int{201: 1, 200: 1}, statuses); diff != "" {
		t.Errorf("statuses (-want +got)\n%s", diff)
	}
	if n := codes["already_friends"] + codes["request_exists"]; n != 38 {
		t.Errorf("refused %v", codes)
	}
	first, second := w.alice, w.bob
	if w.kinds(w.alice) != "requested friend_accepted" {
		first, second = second, first
	}
	w.wantKinds(first, "requested friend_accepted")
	w.wantKinds(second, "friend_request accepted")
	w.checkStory(w.alice, w.bob)
}

// The sender withdraws while the receiver accepts or declines: one of them is in time.
func TestAnswerAndWithdrawRace(t *testing.T) {
	for _, answer := range []chat.FriendChange{chat.FriendAccepted, chat.FriendDeclined} {
		t.Run(string(answer), func(t *testing.T) {
			w := newFriends(t, dynamo.Limits{})
			for i := range 10 {
				bob := w.MustUser(fmt.Sprintf("bob%d", i))
				w.must(chat.FriendRequested, w.alice, bob)
				var wg sync.WaitGroup
				var answered, withdrawn error
				wg.Go(func() { _, answered = w.change(answer, bob, w.alice) })
				wg.Go(func() { _, withdrawn = w.change(chat.FriendWithdrawn, w.alice, bob) })
				wg.Wait()
				if (answered == nil) == (withdrawn == nil) {
					t.Errorf("answered %v, withdrawn %v", answered, withdrawn)
				}
				for _, err := range []error{answered, withdrawn} {
					if err != nil && !errors.Is(err, chat.ErrRequestNotFound) {
						t.Error(err)
					}
				}
				w.checkStory(w.alice, bob)
			}
		})
	}
}

// Whatever the table does to the transactions: each change happens once.
func TestChangeFriendsUnderFaults(t *testing.T) {
	for name, f := range map[string]aws.FaultConfig{
		"TimeoutAfterCommit": {TimeoutAfterCommit: 0.5, Seed: 1},
		"Conflict":           {Conflict: 0.5, Seed: 1},
		"Throttle":           {Throttle: 0.3, Seed: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newFriends(t, dynamo.Limits{Requests: 1000})
				carol := w.MustUser("carol")
				w.mustFaults(f)
				for range 5 {
					w.must(chat.FriendRequested, w.alice, w.bob)
					w.must(chat.FriendAccepted, w.bob, w.alice)
					w.must(chat.FriendRequested, carol, w.bob)
					w.must(chat.FriendWithdrawn, carol, w.bob)
					w.must(chat.FriendUnfriended, w.alice, w.bob)
					w.must(chat.FriendRequested, w.bob, carol)
					w.must(chat.FriendDeclined, carol, w.bob)
					w.Advance(25 * time.Hour)
				}
				w.mustFaults(aws.FaultConfig{})
				w.wantKinds(w.alice, strings.TrimSpace(strings.Repeat("requested friend_accepted unfriended ", 5)))
				w.wantKinds(carol, strings.TrimSpace(strings.Repeat("requested withdrawn friend_request declined ", 5)))
				w.checkStory(w.alice, w.bob, carol)
			})
		})
	}
	t.Run("GivenKey", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newFriends(t, dynamo.Limits{})
			w.mustFaults(aws.FaultConfig{TimeoutAfterCommit: 1})
			a, err := w.ChangeFriends(context.Background(), chat.FriendRequested, w.alice, w.bob, chattest.Given("k", "h"))
			if err != nil || a.Status != 201 || a.Entry.Seq != 1 {
				t.Errorf("%+v %v", a, err)
			}
			w.mustFaults(aws.FaultConfig{})
			w.checkStory(w.alice, w.bob)
		})
	})
}
