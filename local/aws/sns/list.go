package sns

import (
	"maps"
	"net/url"
	"slices"
)

func (s *Service) listSubscriptions(form url.Values) (result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listed(slices.Sorted(maps.Keys(s.subscriptions)), form), nil
}

func (s *Service) listSubscriptionsByTopic(form url.Values) (result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.topic(form.Get("TopicArn"))
	if err != nil {
		return result{}, err
	}
	var arns []string
	for _, sub := range t.subscriptions {
		arns = append(arns, sub.arn)
	}
	slices.Sort(arns)
	return s.listed(arns, form), nil
}

// listed answers with one page of subscriptions.
func (s *Service) listed(arns []string, form url.Values) result {
	arns, next := page(arns, form.Get("NextToken"))
	out := newResult()
	out.open("Subscriptions")
	for _, arn := range arns {
		sub := s.subscriptions[arn]
		out.open("member")
		out.text("SubscriptionArn", sub.arn)
		out.text("Owner", s.opts.Account)
		out.text("Protocol", "sqs")
		out.text("Endpoint", sub.endpoint)
		out.text("TopicArn", sub.topic)
		out.close("member")
	}
	out.close("Subscriptions")
	if next != "" {
		out.text("NextToken", next)
	}
	return out
}
