package stream

import (
	"context"

	"tidings/internal/chat"
)

// Store is what the hub reads of the table. All reads are strongly consistent.
type Store interface {
	// Heads reads the heads of logs; those that have none yet are left out. The
	// hub asks for at most 100 at once.
	Heads(ctx context.Context, logs []chat.LogID) (map[chat.LogID]chat.Head, error)
	// Entries reads those with after < seq ≤ to, ascending: maybe only a first
	// page of them, but at least one if there is any.
	Entries(ctx context.Context, log chat.LogID, after, to int64) ([]chat.Entry, error)
	// Position reads back from an entry: the position just before the oldest entry
	// in after < seq ≤ to that has a later ts than the given, to if there is none.
	// Entries that are gone from the table count as older.
	Position(ctx context.Context, log chat.LogID, ts, after, to int64) (int64, error)
	// Memberships reads all of a user's memberships, tombstones too. The user's
	// own log is not among them.
	Memberships(ctx context.Context, user chat.UserID) ([]chat.Membership, error)
	// Membership reads one: without intervals if there is none.
	Membership(ctx context.Context, user chat.UserID, log chat.LogID) (chat.Membership, error)
}

// Sessions says whether a session still holds.
type Sessions interface {
	// Session reads an authenticated session again, strongly; chat.ErrSessionEnded.
	Session(ctx context.Context, s chat.Session) (chat.Session, error)
	// SessionsHold says of at most 100 sessions, in their order, whether they hold.
	SessionsHold(ctx context.Context, ss []chat.Session) ([]bool, error)
}

// Conn is the socket of one stream. The hub's loop calls its methods, one at a time,
// so none may wait, nor call the hub back from within; the Flush of different sockets
// may run at once. The socket tells its side through the Stream that Hub.Open gave.
type Conn interface {
	// Write takes over a frame and returns how many bytes are taken but not yet
	// sent. After an answer of PendingHigh or more the hub stops feeding until
	// Stream.Writable.
	Write(f Frame) (pending int)
	// Flush starts the sending of what was written since the last Flush, in one
	// piece.
	Flush()
	// Progress says how many bytes are taken but not sent, and how many were
	// sent so far.
	Progress() (pending int, sent uint64)
	// Close ends the socket once what was written is sent, or a few seconds
	// later. No call follows it.
	Close()
}

// The bounds of what a Conn holds unsent, in bytes. Above the high one the hub
// stops feeding, at or below the low one the socket calls Stream.Writable.
const (
	PendingHigh = 64 << 10
	PendingLow  = 16 << 10
)
