// Package sqs is the queue service of the embedded AWS: standard queues over the AWS
// JSON 1.0 protocol, with the limits and refusals of SQS. FIFO queues are refused.
//
// Known differences from AWS, beside the operations that are missing:
//
//   - order within a queue is that in which messages became visible, polls are served
//     first come, first served, and a message comes once unless its visibility timeout
//     ends: all stricter than what AWS promises, so nothing may rely on it;
//   - counts are exact, and changed attributes and purges act at once;
//   - a name can be used again at once after DeleteQueue, where AWS wants 60 s;
//   - access policies and encryption settings are kept and given back, not enforced;
//   - message system attributes (AWSTraceHeader) are refused;
//   - hand-overs are not kept over a restart: then all messages are visible, and their
//     receive counts are those of the last snapshot.
package sqs

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"tidings/local/aws/wire"
)

// ErrNoQueue is what Enqueue returns for the ARN of a queue that is not there.
var ErrNoQueue = errors.New("no such queue")

// Options are fixed for the life of a Service.
type Options struct {
	Region, Account string
	Now             func() time.Time   // nil: time.Now
	Append          func([]byte) error // keeps a record of each change before it is made; nil: memory only

	// Lose is asked at the first hand-over of each message; true loses it: it counts as
	// received, the answer lacks it, and it is visible again after the duration. It is
	// called under the service's lock. nil: nothing is lost.
	Lose func() (time.Duration, bool)
}

// Service holds the queues of one account in one region. It is safe for concurrent use.
type Service struct {
	opts Options

	mu     sync.Mutex
	queues map[string]*queue // by name
	closed bool
}

// New returns a service without queues; Replay fills it.
func New(opts Options) *Service {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Append == nil {
		opts.Append = func([]byte) error { return nil }
	}
	if opts.Lose == nil {
		opts.Lose = func() (time.Duration, bool) { return 0, false }
	}
	return &Service{opts: opts, queues: map[string]*queue{}}
}

// Queues returns the number of queues.
func (s *Service) Queues() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queues)
}

// Close ends all waiting polls with an empty answer and stops the timers. Later polls
// don't wait.
func (s *Service) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, q := range s.queues {
		q.dismiss()
	}
}

// call is one request, past its decoding.
type call struct {
	ctx  context.Context
	host string // of the request: queue URLs are made with it
}

type operation func(*Service, call, []byte) (any, error)

// decoded adapts an operation with a typed input.
func decoded[In any](run func(*Service, call, In) (any, error)) operation {
	return func(s *Service, c call, body []byte) (any, error) {
		var in In
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, wire.Errorf("SerializationException", err.Error())
		}
		return run(s, c, in)
	}
}

// operations has everything but ReceiveMessage, which must know whether its answer
// reached the client.
var operations = map[string]operation{
	"CreateQueue":                  decoded((*Service).createQueue),
	"GetQueueUrl":                  decoded((*Service).getQueueURL),
	"ListQueues":                   decoded((*Service).listQueues),
	"DeleteQueue":                  decoded((*Service).deleteQueue),
	"PurgeQueue":                   decoded((*Service).purgeQueue),
	"GetQueueAttributes":           decoded((*Service).getQueueAttributes),
	"SetQueueAttributes":           decoded((*Service).setQueueAttributes),
	"TagQueue":                     decoded((*Service).tagQueue),
	"UntagQueue":                   decoded((*Service).untagQueue),
	"ListQueueTags":                decoded((*Service).listQueueTags),
	"SendMessage":                  decoded((*Service).sendMessage),
	"SendMessageBatch":             decoded((*Service).sendMessageBatch),
	"DeleteMessage":                decoded((*Service).deleteMessage),
	"DeleteMessageBatch":           decoded((*Service).deleteMessageBatch),
	"ChangeMessageVisibility":      decoded((*Service).changeVisibility),
	"ChangeMessageVisibilityBatch": decoded((*Service).changeVisibilityBatch),
}

// Serve answers one request. The operation is the part of X-Amz-Target after the dot.
// r gives the context (a poll ends with it) and the host; its body was read already.
func (s *Service) Serve(w http.ResponseWriter, r *http.Request, name string, body []byte) {
	c := call{ctx: r.Context(), host: r.Host}
	if name == "ReceiveMessage" {
		s.serveReceive(w, c, body)
		return
	}
	run, ok := operations[name]
	if !ok {
		refuse(w, wire.Errorf("UnsupportedOperation", "The embedded AWS has no operation SQS "+name+"."))
		return
	}
	out, err := run(s, c, body)
	if err != nil {
		refuse(w, err)
		return
	}
	wire.WriteJSON(w, http.StatusOK, out)
}

// nothing is the answer of an operation without output.
type nothing struct{}
