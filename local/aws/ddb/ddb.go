// Package ddb is the embedded DynamoDB: DynamoDB and DynamoDB Streams in memory, for
// a laptop and for tests, on the wire of AWS (JSON 1.0), so that an AWS SDK needs
// nothing but another endpoint.
//
// It is a strict subset. What it accepts it does as AWS documents it, limits and
// the beginning of error texts included; what it does not know it refuses, rather
// than doing something else. Known differences:
//
//   - every read is strongly consistent and every index up to date at once, unless
//     Options.Lag says otherwise, and a table ACTIVE as soon as it was created;
//   - there is no throttling, and transactions never conflict: requests are
//     carried out one after the other;
//   - a stream has one shard, which is never split;
//   - local secondary indexes, the parameters older than expressions (Expected,
//     KeyConditions and so on), PartiQL, backups, tags and global tables are missing.
package ddb

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"tidings/local/aws/wire"
)

const (
	targetTables  = "DynamoDB_20120810"
	targetStreams = "DynamoDBStreams_20120810"

	// The namespaces of __type. SDKs read only what follows the '#'.
	namespaceTables     = "com.amazonaws.dynamodb.v20120810"
	namespaceValidation = "com.amazon.coral.validate"
	namespaceService    = "com.amazon.coral.service"
)

// Options are read once, by New.
type Options struct {
	Region  string // "us-east-1" when empty
	Account string // "000000000000" when empty

	// Now is the clock of TTL, of stream retention and of everything else that
	// expires; nil means time.Now.
	Now func() time.Time

	// Append makes a change durable before it is visible and answered. It runs under
	// the service's lock, once per request, so what it gets is a total order. The
	// record belongs to the callee. An error refuses the request with
	// InternalServerError, and nothing has changed. Nil means memory only.
	Append func(record []byte) error

	// Keep is how long a state of a table is kept after the next one came, asked at
	// each change, and Lag how far back a read looks that isn't consistent, asked at
	// each such read: at most what is kept. A read of a page looks back as a whole.
	// Nil means that every read sees the present.
	Keep, Lag func() time.Duration
}

// Service is one account's DynamoDB in one region. Its methods may be called from
// any number of goroutines.
type Service struct {
	region, account string
	now             func() time.Time
	append          func(record []byte) error
	keep, lag       func() time.Duration
	expressions     expressionCache

	mu      sync.RWMutex
	tables  map[string]*table
	streams map[string]*stream // by ARN, those of deleted tables for 24 h too
	seq     uint64             // that of the last stream record of all tables
	tokens  tokenStore
	changed chan struct{}
}

// New returns an empty service. Replay fills it.
func New(o Options) *Service {
	now := o.Now
	if now == nil {
		now = time.Now
	}
	s := &Service{
		region: o.Region, account: o.Account, append: o.Append, keep: o.Keep, lag: o.Lag,
		// What is journalled must come back equal, so times have neither zone nor monotonic part.
		now:     func() time.Time { return now().Round(0).UTC() },
		tables:  map[string]*table{},
		streams: map[string]*stream{},
		tokens:  tokenStore{byID: map[[16]byte]token{}},
		changed: make(chan struct{}),
	}
	if s.region == "" {
		s.region = "us-east-1"
	}
	if s.account == "" {
		s.account = "000000000000"
	}
	return s
}

// operation answers one request; the answer is JSON.
type operation func(s *Service, body []byte) ([]byte, error)

// decoded is an operation that is given its request decoded.
func decoded[T any](run func(s *Service, in *T) ([]byte, error)) operation {
	return func(s *Service, body []byte) ([]byte, error) {
		in, err := decode[T](body)
		if err != nil {
			return nil, err
		}
		return run(s, in)
	}
}

var operations = map[string]operation{
	targetTables + ".CreateTable":        decoded((*Service).createTable),
	targetTables + ".DeleteTable":        decoded((*Service).deleteTable),
	targetTables + ".DescribeTable":      decoded((*Service).describeTable),
	targetTables + ".ListTables":         decoded((*Service).listTables),
	targetTables + ".UpdateTable":        decoded((*Service).updateTable),
	targetTables + ".UpdateTimeToLive":   decoded((*Service).updateTimeToLive),
	targetTables + ".DescribeTimeToLive": decoded((*Service).describeTimeToLive),
	targetTables + ".PutItem":            decoded((*Service).putItem),
	targetTables + ".GetItem":            decoded((*Service).getItem),
	targetTables + ".UpdateItem":         decoded((*Service).updateItem),
	targetTables + ".DeleteItem":         decoded((*Service).deleteItem),
	targetTables + ".Query":              decoded((*Service).query),
	targetTables + ".Scan":               decoded((*Service).scan),
	targetTables + ".BatchGetItem":       decoded((*Service).batchGetItem),
	targetTables + ".BatchWriteItem":     decoded((*Service).batchWriteItem),
	targetTables + ".TransactGetItems":   decoded((*Service).transactGetItems),
	targetTables + ".TransactWriteItems": decoded((*Service).transactWriteItems),
	targetStreams + ".ListStreams":       decoded((*Service).listStreams),
	targetStreams + ".DescribeStream":    decoded((*Service).describeStream),
	targetStreams + ".GetShardIterator":  decoded((*Service).getShardIterator),
	targetStreams + ".GetRecords":        decoded((*Service).getRecords),
}

// Serve answers the request whose X-Amz-Target header is target, such as
// "DynamoDB_20120810.PutItem". Signatures are the caller's matter.
func (s *Service) Serve(w http.ResponseWriter, target string, body []byte) {
	op := operations[target]
	if op == nil {
		wire.WriteError(w, namespaceService, wire.Errorf("UnknownOperationException", ""))
		return
	}
	answer, err := op(s, body)
	if err == nil {
		wire.WriteBody(w, http.StatusOK, answer)
		return
	}
	e, ok := errors.AsType[*wire.Error](err)
	if !ok {
		e = &wire.Error{Status: http.StatusInternalServerError, Code: "InternalServerError", Message: "The request processing has failed because of an unknown error"}
	}
	wire.WriteError(w, namespaceOf(e.Code), e)
}

func namespaceOf(code string) string {
	switch code {
	case "ValidationException":
		return namespaceValidation
	case "SerializationException", "UnknownOperationException":
		return namespaceService
	}
	return namespaceTables
}

// Serves reports whether target names one of the two services, known operation or not.
func Serves(target string) bool {
	service, _, _ := strings.Cut(target, ".")
	return service == targetTables || service == targetStreams
}

// Changed returns a channel that is closed when the next stream record, of whatever
// table, can be read. To miss nothing take the channel before GetRecords.
func (s *Service) Changed() <-chan struct{} {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.changed
}
