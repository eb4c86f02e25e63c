package ddb

import (
	"slices"
	"strconv"
	"strings"
)

// lookup follows a path into an item.
func (b *binding) lookup(it item, p path) (value, bool) {
	v, ok := it[b.name(p[0])]
	for _, s := range p[1:] {
		if !ok {
			return value{}, false
		}
		if !s.isIndex {
			v, ok = v.fields()[b.name(s)]
			continue
		}
		list := v.list()
		if s.index >= len(list) {
			return value{}, false
		}
		v = list[s.index]
	}
	return v, ok
}

// operand evaluates what has a value in a condition; ok is false without one.
func (b *binding) operand(n *node, it item) (v value, ok bool) {
	switch n.op {
	case opValue:
		v, ok = b.values[n.value]
		return v, ok
	case opPath:
		return b.lookup(it, n.path)
	case opSize:
		if v, ok = b.operand(n.args[0], it); ok {
			return countOf(v)
		}
	}
	return value{}, false
}

// countOf is the function size: UTF-16 units of a string (measured at DynamoDB
// Local), bytes of a binary, elements of the rest. Other types have none.
func countOf(v value) (value, bool) {
	switch v.kind {
	case kindS:
		return numberValue(itoa(utf16Length(v.str))), true
	case kindB:
		return numberValue(itoa(len(v.str))), true
	case kindM:
		return numberValue(itoa(len(v.many.fields))), true
	case kindL:
		return numberValue(itoa(len(v.many.list))), true
	case kindSS, kindNS, kindBS:
		return numberValue(itoa(len(v.many.set))), true
	}
	return value{}, false
}

func utf16Length(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++ // a surrogate pair
		}
	}
	return n
}

func itoa(n int) string { return strconv.Itoa(n) }

// holds evaluates a condition. A comparison with an attribute that is missing or of
// another type is false, except <>, which is true.
func (b *binding) holds(n *node, it item) bool {
	switch n.op {
	case opAnd:
		return b.holds(n.args[0], it) && b.holds(n.args[1], it)
	case opOr:
		return b.holds(n.args[0], it) || b.holds(n.args[1], it)
	case opNot:
		return !b.holds(n.args[0], it)
	}
	v, ok := b.operand(n.args[0], it)
	switch n.op {
	case opExists:
		return ok
	case opNotExists:
		return !ok
	case opIn:
		return ok && slices.ContainsFunc(n.args[1:], func(arg *node) bool {
			w, found := b.operand(arg, it)
			return found && v.equal(w)
		})
	}
	w, found := b.operand(n.args[1], it)
	both := ok && found
	switch n.op {
	case opEq:
		return both && v.equal(w)
	case opNe:
		return !both || !v.equal(w)
	case opType:
		return both && v.kind == kindNamed(w.str)
	case opBeginsWith:
		return both && v.kind == w.kind && (v.kind == kindS || v.kind == kindB) && strings.HasPrefix(v.str, w.str)
	case opContains:
		return both && contains(v, w)
	case opBetween:
		high, found := b.operand(n.args[2], it)
		return both && found && ordered(opGe, v, w) && ordered(opLe, v, high)
	}
	return both && ordered(n.op, v, w)
}

// ordered is false for values that have no common order, whatever the operator.
func ordered(o op, v, w value) bool {
	order, ok := compareScalars(v, w)
	if !ok {
		return false
	}
	switch o {
	case opLt:
		return order < 0
	case opLe:
		return order <= 0
	case opGt:
		return order > 0
	}
	return order >= 0
}

// contains: a substring, a part of a binary, an element of a set or of a list.
func contains(v, w value) bool {
	switch {
	case v.kind == kindL:
		return slices.ContainsFunc(v.many.list, w.equal)
	case v.kind == kindSS && w.kind == kindS, v.kind == kindNS && w.kind == kindN, v.kind == kindBS && w.kind == kindB:
		return slices.Contains(v.many.set, w.str)
	case v.kind == w.kind && (v.kind == kindS || v.kind == kindB):
		return strings.Contains(v.str, w.str)
	}
	return false
}
