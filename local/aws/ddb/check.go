package ddb

import "slices"

// Checks that need the values of placeholders, but no item.

// check refuses undefined placeholders and operands whose type can't be right. AWS does
// so before it looks at any item, so such an expression is a ValidationException and
// never just false.
func (b *binding) check(p *parsed) error {
	for _, ref := range p.nameRefs {
		if _, ok := b.names[ref]; !ok {
			return p.refuse("An expression attribute name used in the document path is not defined; attribute name: %s", ref)
		}
	}
	for _, ref := range p.valueRefs {
		if _, ok := b.values[ref]; !ok {
			return p.refuse("An expression attribute value used in expression is not defined; attribute value: %s", ref)
		}
	}
	if p.root != nil {
		return b.checkNode(p, p.root)
	}
	for _, c := range p.clauses {
		if err := b.checkClause(p, c); err != nil {
			return err
		}
	}
	return nil
}

// checkNode goes from the leaves up: the innermost mistake is the one reported.
func (b *binding) checkNode(p *parsed, n *node) error {
	for _, arg := range n.args {
		if err := b.checkNode(p, arg); err != nil {
			return err
		}
	}
	if err := b.checkDistinct(p, n); err != nil {
		return err
	}
	switch n.op {
	case opLt, opLe, opGt, opGe:
		return b.checkOperands(p, n, n.args, scalarKinds)
	case opBetween:
		return b.checkBetween(p, n)
	case opBeginsWith:
		return b.checkOperands(p, n, n.args, []kind{kindS, kindB})
	case opSize:
		return b.checkOperands(p, n, n.args, []kind{kindS, kindB, kindM, kindL, kindSS, kindNS, kindBS})
	case opType:
		return b.checkTypeName(p, n)
	case opPlus, opMinus:
		return b.checkOperands(p, n, n.args, []kind{kindN})
	case opListAppend:
		return b.checkOperands(p, n, n.args, []kind{kindL})
	}
	return nil
}

var scalarKinds = []kind{kindS, kindN, kindB}

// constantKind is the type of an operand that is known without an item.
func (b *binding) constantKind(n *node) (kind, bool) {
	switch n.op {
	case opValue:
		return b.values[n.value].kind, true
	case opSize:
		return kindN, true
	case opPlus, opMinus:
		return kindN, true
	case opListAppend:
		return kindL, true
	}
	return kindNone, false
}

// checkOperands looks at operands of known type only. A path may turn out to be of any
// type, which is then not an error but a comparison that is false.
func (b *binding) checkOperands(p *parsed, n *node, operands []*node, allowed []kind) error {
	for _, arg := range operands {
		if k, known := b.constantKind(arg); known && !slices.Contains(allowed, k) {
			return p.refuse("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", n.op, k)
		}
	}
	return nil
}

// checkDistinct refuses an operator whose first operand, a path, comes again.
func (b *binding) checkDistinct(p *parsed, n *node) error {
	switch n.op {
	case opEq, opNe, opLt, opLe, opGt, opGe, opBetween, opIn, opContains, opBeginsWith, opType, opIfNotExists:
	default:
		return nil
	}
	first := n.args[0]
	if first.op != opPath {
		return nil
	}
	for _, arg := range n.args[1:] {
		if arg.op == opPath && b.same(first.path, arg.path) {
			return p.refuse("The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: %s",
				n.op, b.show(first.path))
		}
	}
	return nil
}

// checkBetween compares bounds that are both placeholders; those from the item are
// compared when it is there.
func (b *binding) checkBetween(p *parsed, n *node) error {
	if err := b.checkOperands(p, n, n.args, scalarKinds); err != nil {
		return err
	}
	low, high := n.args[1], n.args[2]
	if low.op != opValue || high.op != opValue {
		return nil
	}
	v, w := b.values[low.value], b.values[high.value]
	if v.kind != w.kind {
		return p.refuse("The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {%s:%s}, upper bound operand: AttributeValue: {%s:%s}",
			v.kind, v.str, w.kind, w.str)
	}
	if order, _ := compareScalars(v, w); order > 0 {
		return p.refuse("The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {%s:%s}, upper bound operand: AttributeValue: {%s:%s}",
			v.kind, v.str, w.kind, w.str)
	}
	return nil
}

func (b *binding) checkTypeName(p *parsed, n *node) error {
	if err := b.checkOperands(p, n, n.args[1:], []kind{kindS}); err != nil {
		return err
	}
	arg := n.args[1]
	if arg.op != opValue {
		return p.refuse("Incorrect operand type for operator or function; operator or function: %s, operand type: a document path", n.op)
	}
	if name := b.values[arg.value].str; kindNamed(name) == kindNone {
		return p.refuse("Invalid attribute type name found; type: %s, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}", name)
	}
	return nil
}

func (b *binding) checkClause(p *parsed, c clause) error {
	switch c.section {
	case "SET":
		return b.checkNode(p, c.operand)
	case "ADD":
		if k := b.values[c.operand.value].kind; k != kindN && !k.isSet() {
			return p.refuse("Incorrect operand type for operator or function; operator: ADD, operand type: %s, typeSet: ALLOWED_FOR_ADD_OPERAND", kindWords[k])
		}
	case "DELETE":
		if k := b.values[c.operand.value].kind; !k.isSet() {
			return p.refuse("Incorrect operand type for operator or function; operator: DELETE, operand type: %s, typeSet: ALLOWED_FOR_DELETE_OPERAND", kindWords[k])
		}
	}
	return nil
}
