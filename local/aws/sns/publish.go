package sns

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"unicode/utf8"
)

// AWS's limits of a message.
const (
	maxMessageSize   = 256 << 10 // bytes: message and attributes, and a whole batch
	maxEntries       = 10        // of a batch
	maxRawAttributes = 10        // SQS takes no more, so raw delivery discards the message
)

// message is one that was published.
type message struct {
	id, subject, body string
	perProtocol       map[string]string // MessageStructure json: body by protocol
	attributes        map[string]Attribute

	values  map[string]any // attributes as policies see them; made when first needed
	content map[string]any // the body's members, likewise; nil if it is no JSON object
	parsed  bool
}

// parse reads and checks a message; attributes names the list of its attributes.
func parse(form url.Values, prefix, attributes string) (*message, error) {
	m := &message{id: newID(), subject: form.Get(prefix + "Subject"), body: form.Get(prefix + "Message")}
	if m.body == "" {
		return nil, errInvalid("Empty message")
	}
	if !utf8.ValidString(m.body) {
		return nil, errInvalid("Message Reason: not UTF-8")
	}
	if !validSubject(m.subject) {
		return nil, errInvalid("Subject")
	}
	if form.Has(prefix+"MessageGroupId") || form.Has(prefix+"MessageDeduplicationId") {
		return nil, errInvalid("MessageGroupId Reason: the embedded AWS has no FIFO topics")
	}
	var err error
	if m.attributes, err = parseAttributes(form, prefix+attributes); err != nil {
		return nil, err
	}
	switch form.Get(prefix + "MessageStructure") {
	case "":
	case "json":
		var all map[string]json.RawMessage
		if json.Unmarshal([]byte(m.body), &all) != nil {
			return nil, errInvalid("Message Structure - JSON message body failed to parse")
		}
		m.perProtocol = map[string]string{}
		for protocol, raw := range all {
			var text string
			if json.Unmarshal(raw, &text) == nil { // others than strings are ignored, as on AWS
				m.perProtocol[protocol] = text
			}
		}
		if _, ok := m.perProtocol["default"]; !ok {
			return nil, errInvalid("Message Structure - No default entry in JSON message body")
		}
	default:
		return nil, errInvalid("MessageStructure")
	}
	return m, nil
}

// subjects: up to 100 printable ASCII characters, AWS says, and not starting with a space.
var subjectText = regexp.MustCompile(`^[!-~][ -~]{0,99}$`)

func validSubject(s string) bool { return s == "" || subjectText.MatchString(s) }

// text is the body for queues.
func (m *message) text() string {
	if m.perProtocol == nil {
		return m.body
	}
	if s, ok := m.perProtocol["sqs"]; ok {
		return s
	}
	return m.perProtocol["default"]
}

func (m *message) passes(sub *subscription) bool {
	if sub.policy == nil {
		return true
	}
	if !sub.body {
		if m.values == nil {
			m.values = filterable(m.attributes)
		}
		return sub.policy.Match(m.values)
	}
	if !m.parsed {
		m.parsed = true
		if json.Unmarshal([]byte(m.text()), &m.content) != nil {
			m.content = nil
		}
	}
	return m.content != nil && sub.policy.Match(m.content)
}

func (s *Service) publish(form url.Values) (result, error) {
	if form.Get("PhoneNumber") != "" {
		return result{}, errInvalid("PhoneNumber Reason: the embedded AWS publishes to topics only")
	}
	arn := form.Get("TopicArn")
	if arn == "" {
		arn = form.Get("TargetArn")
	}
	subscriptions, err := s.audience(arn)
	if err != nil {
		return result{}, err
	}
	m, err := parse(form, "", "MessageAttributes.entry")
	if err != nil {
		return result{}, err
	}
	if size(m.body, m.attributes) > maxMessageSize {
		return result{}, errInvalid("Message too long")
	}
	if err := s.deliver(arn, m, subscriptions); err != nil {
		return result{}, err
	}
	out := newResult()
	out.text("MessageId", m.id)
	return out, nil
}

