package aws_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tidings/local/aws"
)

// mustTable makes a table with the key "k" and a client that does not try again.
func mustTable(t testing.TB, c awssdk.Config) *dynamodb.Client {
	t.Helper()
	c.RetryMaxAttempts = 1
	d := dynamodb.NewFromConfig(c)
	_, err := d.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: ptr("tbl"), BillingMode: ddbtypes.BillingModePayPerRequest,
		AttributeDefinitions: []ddbtypes.AttributeDefinition{{AttributeName: ptr("k"), AttributeType: "S"}},
		KeySchema:            []ddbtypes.KeySchemaElement{{AttributeName: ptr("k"), KeyType: "HASH"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func item(k string) map[string]ddbtypes.AttributeValue {
	return map[string]ddbtypes.AttributeValue{"k": &ddbtypes.AttributeValueMemberS{Value: k}}
}

func put(t testing.TB, d *dynamodb.Client, k string) error {
	_, err := d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: ptr("tbl"), Item: item(k)})
	return err
}

func has(t testing.TB, d *dynamodb.Client, k string) bool {
	t.Helper()
	o, err := d.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: ptr("tbl"), Key: item(k), ConsistentRead: ptr(true)})
	if err != nil {
		t.Fatal(err)
	}
	return o.Item != nil
}

// found is what GetItem, BatchGetItem, Query and Scan find of an item.
func found(t testing.TB, d *dynamodb.Client, k string, consistent bool) string {
	t.Helper()
	get, err := d.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: ptr("tbl"), Key: item(k), ConsistentRead: &consistent})
	if err != nil {
		t.Fatal(err)
	}
	batch, err := d.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]ddbtypes.KeysAndAttributes{
		"tbl": {Keys: []map[string]ddbtypes.AttributeValue{item(k)}, ConsistentRead: &consistent},
	}})
	if err != nil {
		t.Fatal(err)
	}
	query, err := d.Query(t.Context(), &dynamodb.QueryInput{
		TableName: ptr("tbl"), KeyConditionExpression: ptr("k = :k"), ConsistentRead: &consistent,
		ExpressionAttributeValues: map[string]ddbtypes.AttributeValue{":k": item(k)["k"]},
	})
	if err != nil {
		t.Fatal(err)
	}
	scan, err := d.Scan(t.Context(), &dynamodb.ScanInput{TableName: ptr("tbl"), ConsistentRead: &consistent})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(get.Item != nil, len(batch.Responses["tbl"]), query.Count, scan.Count)
}

func TestFaultsOfDynamoDB(t *testing.T) {
	t.Run("ThrottleDoesNothing", func(t *testing.T) {
		s := mustServer(t, aws.Options{})
		d := mustTable(t, s.Config())
		mustSet(t, s, aws.FaultConfig{Throttle: 1})
		err := put(t, d, "a")
		if _, ok := errors.AsType[*ddbtypes.ProvisionedThroughputExceededException](err); !ok {
			t.Errorf("got %v", err)
		}
		mustSet(t, s, aws.FaultConfig{})
		if has(t, d, "a") {
			t.Error("the item was written")
		}
		wantCount(t, s, "throttle", 1)
	})
	t.Run("ConflictNamesTheFirstItem", func(t *testing.T) {
		s := mustServer(t, aws.Options{})
		d := mustTable(t, s.Config())
		mustSet(t, s, aws.FaultConfig{Conflict: 1})
		var in dynamodb.TransactWriteItemsInput
		for _, k := range []string{"a", "b", "c"} {
			in.TransactItems = append(in.TransactItems, ddbtypes.TransactWriteItem{Put: &ddbtypes.Put{TableName: ptr("tbl"), Item: item(k)}})
		}
		_, err := d.TransactWriteItems(t.Context(), &in)
		e, ok := errors.AsType[*ddbtypes.TransactionCanceledException](err)
		if !ok {
			t.Fatalf("got %v", err)
		}
		var codes []string
		for _, r := range e.CancellationReasons {
			codes = append(codes, *r.Code)
		}
		if !slices.Equal(codes, []string{"TransactionConflict", "None", "None"}) || has(t, d, "a") {
			t.Errorf("reasons %v, written %v", codes, has(t, d, "a"))
		}
	})
	// What is read without asking for consistency, by any operation, is as old as the
	// switch allows.
	inBubble(t, "StaleReadSeesThePast", func(t *testing.T, s *aws.Server, _ *world) {
		d := mustTable(t, s.Config())
		const there, missing = "true 1 1 1", "false 0 0 0"
		mustSet(t, s, aws.FaultConfig{StaleRead: 1, MaxStale: time.Nanosecond})
		if err := put(t, d, "a"); err != nil {
			t.Fatal(err)
		}
		if got := found(t, d, "a", true); got != there {
			t.Errorf("consistent: %s", got)
		}
		if got := found(t, d, "a", false); got != missing {
			t.Errorf("at once: %s", got)
		}
		time.Sleep(time.Nanosecond)
		if got := found(t, d, "a", false); got != there {
			t.Errorf("later: %s", got)
		}
		wantCount(t, s, "staleRead", 8)
		mustSet(t, s, aws.FaultConfig{})
		if err := put(t, d, "b"); err != nil {
			t.Fatal(err)
		}
		if o, err := d.Scan(t.Context(), &dynamodb.ScanInput{TableName: ptr("tbl")}); err != nil || o.Count != 2 {
			t.Errorf("off: %v %v", o, err)
		}
	})
}

func TestTimeoutAfterCommit(t *testing.T) {
	for _, way := range []string{"Client", "Port"} {
		t.Run("Through"+way, func(t *testing.T) {
			s := mustServer(t, aws.Options{})
			c := s.Config()
			if way == "Port" {
				server := httptest.NewUnstartedServer(s)
				server.Config.ErrorLog = nil
				server.Start()
				t.Cleanup(server.Close)
				c.BaseEndpoint, c.HTTPClient = &server.URL, &http.Client{Transport: ownBody{server.Client().Transport}}
			}
			d := mustTable(t, c)
			mustSet(t, s, aws.FaultConfig{TimeoutAfterCommit: 1})
			err := put(t, d, "a")
			if way == "Client" && !errors.Is(err, io.ErrUnexpectedEOF) || err == nil {
				t.Errorf("got %v", err)
			}
			if !has(t, d, "a") { // reads are not withheld
				t.Error("the item was not written")
			}
			wantCount(t, s, "timeoutAfterCommit", 1)
			// A refused write changed nothing, so its answer comes.
			_, err = d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: ptr("tbl"), Item: item("a"), ConditionExpression: ptr("attribute_not_exists(k)")})
			if _, ok := errors.AsType[*ddbtypes.ConditionalCheckFailedException](err); !ok {
				t.Errorf("got %v", err)
			}
		})
	}
}
