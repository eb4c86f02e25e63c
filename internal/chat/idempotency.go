package chat

import (
	"strings"
	"time"
)

// IdempotencyLifetime is how long a key is remembered.
const IdempotencyLifetime = 24 * time.Hour

// MaxIdempotencyKey is the longest key in bytes; keys are printable ASCII.
const MaxIdempotencyKey = 255

// Idempotency makes a write happen once. Every write has a key: the client's, or
// one made for the request so that an attempt repeated after a time-out does not
// append twice.
type Idempotency struct {
	Caller string // of an emission: the service whose key it is; else it is the user's own
	Key    string
	Hash   string // of the request's method, path and body; of an emission: of the event
	Given  bool   // by the client, so that an earlier request may have used it
}

// Check refuses a key that is no key. One that was made for the request needs none.
func (i Idempotency) Check() error {
	unprintable := func(r rune) bool { return r < ' ' || r > '~' }
	if i.Given && (i.Key == "" || len(i.Key) > MaxIdempotencyKey || strings.ContainsFunc(i.Key, unprintable)) {
		return Invalid(Field("Idempotency-Key", "idempotency_key", "1 to %d printable ASCII characters.", MaxIdempotencyKey))
	}
	return nil
}

// Answer is what a write ended with: enough to give the same answer again.
type Answer struct {
	Entry    Entry
	Status   int  // HTTP status of the first answer
	Replayed bool // the write was done by an earlier request, which has published it
}
