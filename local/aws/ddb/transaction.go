package ddb

import (
	"encoding/json"
	"fmt"
	"strings"

	"tidings/local/aws/wire"
)

// Limits of transactions, AWS.
const (
	maxTransaction      = 100
	maxTransactionBytes = 4 << 20
	maxTokenLength      = 36
)

type transactWriteInput struct {
	ClientRequestToken     *string
	ReturnConsumedCapacity detail
	TransactItems          []transactItem
}

type transactItem struct {
	ConditionCheck, Put, Update, Delete *writeParameters
}

// one returns the single operation of the member.
func (ti transactItem) one() (op string, p *writeParameters, err error) {
	for _, c := range []struct {
		op string
		p  *writeParameters
	}{{opCheck, ti.ConditionCheck}, {opPut, ti.Put}, {opUpdate, ti.Update}, {opDelete, ti.Delete}} {
		if c.p == nil {
			continue
		}
		if p != nil {
			return "", nil, invalid("TransactItems can only contain one of Check, Put, Update or Delete")
		}
		op, p = c.op, c.p
	}
	if p == nil {
		return "", nil, invalid("Invalid Request: TransactWriteRequest should contain Delete or Put or Update request")
	}
	return op, p, nil
}

// checkTransactionLength does not repeat the items in its message, as AWS does: a
// hundred of them would hide what is wrong.
func checkTransactionLength(n int) error {
	switch {
	case n == 0:
		return constraint("[]", "transactItems", "have length greater than or equal to 1")
	case n > maxTransaction:
		return constraint(fmt.Sprintf("[%d items]", n), "transactItems", "have length less than or equal to 100")
	}
	return nil
}

