package ddb

import "strconv"

// Limits of expressions, AWS: "Expressions in DynamoDB" and "Service quotas".
const (
	maxExpressionSize = 4 << 10
	maxOperators      = 300
	maxInOperands     = 100
	maxParseDepth     = 400 // above anything 300 operators can need; keeps the stack small
)

// parser reads one expression by recursive descent. OR binds weakest, then AND, then
// NOT, then comparisons.
type parser struct {
	*parsed
	source    string
	tokens    []lexeme
	at        int
	operators int
	depth     int
}

// parse reads an expression of the given kind.
func parse(kind, source string) (*parsed, error) {
	p := &parser{parsed: &parsed{kind: kind}, source: source}
	if source == "" {
		return nil, p.refuse("The expression can not be empty;")
	}
	if len(source) > maxExpressionSize {
		return nil, p.refuse("Expression size has exceeded the maximum allowed size; expression size: %d", len(source))
	}
	p.tokens = lex(source)
	var err error
	switch kind {
	case kindProjection:
		p.paths, err = p.pathList()
	case kindUpdate:
		p.clauses, err = p.update()
	default:
		p.root, err = p.or(false)
	}
	if err != nil {
		return nil, err
	}
	if p.token().kind != tokenEnd {
		return nil, p.syntaxError()
	}
	return p.parsed, nil
}

func (p *parser) token() lexeme { return p.tokens[p.at] }

func (p *parser) next() lexeme {
	t := p.tokens[p.at]
	if t.kind != tokenEnd {
		p.at++
	}
	return t
}

