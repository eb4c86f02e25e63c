package ddb

import "slices"

// operatorWords can't begin a path. They are reserved too, but what stands in their
// place is missing, and AWS says so.
var operatorWords = map[string]bool{
	"AND": true, "OR": true, "NOT": true, "BETWEEN": true, "IN": true,
	"SET": true, "REMOVE": true, "ADD": true, "DELETE": true,
}

// update reads the sections of an update expression.
func (p *parser) update() ([]clause, error) {
	var clauses []clause
	var seen []string
	for p.token().kind != tokenEnd || len(seen) == 0 {
		t := p.token()
		section := upper(t.text)
		var read func() (clause, error)
		switch {
		case t.is("SET"):
			read = p.assignment
		case t.is("REMOVE"):
			read = p.removal
		case t.is("ADD"), t.is("DELETE"):
			read = p.change
		default:
			return nil, p.syntaxError()
		}
		if slices.Contains(seen, section) {
			return nil, p.refuse(`The "%s" section can only be used once in an update expression;`, section)
		}
		seen = append(seen, section)
		p.next()
		for {
			c, err := read()
			if err != nil {
				return nil, err
			}
			c.section = section
			clauses = append(clauses, c)
			if !p.take(",") {
				break
			}
		}
	}
	return clauses, nil
}

// assignment reads one "path = value" of SET.
func (p *parser) assignment() (c clause, err error) {
	if c.path, err = p.path(); err != nil {
		return c, err
	}
	if err = p.expect("="); err != nil {
		return c, err
	}
	c.operand, err = p.sum()
	return c, err
}

// sum reads an operand, or two with one + or - in between.
func (p *parser) sum() (*node, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	t := p.token()
	if !t.symbol("+") && !t.symbol("-") {
		return left, nil
	}
	p.next()
	right, err := p.operand()
	if err != nil {
		return nil, err
	}
	for _, n := range []*node{left, right} {
		if n.op == opListAppend {
			return nil, p.misused(n.op)
		}
	}
	return p.operator(op(t.text), left, right)
}

func (p *parser) removal() (c clause, err error) {
	c.path, err = p.path()
	return c, err
}

// change reads the path and the value of ADD and DELETE.
func (p *parser) change() (c clause, err error) {
	if c.path, err = p.path(); err != nil {
		return c, err
	}
	t := p.token()
	if t.kind != tokenValue {
		return c, p.syntaxError()
	}
	p.next()
	p.uses(&p.valueRefs, t.text)
	c.operand = &node{op: opValue, value: t.text}
	return c, nil
}
