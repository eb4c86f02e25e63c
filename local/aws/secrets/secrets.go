// Package secrets is the small part of two services that the embedded AWS has for
// configuration: parameters of SSM and secrets of Secrets Manager, over the AWS JSON
// 1.1 protocol. Nothing is encrypted: it is for a laptop's data.
package secrets

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"tidings/local/aws/wire"
)

// ContentType is that of the AWS JSON 1.1 protocol.
const ContentType = "application/x-amz-json-1.1"

// Options are fixed for the life of a Service.
type Options struct {
	Region, Account string
	Now             func() time.Time   // nil: time.Now
	Append          func([]byte) error // keeps a record of each change before it is made; nil: memory only
}

// Service holds the parameters and secrets of one account in one region. It is safe
// for concurrent use.
type Service struct {
	opts Options

	mu         sync.Mutex
	parameters map[string]parameter // by name; values are replaced, never changed
	secrets    map[string]secret
}

// New returns an empty service; Replay fills it.
func New(opts Options) *Service {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Append == nil {
		opts.Append = func([]byte) error { return nil }
	}
	return &Service{opts: opts, parameters: map[string]parameter{}, secrets: map[string]secret{}}
}

type operation func(*Service, []byte) (any, error)

// decoded adapts an operation with a typed input; it runs under the lock.
func decoded[In any](run func(*Service, In) (any, error)) operation {
	return func(s *Service, body []byte) (any, error) {
		var in In
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, wire.Errorf("SerializationException", err.Error())
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return run(s, in)
	}
}

var operations = map[string]operation{
	"AmazonSSM.PutParameter":        decoded((*Service).putParameter),
	"AmazonSSM.GetParameter":        decoded((*Service).getParameter),
	"AmazonSSM.GetParameters":       decoded((*Service).getParameters),
	"AmazonSSM.DeleteParameter":     decoded((*Service).deleteParameter),
	"secretsmanager.CreateSecret":   decoded((*Service).createSecret),
	"secretsmanager.GetSecretValue": decoded((*Service).getSecretValue),
	"secretsmanager.PutSecretValue": decoded((*Service).putSecretValue),
	"secretsmanager.DeleteSecret":   decoded((*Service).deleteSecret),
}

// Serve answers one request; target is its whole X-Amz-Target.
func (s *Service) Serve(w http.ResponseWriter, target string, body []byte) {
	run, ok := operations[target]
	if !ok {
		answer(w, http.StatusBadRequest, failure{"UnknownOperationException", "The embedded AWS has no operation " + target + "."})
		return
	}
	out, err := run(s, body)
	if e, ok := errors.AsType[*wire.Error](err); ok {
		answer(w, http.StatusBadRequest, failure{e.Code, e.Message})
		return
	} else if err != nil {
		answer(w, http.StatusInternalServerError, failure{"InternalServerError", err.Error()})
		return
	}
	answer(w, http.StatusOK, out)
}

type failure struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
}

type nothing struct{}

func answer(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // answers are made of strings and numbers
	}
	h := w.Header()
	h.Set("Content-Type", ContentType)
	h.Set("X-Amzn-Requestid", wire.RequestID())
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that is gone needs no answer
}

// seconds is the form of a time in the JSON protocols.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func errInvalid(message string) error { return wire.Errorf("ValidationException", message) }

// record is one change: the new value of a parameter or secret, or none when it was
// deleted.
type record struct {
	Kind      string     `json:"kind"` // begin (of a snapshot), parameter, secret
	Name      string     `json:"name,omitempty"`
	Parameter *parameter `json:"parameter,omitempty"`
	Secret    *secret    `json:"secret,omitempty"`
}

func (s *Service) keep(r record) error {
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode record: %w", err)
	}
	if err := s.opts.Append(b); err != nil {
		return fmt.Errorf("keep record: %w", err)
	}
	return s.apply(r)
}

func (s *Service) apply(r record) error {
	switch {
	case r.Kind == "begin":
	case r.Kind == "parameter" && r.Parameter == nil:
		delete(s.parameters, r.Name)
	case r.Kind == "parameter":
		s.parameters[r.Name] = *r.Parameter
	case r.Kind == "secret" && r.Secret == nil:
		delete(s.secrets, r.Name)
	case r.Kind == "secret":
		s.secrets[r.Name] = *r.Secret
	default:
		return fmt.Errorf("unknown record %q", r.Kind)
	}
	return nil
}

// Replay applies a record that Append or Snapshot's put was given, in their order.
func (s *Service) Replay(b []byte) error {
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		return fmt.Errorf("decode record: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.apply(r)
}

// Snapshot puts records from which Replay makes the present state.
func (s *Service) Snapshot(put func([]byte) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	records := []record{{Kind: "begin"}}
	for name, p := range s.parameters {
		records = append(records, record{Kind: "parameter", Name: name, Parameter: &p})
	}
	for name, sec := range s.secrets {
		records = append(records, record{Kind: "secret", Name: name, Secret: &sec})
	}
	for _, r := range records {
		b, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("encode record: %w", err)
		}
		if err := put(b); err != nil {
			return err
		}
	}
	return nil
}

// arnName takes the name out of an ARN that starts with prefix; what is no such ARN is
// a name already.
func arnName(id, prefix string) string {
	if name, ok := strings.CutPrefix(id, prefix); ok {
		return name
	}
	return id
}
