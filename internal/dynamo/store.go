// Package dynamo keeps the domain in one DynamoDB table. It is the only importer
// of the DynamoDB SDK.
//
// Every write of the domain is one transaction (commit.go); every read that a
// decision rests on is strongly consistent.
package dynamo

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"tidings/internal/chat"
)

// Limits bound what one user may do. Zero fields mean: no limit.
type Limits struct {
	Messages int           // messages of one member in one log per Window
	Window   time.Duration // at least a second
	Requests int           // friend requests of one user an hour
	// Receivers are the users that one service may emit to per chat.EmitWindow, each as
	// often as it is named.
	Receivers int
	// Memberships are the open ones that a user can have. The limit is soft: requests
	// at once may each count before the others' are committed.
	Memberships int
}

// DefaultLimits are generous: ten messages a second for ten seconds is faster
// than people type and slower than a script floods. Who asks twenty people an hour is
// busy; who asks more fishes. A service that emits to a thousand users a second takes
// 8,000 write units of the 40,000 that a new table has.
var DefaultLimits = Limits{Messages: 100, Window: 10 * time.Second, Requests: 20, Receivers: 10_000, Memberships: chat.MaxMemberships}

// Store implements the stores of package chat and the reads of the streamer.
type Store struct {
	db     *dynamodb.Client
	table  string
	now    func() time.Time
	limits Limits
	clock  *clock
}

// New gives a store on a table, reached as cfg says. now may be nil for the real
// clock.
func New(cfg aws.Config, table string, limits Limits, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	c := &clock{now: now}
	db := dynamodb.NewFromConfig(cfg, dynamodb.WithAPIOptions(c.observe))
	return &Store{db: db, table: table, now: now, limits: limits, clock: c}
}

// once turns the SDK's own retries off for one call: the caller retries itself,
// with what it learned.
func once(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }
