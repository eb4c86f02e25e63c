package sqs

import "maps"

// maxTags is AWS's limit of tags on a queue.
const maxTags = 50

// validateTags checks the lengths that AWS allows: keys 1 to 128, values to 256.
func validateTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return errInvalid("Too many tags added for queue: the limit is %d.", maxTags)
	}
	for k, v := range tags {
		if k == "" || len([]rune(k)) > 128 {
			return errInvalid("Tag keys must be between 1 and 128 characters in length.")
		}
		if len([]rune(v)) > 256 {
			return errInvalid("Tag values must be between 0 and 256 characters in length.")
		}
	}
	return nil
}

type tagQueueInput struct {
	QueueUrl string
	Tags     map[string]string
}

func (s *Service) tagQueue(_ call, in tagQueueInput) (any, error) {
	if len(in.Tags) == 0 {
		return nil, errMissing("Tags")
	}
	return s.retag(in.QueueUrl, func(tags map[string]string) { maps.Copy(tags, in.Tags) })
}

type untagQueueInput struct {
	QueueUrl string
	TagKeys  []string
}

func (s *Service) untagQueue(_ call, in untagQueueInput) (any, error) {
	if len(in.TagKeys) == 0 {
		return nil, errMissing("TagKeys")
	}
	return s.retag(in.QueueUrl, func(tags map[string]string) {
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
	})
}

func (s *Service) retag(url string, change func(map[string]string)) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.byURL(url)
	if err != nil {
		return nil, err
	}
	next := maps.Clone(q.tags)
	change(next)
	if err := validateTags(next); err != nil {
		return nil, err
	}
	state := q.state()
	state.Tags = next
	if err := s.append(record{Op: opQueue, Queue: q.name, State: state}); err != nil {
		return nil, err
	}
	q.tags = next
	return nothing{}, nil
}

type tagsOutput struct {
	Tags map[string]string `json:",omitempty"`
}

func (s *Service) listQueueTags(_ call, in queueInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return tagsOutput{maps.Clone(q.tags)}, nil
}
