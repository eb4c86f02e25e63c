package chat

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"sync"
	"time"
	"unicode/utf8"
)

// Limits of what other services emit.
const (
	// MaxReceivers is how many users one request may name: each is a transaction, and
	// all of them must fit in a function's time.
	MaxReceivers = 100
	// MaxEmitData is the most bytes of an event's data, as JSON without spaces. What is
	// larger belongs behind a URL that the event names.
	MaxEmitData = 64 << 10
	// MaxEventType is the longest type in bytes.
	MaxEventType = 64
	// EmitWindow is the time in which a caller may reach dynamo.Limits.Receivers users.
	EmitWindow = 10 * time.Second
	// emitsAtOnce is how many receivers of one request are written to at a time.
	emitsAtOnce = 16
)

// EventTypePattern is what the type of a service's own event is made of.
const EventTypePattern = `^[A-Za-z][A-Za-z0-9_.:-]*$`

var eventTypeShape = regexp.MustCompile(EventTypePattern)

var callerShape = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// IsCaller says whether a service may be called so. No # is in it, which ends it in keys
// of the table.
func IsCaller(s string) bool { return callerShape.MatchString(s) }

// IsEventType says whether a type may be called so, whoever tells it.
func IsEventType(s string) bool { return len(s) <= MaxEventType && eventTypeShape.MatchString(s) }

// streamTypes are the stream's own events, and those that an EventSource makes itself.
// internal/stream describes the former; a test there holds the two lists together.
var streamTypes = []string{"ready", "heartbeat", "reset", "reconnect", "revoked", "open", "error", "close"}

// ReservedType says whether clients take events of the type for the service's own: a
// message that nobody sent, or the end of the stream.
func ReservedType(typ string) bool {
	return slices.Contains(streamTypes, typ) ||
		slices.ContainsFunc(EventTypes, func(t EventType) bool { return t.Name == typ })
}

// Emissions is the service of events that other services tell users.
type Emissions struct {
	Store EmissionStore
	Bus   Publisher
	Log   *slog.Logger
}

// EmissionStore keeps what other services tell users.
type EmissionStore interface {
	// CountEmission counts the receivers of a request against what its caller may:
	// RateLimited; what no window has room for breaks a rule.
	CountEmission(ctx context.Context, caller string, receivers int) error
	// AppendCustom appends the event to the user's own log, once for each key of the
	// caller. Of one that was appended by an earlier request the answer has the
	// entry's place alone. ErrIdempotencyMismatch, ErrUserNotFound, SlowMode.
	AppendCustom(ctx context.Context, user UserID, body CustomBody, idem Idempotency) (Answer, error)
}

// Emission is one event for several users.
type Emission struct {
	Caller string // the service that emits; its keys and its rate are its own
	To     []UserID
	CustomBody
}

// Emitted is what became of an emission at one receiver.
type Emitted struct {
	User UserID
	Seq  int64 // of the entry in the user's own log
	Err  error // why there is none
}

// Emit tells each receiver the event, in a transaction of their own: so it may fail
// for some. Who sends it again with the same key reaches those alone. The refusals of
// the whole: what breaks a rule, ErrEntryTooLarge, RateLimited.
func (e *Emissions) Emit(ctx context.Context, m Emission, idem Idempotency) ([]Emitted, error) {
	if err := m.clean(); err != nil {
		return nil, err
	}
	if err := e.Store.CountEmission(ctx, m.Caller, len(m.To)); err != nil {
		return nil, fmt.Errorf("count emission: %w", err)
	}
	idem.Caller, idem.Hash = m.Caller, m.hash()
	if idem.Key == "" {
		idem.Key = rand.Text()
	}
	out := make([]Emitted, len(m.To))
	slots := make(chan struct{}, emitsAtOnce)
	var wg sync.WaitGroup
	for i, user := range m.To {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			seq, err := e.emit(ctx, user, m.CustomBody, idem)
			out[i] = Emitted{User: user, Seq: seq, Err: err}
		})
	}
	wg.Wait()
	return out, nil
}

// emit tells one receiver, and publishes at once: the first of a hundred doesn't wait
// for the last.
func (e *Emissions) emit(ctx context.Context, user UserID, body CustomBody, idem Idempotency) (int64, error) {
	a, err := e.Store.AppendCustom(ctx, user, body, idem)
	if err != nil {
		return 0, fmt.Errorf("append event for user %d: %w", user, err)
	}
	if !a.Replayed {
		publish(ctx, e.Bus, e.Log, a.Entry)
	}
	return a.Entry.Seq, nil
}

// clean checks the event, takes the spaces out of its data and repetitions out of its
// receivers.
func (m *Emission) clean() error {
	var bad []FieldError
	if !IsEventType(m.Type) {
		bad = append(bad, Field("type", "event_type", "1 to %d letters, digits, dots, colons, hyphens and underscores, the first a letter.", MaxEventType))
	} else if ReservedType(m.Type) {
		bad = append(bad, Field("type", "reserved_type", "This type is the service's own."))
	}
	if len(bad) > 0 {
		return Invalid(bad...)
	}
	if len(m.Data) == 0 {
		m.Data = json.RawMessage("null")
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, m.Data); err != nil || !utf8.Valid(m.Data) { // the table would keep another text than is published
		return Invalid(Field("data", "malformed", "The data is not one JSON value."))
	}
	m.Data = compact.Bytes()
	body, err := json.Marshal(m.CustomBody)
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	if len(m.Data) > MaxEmitData || len(body) > MaxEntryBody { // "<" has six bytes in an entry
		return ErrEntryTooLarge
	}
	var to []UserID
	seen := make(map[UserID]bool, len(m.To))
	for _, user := range m.To {
		if !seen[user] {
			seen[user] = true
			to = append(to, user)
		}
	}
	m.To = to
	return nil
}

// hash names the event and not its receivers: each keeps a record of its own, and a
// retry may name those alone whom the first request failed for.
func (m *Emission) hash() string {
	h := sha256.New()
	_, _ = io.WriteString(h, m.Type+"\n")
	_, _ = h.Write(m.Data)
	return hex.EncodeToString(h.Sum(nil))
}
