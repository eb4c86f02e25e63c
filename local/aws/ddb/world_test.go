package ddb_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"

	"tidings/local/aws/ddb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inProcess carries requests to a service without a socket.
type inProcess struct{ s *ddb.Service }

func (p inProcess) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	rec := httptest.NewRecorder()
	p.s.Serve(rec, r.Header.Get("X-Amz-Target"), body)
	return rec.Result(), nil
}

// buffered sends a request from memory, over a connection of its own. Else the SDK
// closes the body of a request as soon as an answer begins, and where a server is
// quick to answer net/http takes that for a failed write and drops the connection.
type buffered struct{}

func (buffered) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	sent := r.Clone(r.Context())
	sent.Body, sent.Close = io.NopCloser(bytes.NewReader(body)), true
	return http.DefaultTransport.RoundTrip(sent)
}

// call is a raw request.
func call(t testing.TB, s *ddb.Service, target, body string) (status int, answer map[string]any) {
	t.Helper()
	rec := httptest.NewRecorder()
	if !strings.Contains(target, ".") {
		target = "DynamoDB_20120810." + target
	}
	s.Serve(rec, target, []byte(body))
	d := json.NewDecoder(bytes.NewReader(rec.Body.Bytes()))
	d.UseNumber()
	if err := d.Decode(&answer); err != nil {
		t.Fatalf("answer %s: %v", rec.Body, err)
	}
	return rec.Code, answer
}

// mustCall is call for what has to succeed.
func mustCall(t testing.TB, s *ddb.Service, target, body string) map[string]any {
	t.Helper()
	status, answer := call(t, s, target, body)
	if status != http.StatusOK {
		t.Fatalf("%s %s: %d %v", target, body, status, answer)
	}
	return answer
}

// attributes is an item as the SDK has it.
type attributes = map[string]types.AttributeValue

// Shorthands for values that Go has no literal for.
type (
	num  string
	strs []string
	nums []string
	bins [][]byte
	doc  map[string]any
	list []any
)

func av(v any) types.AttributeValue {
	switch x := v.(type) {
	case types.AttributeValue:
		return x
	case string:
		return &types.AttributeValueMemberS{Value: x}
	case int:
		return &types.AttributeValueMemberN{Value: fmt.Sprint(x)}
	case num:
		return &types.AttributeValueMemberN{Value: string(x)}
	case []byte:
		return &types.AttributeValueMemberB{Value: x}
	case bool:
		return &types.AttributeValueMemberBOOL{Value: x}
	case nil:
		return &types.AttributeValueMemberNULL{Value: true}
	case strs:
		return &types.AttributeValueMemberSS{Value: x}
	case nums:
		return &types.AttributeValueMemberNS{Value: x}
	case bins:
		return &types.AttributeValueMemberBS{Value: x}
	case doc:
		m := attributes{}
		for k, e := range x {
			m[k] = av(e)
		}
		return &types.AttributeValueMemberM{Value: m}
	case list:
		l := []types.AttributeValue{}
		for _, e := range x {
			l = append(l, av(e))
		}
		return &types.AttributeValueMemberL{Value: l}
	}
	panic(fmt.Sprintf("no attribute value for %T", v))
}

// it makes an item from names and values in turn.
func it(pairs ...any) attributes {
	m := attributes{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i].(string)] = av(pairs[i+1])
	}
	return m
}

// at is an item with the key of the contract's table.
func at(pk, sk string, pairs ...any) attributes {
	m := it(pairs...)
	m["PK"], m["SK"] = av(pk), av(sk)
	return m
}

// show writes an item so that equal items have equal text: a:1 b:"x" c:{d:[true]}.
func show(m attributes) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, k+":"+showValue(m[k]))
	}
	return strings.Join(parts, " ")
}

