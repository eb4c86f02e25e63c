package sqs

import "tidings/local/aws/wire"

// maxVisibility is AWS's limit of a visibility timeout: 12 hours, in seconds.
const maxVisibility = 43200

func (s *Service) changeVisibility(_ call, in receiptInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := s.setVisibility(q, in); err != nil {
		return nil, err
	}
	s.serve(q)
	return nothing{}, nil
}

// setVisibility moves the end of a flight; 0 makes the message visible at once. It is
// not kept: after a restart everything in flight is visible anyway.
func (s *Service) setVisibility(q *queue, in receiptInput) error {
	if in.VisibilityTimeout == nil {
		return errMissing("VisibilityTimeout")
	}
	if n := *in.VisibilityTimeout; n < 0 || n > maxVisibility {
		return errRange(n, "VisibilityTimeout", "VisibilityTimeout must be an integer between 0 and 43200.")
	}
	m, latest, err := q.byHandle(in.ReceiptHandle)
	switch {
	case err != nil:
		return err
	case m == nil || !latest:
		return errInvalid("Value %s for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.", in.ReceiptHandle)
	case !m.inFlight:
		return wire.Errorf("MessageNotInflight", "The message referred to isn't in flight.")
	}
	now := s.opts.Now()
	q.due.remove(m)
	m.due = now.Add(seconds(*in.VisibilityTimeout))
	q.due.add(m)
	q.settle(now)
	return nil
}

func (s *Service) changeVisibilityBatch(_ call, in receiptBatchInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.byURL(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := validateBatch(in.Entries, receiptInput.id, "ChangeMessageVisibilityBatchRequestEntry"); err != nil {
		return nil, err
	}
	var out batchOutput[entryOutput]
	for _, e := range in.Entries {
		if err := s.setVisibility(q, e); err != nil {
			out.fail(e.Id, err)
			continue
		}
		out.Successful = append(out.Successful, entryOutput{e.Id})
	}
	s.serve(q)
	return out, nil
}