// audience returns a topic's subscriptions, which nobody changes any more.
func (s *Service) audience(arn string) ([]*subscription, error) {
	if arn == "" {
		return nil, errInvalid("TopicArn or TargetArn Reason: no value for required parameter")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.topic(arn)
	if err != nil {
		return nil, err
	}
	return t.subscriptions, nil
}

// deliver hands the message to the queues that want it. After an error some may have
// it: the publisher tries again, and standard topics may deliver twice.
func (s *Service) deliver(topic string, m *message, subscriptions []*subscription) error {
	var wrapped string // one envelope for all, but for the link that ends a subscription
	for _, sub := range subscriptions {
		if !m.passes(sub) {
			s.filtered.Add(1)
			continue
		}
		c := Copy{Body: m.text(), Attributes: m.attributes}
		if sub.raw && len(m.attributes) > maxRawAttributes {
			s.dropped.Add(1)
			continue
		}
		if !sub.raw {
			if wrapped == "" {
				wrapped = s.envelope(topic, m)
			}
			c = Copy{Body: finish(wrapped, s.opts.Region, sub.arn)}
		}
		if err := s.opts.Queues.Enqueue(sub.endpoint, c); errors.Is(err, ErrNoQueue) {
			s.noQueue.Add(1)
		} else if err != nil {
			return err
		} else {
			s.delivered.Add(1)
		}
	}
	return nil
}

var entryID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

func refuseBatch(code, message string) error { return refuse(http.StatusBadRequest, code, message) }

func (s *Service) publishBatch(form url.Values) (result, error) {
	arn := form.Get("TopicArn")
	subscriptions, err := s.audience(arn)
	if err != nil {
		return result{}, err
	}
	prefixes := members(form, "PublishBatchRequestEntries.member", "Id", "Message")
	if err := validateBatch(form, prefixes); err != nil {
		return result{}, err
	}
	ok, failed := newResult(), newResult()
	for _, p := range prefixes {
		id := form.Get(p + ".Id")
		m, err := parse(form, p+".", "MessageAttributes.entry")
		if r, isRefusal := errors.AsType[*refusal](err); isRefusal {
			failed.open("member")
			failed.text("Id", id)
			failed.text("Code", r.code)
			failed.text("Message", r.message)
			failed.text("SenderFault", "true")
			failed.close("member")
			continue
		}
		if err := s.deliver(arn, m, subscriptions); err != nil {
			return result{}, err
		}
		ok.open("member")
		ok.text("Id", id)
		ok.text("MessageId", m.id)
		ok.close("member")
	}
	out := newResult()
	out.b.WriteString("<Successful>" + ok.b.String() + "</Successful><Failed>" + failed.b.String() + "</Failed>")
	return out, nil
}

// validateBatch refuses what fails a batch as a whole.
func validateBatch(form url.Values, prefixes []string) error {
	if len(prefixes) == 0 {
		return refuseBatch("EmptyBatchRequest", "The batch request doesn't contain any entries.")
	}
	if len(prefixes) > maxEntries {
		return refuseBatch("TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible.")
	}
	seen := map[string]bool{}
	total := 0
	for _, p := range prefixes {
		id := form.Get(p + ".Id")
		if !entryID.MatchString(id) {
			return refuseBatch("InvalidBatchEntryId", "The Id of a batch entry in a batch request doesn't abide by the specification.")
		}
		if seen[id] {
			return refuseBatch("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.")
		}
		seen[id] = true
		attributes, _ := parseAttributes(form, p+".MessageAttributes.entry") // refused entry by entry later
		total += size(form.Get(p+".Message"), attributes)
	}
	if total > maxMessageSize {
		return refuseBatch("BatchRequestTooLong", "The length of all the messages put together is more than the limit.")
	}
	return nil
}
