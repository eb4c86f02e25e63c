package sqs

import (
	"maps"
	"slices"
	"strconv"
)

type getAttributesInput struct {
	QueueUrl       string
	AttributeNames []string
}

type getAttributesOutput struct {
	Attributes map[string]string `json:",omitempty"`
}

func (s *Service) getQueueAttributes(_ call, in getAttributesInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	all := q.describe()
	var out getAttributesOutput
	for _, name := range in.AttributeNames {
		if name == "All" {
			return getAttributesOutput{all}, nil
		}
		if _, isNumber := numbers[name]; !isNumber && name != "RedrivePolicy" && !slices.Contains(kept, name) && !slices.Contains(computed, name) {
			return nil, errUnknownAttribute(name)
		}
		if v, ok := all[name]; ok {
			if out.Attributes == nil {
				out.Attributes = map[string]string{}
			}
			out.Attributes[name] = v
		}
	}
	return out, nil
}

// describe returns all attributes. The counts are exact, which AWS's are not.
func (q *queue) describe() map[string]string {
	out := defaults()
	maps.Copy(out, q.attributes)
	out["QueueArn"] = q.arn
	out["CreatedTimestamp"] = strconv.FormatInt(q.created.Unix(), 10)
	out["LastModifiedTimestamp"] = strconv.FormatInt(q.modified.Unix(), 10)
	out["ApproximateNumberOfMessages"] = strconv.Itoa(q.ready.Len())
	out["ApproximateNumberOfMessagesNotVisible"] = strconv.Itoa(q.inFlight)
	out["ApproximateNumberOfMessagesDelayed"] = strconv.Itoa(len(q.due.items) - q.inFlight)
	return out
}

type setAttributesInput struct {
	QueueUrl   string
	Attributes map[string]string
}

func (s *Service) setQueueAttributes(_ call, in setAttributesInput) (any, error) {
	if len(in.Attributes) == 0 {
		return nil, errMissing("Attribute.Name")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	next := maps.Clone(q.attributes)
	for name, value := range in.Attributes {
		if value == "" && (name == "RedrivePolicy" || slices.Contains(kept, name)) {
			delete(next, name) // AWS's way to take a policy off
		} else {
			next[name] = value
		}
	}
	set, err := parseSettings(next, s.existsARN)
	if err != nil {
		return nil, err
	}
	state := q.state()
	state.Attributes, state.Modified = next, s.opts.Now()
	if err := s.append(record{Op: opQueue, Queue: q.name, State: state}); err != nil {
		return nil, err
	}
	q.attributes, q.settings, q.modified = next, set, state.Modified
	s.serve(q)
	return nothing{}, nil
}
