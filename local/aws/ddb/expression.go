package ddb

import "slices"

// op is what a node of a parsed expression does.
type op string

const (
	opPath  op = "path"  // a document path
	opValue op = "value" // a :placeholder

	opAnd     op = "AND"
	opOr      op = "OR"
	opNot     op = "NOT"
	opBetween op = "BETWEEN"
	opIn      op = "IN"
	opEq      op = "="
	opNe      op = "<>"
	opLt      op = "<"
	opLe      op = "<="
	opGt      op = ">"
	opGe      op = ">="
	opPlus    op = "+"
	opMinus   op = "-"

	opExists      op = "attribute_exists"
	opNotExists   op = "attribute_not_exists"
	opType        op = "attribute_type"
	opBeginsWith  op = "begins_with"
	opContains    op = "contains"
	opSize        op = "size"
	opIfNotExists op = "if_not_exists"
	opListAppend  op = "list_append"
)

// node is an operator, a function or an operand of an expression. Placeholders are
// looked up when it is evaluated, so that one parsed expression serves many requests.
type node struct {
	op    op
	args  []*node
	path  path   // of opPath
	value string // placeholder of opValue
	paren bool   // stands in parentheses
}

// isCondition tells what is true or false from what has a value.
func (n *node) isCondition() bool {
	switch n.op {
	case opPath, opValue, opSize, opIfNotExists, opListAppend, opPlus, opMinus:
		return false
	}
	return true
}

// step is an element of a document path: a name, a placeholder of one, or an index.
type step struct {
	name    string
	alias   bool // name is a #placeholder
	isIndex bool
	index   int
}

type path []step

// clause is one action of an update expression.
type clause struct {
	section string // SET, REMOVE, ADD or DELETE
	path    path
	operand *node // nil for REMOVE
}

// parsed is an expression of any of the five kinds; it is shared and never changed.
type parsed struct {
	kind      string   // as in the refusals: "ConditionExpression" and so on
	root      *node    // of conditions, filters and key conditions
	paths     []path   // of projections
	clauses   []clause // of updates
	nameRefs  []string // the #placeholders that it uses
	valueRefs []string // the :placeholders that it uses
}

const (
	kindCondition    = "ConditionExpression"
	kindFilter       = "FilterExpression"
	kindKeyCondition = "KeyConditionExpression"
	kindProjection   = "ProjectionExpression"
	kindUpdate       = "UpdateExpression"
)

func (p *parsed) refuse(format string, args ...any) error {
	return invalid("Invalid "+p.kind+": "+format, args...)
}

func (p *parsed) uses(refs *[]string, ref string) {
	if !slices.Contains(*refs, ref) {
		*refs = append(*refs, ref)
	}
}
