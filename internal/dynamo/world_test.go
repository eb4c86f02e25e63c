package dynamo_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"go.uber.org/goleak"

	"tidings/internal/chat"
	"tidings/internal/chattest"
	"tidings/internal/dynamo"
	"tidings/local/aws"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What the store shares with every other is tested by chattest's contract; the
// other tests here are about the table.
func TestStore(t *testing.T) {
	chattest.Contract{
		Open: func(t *testing.T, clock *chattest.Clock) chattest.Stores {
			return openWorld(t, clock, dynamo.Limits{}).Store
		},
		OpenLimited: func(t *testing.T, clock *chattest.Clock, messages int, window time.Duration) chattest.Stores {
			return openWorld(t, clock, dynamo.Limits{Messages: messages, Window: window}).Store
		},
		OpenFew: func(t *testing.T, clock *chattest.Clock, memberships int) chattest.Stores {
			return openWorld(t, clock, dynamo.Limits{Memberships: memberships}).Store
		},
	}.Run(t)
}

// world is a store on a table of the embedded AWS.
type world struct {
	*chattest.World
	*dynamo.Store
	aws   *aws.Server
	db    *dynamodb.Client
	units *chattest.Capacity
	races *interloper
}

const tableName = "tidings-test"

func newWorld(t *testing.T, limits dynamo.Limits) *world {
	t.Helper()
	return openWorld(t, chattest.NewClock(), limits)
}

func openWorld(t *testing.T, clock *chattest.Clock, limits dynamo.Limits) *world {
	t.Helper()
	srv, err := aws.New(aws.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = srv.Close() })
	w := &world{aws: srv, units: &chattest.Capacity{Next: srv.Client().Transport}}
	w.races = &interloper{next: w.units}
	cfg := srv.Config()
	cfg.HTTPClient = &http.Client{Transport: w.races}
	w.db = dynamodb.NewFromConfig(cfg)
	w.Store = dynamo.New(cfg, tableName, limits, clock.Now)
	w.World = &chattest.World{T: t, Stores: w.Store, Clock: clock}
	if err := w.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

// interloper does something of its own right before a request, once: a race that
// is always lost.
type interloper struct {
	next    http.RoundTripper
	latency time.Duration // of each request, for tests in fake time

	mu sync.Mutex
	op string // guarded by mu
	do func() // guarded by mu
}

// before has do called before the next request of that operation.
func (i *interloper) before(op string, do func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.op, i.do = op, do
}

// RoundTrip implements http.RoundTripper.
func (i *interloper) RoundTrip(r *http.Request) (*http.Response, error) {
	i.mu.Lock()
	do := i.do
	if do != nil && strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+i.op) {
		i.do = nil
	} else {
		do = nil
	}
	i.mu.Unlock()
	if do != nil {
		do()
	}
	if i.latency > 0 {
		time.Sleep(i.latency)
	}
	return i.next.RoundTrip(r)
}

func (w *world) mustEntries(log chat.LogID) []chat.Entry {
	w.Helper()
	es, err := w.Entries(w.Context(), log, 0, 1<<40)
	if err != nil {
		w.Fatal(err)
	}
	return es
}

func (w *world) mustHead(log chat.LogID) chat.Head {
	w.Helper()
	hs, err := w.Heads(context.Background(), []chat.LogID{log})
	if err != nil {
		w.Fatal(err)
	}
	return hs[log]
}
