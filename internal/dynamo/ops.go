package dynamo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"tidings/internal/chat"
)

// instanceLifetime is how long a streamer that died without a word stays in the table:
// somebody who looks after an accident still finds its name.
const instanceLifetime = time.Hour

const (
	opsPK          = "OPS"
	instancePrefix = "INSTANCE#"
)

func instanceKey(name string) key { return key{opsPK, instancePrefix + name} }

// Announce implements chat.InstanceStore.
func (s *Store) Announce(ctx context.Context, i chat.Instance) error {
	it := instanceKey(i.Name).item()
	it["instance"], it["address"] = jsonText(i), str(i.Address)
	it["ttl"] = num(time.UnixMilli(int64(i.Updated)).Add(instanceLifetime).Unix())
	if _, err := s.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: it}); err != nil {
		return fmt.Errorf("put instance: %w", busy(err))
	}
	return nil
}

// Withdraw implements chat.InstanceStore.
func (s *Store) Withdraw(ctx context.Context, name string) error {
	if _, err := s.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &s.table, Key: instanceKey(name).item()}); err != nil {
		return fmt.Errorf("delete instance: %w", busy(err))
	}
	return nil
}

// Instances implements chat.InstanceStore.
func (s *Store) Instances(ctx context.Context) ([]chat.Instance, error) {
	var out []chat.Instance
	q := query{pk: opsPK, from: instancePrefix, to: instancePrefix + "~"}
	err := s.pages(ctx, q, func(items []item) (bool, error) {
		for _, it := range items {
			r := reader{it: it}
			i := chat.Instance{Address: r.str("address")}
			r.json("instance", &i)
			if r.err != nil {
				return false, r.err
			}
			out = append(out, i)
		}
		return true, nil
	})
	return out, err
}