func showValue(v types.AttributeValue) string {
	switch x := v.(type) {
	case *types.AttributeValueMemberS:
		return fmt.Sprintf("%q", x.Value)
	case *types.AttributeValueMemberN:
		return x.Value
	case *types.AttributeValueMemberB:
		return fmt.Sprintf("%x", x.Value)
	case *types.AttributeValueMemberBOOL:
		return fmt.Sprint(x.Value)
	case *types.AttributeValueMemberNULL:
		return "null"
	case *types.AttributeValueMemberSS:
		return "SS" + fmt.Sprint(slices.Sorted(slices.Values(x.Value)))
	case *types.AttributeValueMemberNS:
		return "NS" + fmt.Sprint(slices.Sorted(slices.Values(x.Value)))
	case *types.AttributeValueMemberBS:
		return "BS" + fmt.Sprintf("%x", x.Value)
	case *types.AttributeValueMemberM:
		return "{" + show(x.Value) + "}"
	case *types.AttributeValueMemberL:
		var parts []string
		for _, e := range x.Value {
			parts = append(parts, showValue(e))
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	return fmt.Sprintf("%T", v)
}

// world is what a clause lives in: clients, and a table that is made when needed.
type world struct {
	Clients
	ctx    context.Context
	made   []string
	cached string
}

func newWorld(ctx context.Context, cs Clients) *world {
	return &world{Clients: cs, ctx: ctx}
}

func (w *world) close() {
	for _, name := range w.made {
		_, _ = w.DB.DeleteTable(context.WithoutCancel(w.ctx), &dynamodb.DeleteTableInput{TableName: &name})
	}
}

func (w *world) fail(format string, args ...any) { panic(broken(fmt.Sprintf(format, args...))) }

func (w *world) must(err error) {
	if err != nil {
		w.fail("%v", err)
	}
}

// want compares texts.
func (w *world) want(got, want string) {
	if got != want {
		w.fail("got %s\nwant %s", got, want)
	}
}

// refused wants an error with this code, and a message that begins so.
func (w *world) refused(err error, code, begin string) {
	var e smithy.APIError
	switch {
	case err == nil:
		w.fail("accepted; want %s: %s", code, begin)
	case !errors.As(err, &e):
		w.fail("%v; want %s", err, code)
	case e.ErrorCode() != code || !strings.HasPrefix(e.ErrorMessage(), begin):
		w.fail("got %s: %s\nwant %s: %s", e.ErrorCode(), e.ErrorMessage(), code, begin)
	}
}

// invalid is refused with a ValidationException.
func (w *world) invalid(err error, begin string) { w.refused(err, "ValidationException", begin) }

func (w *world) name() string {
	name := "contract-" + strings.ToLower(rand.Text()[:12])
	w.made = append(w.made, name)
	return name
}

// definition is that of the contract's table: PK and SK, the index GSI with everything
// on G (string) and H (number), the index THIN with keys and "kept" on G alone.
func (w *world) definition(name string) *dynamodb.CreateTableInput {
	key := func(names ...string) (keys []types.KeySchemaElement) {
		for i, n := range names {
			keys = append(keys, types.KeySchemaElement{AttributeName: &n, KeyType: []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[i]})
		}
		return keys
	}
	attribute := func(n string, k types.ScalarAttributeType) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &n, AttributeType: k}
	}
	return &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest, KeySchema: key("PK", "SK"),
		AttributeDefinitions: []types.AttributeDefinition{attribute("PK", "S"), attribute("SK", "S"), attribute("G", "S"), attribute("H", "N")},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{
			{IndexName: aws.String("GSI"), KeySchema: key("G", "H"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll}},
			{IndexName: aws.String("THIN"), KeySchema: key("G"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{"kept"}}},
		},
		StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewAndOldImages},
	}
}

// table makes the clause's table on first use.
func (w *world) table() *string {
	if w.cached == "" {
		w.cached = w.create(w.definition(w.name()))
	}
	return &w.cached
}

