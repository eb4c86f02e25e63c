package ddb_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"tidings/local/aws/ddb"
)

// sink is an answer that nobody reads.
type sink struct {
	header http.Header
	status int
	bytes  int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(b []byte) (int, error) { s.bytes += len(b); return len(b), nil }

// bench sends requests to a table like that of this project, with a journal.
func bench(b *testing.B, operation string, request func(i int) string) {
	s := ddb.New(ddb.Options{Append: func([]byte) error { return nil }})
	mustCall(b, s, "CreateTable", `{"TableName":"tab","BillingMode":"PAY_PER_REQUEST",
		"AttributeDefinitions":[{"AttributeName":"PK","AttributeType":"S"},{"AttributeName":"SK","AttributeType":"S"}],
		"KeySchema":[{"AttributeName":"PK","KeyType":"HASH"},{"AttributeName":"SK","KeyType":"RANGE"}],
		"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_IMAGE"}}`)
	for i := range 1000 {
		mustCall(b, s, "PutItem", entry(i))
	}
	mustCall(b, s, "PutItem", `{"TableName":"tab","Item":{"PK":{"S":"L#c:1-2"},"SK":{"S":"HEAD"},"seq":{"N":"0"},"ts":{"N":"0"}}}`)
	mustCall(b, s, "PutItem", `{"TableName":"tab","Item":{"PK":{"S":"U#1"},"SK":{"S":"M#c:1-2"},"role":{"S":"member"},"read":{"N":"0"}}}`)
	w := &sink{header: http.Header{}}
	var bodies [][]byte
	for i := range 1000 {
		bodies = append(bodies, []byte(request(i)))
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		body := bodies[i%len(bodies)]
		if operation == "TransactWriteItems" { // each with a token and a number of its own
			body = bytes.ReplaceAll(body, []byte("@"), fmt.Append(nil, i))
			body = bytes.ReplaceAll(body, []byte("~"), fmt.Append(nil, i+1))
		}
		s.Serve(w, "DynamoDB_20120810."+operation, body)
		if w.status != http.StatusOK {
			b.Fatalf("status %d for %s", w.status, body)
		}
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}

func entry(i int) string {
	return fmt.Sprintf(`{"TableName":"tab","Item":{"PK":{"S":"L#c:1-2"},"SK":{"S":"E#%012d"},"log":{"S":"c:1-2"},"seq":{"N":"%d"},"ts":{"N":"1790000000000"},"kind":{"S":"message"},"n":{"N":"%d"},"body":{"S":"%s"}}}`,
		i, i, i, strings.Repeat(`{\"text\":\"hello\"}`, 15))
}

func BenchmarkGetItem(b *testing.B) {
	bench(b, "GetItem", func(i int) string {
		return fmt.Sprintf(`{"TableName":"tab","ConsistentRead":true,"Key":{"PK":{"S":"L#c:1-2"},"SK":{"S":"E#%012d"}}}`, i)
	})
}

func BenchmarkPutItem(b *testing.B) { bench(b, "PutItem", entry) }

func BenchmarkQuery20(b *testing.B) {
	bench(b, "Query", func(i int) string {
		return fmt.Sprintf(`{"TableName":"tab","ConsistentRead":true,"Limit":20,"KeyConditionExpression":"PK = :p AND SK > :s","ExpressionAttributeValues":{":p":{"S":"L#c:1-2"},":s":{"S":"E#%012d"}}}`, i%900)
	})
}

// BenchmarkTransactWriteItems is the append of this project: the head, the entry, the
// membership and the idempotency record.
func BenchmarkTransactWriteItems(b *testing.B) {
	const append = `{"ClientRequestToken":"token-@","TransactItems":[
		{"Update":{"TableName":"tab","Key":{"PK":{"S":"L#c:1-2"},"SK":{"S":"HEAD"}},"UpdateExpression":"SET seq = :n, ts = :ts, preview = :t","ConditionExpression":"seq = :o","ExpressionAttributeValues":{":n":{"N":"~"},":o":{"N":"@"},":ts":{"N":"1790000000000"},":t":{"S":"hello"}}}},
		{"Put":{"TableName":"tab","Item":{"PK":{"S":"L#c:1-2"},"SK":{"S":"F#@"},"log":{"S":"c:1-2"},"seq":{"N":"~"},"ts":{"N":"1790000000000"},"kind":{"S":"message"},"body":{"S":"%s"}},"ConditionExpression":"attribute_not_exists(PK)"}},
		{"Update":{"TableName":"tab","Key":{"PK":{"S":"U#1"},"SK":{"S":"M#c:1-2"}},"UpdateExpression":"SET #r = :r","ConditionExpression":"attribute_exists(PK) AND #role <> :banned","ExpressionAttributeNames":{"#r":"read","#role":"role"},"ExpressionAttributeValues":{":r":{"N":"~"},":banned":{"S":"banned"}}}},
		{"Put":{"TableName":"tab","Item":{"PK":{"S":"U#1"},"SK":{"S":"IDEM#@"},"hash":{"S":"0123456789abcdef0123456789abcdef"},"status":{"N":"201"},"ttl":{"N":"1790086400"}},"ConditionExpression":"attribute_not_exists(PK)"}}]}`
	bench(b, "TransactWriteItems", func(int) string { return fmt.Sprintf(append, strings.Repeat(`{\"text\":\"hello\"}`, 15)) })
}
