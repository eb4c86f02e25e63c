package sns

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
)

// maxTags is AWS's limit of tags on a topic.
const maxTags = 50

func validateTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return refuse(http.StatusBadRequest, "TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded")
	}
	for k, v := range tags {
		if k == "" || len([]rune(k)) > 128 || len([]rune(v)) > 256 {
			return errInvalid("Tags Reason: keys have 1 to 128 characters, values at most 256")
		}
	}
	return nil
}

// tagged finds the topic of a tagging request, whose errors are worded differently.
func (s *Service) tagged(form url.Values) (*topic, error) {
	if t := s.topics[form.Get("ResourceArn")]; t != nil {
		return t, nil
	}
	return nil, refuse(http.StatusNotFound, "ResourceNotFound", "Resource does not exist")
}

func (s *Service) retag(form url.Values, change func(map[string]string)) (result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.tagged(form)
	if err != nil {
		return result{}, err
	}
	next := maps.Clone(t.tags)
	change(next)
	if err := validateTags(next); err != nil {
		return result{}, err
	}
	if err := s.append(record{Op: opTopic, ARN: t.arn, Attributes: t.attributes, Tags: next}); err != nil {
		return result{}, err
	}
	t.tags = next
	return result{}, nil
}

func (s *Service) tagResource(form url.Values) (result, error) {
	return s.retag(form, func(tags map[string]string) { maps.Copy(tags, entries(form, "Tags.member", "Key", "Value")) })
}

func (s *Service) untagResource(form url.Values) (result, error) {
	return s.retag(form, func(tags map[string]string) {
		for _, p := range members(form, "TagKeys.member") {
			delete(tags, form.Get(p))
		}
	})
}

func (s *Service) listTagsForResource(form url.Values) (result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.tagged(form)
	if err != nil {
		return result{}, err
	}
	out := newResult()
	out.open("Tags")
	for _, k := range slices.Sorted(maps.Keys(t.tags)) {
		out.open("member")
		out.text("Key", k)
		out.text("Value", t.tags[k])
		out.close("member")
	}
	out.close("Tags")
	return out, nil
}
