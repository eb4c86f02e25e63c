package sns

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tidings/local/aws/sns/filter"
)

// maxPolicies is AWS's default quota of filter policies on one topic.
const maxPolicies = 200

// subscription is immutable: a change replaces it.
type subscription struct {
	arn, topic, endpoint string
	attributes           map[string]string // as they were set
	raw                  bool
	body                 bool           // the policy looks at the message's body
	policy               *filter.Policy // nil: everything passes
}

// newSubscription parses the attributes; the error is AWS's refusal of one.
func newSubscription(arn, topic, endpoint string, attributes map[string]string) (*subscription, error) {
	sub := &subscription{arn: arn, topic: topic, endpoint: endpoint, attributes: attributes}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		value := attributes[name]
		switch name {
		case "RawMessageDelivery":
			if value != "true" && value != "false" {
				return nil, errInvalid("Attributes Reason: RawMessageDelivery: Invalid value [" + value + "]. Must be true or false.")
			}
			sub.raw = value == "true"
		case "FilterPolicyScope":
			if value != "MessageAttributes" && value != "MessageBody" {
				return nil, errInvalid("Attributes Reason: FilterPolicyScope: Invalid value [" + value + "]. Please use either MessageBody or MessageAttributes")
			}
			sub.body = value == "MessageBody"
		case "RedrivePolicy":
			if !json.Valid([]byte(value)) {
				return nil, errInvalid("RedrivePolicy: must be a JSON object")
			}
		case "FilterPolicy":
		default:
			return nil, errInvalid("AttributeName")
		}
	}
	if text := attributes["FilterPolicy"]; text != "" {
		policy, err := filter.Parse(text, sub.body)
		if err != nil {
			return nil, errInvalid("FilterPolicy: " + err.Error())
		}
		if !isEmptyObject(text) { // {} takes the policy off
			sub.policy = policy
		}
	}
	return sub, nil
}

func isEmptyObject(text string) bool {
	var m map[string]any
	return json.Unmarshal([]byte(text), &m) == nil && len(m) == 0
}

// set returns the topic's subscriptions with sub in place of the one with its ARN, or
// at the end.
func (t *topic) set(sub *subscription) {
	next := slices.Clone(t.subscriptions)
	if i := slices.IndexFunc(next, func(o *subscription) bool { return o.arn == sub.arn }); i >= 0 {
		next[i] = sub
	} else {
		next = append(next, sub)
	}
	t.subscriptions = next
}

func (t *topic) unset(arn string) {
	t.subscriptions = slices.DeleteFunc(slices.Clone(t.subscriptions), func(o *subscription) bool { return o.arn == arn })
}

// room refuses a policy beyond the quota; arn is the subscription that gets it.
func (t *topic) room(arn string) error {
	n := 0
	for _, o := range t.subscriptions {
		if o.policy != nil && o.arn != arn {
			n++
		}
	}
	if n >= maxPolicies {
		return refuse(http.StatusForbidden, "FilterPolicyLimitExceeded", "Filter policy limit exceeded: a topic can have 200 filter policies")
	}
	return nil
}

