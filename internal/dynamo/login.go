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

// Failed log-ins of one username: five are free, then each doubles the wait, from
// two seconds to five minutes, forgotten after a day without one. It holds a
// guesser to 300 tries a day. Whoever goes on guessing keeps the owner waiting too;
// what ends that is a rule at the edge, by address.
const (
	freeLogins    = 5
	longestWait   = 5 * time.Minute
	loginLifetime = 24 * time.Hour
)

func loginWait(failures int64) time.Duration {
	if failures < freeLogins {
		return 0
	}
	return min(time.Second<<min(failures-freeLogins+1, 20), longestWait)
}

// BeginLogin counts an attempt before its password is looked at, so that many at
// once are not more than their number. Names without an account count alike.
func (s *Store) BeginLogin(ctx context.Context, folded string, now time.Time) error {
	for range 4 { // a race means another attempt at this moment: read again
		it, err := s.get(ctx, loginKey(folded))
		if err != nil {
			return err
		}
		r := reader{it: it}
		fails, next := r.int("fails"), time.UnixMilli(r.int("nextAt"))
		if r.err != nil {
			return r.err
		}
		if time.Unix(r.int("ttl"), 0).Before(now) {
			fails, next = 0, time.Time{}
		}
		if wait := next.Sub(now); wait > 0 {
			return chat.TooManyAttempts(wait)
		}
		err = s.countLogin(ctx, folded, it, fails+1, now)
		var raced *types.ConditionalCheckFailedException
		if !errors.As(err, &raced) {
			return err
		}
	}
	return chat.TooManyAttempts(time.Second)
}

func (s *Store) countLogin(ctx context.Context, folded string, was item, fails int64, now time.Time) error {
	in := &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: loginKey(folded).item(),
		UpdateExpression:         aws.String("SET fails = :fails, nextAt = :next, #ttl = :ttl"),
		ConditionExpression:      aws.String(absent),
		ExpressionAttributeNames: map[string]string{"#ttl": "ttl"},
		ExpressionAttributeValues: item{
			":fails": num(fails), ":next": num(now.Add(loginWait(fails)).UnixMilli()), ":ttl": num(now.Add(loginLifetime).Unix()),
		},
	}
	if was != nil {
		in.ConditionExpression = aws.String("fails = :was")
		in.ExpressionAttributeValues[":was"] = was["fails"]
	}
	if _, err := s.db.UpdateItem(ctx, in); err != nil {
		return fmt.Errorf("count log-in: %w", busy(err))
	}
	return nil
}

// LoginSucceeded forgets the failures of the name.
func (s *Store) LoginSucceeded(ctx context.Context, folded string) error {
	if _, err := s.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &s.table, Key: loginKey(folded).item()}); err != nil {
		return fmt.Errorf("forget failed log-ins: %w", busy(err))
	}
	return nil
}
