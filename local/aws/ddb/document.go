package ddb

import (
	"slices"
)

// document is a set of paths arranged as a tree: the places of an item that an
// update changes or a projection shows. Such paths must not overlap.
type document struct {
	step     step // name resolved
	path     path // the first path that came here, for refusals
	leaf     bool
	action   *action // what an update does to a leaf
	children []*document
}

// action is a clause with its operand evaluated.
type action struct {
	section string
	value   value
}

// add enters a path.
func (b *binding) add(root *document, p *parsed, full path, a *action) error {
	d := root
	for i, s := range full {
		if !s.isIndex {
			s = step{name: b.name(s)}
		}
		if d.leaf {
			return b.overlap(p, d.path, full)
		}
		if len(d.children) > 0 && d.children[0].step.isIndex != s.isIndex {
			return p.refuse("Two document paths conflict with each other; must remove or rewrite one of these paths; path one: %s, path two: %s",
				b.show(d.children[0].path), b.show(full))
		}
		child := d.child(s)
		if child == nil {
			child = &document{step: s, path: full}
			d.children = append(d.children, child)
		} else if i == len(full)-1 {
			return b.overlap(p, child.path, full)
		}
		d = child
	}
	d.leaf, d.action = true, a
	return nil
}

func (b *binding) overlap(p *parsed, one, two path) error {
	return p.refuse("Two document paths overlap with each other; must remove or rewrite one of these paths; path one: %s, path two: %s", b.show(one), b.show(two))
}

func (d *document) child(s step) *document {
	for _, c := range d.children {
		if c.step == s {
			return c
		}
	}
	return nil
}

// projection arranges the paths of a ProjectionExpression.
func (b *binding) projection(p *parsed) (*document, error) {
	root := new(document)
	for _, path := range p.paths {
		if err := b.add(root, p, path, nil); err != nil {
			return nil, err
		}
	}
	return root, nil
}

// project returns what the paths show of it; nil shows everything.
func (d *document) project(it item) item {
	if d == nil {
		return it
	}
	shown := make(item, len(d.children))
	for _, c := range d.children {
		if v, ok := it[c.step.name]; ok {
			if v, ok = c.show(v); ok {
				shown[c.step.name] = v
			}
		}
	}
	return shown
}

// show returns the part of v that the paths below d reach; nothing if they reach none.
func (d *document) show(v value) (value, bool) {
	switch {
	case d.leaf:
		return v, true
	case !d.children[0].step.isIndex:
		if v.kind != kindM {
			return value{}, false
		}
		fields := d.project(v.many.fields)
		return mapValue(fields), len(fields) > 0
	}
	// Elements keep their order and close up.
	var list []value
	for _, c := range d.inOrder() {
		if l := v.list(); c.step.index < len(l) {
			if e, ok := c.show(l[c.step.index]); ok {
				list = append(list, e)
			}
		}
	}
	return listValue(list), len(list) > 0
}

// inOrder returns children that are list elements by their index.
func (d *document) inOrder() []*document {
	return slices.SortedFunc(slices.Values(d.children), func(a, b *document) int { return a.step.index - b.step.index })
}
