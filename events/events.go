// Package events tells users of Tidings what other services of the same AWS account
// do: an event lands in the user's own log and reaches every stream of theirs, those
// too that connect within 7 days, and their list of notifications keeps it for 90.
//
// It writes to the table and publishes itself, so the service's role needs
// dynamodb:GetItem, BatchGetItem, PutItem and UpdateItem on the table and sns:Publish
// on the topic. Services elsewhere use POST /api/events/emit, which does the same. The
// machine's clock must be right to 10 seconds: what clients resume from rests on it.
package events

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"tidings/internal/bus"
	"tidings/internal/chat"
	"tidings/internal/dynamo"
)

// Emitter emits events. It is safe for concurrent use; a service needs one.
type Emitter struct {
	emissions *chat.Emissions
	caller    string
}

// New makes an emitter that reaches AWS as cfg says.
func New(cfg aws.Config, c Config) (*Emitter, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	return &Emitter{caller: c.Caller, emissions: &chat.Emissions{
		Store: dynamo.New(cfg, c.Table, dynamo.DefaultLimits, time.Now),
		Bus:   &bus.Topic{Client: sns.NewFromConfig(cfg), ARN: c.TopicARN, Cells: c.Cells},
		Log:   slog.Default(),
	}}, nil
}

// Option changes how an event is emitted.
type Option func(*chat.Idempotency)

// Key makes repeating safe: within 24 hours an event of the same type and data reaches
// each user once under a key of the service, which is any text of 1 to 255 printable
// ASCII characters that names what happened, such as "order-17-shipped". Without one,
// an event whose call failed may have been told all the same, and again if it is
// repeated.
func Key(key string) Option {
	return func(i *chat.Idempotency) { i.Key, i.Given = key, true }
}

// Emit tells a user an event. Its type has at most 64 letters, digits, dots, colons,
// hyphens and underscores, the first a letter, and is none of the service's own (docs/events.md);
// its data is any value that encoding/json writes, of at most 64 KiB.
//
// ErrUserNotFound, ErrTooLarge, ErrRateLimited, ErrKeyUsed, or an error with another Code.
func (e *Emitter) Emit(ctx context.Context, userID int64, eventType string, data any, options ...Option) error {
	err := e.EmitToMany(ctx, []int64{userID}, eventType, data, options...)
	if failed, ok := errors.AsType[Failures](err); ok {
		return failed[0].Err
	}
	return err
}

// EmitToMany tells several users one event, each in a transaction of their own, 16 at a
// time. A service reaches at most 10,000 users in 10 seconds, and names no more in one
// call. Where it fails for some the error is Failures; calling it again with the same Key reaches those alone,
// whether or not the others are named again.
func (e *Emitter) EmitToMany(ctx context.Context, userIDs []int64, eventType string, data any, options ...Option) error {
	var idem chat.Idempotency
	for _, o := range options {
		o(&idem)
	}
	if err := idem.Check(); err != nil {
		return err
	}
	text, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("encode data: %w", err)
	}
	m := chat.Emission{Caller: e.caller, CustomBody: chat.CustomBody{Type: eventType, Data: text}}
	for _, id := range userIDs {
		m.To = append(m.To, chat.UserID(id))
	}
	results, err := e.emissions.Emit(ctx, m, idem)
	if err != nil {
		return err
	}
	var failed Failures
	for _, r := range results {
		if r.Err != nil {
			failed = append(failed, Failure{UserID: int64(r.User), Err: r.Err})
		}
	}
	if len(failed) > 0 {
		return failed
	}
	return nil
}
