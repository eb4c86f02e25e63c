package dynamo

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"tidings/internal/chat"
)

// deliveryLifetime is how long the counts of a minute are kept.
const deliveryLifetime = 48 * time.Hour

// Each type has a partition of its own, since all clients write to the same minute.
func deliveryKey(typ string, minute int64) key {
	return key{"DELIVERED#" + typ, fmt.Sprintf("MINUTE#%09d", minute)}
}

// bucket is the attribute of one bucket's count.
func bucket(i int) string { return "b" + strconv.Itoa(i) }

// AddDeliveries implements chat.DeliveryStore.
func (s *Store) AddDeliveries(ctx context.Context, typ string, minute int64, h chat.DeliveryHistogram) error {
	set, values := "ADD delivered :n", item{":n": num(h.Delivered), ":ttl": num(minute*60 + int64(deliveryLifetime.Seconds()))}
	var adds strings.Builder
	for i, n := range h.Buckets {
		if n > 0 {
			fmt.Fprintf(&adds, ", %s :%s", bucket(i), bucket(i))
			values[":"+bucket(i)] = num(n)
		}
	}
	_, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: deliveryKey(typ, minute).item(), UpdateExpression: aws.String(set + adds.String() + " SET #ttl = :ttl"),
		ExpressionAttributeNames: map[string]string{"#ttl": "ttl"}, ExpressionAttributeValues: values,
	})
	if err != nil {
		return fmt.Errorf("add to counts: %w", busy(err))
	}
	return nil
}

// Deliveries implements chat.DeliveryStore.
func (s *Store) Deliveries(ctx context.Context, typ string, from, to int64) (chat.DeliveryHistogram, error) {
	var sum chat.DeliveryHistogram
	q := query{pk: deliveryKey(typ, from).pk, from: deliveryKey(typ, from).sk, to: deliveryKey(typ, to).sk}
	err := s.pages(ctx, q, func(items []item) (bool, error) {
		for _, it := range items {
			r := reader{it: it}
			h := chat.DeliveryHistogram{Delivered: r.int("delivered")}
			for i := range h.Buckets {
				h.Buckets[i] = r.int(bucket(i))
			}
			if r.err != nil {
				return false, r.err
			}
			sum.Merge(h)
		}
		return true, nil
	})
	return sum, err
}
