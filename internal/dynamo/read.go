package dynamo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tidings/internal/chat"
)

// get reads one item strongly; nil when it is not there.
func (s *Store) get(ctx context.Context, k key) (item, error) {
	o, err := s.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: k.item(), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, fmt.Errorf("get %s/%s: %w", k.pk, k.sk, busy(err))
	}
	return o.Item, nil
}

// throttled are the errors of a table that takes no more for now.
var throttled = retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}

// busy is the error of a read that the SDK gave up. A throttled table is something
// that a client can wait for.
func busy(err error) error {
	if throttled.IsErrorThrottle(err) == aws.TrueTernary {
		return fmt.Errorf("%w (%w)", chat.Overloaded(retryAfter), err)
	}
	return err
}

const batchGetMax = 100 // keys a BatchGetItem call

// getAll reads items strongly, by key; those not there are left out. The reads
// are not one snapshot.
func (s *Store) getAll(ctx context.Context, keys ...key) (map[key]item, error) {
	out := make(map[key]item, len(keys))
	asked := make(map[key]bool, len(keys)) // a request with a key twice is refused
	keys = slices.DeleteFunc(slices.Clone(keys), func(k key) bool {
		again := asked[k]
		asked[k] = true
		return again
	})
	for part := range slices.Chunk(keys, batchGetMax) {
		ask := make([]item, len(part))
		for i, k := range part {
			ask[i] = k.item()
		}
		for attempt := 0; len(ask) > 0; attempt++ {
			if attempt == 8 {
				return nil, fmt.Errorf("batch get: a part is left: %w", chat.Overloaded(retryAfter))
			}
			if attempt > 0 {
				if err := pause(ctx, shortestPause<<attempt); err != nil {
					return nil, err
				}
			}
			o, err := s.db.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
				s.table: {Keys: ask, ConsistentRead: aws.Bool(true)},
			}})
			if err != nil {
				return nil, fmt.Errorf("batch get: %w", busy(err))
			}
			for _, it := range o.Responses[s.table] {
				out[key{text(it["PK"]), text(it["SK"])}] = it
			}
			ask = o.UnprocessedKeys[s.table].Keys
		}
	}
	return out, nil
}

// pause waits for a random part of the bound.
func pause(ctx context.Context, bound time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rand.N(bound)):
		return nil
	}
}

// query is a range of one partition.
type query struct {
	pk         string
	from, to   string // sort keys, inclusive
	descending bool
	limit      int    // items read per page, before the filter; 0: by size alone
	grows      bool   // each page may hold four times as many items as the last, up to maxPage
	kind       string // only entries of this kind
	only       string // the attributes that are needed; "": all. The units are those of whole items
}

// maxPage bounds what the last page of a query that grows reads in vain.
const maxPage = 400

// pages calls each with the items of one page after the other until it says stop.
// The reads are strong.
func (s *Store) pages(ctx context.Context, q query, each func([]item) (more bool, err error)) error {
	in := &dynamodb.QueryInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true), ScanIndexForward: aws.Bool(!q.descending),
		KeyConditionExpression:    aws.String("PK = :pk AND SK BETWEEN :from AND :to"),
		ExpressionAttributeValues: item{":pk": str(q.pk), ":from": str(q.from), ":to": str(q.to)},
	}
	if q.limit > 0 {
		in.Limit = aws.Int32(int32(q.limit))
	}
	if q.kind != "" {
		in.FilterExpression = aws.String("kind = :kind")
		in.ExpressionAttributeValues[":kind"] = str(q.kind)
	}
	if q.only != "" {
		in.ProjectionExpression = &q.only
	}
	for {
		o, err := s.db.Query(ctx, in)
		if err != nil {
			return fmt.Errorf("query %s: %w", q.pk, busy(err))
		}
		more, err := each(o.Items)
		if err != nil || !more || o.LastEvaluatedKey == nil {
			return err
		}
		in.ExclusiveStartKey = o.LastEvaluatedKey
		if q.grows {
			in.Limit = aws.Int32(min(4*aws.ToInt32(in.Limit), maxPage))
		}
	}
}
