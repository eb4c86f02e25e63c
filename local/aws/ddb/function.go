package ddb

// signature is what is fixed about a function, whatever its operands are.
type signature struct {
	operands int
	update   bool // for update expressions, else for conditions
	path     bool // the first operand must be a document path
}

var functions = map[op]signature{
	opExists:      {operands: 1, path: true},
	opNotExists:   {operands: 1, path: true},
	opType:        {operands: 2},
	opBeginsWith:  {operands: 2},
	opContains:    {operands: 2},
	opSize:        {operands: 1},
	opIfNotExists: {operands: 2, path: true, update: true},
	opListAppend:  {operands: 2, update: true},
}

// function reads a call. The present token is the name, and a parenthesis follows it.
func (p *parser) function() (*node, error) {
	name := op(p.next().text)
	p.next()
	args, err := p.operands()
	if err != nil {
		return nil, err
	}
	s, ok := functions[name]
	switch {
	case !ok:
		return nil, p.refuse("Invalid function name; function: %s", name)
	case s.update && p.kind != kindUpdate:
		return nil, p.refuse("The function is not allowed in a %s; function: %s", kindPhrases[p.kind], name)
	case !s.update && p.kind == kindUpdate:
		return nil, p.refuse("The function is not allowed in an update expression; function: %s", name)
	case len(args) != s.operands:
		return nil, p.refuse("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", name, len(args))
	case s.path && args[0].op != opPath:
		return nil, p.refuse("Operator or function requires a document path; operator or function: %s", name)
	}
	return p.operator(name, args...)
}

var kindPhrases = map[string]string{
	kindCondition:    "condition expression",
	kindFilter:       "filter expression",
	kindKeyCondition: "key condition expression",
}