func (w *world) create(def *dynamodb.CreateTableInput) string {
	_, err := w.DB.CreateTable(w.ctx, def)
	w.must(err)
	waiter := dynamodb.NewTableExistsWaiter(w.DB, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, time.Second
	})
	w.must(waiter.Wait(w.ctx, &dynamodb.DescribeTableInput{TableName: def.TableName}, 20*time.Second))
	return *def.TableName
}

// simple makes a table with a key of one or two attributes: "PK" "S", "SK" "N".
func (w *world) simple(pairs ...string) string {
	def := &dynamodb.CreateTableInput{TableName: aws.String(w.name()), BillingMode: types.BillingModePayPerRequest}
	for i := 0; i < len(pairs); i += 2 {
		def.AttributeDefinitions = append(def.AttributeDefinitions, types.AttributeDefinition{AttributeName: &pairs[i], AttributeType: types.ScalarAttributeType(pairs[i+1])})
		def.KeySchema = append(def.KeySchema, types.KeySchemaElement{AttributeName: &pairs[i], KeyType: []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[i/2]})
	}
	return w.create(def)
}

func (w *world) tryPut(item attributes) error {
	_, err := w.DB.PutItem(w.ctx, &dynamodb.PutItemInput{TableName: w.table(), Item: item})
	return err
}

func (w *world) put(item attributes) { w.must(w.tryPut(item)) }

func (w *world) get(pk, sk string) attributes {
	o, err := w.DB.GetItem(w.ctx, &dynamodb.GetItemInput{TableName: w.table(), Key: at(pk, sk), ConsistentRead: aws.Bool(true)})
	w.must(err)
	return o.Item
}

// tryUpdate updates the item a/b and returns what ReturnValues asks for.
func (w *world) tryUpdate(expression string, values attributes, rv types.ReturnValue) (attributes, error) {
	in := &dynamodb.UpdateItemInput{TableName: w.table(), Key: at("a", "b"), UpdateExpression: &expression, ReturnValues: rv}
	if len(values) > 0 {
		in.ExpressionAttributeValues = values
	}
	o, err := w.DB.UpdateItem(w.ctx, in)
	if err != nil {
		return nil, err
	}
	return o.Attributes, nil
}

// update wants the item a/b, without its key, to be so after the update.
func (w *world) update(expression string, values attributes, want string) {
	got, err := w.tryUpdate(expression, values, types.ReturnValueAllNew)
	w.must(err)
	delete(got, "PK")
	delete(got, "SK")
	w.want(show(got), want)
}

// tryCondition evaluates a condition on the item a/b, changing nothing.
func (w *world) tryCondition(condition string, values attributes, names map[string]string) error {
	check := &types.ConditionCheck{TableName: w.table(), Key: at("a", "b"), ConditionExpression: &condition, ExpressionAttributeNames: names}
	if len(values) > 0 {
		check.ExpressionAttributeValues = values
	}
	_, err := w.DB.TransactWriteItems(w.ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{ConditionCheck: check}}})
	return err
}

// holds wants a condition on a/b to be true or false.
func (w *world) holds(want bool, condition string, values attributes) {
	err := w.tryCondition(condition, values, nil)
	var cancelled *types.TransactionCanceledException
	switch {
	case err == nil && want:
	case errors.As(err, &cancelled) && !want:
	default:
		w.fail("%s is not %v: %v", condition, want, err)
	}
}

// refusesCondition wants a ValidationException for a condition.
func (w *world) refusesCondition(condition string, values attributes, begin string) {
	err := w.tryCondition(condition, values, nil)
	if err == nil {
		w.fail("accepted %s", condition)
	}
	w.invalid(err, begin)
}

func (w *world) refusesUpdate(expression string, values attributes, begin string) {
	_, err := w.tryUpdate(expression, values, types.ReturnValueNone)
	w.invalid(err, begin)
}

// eventNames of stream records, in a row.
func eventNames(records []streamtypes.Record) string {
	var names []string
	for _, r := range records {
		names = append(names, string(r.EventName))
	}
	return strings.Join(names, " ")
}
