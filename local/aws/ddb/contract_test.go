package ddb_test

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"tidings/local/aws/ddb"
)

// The contract says what this project relies on, through the real SDK. It runs against
// the embedded DynamoDB and, where their variable holds a URL, against emulators made
// by others, which keeps it honest: what they do differently is listed with the reason.

// clause is one promise; its name is the outcome.
type clause struct {
	name string
	run  func(w *world)
}

// Contract is the whole of it.
var Contract = concat(
	tableClauses, itemClauses, valueClauses, updateClauses, conditionClauses, queryClauses, scanClauses,
	batchClauses, transactionClauses, refusalClauses, expressionClauses, capacityClauses, recordClauses, readerClauses,
)

func concat(lists ...[]clause) (all []clause) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// target is an implementation that the contract runs against.
type target struct {
	name        string
	env         string            // holds its URL; "" for our own
	differences map[string]string // clause → why it fails there
}

// Clients are how the contract reaches a target.
type Clients struct {
	DB      *dynamodb.Client
	Streams *dynamodbstreams.Client
}

func newClients(config aws.Config) Clients {
	config.Region = "us-east-1"
	config.Credentials = credentials.NewStaticCredentialsProvider("test", "test", "")
	config.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return Clients{dynamodb.NewFromConfig(config), dynamodbstreams.NewFromConfig(config)}
}

// embedded talks to a service without a port.
func embedded(s *ddb.Service) Clients {
	return newClients(aws.Config{BaseEndpoint: aws.String("http://embedded.invalid"), HTTPClient: inProcess{s}})
}

func TestContract(t *testing.T) {
	for _, tg := range []target{
		{name: "Embedded"},
		{name: "DynamoDBLocal", env: "DYNAMODB_LOCAL_URL", differences: localDifferences},
		{name: "MiniStack", env: "MINISTACK_URL", differences: ministackDifferences},
	} {
		t.Run(tg.name, func(t *testing.T) {
			cs := embedded(ddb.New(ddb.Options{}))
			if tg.env != "" {
				url := os.Getenv(tg.env)
				if url == "" {
					skip(t, tg.env+" is not set")
				}
				cs = newClients(aws.Config{BaseEndpoint: &url, HTTPClient: buffered{}})
			}
			runContract(t, tg, cs)
		})
	}
}

// skip obeys TIDINGS_NO_SKIP, by which CI makes sure that it tests all it means to.
func skip(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("TIDINGS_NO_SKIP") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

func runContract(t *testing.T, tg target, cs Clients) {
	names := map[string]bool{}
	for _, c := range Contract {
		if names[c.name] {
			t.Errorf("two clauses are named %s", c.name)
		}
		names[c.name] = true
		t.Run(c.name, func(t *testing.T) {
			err := attempt(t.Context(), cs, c)
			why, listed := tg.differences[c.name]
			switch {
			case listed && err == nil:
				t.Errorf("known difference of %s has vanished: take it off the list (%s)", tg.name, why)
			case listed:
				t.Logf("differs, as known (%s): %v", why, err)
			case err != nil:
				t.Error(err)
			}
		})
	}
	for name := range tg.differences {
		if !names[name] {
			t.Errorf("the list of differences has an unknown clause %q", name)
		}
	}
}

// broken is what a world panics with when a promise is broken.
type broken string

// attempt runs a clause in a world of its own.
func attempt(ctx context.Context, cs Clients, c clause) (err error) {
	w := newWorld(ctx, cs)
	defer w.close()
	defer func() {
		switch r := recover().(type) {
		case nil:
		case broken:
			err = fmt.Errorf("%s", string(r))
		default: // an answer without what it must have
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	c.run(w)
	return nil
}

// The contract has to be wide; this keeps it from shrinking unnoticed.
func TestContractIsWide(t *testing.T) {
	if n := len(Contract); n < 100 {
		t.Errorf("%d clauses", n)
	}
	for _, c := range Contract {
		if strings.ContainsAny(c.name, " \t") {
			t.Errorf("clause name %q has white space", c.name)
		}
	}
}
