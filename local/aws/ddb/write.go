package ddb

import (
	"encoding/json"

	"tidings/local/aws/wire"
)

// The kinds of write, as TransactWriteItems calls them.
const (
	opPut    = "Put"
	opUpdate = "Update"
	opDelete = "Delete"
	opCheck  = "ConditionCheck"
)

// writeParameters are what PutItem, UpdateItem, DeleteItem and the members of a
// transaction have in common.
type writeParameters struct {
	TableName                           string
	Item                                item
	Key                                 item
	ConditionExpression                 *string
	UpdateExpression                    *string
	ExpressionAttributeNames            map[string]string
	ExpressionAttributeValues           attributeValues
	ReturnValuesOnConditionCheckFailure string

	legacyParameters
}

// legacyParameters came before expressions. AWS still takes them, this does not.
type legacyParameters struct {
	Expected, AttributeUpdates, ConditionalOperator         json.RawMessage
	KeyConditions, QueryFilter, ScanFilter, AttributesToGet json.RawMessage
}

func (l *legacyParameters) check() error {
	for name, given := range map[string]json.RawMessage{
		"Expected": l.Expected, "AttributeUpdates": l.AttributeUpdates, "ConditionalOperator": l.ConditionalOperator,
		"KeyConditions": l.KeyConditions, "QueryFilter": l.QueryFilter, "ScanFilter": l.ScanFilter, "AttributesToGet": l.AttributesToGet,
	} {
		if given != nil {
			return invalid("Legacy parameters are not supported by this embedded DynamoDB, use expressions instead: %s", name)
		}
	}
	return nil
}

// write is one item's write, checked as far as it can be without the table.
type write struct {
	op        string
	table     string
	target    item // the item to put, or the key of another write
	condition *parsed
	returnOld bool // with a failed condition

	update  *parsed
	changes *document // where the update acts
	actions []*action // what it does there, by clause

	*binding
	conditionText, updateText *string
}

// prepare parses and checks what needs no table, so that the lock is held for less.
func (s *Service) prepare(op string, p *writeParameters) (*write, error) {
	w := &write{op: op, table: p.TableName, target: p.Key, conditionText: p.ConditionExpression, updateText: p.UpdateExpression}
	if op == opPut {
		w.target = p.Item
	}
	if err := w.check(p); err != nil {
		return nil, err
	}
	sources := []source{{kindCondition, p.ConditionExpression}}
	if op == opUpdate {
		sources = []source{{kindUpdate, p.UpdateExpression}, {kindCondition, p.ConditionExpression}}
	}
	b, parsed, err := s.bind(p.ExpressionAttributeNames, p.ExpressionAttributeValues, sources...)
	if err != nil {
		return nil, err
	}
	w.binding = b
	w.condition = parsed[len(parsed)-1]
	if op == opUpdate && parsed[0] != nil {
		w.update = parsed[0]
		w.changes, w.actions, err = b.arrange(w.update)
	}
	return w, err
}

func (w *write) check(p *writeParameters) error {
	if err := p.legacyParameters.check(); err != nil {
		return err
	}
	switch {
	case w.table == "":
		return constraint(nil, "tableName", "not be null")
	case w.target == nil && w.op == opPut:
		return constraint(nil, "item", "not be null")
	case w.target == nil:
		return constraint(nil, "key", "not be null")
	case w.op == opPut && w.target.size() > maxItemSize:
		return invalid(msgItemSize)
	}
	switch p.ReturnValuesOnConditionCheckFailure {
	case "", "NONE":
	case "ALL_OLD":
		w.returnOld = true
	default:
		return constraint(p.ReturnValuesOnConditionCheckFailure, "returnValuesOnConditionCheckFailure", "satisfy enum value set: [ALL_OLD, NONE]")
	}
	return nil
}

// place is where a write goes: the table and the key of the row.
type place struct {
	table *table
	key   string
}

// locate checks the key or the item to put against the table. The lock is held.
func (s *Service) locate(w *write) (place, error) {
	t, err := s.resolve(w.table)
	if err != nil {
		return place{}, err
	}
	if w.op == opPut {
		err = t.checkItem(w.target)
	} else {
		err = t.keys.checkKey(w.target)
	}
	if err != nil {
		return place{}, err
	}
	return place{t, t.keys.rowKey(w.target)}, nil
}

// stage evaluates a write without carrying it out. A failed condition is a
// ConditionalCheckFailedException.
func (w *write) stage(at place) (change, error) {
	ch := change{table: at.table}
	ch.old, _ = at.table.rows.Get(at.key)
	var old item
	if ch.old != nil {
		old = ch.old.item
	}
	if w.condition != nil && !w.holds(w.condition.root, old) {
		return ch, conditionFailed(old, w.returnOld)
	}
	switch w.op {
	case opPut:
		ch.next = &row{key: at.key, item: w.target, size: w.target.size()}
	case opUpdate:
		next, err := w.updated(at.table, old)
		if err != nil {
			return ch, err
		}
		ch.next = &row{key: at.key, item: next, size: next.size()}
		if ch.next.size > maxItemSize {
			return ch, invalid(msgUpdatedItemSize)
		}
	case opCheck:
		ch.next = ch.old
	}
	return ch, nil
}

