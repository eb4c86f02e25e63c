package ddb

type batchWriteInput struct {
	RequestItems           map[string][]batchWrite
	ReturnConsumedCapacity detail
}

type batchWrite struct {
	PutRequest    *struct{ Item item }
	DeleteRequest *struct{ Key item }
}

// batchWriteItem carries out all of the batch, so nothing is ever unprocessed. AWS
// promises less: there each write may succeed or not.
func (s *Service) batchWriteItem(in *batchWriteInput) ([]byte, error) {
	writes, err := s.prepareBatch(in)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := map[place]bool{}
	changes := make([]change, 0, len(writes))
	for _, w := range writes {
		at, err := s.locate(w)
		if err != nil {
			return nil, err
		}
		if seen[at] {
			return nil, invalid(msgDuplicateKeys)
		}
		seen[at] = true
		ch, err := w.stage(at)
		if err != nil {
			return nil, err
		}
		changes = append(changes, ch)
	}
	if err := s.commit(changes, nil, false); err != nil {
		return nil, err
	}
	costs := &bill{}
	for _, ch := range changes {
		costs.of(ch.table).write(ch, 1)
	}
	a := newAnswer(256)
	a.member("UnprocessedItems")
	a.b = append(a.b, '{', '}')
	a.billed(costs, in.ReturnConsumedCapacity)
	return a.done(), nil
}

// prepareBatch makes ordinary writes of a batch. One that is invalid refuses the whole
// batch (AWS).
func (s *Service) prepareBatch(in *batchWriteInput) ([]*write, error) {
	if err := in.ReturnConsumedCapacity.check(); err != nil {
		return nil, err
	}
	if len(in.RequestItems) == 0 {
		return nil, constraint("{}", "requestItems", "have length greater than or equal to 1")
	}
	total := 0
	for name, requests := range in.RequestItems {
		if len(requests) == 0 {
			return nil, constraint("[]", "requestItems."+name+".member", "have length greater than or equal to 1")
		}
		total += len(requests)
	}
	if total > maxBatchWrite {
		return nil, invalid("Too many items requested for the BatchWriteItem call")
	}
	writes := make([]*write, 0, total)
	bytes := 0
	for name, requests := range in.RequestItems {
		for _, r := range requests {
			p := &writeParameters{TableName: name}
			op := opPut
			switch {
			case r.PutRequest != nil && r.DeleteRequest == nil:
				p.Item = r.PutRequest.Item
			case r.DeleteRequest != nil && r.PutRequest == nil:
				op, p.Key = opDelete, r.DeleteRequest.Key
			case r.PutRequest == nil:
				return nil, invalid(msgNoType)
			default:
				return nil, invalid(msgTwoTypes)
			}
			w, err := s.prepare(op, p)
			if err != nil {
				return nil, err
			}
			bytes += w.target.size()
			writes = append(writes, w)
		}
	}
	if bytes > maxBatchBytes {
		return nil, invalid("The batch write request exceeds the maximum size of 16 MB")
	}
	return writes, nil
}
