package ddb

// span is a range of row keys: from ≤ key < to.
type span struct{ from, to string }

func (s span) empty() bool { return s.from >= s.to }

// after is the first key behind all keys with this prefix.
func after(prefix string) string {
	b := []byte(prefix)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] < 0xFF {
			b[i]++
			return string(b[:i+1])
		}
	}
	return "" // there is none, but no prefix here is made of 0xFF alone
}

// keyCondition is one comparison of a KeyConditionExpression.
type keyCondition struct {
	attribute string
	op        op
	operands  []value
}

var flipped = map[op]op{opEq: opEq, opLt: opGt, opLe: opGe, opGt: opLt, opGe: opLe}

// keyConditions takes an expression apart, refusing whatever is not a comparison of
// an attribute with values.
func (b *binding) keyConditions(n *node, into []keyCondition) ([]keyCondition, error) {
	switch n.op {
	case opAnd:
		into, err := b.keyConditions(n.args[0], into)
		if err != nil {
			return nil, err
		}
		return b.keyConditions(n.args[1], into)
	case opEq, opLt, opLe, opGt, opGe, opBetween, opBeginsWith:
	default:
		return nil, invalid("Invalid operator used in KeyConditionExpression: %s", n.op)
	}
	o, args := n.op, n.args
	if args[0].op == opValue && args[1].op == opPath && flipped[o] != "" {
		o, args = flipped[o], []*node{args[1], args[0]}
	}
	for _, arg := range args {
		if arg.op != opPath && arg.op != opValue {
			return nil, invalid("KeyConditionExpressions cannot contain nested operations")
		}
	}
	if args[0].op != opPath {
		if o == opBeginsWith {
			return nil, invalid("Invalid condition in KeyConditionExpression: begins_with operator must have the key attribute as its first operand")
		}
		return nil, invalid("Invalid condition in KeyConditionExpression: No key attribute specified")
	}
	if len(args[0].path) > 1 {
		return nil, invalid("KeyConditionExpressions cannot have conditions on nested attributes")
	}
	c := keyCondition{attribute: b.name(args[0].path[0]), op: o}
	for _, arg := range args[1:] {
		if arg.op != opValue {
			return nil, invalid("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")
		}
		c.operands = append(c.operands, b.values[arg.value])
	}
	for _, other := range into {
		if other.attribute == c.attribute {
			return nil, invalid("KeyConditionExpressions must only contain one condition per key")
		}
	}
	return append(into, c), nil
}

// keySpan is the range of the keys that a KeyConditionExpression asks for: first the
// partition, then what of it.
func (b *binding) keySpan(root *node, keys keySchema) (partition, wanted span, err error) {
	conditions, err := b.keyConditions(root, nil)
	if err != nil {
		return span{}, span{}, err
	}
	var hash, sort *keyCondition
	for i := range conditions {
		switch c := &conditions[i]; c.attribute {
		case keys.hash.name:
			hash = c
		case keys.sort.name:
			sort = c
		}
	}
	switch {
	case len(conditions) > 2:
		return span{}, span{}, invalid("Conditions can be of length 1 or 2 only")
	case hash == nil:
		return span{}, span{}, invalid("Query condition missed key schema element: %s", keys.hash.name)
	case hash.op != opEq:
		return span{}, span{}, invalid("Query key condition not supported")
	case len(conditions) == 2 && sort == nil && keys.sort.name != "":
		return span{}, span{}, invalid("Query condition missed key schema element: %s", keys.sort.name)
	case len(conditions) == 2 && sort == nil:
		return span{}, span{}, invalid("Query key condition not supported")
	}
	if err := hash.check(keys.hash); err != nil {
		return span{}, span{}, err
	}
	prefix := string(appendPartition(nil, hash.operands[0]))
	partition = span{prefix, after(prefix)}
	if sort == nil {
		return partition, partition, nil
	}
	if err := sort.check(keys.sort); err != nil {
		return span{}, span{}, err
	}
	return partition, sort.span(prefix, partition), nil
}

// check wants operands of the type that the key has: a key condition can't be merely
// false, as a filter can.
func (c *keyCondition) check(a keyAttribute) error {
	for _, v := range c.operands {
		if v.kind != a.kind {
			return invalidParameter("Condition parameter type does not match schema type")
		}
		if v.kind != kindN && v.str == "" {
			return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", emptyWord(a.kind), a.name)
		}
	}
	return nil
}

// span narrows a partition by a condition on the sort key. In a row key the sort key
// is an ended component, which in an index the table's key follows.
func (c *keyCondition) span(prefix string, partition span) span {
	component := func(v value) string { return string(appendComponent([]byte(prefix), v)) }
	low := component(c.operands[0])
	wanted := partition
	switch c.op {
	case opEq:
		wanted = span{low + componentEnd, low + afterComponent}
	case opLt:
		wanted.to = low + componentEnd
	case opLe:
		wanted.to = low + afterComponent
	case opGt:
		wanted.from = low + afterComponent
	case opGe:
		wanted.from = low + componentEnd
	case opBetween:
		wanted = span{low + componentEnd, component(c.operands[1]) + afterComponent}
	case opBeginsWith:
		wanted = span{low, after(low)}
	}
	return wanted
}