func (p *parser) take(symbol string) bool {
	if p.token().symbol(symbol) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(symbol string) error {
	if p.take(symbol) {
		return nil
	}
	return p.syntaxError()
}

// syntaxError is at the present token; AWS shows the tokens around it too.
func (p *parser) syntaxError() error {
	first, last := max(0, p.at-1), min(p.at+1, len(p.tokens)-1)
	return p.refuse(`Syntax error; token: "%s", near: "%s"`, p.token().text, p.source[p.tokens[first].start:p.tokens[last].end])
}

// operator makes a node and counts it.
func (p *parser) operator(o op, args ...*node) (*node, error) {
	p.operators++
	if p.operators > maxOperators {
		return nil, p.refuse("The expression contains too many operators; operator count: %d", p.operators)
	}
	return &node{op: o, args: args}, nil
}

// enter bounds the recursion.
func (p *parser) enter() error {
	p.depth++
	if p.depth > maxParseDepth {
		return p.refuse("The expression contains too many operators; operator count: %d", maxOperators+1)
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

// or reads a condition. With operand set, what stands directly in parentheses may
// also turn out to be an operand, as in "(a) = :b".
func (p *parser) or(operand bool) (*node, error) {
	return p.chain(operand, opOr, p.and)
}

func (p *parser) and(operand bool) (*node, error) {
	return p.chain(operand, opAnd, p.not)
}

func (p *parser) chain(operand bool, o op, part func(bool) (*node, error)) (*node, error) {
	left, err := part(operand)
	if err != nil || !left.isCondition() {
		return left, err
	}
	for p.token().is(string(o)) {
		p.next()
		right, err := part(false)
		if err != nil {
			return nil, err
		}
		if left, err = p.operator(o, left, right); err != nil {
			return nil, err
		}
	}
	return left, nil
}

func (p *parser) not(operand bool) (*node, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	if !p.token().is("NOT") {
		return p.comparison(operand)
	}
	p.next()
	inner, err := p.not(false)
	if err != nil {
		return nil, err
	}
	return p.operator(opNot, inner)
}

// comparison reads an operand and what it is compared with, or a function that is true
// or false by itself.
func (p *parser) comparison(operand bool) (*node, error) {
	left, err := p.primary(true)
	if err != nil {
		return nil, err
	}
	t := p.token()
	isOperator := t.kind == tokenSymbol && comparators[t.text] || t.is("BETWEEN") || t.is("IN")
	switch {
	case isOperator && left.isCondition() && left.paren:
		return nil, p.syntaxError()
	case isOperator && left.isCondition():
		return nil, p.misused(left.op)
	case isOperator:
		return p.compare(left)
	case left.isCondition():
		return left, nil
	case operand && t.symbol(")"):
		return left, nil
	case left.op == opSize:
		return nil, p.misused(left.op)
	}
	return nil, p.syntaxError()
}

func (p *parser) misused(o op) error {
	return p.refuse("The function is not allowed to be used this way in an expression; function: %s", o)
}

var comparators = map[string]bool{"=": true, "<>": true, "<": true, "<=": true, ">": true, ">=": true}

// compare reads what follows the left operand.
func (p *parser) compare(left *node) (*node, error) {
	t := p.next()
	switch {
	case t.is("BETWEEN"):
		low, err := p.operand()
		if err != nil {
			return nil, err
		}
		if !p.token().is("AND") {
			return nil, p.syntaxError()
		}
		p.next()
		high, err := p.operand()
		if err != nil {
			return nil, err
		}
		return p.operator(opBetween, left, low, high)
	case t.is("IN"):
		if err := p.expect("("); err != nil {
			return nil, err
		}
		args, err := p.operands()
		if err != nil {
			return nil, err
		}
		if len(args) > maxInOperands {
			return nil, p.refuse("The IN operator is provided with too many operands; number of operands: %d", len(args))
		}
		return p.operator(opIn, append([]*node{left}, args...)...)
	}
	right, err := p.operand()
	if err != nil {
		return nil, err
	}
	return p.operator(op(t.text), left, right)
}

// operand reads what has a value: a path, a placeholder or a function.
func (p *parser) operand() (*node, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	n, err := p.primary(false)
	if err == nil && n.isCondition() {
		return nil, p.misused(n.op)
	}
	return n, err
}

// operands reads a list up to its closing parenthesis.
func (p *parser) operands() ([]*node, error) {
	var list []*node
	for {
		n, err := p.operand()
		if err != nil {
			return nil, err
		}
		list = append(list, n)
		if !p.take(",") {
			return list, p.expect(")")
		}
	}
}

// primary reads an operand or, where conditions may stand, one in parentheses.
func (p *parser) primary(condition bool) (*node, error) {
	t := p.token()
	switch {
	case t.symbol("("):
		p.next()
		return p.parenthesised(condition)
	case t.kind == tokenValue:
		p.next()
		p.uses(&p.valueRefs, t.text)
		return &node{op: opValue, value: t.text}, nil
	case t.kind == tokenWord && p.tokens[p.at+1].symbol("("):
		return p.function()
	}
	path, err := p.path()
	if err != nil {
		return nil, err
	}
	return &node{op: opPath, path: path}, nil
}

// parenthesised reads up to the closing parenthesis. AWS takes one pair around anything,
// and refuses a second one around the same.
func (p *parser) parenthesised(condition bool) (n *node, err error) {
	switch {
	case condition:
		n, err = p.or(true)
	case p.kind == kindUpdate:
		n, err = p.sum()
	default:
		n, err = p.operand()
	}
	if err != nil {
		return nil, err
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	if n.paren {
		return nil, p.refuse("The expression has redundant parentheses;")
	}
	inParentheses := *n
	inParentheses.paren = true
	return &inParentheses, nil
}

// path reads names and indexes: a.#b[0]. Reserved words are refused in every place.
func (p *parser) path() (path, error) {
	var steps path
	for {
		t := p.token()
		switch {
		case t.kind == tokenName:
			p.uses(&p.nameRefs, t.text)
			steps = append(steps, step{name: t.text, alias: true})
		case t.kind == tokenWord && !operatorWords[upper(t.text)]:
			if isReserved(t.text) {
				return nil, p.refuse("Attribute name is a reserved keyword; reserved keyword: %s", t.text)
			}
			steps = append(steps, step{name: t.text})
		default:
			return nil, p.syntaxError()
		}
		p.next()
		for p.take("[") {
			i, err := p.index()
			if err != nil {
				return nil, err
			}
			steps = append(steps, step{isIndex: true, index: i})
		}
		if !p.take(".") {
			return steps, nil
		}
	}
}

func (p *parser) index() (int, error) {
	t := p.token()
	if t.kind != tokenNumber {
		return 0, p.syntaxError()
	}
	p.next()
	i, err := strconv.ParseInt(t.text, 10, 31)
	if err != nil {
		return 0, p.refuse("List index is not within the allowable range; index: [%s]", t.text)
	}
	return int(i), p.expect("]")
}

func (p *parser) pathList() ([]path, error) {
	var list []path
	for {
		path, err := p.path()
		if err != nil {
			return nil, err
		}
		list = append(list, path)
		if !p.take(",") {
			return list, nil
		}
	}
}
