package sqs

func (s *Service) deleteMessage(_ call, in receiptInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	m, latest, err := q.byHandle(in.ReceiptHandle)
	if err != nil {
		return nil, err
	}
	if m == nil || !latest {
		return nothing{}, nil // AWS: the call succeeds, a message received again since stays
	}
	return nothing{}, s.discard(q, m)
}

// discard deletes messages for good.
func (s *Service) discard(q *queue, ms ...*message) error {
	r := record{Op: opDelete, Queue: q.name}
	for _, m := range ms {
		r.IDs = append(r.IDs, m.id)
	}
	if err := s.append(r); err != nil {
		return err
	}
	for _, m := range ms {
		q.remove(m)
	}
	return nil
}

func (s *Service) deleteMessageBatch(_ call, in receiptBatchInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := validateBatch(in.Entries, receiptInput.id, "DeleteMessageBatchRequestEntry"); err != nil {
		return nil, err
	}
	var out batchOutput[entryOutput]
	var ms []*message
	seen := map[string]bool{}
	for _, e := range in.Entries {
		m, latest, err := q.byHandle(e.ReceiptHandle)
		if err != nil {
			out.fail(e.Id, err)
			continue
		}
		out.Successful = append(out.Successful, entryOutput{e.Id})
		if m != nil && latest && !seen[m.id] {
			seen[m.id] = true
			ms = append(ms, m)
		}
	}
	if len(ms) > 0 {
		if err := s.discard(q, ms...); err != nil {
			return nil, err
		}
	}
	return out, nil
}
