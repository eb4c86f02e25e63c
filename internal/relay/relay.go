// Package relay turns committed entries into hints. It is the guarantee behind
// the fast path: whatever a writer failed to publish, the table's stream has it,
// and the hint makes every hub that lacks it read the table.
//
// It imports internal/bus for the hint alone.
package relay

import (
	"context"
	"fmt"
	"math"
	"strings"

	"tidings/internal/bus"
	"tidings/internal/chat"
	"tidings/internal/telemetry"
)

// The shape of an entry's keys in the table.
const (
	logPrefix   = "L#" // of PK, before the log's id
	entryPrefix = "E#" // of SK, before the seq in 12 digits
)

// Record is one change of the table, as far as a hint needs it. Log, Seq, TS, Adds
// and Shards are set for an inserted entry only.
type Record struct {
	Insert bool
	PK, SK string
	Log    chat.LogID
	Seq    int64
	TS     int64 // Unix ms
	Adds   []chat.UserID
	Shards chat.Shards
}

// Entry says whether the record is that of a newly committed entry. Other items,
// and entries that change (a read flag) or expire, tell the streamers nothing.
func (r Record) Entry() bool {
	return r.Insert && r.Log != "" && r.Seq > 0 && isEntry(r.PK, r.SK)
}

func isEntry(pk, sk string) bool {
	return strings.HasPrefix(pk, logPrefix) && strings.HasPrefix(sk, entryPrefix)
}

// HintPublisher sends hints to the streamers; *bus.Topic does.
type HintPublisher interface {
	PublishHints(ctx context.Context, hints []bus.Hint) error
}

// Relay publishes a hint of every committed entry. The zero value needs its
// Publisher.
type Relay struct {
	Publisher HintPublisher
	Metrics   *telemetry.EMF // nil: none
}

// Handle publishes one batch of records: the entries among them as hints in one
// call. After an error the whole batch is to be handled again; hubs drop the
// hints that they got twice.
func (r *Relay) Handle(ctx context.Context, records []Record) error {
	var hints []bus.Hint
	oldest := int64(math.MaxInt64)
	for _, rec := range records {
		if rec.Entry() {
			hints = append(hints, bus.Hint{Log: rec.Log, Seq: rec.Seq, Adds: rec.Adds, Shards: rec.Shards})
			if rec.TS > 0 {
				oldest = min(oldest, rec.TS)
			}
		}
	}
	if len(hints) == 0 {
		return nil
	}
	err := r.Publisher.PublishHints(ctx, hints)
	r.Metrics.Relay(len(hints), oldest, err)
	if err != nil {
		return fmt.Errorf("relay %d entries: %w", len(hints), err)
	}
	return nil
}