// updated makes the item of an update, which begins with the key if there is none.
func (w *write) updated(t *table, old item) (item, error) {
	base := old
	if base == nil {
		base = w.target
	}
	if w.update == nil {
		return base, nil
	}
	for _, c := range w.changes.children {
		if t.isKey(c.step.name) {
			return nil, invalidParameter("Cannot update attribute %s. This attribute is part of the key", c.step.name)
		}
	}
	if err := w.evaluate(w.update, w.actions, old); err != nil {
		return nil, err
	}
	next, err := w.changes.apply(base)
	if err != nil {
		return nil, err
	}
	for _, c := range w.changes.children {
		if v, ok := next[c.step.name]; ok && v.depth() > maxNesting {
			return nil, invalid(msgNesting)
		}
	}
	return next, t.checkUpdated(next)
}

// checkUpdated is the check of index keys, in the words that AWS has for updates.
func (t *table) checkUpdated(it item) error {
	for _, x := range t.indexes {
		for _, a := range x.keys.attributes() {
			v, ok := it[a.name]
			switch {
			case !ok:
			case v.kind != a.kind:
				return invalidParameter("The update expression attempted to update the secondary index key to unsupported type")
			case v.kind != kindN && v.str == "":
				return invalid("One or more parameter values are not valid. The update expression attempted to update a secondary index key to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty %s value.", emptyWord(a.kind))
			}
		}
		if err := x.checkItem(it); err != nil {
			return err
		}
	}
	return nil
}

// single is the request of one write that isn't part of a transaction.
type single struct {
	writeParameters
	ReturnValues           string
	ReturnConsumedCapacity detail
}

func (s *Service) putItem(in *single) ([]byte, error)    { return s.writeOne(opPut, in) }
func (s *Service) updateItem(in *single) ([]byte, error) { return s.writeOne(opUpdate, in) }
func (s *Service) deleteItem(in *single) ([]byte, error) { return s.writeOne(opDelete, in) }

func (s *Service) writeOne(op string, in *single) ([]byte, error) {
	if err := in.check(op); err != nil {
		return nil, err
	}
	w, err := s.prepare(op, &in.writeParameters)
	if err != nil {
		return nil, err
	}
	ch, err := s.carryOut(w)
	if err != nil {
		return nil, err
	}
	a := newAnswer(256)
	if shown := w.returned(in.ReturnValues, ch); shown != nil {
		a.item("Attributes", shown)
	}
	cost := &consumption{table: ch.table.def.Name}
	cost.write(ch, 1)
	a.consumed(cost, in.ReturnConsumedCapacity)
	return a.done(), nil
}

func (in *single) check(op string) error {
	if err := in.ReturnConsumedCapacity.check(); err != nil {
		return err
	}
	switch in.ReturnValues {
	case "", "NONE", "ALL_OLD":
		return nil
	case "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW":
		if op != opUpdate {
			return invalid("ReturnValues can only be ALL_OLD or NONE")
		}
		return nil
	}
	return constraint(in.ReturnValues, "returnValues", "satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]")
}

// carryOut is the locked part of a single write.
func (s *Service) carryOut(w *write) (change, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, err := s.locate(w)
	if err != nil {
		return change{}, err
	}
	ch, err := w.stage(at)
	if err != nil {
		return ch, err
	}
	return ch, s.commit([]change{ch}, nil, false)
}

// returned is what ReturnValues asks for; nil for nothing. Of UPDATED_OLD and
// UPDATED_NEW AWS shows exactly the places that the expression names.
func (w *write) returned(wanted string, ch change) item {
	var old, next item
	if ch.old != nil {
		old = ch.old.item
	}
	if ch.next != nil {
		next = ch.next.item
	}
	switch wanted {
	case "ALL_OLD":
		return old
	case "ALL_NEW":
		return next
	case "UPDATED_OLD":
		return w.touched(old)
	case "UPDATED_NEW":
		return w.touched(next)
	}
	return nil
}

func (w *write) touched(it item) item {
	if w.update == nil {
		return nil
	}
	if shown := w.changes.project(it); len(shown) > 0 {
		return shown
	}
	return nil
}

// asError finds the refusal in err.
func asError(err error) *wire.Error {
	e, ok := err.(*wire.Error)
	if !ok {
		return &wire.Error{Code: "InternalServerError", Message: err.Error()}
	}
	return e
}
