package ddb

import (
	"encoding/json"
	"time"
)

// get is one item's read, checked as far as it can be without the table.
type get struct {
	table string
	key   item
	shown *document // nil: everything
}

func (s *Service) prepareGet(p *getParameters) (*get, error) {
	legacy := legacyParameters{AttributesToGet: p.AttributesToGet}
	if err := legacy.check(); err != nil {
		return nil, err
	}
	switch {
	case p.TableName == "":
		return nil, constraint(nil, "tableName", "not be null")
	case p.Key == nil:
		return nil, constraint(nil, "key", "not be null")
	}
	shown, err := s.bindProjection(p.ExpressionAttributeNames, p.ProjectionExpression)
	return &get{table: p.TableName, key: p.Key, shown: shown}, err
}

// bindProjection is bind for a request whose only expression is a projection.
func (s *Service) bindProjection(names map[string]string, text *string) (*document, error) {
	b, parsed, err := s.bind(names, nil, source{kindProjection, text})
	if err != nil || parsed[0] == nil {
		return nil, err
	}
	return b.projection(parsed[0])
}

func (s *Service) locateGet(g *get) (place, error) {
	t, err := s.resolve(g.table)
	if err != nil {
		return place{}, err
	}
	if err := t.keys.checkKey(g.key); err != nil {
		return place{}, err
	}
	return place{t, t.keys.rowKey(g.key)}, nil
}

type getItemInput struct {
	getParameters
	ConsistentRead         bool
	ReturnConsumedCapacity detail
}

// getItem encodes its answer outside the lock: rows never change.
func (s *Service) getItem(in *getItemInput) ([]byte, error) {
	if err := in.ReturnConsumedCapacity.check(); err != nil {
		return nil, err
	}
	g, err := s.prepareGet(&in.getParameters)
	if err != nil {
		return nil, err
	}
	at, r, err := s.fetch(g, s.lagOf(in.ConsistentRead))
	if err != nil {
		return nil, err
	}
	a := newAnswer(512)
	size := 0
	if r != nil {
		a.item("Item", g.shown.project(r.item))
		size = r.size
	}
	a.consumed(&consumption{table: at.table.def.Name, units: readUnits(size, in.ConsistentRead)}, in.ReturnConsumedCapacity)
	return a.done(), nil
}

// fetch reads one row. A missing one is no error.
func (s *Service) fetch(g *get, lag time.Duration) (place, *row, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	at, err := s.locateGet(g)
	if err != nil {
		return at, nil, err
	}
	r, _ := s.seen(at.table, -1, lag).Get(at.key)
	return at, r, nil
}

// Limits of batches, AWS.
const (
	maxBatchGet      = 100
	maxBatchGetBytes = 16 << 20
	maxBatchWrite    = 25
	maxBatchBytes    = 16 << 20
)

type batchGetInput struct {
	RequestItems           map[string]keysAndAttributes
	ReturnConsumedCapacity detail
}

type keysAndAttributes struct {
	Keys                     []item
	ConsistentRead           bool              `json:",omitempty"`
	ProjectionExpression     *string           `json:",omitempty"`
	ExpressionAttributeNames map[string]string `json:",omitempty"`
	AttributesToGet          json.RawMessage   `json:",omitempty"`
}

// batchGetItem answers up to 16 MB; the keys beyond come back as unprocessed, for the
// client to ask again.
func (s *Service) batchGetItem(in *batchGetInput) ([]byte, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	costs := &bill{}
	left := map[string]keysAndAttributes{}
	bytes := 0
	a := newAnswer(4096)
	a.member("Responses")
	responses := newAnswer(4096)
	for name, request := range in.RequestItems {
		found, unread, err := s.getBatch(name, request, &bytes, costs)
		if err != nil {
			return nil, err
		}
		responses.items(name, found)
		if len(unread) > 0 {
			request.Keys = unread
			left[name] = request
		}
	}
	a.b = append(a.b, responses.done()...)
	a.member("UnprocessedKeys")
	unprocessed, err := describe(left)
	if err != nil {
		return nil, err
	}
	a.b = append(a.b, unprocessed...)
	a.billed(costs, in.ReturnConsumedCapacity)
	return a.done(), nil
}

func (in *batchGetInput) check() error {
	if err := in.ReturnConsumedCapacity.check(); err != nil {
		return err
	}
	if len(in.RequestItems) == 0 {
		return constraint("{}", "requestItems", "have length greater than or equal to 1")
	}
	total := 0
	for name, request := range in.RequestItems {
		legacy := legacyParameters{AttributesToGet: request.AttributesToGet}
		if err := legacy.check(); err != nil {
			return err
		}
		if len(request.Keys) == 0 {
			return constraint("[]", "requestItems."+name+".member.keys", "have length greater than or equal to 1")
		}
		total += len(request.Keys)
	}
	if total > maxBatchGet {
		return invalid("Too many items requested for the BatchGetItem call")
	}
	return nil
}

// getBatch reads the keys of one table, until the answer is full.
func (s *Service) getBatch(name string, request keysAndAttributes, bytes *int, costs *bill) (found, unread []item, err error) {
	shown, err := s.bindProjection(request.ExpressionAttributeNames, request.ProjectionExpression)
	if err != nil {
		return nil, nil, err
	}
	lag := s.lagOf(request.ConsistentRead)
	seen := map[string]bool{}
	for i, key := range request.Keys {
		at, err := s.locateGet(&get{table: name, key: key})
		if err != nil {
			return nil, nil, err
		}
		if seen[at.key] {
			return nil, nil, invalid(msgDuplicateKeys)
		}
		seen[at.key] = true
		size := 0
		if r, ok := s.seen(at.table, -1, lag).Get(at.key); ok {
			if *bytes+r.size > maxBatchGetBytes {
				return found, request.Keys[i:], nil
			}
			size = r.size
			found = append(found, shown.project(r.item))
		}
		*bytes += size
		costs.of(at.table).units += readUnits(size, request.ConsistentRead)
	}
	return found, nil, nil
}
