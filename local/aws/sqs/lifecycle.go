package sqs

import (
	"encoding/base64"
	"maps"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"tidings/local/aws/wire"
)

var queueName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// purgePause is how long AWS refuses a second PurgeQueue.
const purgePause = 60 * time.Second

// listLimit is the most queue URLs that one ListQueues answers.
const listLimit = 1000

type createQueueInput struct {
	QueueName  string
	Attributes map[string]string
	Tags       map[string]string `json:"tags"`
}

func (s *Service) createQueue(c call, in createQueueInput) (any, error) {
	switch {
	case in.QueueName == "":
		return nil, errMissing("QueueName")
	case strings.HasSuffix(in.QueueName, ".fifo"):
		return nil, errFIFO()
	case !queueName.MatchString(in.QueueName):
		return nil, errInvalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	if err := validateTags(in.Tags); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := queueURL{s.url(c.host, in.QueueName)}
	if q := s.queues[in.QueueName]; q != nil {
		return out, q.sameAs(in.Attributes)
	}
	set, err := parseSettings(in.Attributes, s.existsARN)
	if err != nil {
		return nil, err
	}
	now := s.opts.Now()
	q := newQueue(in.QueueName, s.arn(in.QueueName), now)
	q.settings = set
	maps.Copy(q.attributes, in.Attributes)
	maps.Copy(q.tags, in.Tags)
	if err := s.append(record{Op: opQueue, Queue: q.name, State: q.state()}); err != nil {
		return nil, err
	}
	s.queues[q.name] = q
	return out, nil
}

// sameAs refuses attributes that differ from the queue's; those not named may have
// any value.
func (q *queue) sameAs(attributes map[string]string) error {
	have := defaults()
	maps.Copy(have, q.attributes)
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if have[name] != attributes[name] {
			return wire.Errorf("QueueNameExists", "A queue already exists with the same name and a different value for attribute "+name)
		}
	}
	return nil
}

type queueURL struct {
	QueueUrl string
}

func (s *Service) url(host, name string) string {
	return "http://" + host + "/" + s.opts.Account + "/" + name
}

func (s *Service) arn(name string) string {
	return "arn:aws:sqs:" + s.opts.Region + ":" + s.opts.Account + ":" + name
}

func (s *Service) byARN(arn string) *queue {
	name, ok := strings.CutPrefix(arn, s.arn(""))
	if !ok {
		return nil
	}
	return s.queues[name]
}

func (s *Service) existsARN(arn string) bool { return s.byARN(arn) != nil }

// byURL finds a queue by its URL under any host, and lets happen what the clock has
// brought to it, so that a call never overtakes a poll that waits.
func (s *Service) byURL(url string) (*queue, error) {
	if url == "" {
		return nil, errMissing("QueueUrl")
	}
	path := strings.Split(url, "/")
	if len(path) < 2 || path[len(path)-2] != s.opts.Account {
		return nil, errNoQueue()
	}
	q := s.queues[path[len(path)-1]]
	if q == nil {
		return nil, errNoQueue()
	}
	s.serve(q)
	return q, nil
}

func (s *Service) getQueueURL(c call, in struct{ QueueName string }) (any, error) {
	if in.QueueName == "" {
		return nil, errMissing("QueueName")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queues[in.QueueName] == nil {
		return nil, errNoQueue()
	}
	return queueURL{s.url(c.host, in.QueueName)}, nil
}

type listQueuesInput struct {
	QueueNamePrefix string
	MaxResults      *int
	NextToken       string
}

type listQueuesOutput struct {
	QueueUrls []string `json:",omitempty"`
	NextToken string   `json:",omitempty"`
}

func (s *Service) listQueues(c call, in listQueuesInput) (any, error) {
	limit := listLimit
	if in.MaxResults != nil {
		if limit = *in.MaxResults; limit < 1 || limit > listLimit {
			return nil, errRange(limit, "MaxResults", "MaxResults must be an integer between 1 and 1000.")
		}
	}
	after, err := base64.RawURLEncoding.DecodeString(in.NextToken)
	if err != nil {
		return nil, errInvalid("Invalid or expired next token.")
	}
	s.mu.Lock()
	names := slices.Sorted(maps.Keys(s.queues))
	s.mu.Unlock()
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasPrefix(n, in.QueueNamePrefix) })
	names = names[sort.Search(len(names), func(i int) bool { return names[i] > string(after) }):]
	var out listQueuesOutput
	if len(names) > limit {
		names = names[:limit]
		if in.MaxResults != nil { // AWS pages only for those who ask
			out.NextToken = base64.RawURLEncoding.EncodeToString([]byte(names[limit-1]))
		}
	}
	for _, n := range names {
		out.QueueUrls = append(out.QueueUrls, s.url(c.host, n))
	}
	return out, nil
}

type queueInput struct{ QueueUrl string }

func (s *Service) deleteQueue(_ call, in queueInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := s.append(record{Op: opDropQueue, Queue: q.name}); err != nil {
		return nil, err
	}
	delete(s.queues, q.name)
	q.gone = true
	q.dismiss()
	return nothing{}, nil
}

func (s *Service) purgeQueue(_ call, in queueInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	now := s.opts.Now()
	if now.Sub(q.purged) < purgePause {
		return nil, wire.Errorf("PurgeQueueInProgress", "Only one PurgeQueue operation on "+q.name+" is allowed every 60 seconds.")
	}
	if err := s.append(record{Op: opPurge, Queue: q.name}); err != nil {
		return nil, err
	}
	q.purged = now
	q.clear()
	return nothing{}, nil
}
