package ddb

import (
	"maps"
	"slices"
	"strings"
	"sync"
)

// binding is what a request gives to its expressions: the meaning of placeholders.
type binding struct {
	names  map[string]string
	values attributeValues
}

// name resolves an attribute name of a path.
func (b *binding) name(s step) string {
	if s.alias {
		return b.names[s.name]
	}
	return s.name
}

// show writes a path as AWS does in refusals: [a, b, [0]].
func (b *binding) show(p path) string {
	var parts []string
	for _, s := range p {
		if s.isIndex {
			parts = append(parts, "["+itoa(s.index)+"]")
		} else {
			parts = append(parts, b.name(s))
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// same reports whether two paths lead to the same place.
func (b *binding) same(p, q path) bool {
	return slices.EqualFunc(p, q, func(s, t step) bool {
		return s.isIndex == t.isIndex && s.index == t.index && b.name(s) == b.name(t)
	})
}

// maxCached bounds the cache of parsed expressions. Programs use some tens of
// expression strings; one that builds them anew each time must not fill the memory.
const maxCached = 2000

// expressionCache keeps parsed expressions by kind and text. The zero value is empty.
type expressionCache struct {
	mu sync.RWMutex
	m  map[[2]string]*parsed
}

// parse returns the cached expression, or parses it. When full the cache begins anew: to
// choose what to keep would cost more than parsing the few that matter again.
func (c *expressionCache) parse(kind, source string) (*parsed, error) {
	key := [2]string{kind, source}
	c.mu.RLock()
	p := c.m[key]
	c.mu.RUnlock()
	if p != nil {
		return p, nil
	}
	p, err := parse(kind, source)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil || len(c.m) >= maxCached {
		c.m = map[[2]string]*parsed{}
	}
	c.m[key] = p
	return p, nil
}

// source is an expression parameter of a request; nil when it was not sent.
type source struct {
	kind string
	text *string
}

// bind parses the expressions of a request and checks them against its placeholders.
// The parsed ones come in the order of the sources, nil for those not sent.
func (s *Service) bind(names map[string]string, values attributeValues, sources ...source) (*binding, []*parsed, error) {
	b := &binding{names: names, values: values}
	if err := b.checkKeys(sources); err != nil {
		return nil, nil, err
	}
	list := make([]*parsed, len(sources))
	for i, src := range sources {
		if src.text == nil {
			continue
		}
		p, err := s.expressions.parse(src.kind, *src.text)
		if err != nil {
			return nil, nil, err
		}
		if err := b.check(p); err != nil {
			return nil, nil, err
		}
		list[i] = p
	}
	return b, list, b.checkUnused(list)
}

// checkKeys refuses placeholders that can't be, whatever the expressions are.
func (b *binding) checkKeys(sources []source) error {
	sent := slices.ContainsFunc(sources, func(s source) bool { return s.text != nil })
	if b.names != nil {
		switch {
		case !sent:
			return invalid("ExpressionAttributeNames can only be specified when using expressions")
		case len(b.names) == 0:
			return invalid("ExpressionAttributeNames must not be empty")
		}
		for key, name := range b.names {
			if !isPlaceholder(key, '#') {
				return invalid("ExpressionAttributeNames contains invalid key: Syntax error; key: \"%s\"", key)
			}
			if name == "" {
				return invalid("ExpressionAttributeNames contains invalid value: Empty attribute name for key %s", key)
			}
		}
	}
	if b.values == nil {
		return nil
	}
	switch {
	case !sent:
		return invalid("ExpressionAttributeValues can only be specified when using expressions: %s", missing(sources))
	case len(b.values) == 0:
		return invalid("ExpressionAttributeValues must not be empty")
	}
	for key := range b.values {
		if !isPlaceholder(key, ':') {
			return invalid("ExpressionAttributeValues contains invalid key: Syntax error; key: \"%s\"", key)
		}
	}
	return nil
}

func missing(sources []source) string {
	var kinds []string
	for _, s := range sources {
		if s.kind != kindProjection {
			kinds = append(kinds, s.kind)
		}
	}
	if len(kinds) == 1 {
		return kinds[0] + " is null"
	}
	return strings.Join(kinds, " and ") + " are null"
}

// checkUnused refuses placeholders that no expression of the request uses (AWS), since
// they are rather a mistake in one of them.
func (b *binding) checkUnused(list []*parsed) error {
	unused := func(ref string, refs func(*parsed) []string) bool {
		return !slices.ContainsFunc(list, func(p *parsed) bool { return p != nil && slices.Contains(refs(p), ref) })
	}
	var extra []string
	for ref := range maps.Keys(b.names) {
		if unused(ref, func(p *parsed) []string { return p.nameRefs }) {
			extra = append(extra, ref)
		}
	}
	if len(extra) > 0 {
		slices.Sort(extra)
		return invalid("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", strings.Join(extra, ", "))
	}
	for ref := range maps.Keys(b.values) {
		if unused(ref, func(p *parsed) []string { return p.valueRefs }) {
			extra = append(extra, ref)
		}
	}
	if len(extra) > 0 {
		slices.Sort(extra)
		return invalid("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", strings.Join(extra, ", "))
	}
	return nil
}