// transactWriteItems evaluates everything before it changes anything, under one lock:
// so no transaction conflicts with another one, and TransactionConflict never occurs.
func (s *Service) transactWriteItems(in *transactWriteInput) ([]byte, error) {
	writes, err := s.prepareAll(in)
	if err != nil {
		return nil, err
	}
	var tok *token
	if in.ClientRequestToken != nil && *in.ClientRequestToken != "" {
		t := newToken(*in.ClientRequestToken, writes, s.now())
		tok = &t
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if tok != nil {
		if before, ok := s.tokens.get(tok.id, s.now()); ok {
			if before.request != tok.request {
				return nil, wire.Errorf("IdempotentParameterMismatchException", "The request uses the same client token as a previous, but non-identical request. Use a new client token.")
			}
			return s.alreadyDone(writes, in.ReturnConsumedCapacity), nil
		}
	}
	changes, err := s.stageAll(writes)
	if err != nil {
		return nil, err
	}
	if err := s.commit(changes, tok, false); err != nil {
		return nil, err
	}
	costs := &bill{typed: "Write"}
	for _, ch := range changes {
		costs.of(ch.table).write(ch, transactional)
	}
	a := newAnswer(256)
	a.billed(costs, in.ReturnConsumedCapacity)
	return a.done(), nil
}

// prepareAll does what needs no table, outside the lock. What is wrong here refuses the
// request; what is wrong with items or keys cancels the transaction.
func (s *Service) prepareAll(in *transactWriteInput) ([]*write, error) {
	if err := checkTransactionLength(len(in.TransactItems)); err != nil {
		return nil, err
	}
	if in.ClientRequestToken != nil && len(*in.ClientRequestToken) > maxTokenLength {
		return nil, constraint(*in.ClientRequestToken, "clientRequestToken", "have length less than or equal to 36")
	}
	if err := in.ReturnConsumedCapacity.check(); err != nil {
		return nil, err
	}
	writes := make([]*write, len(in.TransactItems))
	for i, ti := range in.TransactItems {
		op, p, err := ti.one()
		if err != nil {
			return nil, err
		}
		member := fmt.Sprintf("transactItems.%d.member.%s", i+1, strings.ToLower(op[:1])+op[1:])
		switch {
		case op == opUpdate && p.UpdateExpression == nil:
			return nil, constraint(nil, member+".updateExpression", "not be null")
		case op == opCheck && p.ConditionExpression == nil:
			return nil, constraint(nil, member+".conditionExpression", "not be null")
		}
		if writes[i], err = s.prepare(op, p); err != nil {
			return nil, err
		}
	}
	return writes, nil
}

// reason is why one item cancelled a transaction, or "None".
type reason struct {
	Code    string
	Message string `json:",omitempty"`
	Item    item   `json:",omitempty"`
}

// stageAll evaluates all writes, each on the state before the transaction. If one
// fails, the error tells about all of them.
func (s *Service) stageAll(writes []*write) ([]change, error) {
	places := make([]place, len(writes))
	reasons := make([]reason, len(writes))
	cancelled := false
	fail := func(i int, err error) error {
		e := asError(err)
		switch e.Code {
		case "ConditionalCheckFailedException":
			it, _ := e.Fields["Item"].(item)
			reasons[i] = reason{"ConditionalCheckFailed", e.Message, it}
		case "ValidationException":
			reasons[i] = reason{"ValidationError", e.Message, nil}
		default:
			return err
		}
		cancelled = true
		return nil
	}
	seen := make(map[place]bool, len(writes))
	for i, w := range writes {
		var err error
		reasons[i].Code = "None"
		if places[i], err = s.locate(w); err != nil {
			if err := fail(i, err); err != nil {
				return nil, err
			}
			continue
		}
		if seen[places[i]] {
			return nil, invalid("Transaction request cannot include multiple operations on one item")
		}
		seen[places[i]] = true
	}
	changes := make([]change, len(writes))
	for i, w := range writes {
		if places[i].table == nil {
			continue
		}
		var err error
		if changes[i], err = w.stage(places[i]); err != nil {
			if err := fail(i, err); err != nil {
				return nil, err
			}
		}
	}
	if cancelled {
		return nil, cancellation(reasons)
	}
	return changes, checkTransactionBytes(changes)
}

// cancellation lists the reasons of all members, "None" for those that were fine: callers
// find the one that failed by its place.
func cancellation(reasons []reason) error {
	codes := make([]string, len(reasons))
	for i, r := range reasons {
		codes[i] = r.Code
	}
	message := "Transaction cancelled, please refer cancellation reasons for specific reasons " + list(codes)
	e := wire.Errorf("TransactionCanceledException", message)
	// Unlike its other exceptions AWS writes this one's message with a capital, too.
	e.Fields = map[string]any{"CancellationReasons": reasons, "Message": message}
	return e
}

// checkTransactionBytes counts what is written or, by a check or a deletion, read.
func checkTransactionBytes(changes []change) error {
	bytes := 0
	for _, ch := range changes {
		switch {
		case ch.next != nil:
			bytes += ch.next.size
		case ch.old != nil:
			bytes += ch.old.size
		}
	}
	if bytes > maxTransactionBytes {
		return invalid("Transaction payload size cannot exceed 4MB. Payload Size: %d", bytes)
	}
	return nil
}

// alreadyDone answers a request that was repeated with its token. AWS charges the
// reading of the items.
func (s *Service) alreadyDone(writes []*write, d detail) []byte {
	costs := &bill{typed: "Read"}
	for _, w := range writes {
		at, err := s.locate(w)
		if err != nil {
			continue // the table is gone since
		}
		size := 0
		if r, ok := at.table.rows.Get(at.key); ok {
			size = r.size
		}
		costs.of(at.table).units += transactional * readUnits(size, true)
	}
	a := newAnswer(256)
	a.billed(costs, d)
	return a.done()
}

type transactGetInput struct {
	ReturnConsumedCapacity detail
	TransactItems          []struct{ Get *getParameters }
}

type getParameters struct {
	TableName                string
	Key                      item
	ProjectionExpression     *string
	ExpressionAttributeNames map[string]string
	AttributesToGet          json.RawMessage
}

// transactGetItems reads all its items at one moment.
func (s *Service) transactGetItems(in *transactGetInput) ([]byte, error) {
	if err := checkTransactionLength(len(in.TransactItems)); err != nil {
		return nil, err
	}
	if err := in.ReturnConsumedCapacity.check(); err != nil {
		return nil, err
	}
	gets := make([]*get, len(in.TransactItems))
	for i, ti := range in.TransactItems {
		if ti.Get == nil {
			return nil, constraint(nil, fmt.Sprintf("transactItems.%d.member.get", i+1), "not be null")
		}
		g, err := s.prepareGet(ti.Get)
		if err != nil {
			return nil, err
		}
		gets[i] = g
	}
	found, costs, err := s.getTogether(gets)
	if err != nil {
		return nil, err
	}
	a := newAnswer(1024)
	a.member("Responses")
	a.b = append(a.b, '[')
	for i, it := range found {
		a.b = appendComma(a.b, i)
		entry := newAnswer(256)
		if it != nil {
			entry.item("Item", it)
		}
		a.b = append(a.b, entry.done()...)
	}
	a.b = append(a.b, ']')
	a.billed(costs, in.ReturnConsumedCapacity)
	return a.done(), nil
}

// getTogether holds the lock over all reads, which is what makes them one transaction.
func (s *Service) getTogether(gets []*get) ([]item, *bill, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	costs := &bill{typed: "Read"}
	found := make([]item, len(gets))
	reasons := make([]reason, len(gets))
	seen := map[place]bool{}
	cancelled := false
	bytes := 0
	for i, g := range gets {
		reasons[i].Code = "None"
		at, err := s.locateGet(g)
		switch {
		case err != nil && asError(err).Code == "ValidationException":
			reasons[i] = reason{Code: "ValidationError", Message: asError(err).Message}
			cancelled = true
			continue
		case err != nil:
			return nil, nil, err
		case seen[at]:
			return nil, nil, invalid("Transaction request cannot include multiple operations on one item")
		}
		seen[at] = true
		size := 0
		if r, ok := at.table.rows.Get(at.key); ok {
			found[i] = g.shown.project(r.item)
			size = r.size
		}
		bytes += size
		costs.of(at.table).units += transactional * readUnits(size, true)
	}
	switch {
	case cancelled:
		return nil, nil, cancellation(reasons)
	case bytes > maxTransactionBytes:
		return nil, nil, invalid("Transaction payload size cannot exceed 4MB. Payload Size: %d", bytes)
	}
	return found, costs, nil
}
