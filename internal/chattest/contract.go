package chattest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings/internal/chat"
)

// Contract is what chat's services and the streams rely on in a store, as tests. Each
// test opens an empty store of its own.
type Contract struct {
	// Open makes a store that tells the time by the clock and limits nobody.
	Open func(t *testing.T, clock *Clock) Stores
	// OpenLimited makes one that takes so many messages of one member in one log per
	// window. An implementation without limits says so by nil: the outcomes that need
	// one (ErrRateLimited and its kin) are then no part of its contract.
	OpenLimited func(t *testing.T, clock *Clock, messages int, window time.Duration) Stores
	// OpenFew makes one that lets a user have so many open memberships.
	OpenFew func(t *testing.T, clock *Clock, memberships int) Stores
}

// Run runs all tests of the contract.
func (c Contract) Run(t *testing.T) {
	t.Run("CreateUser", c.createUser)
	t.Run("Users", c.users)
	t.Run("UserByName", c.userByName)
	t.Run("SearchUsers", c.searchUsers)
	t.Run("UserOf", c.userOf)
	t.Run("CreateUserFor", c.createUserFor)
	t.Run("CreateUserForGivenID", c.createUserForGivenID)
	t.Run("Session", c.session)
	t.Run("EndSession", c.endSession)
	t.Run("EndSessionForeign", c.endSessionForeign)
	t.Run("CreateConversation", c.createConversation)
	t.Run("CreateConversationIdempotency", c.createConversationIdempotency)
	t.Run("Conversations", c.conversations)
	t.Run("View", c.view)
	t.Run("AppendMessage", c.appendMessage)
	t.Run("AppendMessageIdempotency", c.appendMessageIdempotency)
	t.Run("AppendMessagePrecedence", c.appendMessagePrecedence)
	t.Run("AppendMessageRate", c.appendMessageRate)
	t.Run("Messages", c.messages)
	t.Run("MarkRead", c.markRead)
	t.Run("MarkReadIdempotency", c.markReadIdempotency)
	t.Run("AppendCustom", c.appendCustom)
	t.Run("Instances", c.instances)
	t.Run("Deliveries", c.deliveries)
	t.Run("Memberships", c.memberships)
	t.Run("Position", c.position)
	t.Run("SessionsHold", c.sessionsHold)
}

func (c Contract) open(t *testing.T) *World {
	t.Helper()
	clock := NewClock()
	return &World{T: t, Stores: c.Open(t, clock), Clock: clock}
}

// test is one named outcome: a story in a new world.
func (c Contract) test(t *testing.T, outcome string, story func(w *World)) {
	t.Helper()
	t.Run(outcome, func(t *testing.T) { story(c.open(t)) })
}

// crowd is how many do a thing at once: enough to lose races, few enough that each
// wins one before a store gives up.
const crowd = 20

// atOnce calls do from a crowd of goroutines and waits for them.
func atOnce(do func(i int)) {
	var wg sync.WaitGroup
	for i := range crowd {
		wg.Go(func() { do(i) })
	}
	wg.Wait()
}

// mustReplay checks that the answer to a repeated request is the first one.
func mustReplay(t *testing.T, again chat.Answer, err error, first chat.Answer) {
	t.Helper()
	first.Replayed = true
	if diff := cmp.Diff(first, again); err != nil || diff != "" {
		t.Errorf("the repeated request was answered otherwise (-first +again): %v\n%s", err, diff)
	}
}

// mustAscend checks that entries of one log follow each other without holes and
// that their times strictly increase.
func mustAscend(t *testing.T, entries ...chat.Entry) {
	t.Helper()
	for i, e := range entries {
		if i > 0 && (e.Log != entries[i-1].Log || e.Seq != entries[i-1].Seq+1 || e.TS <= entries[i-1].TS) {
			t.Errorf("%s follows %s", at(e), at(entries[i-1]))
		}
	}
}

func at(e chat.Entry) string { return fmt.Sprintf("%s/%d of time %d", e.Log, e.Seq, e.TS) }
