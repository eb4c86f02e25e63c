package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tidings/internal/chat"
)

// AppendCustom implements chat.EmissionStore. A user has a log, so whoever has none is
// no user.
func (s *Store) AppendCustom(ctx context.Context, user chat.UserID, body chat.CustomBody, idem chat.Idempotency) (chat.Answer, error) {
	head, kept := headKey(chat.UserLog(user)), idemKey(user, idem)
	got, err := s.getAll(ctx, withRecord(user, idem, head)...)
	if err != nil {
		return chat.Answer{}, err
	}
	if rec, err := s.earlier(got[kept], idem); err != nil {
		return chat.Answer{}, err
	} else if rec != nil {
		return chat.Answer{Entry: chat.Entry{Log: rec.log, Seq: rec.seq}, Status: rec.status, Replayed: true}, nil
	}
	if got[head] == nil {
		return chat.Answer{}, chat.ErrUserNotFound
	}
	h, err := decodeHead(got[head])
	if err != nil {
		return chat.Answer{}, err
	}
	a := newAppender(s, h, chat.Entry{Kind: chat.KindCustom}, body)
	var done *record
	err = s.commit(ctx, change{refresh: a.refresh, build: func(now time.Time) ([]write, error) {
		ws, err := a.writes(now)
		rec := record{status: statusOK, log: a.entry.Log, seq: a.entry.Seq}
		return append([]write{s.keep(user, idem, rec, now, func(was record) { done = &was })}, ws...), err
	}})
	if err != nil {
		return chat.Answer{}, err
	}
	return s.settled(ctx, done, chat.Answer{Entry: a.entry, Status: statusOK})
}

// CountEmission implements chat.EmissionStore. Each window has a counter of its own,
// so that counting is one update; a caller's takes a thousand requests a second, as any
// item does. A request that is refused has counted nothing.
func (s *Store) CountEmission(ctx context.Context, caller string, receivers int) error {
	most := s.limits.Receivers
	if most == 0 {
		return nil
	}
	if receivers > most { // an empty window would take it, and waiting help nobody
		return chat.Invalid(chat.Field("userIds", "too_many", "At most %d users at once.", most))
	}
	now := s.now()
	window := now.UnixMilli() / chat.EmitWindow.Milliseconds()
	end := time.UnixMilli((window + 1) * chat.EmitWindow.Milliseconds())
	_, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: emitRateKey(caller, window).item(),
		UpdateExpression:         aws.String("ADD rc :n SET #ttl = :ttl"),
		ConditionExpression:      aws.String("attribute_not_exists(rc) OR rc <= :room"),
		ExpressionAttributeNames: map[string]string{"#ttl": "ttl"},
		ExpressionAttributeValues: item{
			":n": num(receivers), ":room": num(most - receivers), ":ttl": num(end.Add(time.Hour).Unix()),
		},
	})
	var full *types.ConditionalCheckFailedException
	if errors.As(err, &full) {
		return chat.RateLimited(end.Sub(now))
	}
	if err != nil {
		return fmt.Errorf("count emission: %w", busy(err))
	}
	return nil
}
