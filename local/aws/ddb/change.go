package ddb

import (
	"maps"
	"slices"
)

// arrange puts the clauses of an update into the tree of the places that they change,
// and returns the actions there in the order of the clauses.
func (b *binding) arrange(p *parsed) (*document, []*action, error) {
	root := new(document)
	actions := make([]*action, len(p.clauses))
	for i, c := range p.clauses {
		actions[i] = &action{section: c.section}
		if err := b.add(root, p, c.path, actions[i]); err != nil {
			return nil, nil, err
		}
	}
	return root, actions, nil
}

// evaluate computes the operands, all of them on the item as it was.
func (b *binding) evaluate(p *parsed, actions []*action, old item) error {
	for i, c := range p.clauses {
		if c.operand == nil {
			continue
		}
		v, err := b.result(c.operand, old)
		if err != nil {
			return err
		}
		actions[i].value = v
	}
	return nil
}

// result evaluates the right-hand side of a SET, or the value of ADD and DELETE.
func (b *binding) result(n *node, old item) (value, error) {
	switch n.op {
	case opValue:
		return b.values[n.value], nil
	case opIfNotExists:
		if v, ok := b.lookup(old, n.args[0].path); ok {
			// AWS evaluates the other operand all the same.
			_, err := b.result(n.args[1], old)
			return v, err
		}
		return b.result(n.args[1], old)
	case opPlus, opMinus, opListAppend:
		left, err := b.result(n.args[0], old)
		if err != nil {
			return value{}, err
		}
		right, err := b.result(n.args[1], old)
		if err != nil {
			return value{}, err
		}
		return combine(n.op, left, right)
	}
	v, ok := b.lookup(old, n.path)
	if !ok {
		return value{}, invalid(msgNoAttribute)
	}
	return v, nil
}

// combine applies + and - to numbers and list_append to lists.
func combine(o op, left, right value) (value, error) {
	wanted := kindN
	if o == opListAppend {
		wanted = kindL
	}
	if left.kind != wanted || right.kind != wanted {
		return value{}, invalid(msgOperandType)
	}
	if o == opListAppend {
		return listValue(slices.Concat(left.many.list, right.many.list)), nil
	}
	sum, err := addNumbers(left.str, right.str, o == opMinus)
	return numberValue(sum), err
}

// apply makes the changed item. The old one stays as it is.
func (d *document) apply(old item) (item, error) {
	next := maps.Clone(old)
	if next == nil {
		next = make(item, len(d.children))
	}
	for _, c := range d.children {
		v, ok := old[c.step.name]
		v, keep, err := c.changed(v, ok)
		switch {
		case err != nil:
			return nil, err
		case keep:
			next[c.step.name] = v
		default:
			delete(next, c.step.name)
		}
	}
	return next, nil
}

// changed returns what comes in the place of v, and whether anything does; ok tells
// whether v is there.
func (d *document) changed(v value, ok bool) (value, bool, error) {
	switch {
	case d.leaf:
		return d.action.on(v, ok)
	case !ok:
		return value{}, false, invalid(msgInvalidPath)
	case d.children[0].step.isIndex && v.kind == kindL:
		list, err := d.changedList(v.many.list)
		return listValue(list), true, err
	case !d.children[0].step.isIndex && v.kind == kindM:
		fields, err := d.apply(v.many.fields)
		return mapValue(fields), true, err
	}
	return value{}, false, invalid(msgInvalidPath)
}

// changedList changes the elements where they were before the update, then closes
// the gaps of removed ones. What is set beyond the end is appended, by index.
func (d *document) changedList(old []value) ([]value, error) {
	list := slices.Clone(old)
	gone := map[int]bool{}
	for _, c := range d.inOrder() {
		i := c.step.index
		var v value
		ok := i < len(old)
		if ok {
			v = old[i]
		}
		v, keep, err := c.changed(v, ok)
		switch {
		case err != nil:
			return nil, err
		case keep && ok:
			list[i] = v
		case keep:
			list = append(list, v)
		case ok:
			gone[i] = true
		}
	}
	if len(gone) == 0 {
		return list, nil
	}
	kept := make([]value, 0, len(list)-len(gone))
	for i, v := range list {
		if !gone[i] {
			kept = append(kept, v)
		}
	}
	return kept, nil
}

// on carries out the action where old is, or is missing. The result is not kept if there
// is nothing to keep.
func (a *action) on(old value, ok bool) (v value, keep bool, err error) {
	switch {
	case a.section == "SET":
		return a.value, true, nil
	case a.section == "REMOVE":
		return value{}, false, nil
	case !ok:
		return a.value, a.section == "ADD", nil
	case old.kind != a.value.kind:
		return value{}, false, invalid(msgOperandType)
	case old.kind == kindN: // only ADD takes numbers
		sum, err := addNumbers(old.str, a.value.str, false)
		return numberValue(sum), true, err
	}
	set := slices.Clone(old.many.set)
	order := compareElements(old.kind)
	for _, e := range a.value.many.set {
		i, found := slices.BinarySearchFunc(set, e, order)
		switch {
		case a.section == "ADD" && !found:
			set = slices.Insert(set, i, e)
		case a.section == "DELETE" && found:
			set = slices.Delete(set, i, i+1)
		}
	}
	return setValue(old.kind, set), len(set) > 0, nil // there are no empty sets
}
