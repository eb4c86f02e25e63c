// Package sns is the notification service of the embedded AWS: standard topics with
// queue subscriptions and filter policies over the AWS Query protocol, with the limits
// and refusals of SNS. Delivery happens inside Publish, in order, so a poll that waits
// on a subscribed queue wakes before the publisher has its answer.
//
// Known differences from AWS, beside the operations that are missing:
//
//   - a changed filter policy acts at once, where AWS takes up to 15 minutes;
//   - a queue that is gone gets nothing and is counted; there are no retries, and a
//     subscription's RedrivePolicy is kept without effect;
//   - envelopes are not signed;
//   - access policies, of topics and of queues, are not enforced.
package sns

import (
	"errors"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// Version is the API version that a Query request names.
const Version = "2010-03-31"

// ErrNoQueue is what Queues returns for a queue that is not there; SNS counts it and
// goes on, as AWS does.
var ErrNoQueue = errors.New("no such queue")

// Copy is what one queue gets of a message.
type Copy struct {
	Body       string
	Attributes map[string]Attribute
}

// Queues takes copies for queues by ARN. It is called in the order of publishing and
// must not call back.
type Queues interface {
	Enqueue(queueARN string, c Copy) error
}

// Options are fixed for the life of a Service.
type Options struct {
	Region, Account string
	Now             func() time.Time   // nil: time.Now
	Append          func([]byte) error // keeps a record of each change before it is made; nil: memory only
	Queues          Queues
}

// Counts are what happened to copies since the start.
type Counts struct {
	Delivered uint64 `json:"delivered"`
	Filtered  uint64 `json:"filtered"`  // by a filter policy
	NoQueue   uint64 `json:"noQueue"`   // the subscribed queue is gone
	Discarded uint64 `json:"discarded"` // raw delivery of more than 10 attributes
}

// Service holds the topics of one account in one region. It is safe for concurrent use.
type Service struct {
	opts                                  Options
	delivered, filtered, noQueue, dropped atomic.Uint64

	mu            sync.Mutex
	topics        map[string]*topic        // by ARN
	subscriptions map[string]*subscription // by ARN
}

// New returns a service without topics; Replay fills it.
func New(opts Options) *Service {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Append == nil {
		opts.Append = func([]byte) error { return nil }
	}
	return &Service{opts: opts, topics: map[string]*topic{}, subscriptions: map[string]*subscription{}}
}

// Topics returns the number of topics.
func (s *Service) Topics() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.topics)
}

// Counts returns what happened to copies so far.
func (s *Service) Counts() Counts {
	return Counts{
		Delivered: s.delivered.Load(), Filtered: s.filtered.Load(),
		NoQueue: s.noQueue.Load(), Discarded: s.dropped.Load(),
	}
}

// operations answer with the XML of their result element, "" for none.
var operations = map[string]func(*Service, url.Values) (result, error){
	"CreateTopic":               (*Service).createTopic,
	"DeleteTopic":               (*Service).deleteTopic,
	"ListTopics":                (*Service).listTopics,
	"GetTopicAttributes":        (*Service).getTopicAttributes,
	"SetTopicAttributes":        (*Service).setTopicAttributes,
	"Subscribe":                 (*Service).subscribe,
	"Unsubscribe":               (*Service).unsubscribe,
	"ConfirmSubscription":       (*Service).confirmSubscription,
	"GetSubscriptionAttributes": (*Service).getSubscriptionAttributes,
	"SetSubscriptionAttributes": (*Service).setSubscriptionAttributes,
	"ListSubscriptions":         (*Service).listSubscriptions,
	"ListSubscriptionsByTopic":  (*Service).listSubscriptionsByTopic,
	"Publish":                   (*Service).publish,
	"PublishBatch":              (*Service).publishBatch,
	"TagResource":               (*Service).tagResource,
	"UntagResource":             (*Service).untagResource,
	"ListTagsForResource":       (*Service).listTagsForResource,
}

// Serve answers one request, given by its form.
func (s *Service) Serve(w http.ResponseWriter, form url.Values) {
	action := form.Get("Action")
	run, ok := operations[action]
	if !ok {
		Refuse(w, http.StatusBadRequest, "InvalidAction", "The embedded AWS has no action SNS "+action+".")
		return
	}
	out, err := run(s, form)
	if r, ok := errors.AsType[*refusal](err); ok {
		Refuse(w, r.status, r.code, r.message)
		return
	} else if err != nil {
		Refuse(w, http.StatusInternalServerError, "InternalError", err.Error())
		return
	}
	answer(w, action, out)
}
