// Package aws is the embedded AWS: DynamoDB and its Streams, SNS, SQS, and a little of
// SSM and Secrets Manager, as one http.Handler that speaks today's AWS wire. The same
// SDK clients talk to it, to other emulators and to AWS, by an endpoint alone. It is
// a strict subset: what it lacks it refuses, and where it differs the package of the
// service says so.
//
// With a data folder the state survives the death of the process, kill -9 included,
// but not a power loss (see package journal).
package aws

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"tidings/local/aws/ddb"
	"tidings/local/aws/secrets"
	"tidings/local/aws/sns"
	"tidings/local/aws/sqs"
	"tidings/local/aws/wire"
)

// maxBody bounds a request, in bytes: DynamoDB's BatchWriteItem may have 16 MB, and
// nothing else has more.
const maxBody = 17 << 20

// Options are fixed for the life of a Server. The zero value is a server in memory.
type Options struct {
	Dir    string // data folder, made where it is missing; "": memory only
	Region string // "": us-east-1
	// Account owns everything; "": 000000000000.
	Account string
	Now     func() time.Time // nil: time.Now
	Logger  *slog.Logger     // nil: silent
}

// Server is one account in one region.
type Server struct {
	opts   Options
	log    *slog.Logger
	faults *Faults
	copies *copies
	store  *store

	ddb     *ddb.Service
	sqs     *sqs.Service
	sns     *sns.Service
	secrets *secrets.Service

	close    sync.Once
	closeErr error
}

// New returns a server with the state that Dir holds. A Dir in use by another process
// is an error that wraps journal.ErrLocked. The caller calls Close.
func New(opts Options) (*Server, error) {
	if opts.Region == "" {
		opts.Region = "us-east-1"
	}
	if opts.Account == "" {
		opts.Account = "000000000000"
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	s := &Server{opts: opts, log: opts.Logger, faults: newFaults(), store: &store{}}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.store.logger = s.log
	tables, queues, topics, config := s.store.add("dynamodb"), s.store.add("sqs"), s.store.add("sns"), s.store.add("secrets")
	s.ddb = ddb.New(ddb.Options{Region: opts.Region, Account: opts.Account, Now: opts.Now, Append: tables.append, Keep: s.faults.keep, Lag: s.faults.lag})
	s.sqs = sqs.New(sqs.Options{Region: opts.Region, Account: opts.Account, Now: opts.Now, Append: queues.append, Lose: s.faults.redeliver})
	s.copies = newCopies(s.sqs, s.faults, s.log)
	s.sns = sns.New(sns.Options{Region: opts.Region, Account: opts.Account, Now: opts.Now, Append: topics.append, Queues: s.copies})
	s.secrets = secrets.New(secrets.Options{Region: opts.Region, Account: opts.Account, Now: opts.Now, Append: config.append})
	tables.service, queues.service, topics.service, config.service = s.ddb, s.sqs, s.sns, s.secrets
	if opts.Dir == "" {
		return s, nil
	}
	if err := s.store.open(opts.Dir); err != nil {
		return nil, err
	}
	return s, nil
}

// Faults are the server's fault switches.
func (s *Server) Faults() *Faults { return s.faults }

// DynamoChanged returns a channel that is closed when the next stream record of any
// table can be read.
func (s *Server) DynamoChanged() <-chan struct{} { return s.ddb.Changed() }

// Close ends waiting polls, hands over delayed copies, writes a last snapshot and gives
// the data folder up. Requests after it that would change something fail.
func (s *Server) Close() error {
	s.close.Do(func() {
		s.copies.close()
		s.sqs.Close()
		s.closeErr = s.store.close()
	})
	return s.closeErr
}

// ServeHTTP answers the requests of all services, and for people: GET / or /_health
// tells what is there, GET and PUT /_faults are the fault switches.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Clients compare their clock with this; it is the server's, which a test may set.
	w.Header().Set("Date", s.opts.Now().UTC().Format(http.TimeFormat))
	switch {
	case r.URL.Path == "/_faults":
		s.faults.ServeHTTP(w, r)
	case r.Method == http.MethodGet && (r.URL.Path == "/" || r.URL.Path == "/_health") && r.URL.RawQuery == "":
		s.serveHealth(w)
	case r.Method != http.MethodPost:
		http.Error(w, "the embedded AWS takes POST requests of the AWS protocols", http.StatusMethodNotAllowed)
	default:
		s.serveAPI(w, r)
	}
}

func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		status := http.StatusBadRequest
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(w, "read request: "+err.Error(), status)
		return
	}
	target := r.Header.Get("X-Amz-Target")
	service, operation, _ := strings.Cut(target, ".")
	switch {
	case ddb.Serves(target):
		s.serveDynamo(w, target, operation, body)
	case service == "AmazonSQS":
		s.sqs.Serve(w, r, operation, body)
	case service == "AmazonSSM" || service == "secretsmanager":
		s.secrets.Serve(w, target, body)
	case target == "" && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		s.serveQuery(w, body)
	default:
		wire.WriteError(w, "com.amazon.coral.service", wire.Errorf("UnknownOperationException", "The embedded AWS has no "+target+"."))
	}
}

// serveQuery answers requests of the Query protocol, which only SNS still speaks.
func (s *Server) serveQuery(w http.ResponseWriter, body []byte) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		sns.Refuse(w, http.StatusBadRequest, "MalformedQueryString", err.Error())
		return
	}
	if v := form.Get("Version"); v != sns.Version {
		sns.Refuse(w, http.StatusBadRequest, "InvalidAction", "The embedded AWS has no Query API of version "+v+"; SQS is spoken to in JSON.")
		return
	}
	action := form.Get("Action")
	if (action == "Publish" || action == "PublishBatch") && s.faults.draw(publishFail) {
		sns.Refuse(w, http.StatusInternalServerError, "InternalError", "An injected fault: nothing was published.")
		return
	}
	s.sns.Serve(w, form)
}

func (s *Server) serveHealth(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{ // a client that is gone needs no answer
		"status": "ok", "region": s.opts.Region, "account": s.opts.Account, "dir": s.opts.Dir,
		"services": []string{"dynamodb", "dynamodbstreams", "sns", "sqs", "ssm", "secretsmanager"},
		"queues":   s.sqs.Queues(), "topics": s.sns.Topics(), "copies": s.sns.Counts(),
	})
}