func (s *Service) subscribe(form url.Values) (result, error) {
	protocol, endpoint := form.Get("Protocol"), form.Get("Endpoint")
	if protocol != "sqs" {
		return result{}, errInvalid("Protocol Reason: the embedded AWS delivers to sqs only, not to [" + protocol + "]")
	}
	if !strings.HasPrefix(endpoint, "arn:aws:sqs:") || strings.Count(endpoint, ":") != 5 {
		return result{}, errInvalid("SQS endpoint ARN")
	}
	if strings.HasSuffix(endpoint, ".fifo") {
		return result{}, errInvalid("Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.topic(form.Get("TopicArn"))
	if err != nil {
		return result{}, err
	}
	sub, err := newSubscription(t.arn+":"+newID(), t.arn, endpoint, entries(form, "Attributes.entry", "key", "value"))
	if err != nil {
		return result{}, err
	}
	out := newResult()
	if i := slices.IndexFunc(t.subscriptions, func(o *subscription) bool { return o.endpoint == endpoint }); i >= 0 {
		have := t.subscriptions[i]
		if !have.sameAs(sub.attributes) {
			return result{}, errInvalid("Attributes Reason: Subscription already exists with different attributes")
		}
		out.text("SubscriptionArn", have.arn)
		return out, nil
	}
	if sub.policy != nil {
		if err := t.room(sub.arn); err != nil {
			return result{}, err
		}
	}
	if err := s.keep(t, sub); err != nil {
		return result{}, err
	}
	out.text("SubscriptionArn", sub.arn)
	return out, nil
}

// sameAs compares attributes with their defaults filled in.
func (sub *subscription) sameAs(attributes map[string]string) bool {
	fill := func(m map[string]string) map[string]string {
		out := map[string]string{"RawMessageDelivery": "false", "FilterPolicyScope": "MessageAttributes"}
		maps.Copy(out, m)
		return out
	}
	return maps.Equal(fill(sub.attributes), fill(attributes))
}

// keep records a new or changed subscription and puts it in its place.
func (s *Service) keep(t *topic, sub *subscription) error {
	if err := s.append(record{Op: opSubscription, ARN: sub.arn, Topic: t.arn, Endpoint: sub.endpoint, Attributes: sub.attributes}); err != nil {
		return err
	}
	s.subscriptions[sub.arn] = sub
	t.set(sub)
	return nil
}

// subscription finds the one that a request names; the caller holds the lock.
func (s *Service) subscription(arn string) (*subscription, error) {
	if arn == "" {
		return nil, errInvalid("SubscriptionArn Reason: no value for required parameter")
	}
	if !strings.HasPrefix(arn, "arn:aws:sns:") || strings.Count(arn, ":") != 6 {
		return nil, errInvalid("SubscriptionArn Reason: An ARN must have at least 7 elements")
	}
	sub := s.subscriptions[arn]
	if sub == nil {
		return nil, errNotFound("Subscription")
	}
	return sub, nil
}

func (s *Service) unsubscribe(form url.Values) (result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub, err := s.subscription(form.Get("SubscriptionArn"))
	if r, ok := err.(*refusal); ok && r.code == "NotFound" {
		return result{}, nil // AWS: ending what isn't there is no error
	} else if err != nil {
		return result{}, err
	}
	if err := s.append(record{Op: opDropSubscription, ARN: sub.arn}); err != nil {
		return result{}, err
	}
	s.topics[sub.topic].unset(sub.arn)
	delete(s.subscriptions, sub.arn)
	return result{}, nil
}

func (s *Service) confirmSubscription(url.Values) (result, error) {
	return result{}, errInvalid("Token Reason: subscriptions of the embedded AWS are confirmed from the start")
}

func (s *Service) getSubscriptionAttributes(form url.Values) (result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub, err := s.subscription(form.Get("SubscriptionArn"))
	if err != nil {
		return result{}, err
	}
	all := map[string]string{
		"SubscriptionArn": sub.arn, "TopicArn": sub.topic, "Protocol": "sqs", "Endpoint": sub.endpoint,
		"Owner": s.opts.Account, "ConfirmationWasAuthenticated": "true", "PendingConfirmation": "false",
		"RawMessageDelivery": "false", "SubscriptionPrincipal": "arn:aws:iam::" + s.opts.Account + ":root",
	}
	if sub.attributes["FilterPolicy"] != "" {
		all["FilterPolicyScope"] = "MessageAttributes"
	}
	maps.Copy(all, sub.attributes)
	out := newResult()
	out.attributes(all)
	return out, nil
}

func (s *Service) setSubscriptionAttributes(form url.Values) (result, error) {
	name, value := form.Get("AttributeName"), form.Get("AttributeValue")
	s.mu.Lock()
	defer s.mu.Unlock()
	have, err := s.subscription(form.Get("SubscriptionArn"))
	if err != nil {
		return result{}, err
	}
	attributes := maps.Clone(have.attributes)
	attributes[name] = value
	if value == "" && (name == "FilterPolicy" || name == "RedrivePolicy") {
		delete(attributes, name)
	}
	sub, err := newSubscription(have.arn, have.topic, have.endpoint, attributes)
	if err != nil {
		return result{}, err
	}
	t := s.topics[sub.topic]
	if sub.policy != nil {
		if err := t.room(sub.arn); err != nil {
			return result{}, err
		}
	}
	return result{}, s.keep(t, sub)
}
