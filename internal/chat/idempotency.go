package chat

import "time"

// IdempotencyLifetime is how long a key is remembered.
const IdempotencyLifetime = 24 * time.Hour

// MaxIdempotencyKey is the longest key in bytes; keys are printable ASCII.
const MaxIdempotencyKey = 255

// Idempotency makes a write happen once. Every write has a key: the client's, or
// one made for the request so that an attempt repeated after a time-out does not
// append twice.
type Idempotency struct {
	Key   string
	Hash  string // of the request's method, path and body
	Given bool   // by the client, so that an earlier request may have used it
}

// Answer is what a write ended with: enough to give the same answer again.
type Answer struct {
	Entry    Entry
	Status   int  // HTTP status of the first answer
	Replayed bool // the write was done by an earlier request, which has published it
}
