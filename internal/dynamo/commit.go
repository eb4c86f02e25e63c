package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"tidings/internal/chat"
	"tidings/internal/telemetry"
)

// The time of an append. A function's time-out is 15 s at most and a cursor's W
// lies 60 s behind, so an attempt whose answer is lost must have ended long before.
const (
	attemptTimeout = 5 * time.Second
	commitBudget   = 8 * time.Second // all attempts together
	retryAfter     = time.Second     // what a refused client is told: the race is usually over by then

	shortestPause = time.Millisecond
	longestPause  = time.Second // room for a hundred racers at 10 ms an attempt
)

// write is one item of a transaction and what its failed condition means.
type write struct {
	op types.TransactWriteItem
	// failed gets the item as it is (nil when there is none). An error refuses
	// the whole change; nil means that what was known is corrected, and the
	// transaction is built and tried again. A write without a condition needs none.
	failed func(now item) error
}

// change is a transaction that is built anew for each attempt.
type change struct {
	// build gives the writes in the order in which their refusals count: the
	// idempotency record, the right to write, the rate, the head.
	build func(now time.Time) ([]write, error)
	// refresh reads what may have changed since the last attempt; nil when failed
	// conditions tell all.
	refresh func(context.Context) error
}

// errSettled is what a failed condition returns when the change has been done
// already: commit ends without an error.
var errSettled = errors.New("settled")

// commit tries a change until it is done or refused. A lost race, a conflict, a
// throttled table and an unknown outcome (a time-out after which it may or may not
// have been done) are tried again for commitBudget: then SlowMode or Overloaded. A
// change that may have been done before its time-out is recognised by its
// conditions, first of all that of its idempotency record.
//
// Between attempts it waits: full jitter under a bound that starts at the length of
// an attempt and doubles, so that those who race for one head come to leave as much
// room between them as one attempt takes, on a laptop and in the cloud alike. Who has
// waited for long is one of few, and presses harder again.
func (s *Store) commit(ctx context.Context, c change) (err error) {
	start, bound, cost := time.Now(), time.Duration(0), telemetry.CallOf(ctx)
	attempt := 0
	ctx, span := telemetry.StartAppend(ctx)
	defer func() { span.Attempted(attempt+1, err) }()
	for ; ; attempt++ {
		began := time.Now()
		again, err := s.attempt(ctx, c, attempt)
		cost.Attempted(lost(again))
		if errors.Is(err, errSettled) {
			return nil
		}
		if err != nil || again == nil {
			return err
		}
		if time.Since(start) > commitBudget {
			return again
		}
		if attempt == 0 {
			bound = min(max(time.Since(began), shortestPause), longestPause)
		}
		if err := pause(ctx, bound); err != nil {
			return err
		}
		if time.Since(start) < commitBudget/4 {
			bound = min(2*bound, longestPause)
		} else {
			bound = max(bound/2, shortestPause)
		}
	}
}

// lost says whether an attempt failed because another writer was faster.
func lost(again error) bool {
	e, ok := errors.AsType[*chat.Error](again)
	return ok && e.Kind == chat.KindTooFast
}

// attempt makes one attempt. again says why it is worth another one.
func (s *Store) attempt(ctx context.Context, c change, n int) (again, err error) {
	if n > 0 && c.refresh != nil {
		var unread *smithy.OperationError
		if err := c.refresh(ctx); errors.As(err, &unread) && ctx.Err() == nil && !isRefusal(err) {
			return chat.Overloaded(retryAfter), nil
		} else if err != nil {
			return nil, err
		}
	}
	writes, err := c.build(s.now()) // with a timestamp of this attempt
	if err != nil {
		return nil, err
	}
	return s.try(ctx, writes)
}

func (s *Store) try(ctx context.Context, writes []write) (again, err error) {
	ops := make([]types.TransactWriteItem, len(writes))
	for i, w := range writes {
		ops[i] = w.op
	}
	actx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	_, err = s.db.TransactWriteItems(actx, &dynamodb.TransactWriteItemsInput{TransactItems: ops}, once)
	var canceled *types.TransactionCanceledException
	switch {
	case err == nil:
		return nil, nil
	case errors.As(err, &canceled):
		return s.explain(writes, canceled.CancellationReasons)
	case ctx.Err() != nil:
		return nil, fmt.Errorf("commit: %w", ctx.Err())
	case isRefusal(err):
		return nil, fmt.Errorf("commit: %w", err)
	default: // throttled, broken connection, 5xx, the attempt's time-out
		return chat.Overloaded(retryAfter), nil
	}
}

// explain turns the reasons of a cancelled transaction into one refusal, by the
// order of the writes, or into the wish to try again.
func (s *Store) explain(writes []write, reasons []types.CancellationReason) (again, err error) {
	again = chat.SlowMode(retryAfter)
	for i, r := range reasons {
		switch code := aws.ToString(r.Code); code {
		case "None", "TransactionConflict":
		case "ConditionalCheckFailed":
			if err := writes[i].failed(r.Item); err != nil {
				return nil, err
			}
		case "ThrottlingError", "ProvisionedThroughputExceeded":
			again = chat.Overloaded(retryAfter)
		default:
			return nil, fmt.Errorf("commit: item %d: %s: %s", i, code, aws.ToString(r.Message))
		}
	}
	return again, nil
}

// isRefusal says whether the table's answer is final: the request is wrong.
func isRefusal(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorFault() == smithy.FaultServer {
		return false
	}
	switch api.ErrorCode() {
	case "ValidationException", "AccessDeniedException", "ResourceNotFoundException", "SerializationException",
		"UnrecognizedClientException", "IdempotentParameterMismatchException", "InvalidSignatureException":
		return true
	}
	return false
}

// put, update and remove are the operations of a transaction. Each condition that
// fails brings the item as it is.
func (s *Store) put(it item, cond string, values item) types.TransactWriteItem {
	p := &types.Put{TableName: &s.table, Item: it}
	if cond != "" {
		p.ConditionExpression, p.ExpressionAttributeValues = &cond, values
		p.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	}
	return types.TransactWriteItem{Put: p}
}

func (s *Store) update(k key, expr, cond string, values item) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{
		TableName: &s.table, Key: k.item(), UpdateExpression: &expr, ConditionExpression: &cond, ExpressionAttributeValues: values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

func (s *Store) remove(k key, cond string) types.TransactWriteItem {
	return types.TransactWriteItem{Delete: &types.Delete{TableName: &s.table, Key: k.item(), ConditionExpression: &cond}}
}

const absent = "attribute_not_exists(PK)"
