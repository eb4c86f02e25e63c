package sqs

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"tidings/local/aws/wire"
)

// settings are a queue's attributes as it uses them.
type settings struct {
	visibility, delay, retention, wait time.Duration
	maxSize                            int
	redrive                            *redrive
}

// redrive is a redrive policy: after so many hand-overs to the dead-letter queue.
type redrive struct {
	target string // ARN
	max    int
}

// number attributes with AWS's default and range; durations are in seconds.
var numbers = map[string]struct {
	def, low, high int
	set            func(*settings, int)
}{
	"VisibilityTimeout":             {30, 0, 43200, func(s *settings, n int) { s.visibility = seconds(n) }},
	"DelaySeconds":                  {0, 0, maxDelay, func(s *settings, n int) { s.delay = seconds(n) }},
	"MessageRetentionPeriod":        {345600, 60, 1209600, func(s *settings, n int) { s.retention = seconds(n) }},
	"ReceiveMessageWaitTimeSeconds": {0, 0, 20, func(s *settings, n int) { s.wait = seconds(n) }},
	"MaximumMessageSize":            {maxMessageSize, 1024, maxMessageSize, func(s *settings, n int) { s.maxSize = n }},
}

// kept attributes are stored and given back; they change nothing here.
var kept = []string{"Policy", "RedriveAllowPolicy", "SqsManagedSseEnabled", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds"}

// computed attributes are answered, never set.
var computed = []string{
	"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed",
	"CreatedTimestamp", "LastModifiedTimestamp", "QueueArn",
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// defaults are what a queue without attributes has.
func defaults() map[string]string {
	out := map[string]string{"SqsManagedSseEnabled": "true"}
	for name, n := range numbers {
		out[name] = strconv.Itoa(n.def)
	}
	return out
}

func errValue(name string) error {
	return wire.Errorf("InvalidAttributeValue", "Invalid value for the parameter "+name+".")
}

// parseSettings reads a queue's attributes. exists tells whether a dead-letter queue
// is there; nil skips that check.
func parseSettings(attributes map[string]string, exists func(arn string) bool) (settings, error) {
	var s settings
	for _, n := range numbers {
		n.set(&s, n.def)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		value := attributes[name]
		switch n, isNumber := numbers[name]; {
		case isNumber:
			v, err := strconv.Atoi(value)
			if err != nil || v < n.low || v > n.high {
				return s, errValue(name)
			}
			n.set(&s, v)
		case name == "RedrivePolicy":
			r, err := parseRedrive(value)
			if err != nil {
				return s, err
			}
			if exists != nil && !exists(r.target) {
				return s, errInvalid("Value %s for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist.", value)
			}
			s.redrive = r
		case name == "FifoQueue" || name == "ContentBasedDeduplication" || name == "DeduplicationScope" || name == "FifoThroughputLimit":
			return s, errFIFO()
		case (name == "Policy" || name == "RedriveAllowPolicy") && !json.Valid([]byte(value)):
			return s, errValue(name)
		case !slices.Contains(kept, name):
			return s, errUnknownAttribute(name)
		}
	}
	return s, nil
}

// parseRedrive reads {"deadLetterTargetArn":…,"maxReceiveCount":…}; AWS takes the
// count as a number or as a string of one.
func parseRedrive(value string) (*redrive, error) {
	refusal := func(reason string) error {
		return errInvalid("Value %s for parameter RedrivePolicy is invalid. Reason: %s", value, reason)
	}
	var in struct {
		Target string `json:"deadLetterTargetArn"`
		Max    any    `json:"maxReceiveCount"`
	}
	if err := json.Unmarshal([]byte(value), &in); err != nil {
		return nil, refusal("Redrive policy is not a valid JSON map.")
	}
	if in.Target == "" {
		return nil, refusal("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
	}
	if in.Max == nil {
		return nil, refusal("Redrive policy does not contain mandatory attribute: maxReceiveCount.")
	}
	n, err := strconv.Atoi(fmt.Sprint(in.Max))
	if err != nil || n < 1 || n > 1000 {
		return nil, refusal("Invalid value for maxReceiveCount: " + fmt.Sprint(in.Max) + ", valid values are from 1 to 1000 both inclusive.")
	}
	return &redrive{target: in.Target, max: n}, nil
}

func errFIFO() error {
	return wire.Errorf("UnsupportedOperation", "The embedded AWS has standard queues only: FIFO queues are not supported.")
}

func errUnknownAttribute(name string) error {
	return wire.Errorf("InvalidAttributeName", "Unknown Attribute "+name+".")
}
