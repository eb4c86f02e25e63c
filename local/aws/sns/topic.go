package sns

import (
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var topicName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

// settable topic attributes; they are kept and given back, and change nothing here.
var settable = []string{"Policy", "DisplayName", "DeliveryPolicy", "KmsMasterKeyId", "TracingConfig", "SignatureVersion"}

// topic is guarded by its Service's lock. The list of subscriptions is replaced, never
// changed, so that a publisher reads it without the lock.
type topic struct {
	arn           string
	attributes    map[string]string
	tags          map[string]string
	subscriptions []*subscription // in the order in which they were made
}

func (s *Service) topicARN(name string) string {
	return "arn:aws:sns:" + s.opts.Region + ":" + s.opts.Account + ":" + name
}

// topic finds the topic that a request names; the caller holds the lock.
func (s *Service) topic(arn string) (*topic, error) {
	if arn == "" {
		return nil, errInvalid("TopicArn Reason: no value for required parameter")
	}
	if !strings.HasPrefix(arn, "arn:aws:sns:") || strings.Count(arn, ":") != 5 {
		return nil, errInvalid("TopicArn Reason: An ARN must have at least 6 elements, not " + strconv.Itoa(1+strings.Count(arn, ":")))
	}
	t := s.topics[arn]
	if t == nil {
		return nil, errNotFound("Topic")
	}
	return t, nil
}

func (s *Service) createTopic(form url.Values) (result, error) {
	name := form.Get("Name")
	attributes := entries(form, "Attributes.entry", "key", "value")
	if strings.HasSuffix(name, ".fifo") || attributes["FifoTopic"] == "true" {
		return result{}, errInvalid("Topic Name Reason: the embedded AWS has no FIFO topics")
	}
	if !topicName.MatchString(name) {
		return result{}, errInvalid("Topic Name")
	}
	delete(attributes, "FifoTopic") // "false" is the default
	for _, k := range slices.Sorted(maps.Keys(attributes)) {
		if err := validateTopicAttribute(k, attributes[k]); err != nil {
			return result{}, err
		}
	}
	tags := entries(form, "Tags.member", "Key", "Value")
	if err := validateTags(tags); err != nil {
		return result{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	arn := s.topicARN(name)
	out := newResult()
	out.text("TopicArn", arn)
	if t := s.topics[arn]; t != nil {
		for k, v := range attributes {
			if t.attributes[k] != v {
				return result{}, errInvalid("Attributes Reason: Topic already exists with different attributes")
			}
		}
		if len(tags) > 0 && !maps.Equal(tags, t.tags) {
			return result{}, errInvalid("Tags Reason: Topic already exists with different tags")
		}
		return out, nil
	}
	t := &topic{arn: arn, attributes: attributes, tags: tags}
	if err := s.append(record{Op: opTopic, ARN: arn, Attributes: attributes, Tags: tags}); err != nil {
		return result{}, err
	}
	s.topics[arn] = t
	return out, nil
}

func validateTopicAttribute(name, value string) error {
	if !slices.Contains(settable, name) {
		return errInvalid("AttributeName")
	}
	if (name == "Policy" || name == "DeliveryPolicy") && !json.Valid([]byte(value)) {
		return errInvalid(name + ": Invalid JSON")
	}
	if name == "DisplayName" && len([]rune(value)) > 100 {
		return errInvalid("DisplayName: must be at most 100 characters")
	}
	return nil
}

func (s *Service) deleteTopic(form url.Values) (result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.topic(form.Get("TopicArn"))
	if r, ok := err.(*refusal); ok && r.code == "NotFound" {
		return result{}, nil // AWS: deleting what isn't there is no error
	} else if err != nil {
		return result{}, err
	}
	if err := s.append(record{Op: opDropTopic, ARN: t.arn}); err != nil {
		return result{}, err
	}
	s.dropTopic(t)
	return result{}, nil
}

func (s *Service) dropTopic(t *topic) {
	for _, sub := range t.subscriptions {
		delete(s.subscriptions, sub.arn)
	}
	delete(s.topics, t.arn)
}

func (s *Service) listTopics(form url.Values) (result, error) {
	s.mu.Lock()
	arns, next := page(slices.Sorted(maps.Keys(s.topics)), form.Get("NextToken"))
	s.mu.Unlock()
	out := newResult()
	out.open("Topics")
	for _, arn := range arns {
		out.open("member")
		out.text("TopicArn", arn)
		out.close("member")
	}
	out.close("Topics")
	if next != "" {
		out.text("NextToken", next)
	}
	return out, nil
}

// effectiveDelivery is what AWS shows for a topic without a delivery policy of its own.
const effectiveDelivery = `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"disableSubscriptionOverrides":false}}`

func (s *Service) getTopicAttributes(form url.Values) (result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.topic(form.Get("TopicArn"))
	if err != nil {
		return result{}, err
	}
	all := map[string]string{
		"TopicArn": t.arn, "Owner": s.opts.Account, "DisplayName": "",
		"SubscriptionsConfirmed": strconv.Itoa(len(t.subscriptions)), "SubscriptionsPending": "0", "SubscriptionsDeleted": "0",
		"EffectiveDeliveryPolicy": effectiveDelivery, "Policy": s.ownerPolicy(t.arn),
	}
	maps.Copy(all, t.attributes)
	out := newResult()
	out.attributes(all)
	return out, nil
}

// ownerPolicy is the access policy of a new topic: its own account may use it.
func (s *Service) ownerPolicy(arn string) string {
	return `{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID","Effect":"Allow","Principal":{"AWS":"*"},` +
		`"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],` +
		`"Resource":"` + arn + `","Condition":{"StringEquals":{"AWS:SourceOwner":"` + s.opts.Account + `"}}}]}`
}

func (s *Service) setTopicAttributes(form url.Values) (result, error) {
	name, value := form.Get("AttributeName"), form.Get("AttributeValue")
	if err := validateTopicAttribute(name, value); err != nil {
		return result{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.topic(form.Get("TopicArn"))
	if err != nil {
		return result{}, err
	}
	next := maps.Clone(t.attributes)
	next[name] = value
	if err := s.append(record{Op: opTopic, ARN: t.arn, Attributes: next, Tags: t.tags}); err != nil {
		return result{}, err
	}
	t.attributes = next
	return result{}, nil
}
