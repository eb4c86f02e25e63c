package ddb

type queryInput struct {
	pageParameters
	KeyConditionExpression *string
	ScanIndexForward       *bool
}

// query binds the filter first, the order in which AWS reports mistakes.
func (s *Service) query(in *queryInput) ([]byte, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	if in.KeyConditionExpression == nil {
		return nil, invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	b, parsed, err := s.bind(in.ExpressionAttributeNames, in.ExpressionAttributeValues,
		source{kindFilter, in.FilterExpression}, source{kindKeyCondition, in.KeyConditionExpression}, source{kindProjection, in.ProjectionExpression})
	if err != nil {
		return nil, err
	}
	filter, condition, projection := parsed[0], parsed[1], parsed[2]
	pg, err := s.queryPage(in, b, filter, condition, projection)
	if err != nil {
		return nil, err
	}
	return pg.answer(), nil
}

// queryPage reads one page. The start key must lie where the condition looks: a client
// that mixes up its pages shall notice.
func (s *Service) queryPage(in *queryInput, b *binding, filter, condition, projection *parsed) (*pager, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	pg, err := s.newPager(&in.pageParameters, b, filter, projection)
	if err != nil {
		return nil, err
	}
	if filter != nil {
		if name := b.keyIn(filter.root, pg.keys); name != "" {
			return nil, invalid("Filter Expression can only contain non-primary key attributes: Primary key attribute: %s", name)
		}
	}
	partition, wanted, err := b.keySpan(condition.root, pg.keys)
	if err != nil {
		return nil, err
	}
	start, err := pg.startKey()
	switch {
	case err != nil:
		return nil, err
	case start == "":
	case start < partition.from || start >= partition.to:
		return nil, invalid("The provided starting key is outside query boundaries based on provided conditions")
	case start < wanted.from || start >= wanted.to:
		return nil, invalid("The provided starting key does not match the range key predicate")
	}
	pg.read(wanted, start, in.ScanIndexForward != nil && !*in.ScanIndexForward)
	return pg, nil
}

// keyIn returns the key attribute that a filter uses, "" for none.
func (b *binding) keyIn(n *node, keys keySchema) string {
	if n.op == opPath {
		if name := b.name(n.path[0]); keys.has(name) {
			return name
		}
	}
	for _, arg := range n.args {
		if name := b.keyIn(arg, keys); name != "" {
			return name
		}
	}
	return ""
}
