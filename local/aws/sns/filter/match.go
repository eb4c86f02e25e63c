package filter

import "encoding/json"

// Match reports whether a message passes. values are the members of its JSON body, or
// its attributes: strings, numbers as float64 or json.Number, bools, nil, lists and
// objects.
func (p *Policy) Match(values map[string]any) bool { return p.root.match(values) }

func (o *object) match(values map[string]any) bool {
	for i := range o.fields {
		if !o.fields[i].match(values) {
			return false
		}
	}
	for _, alternatives := range o.either {
		if !anyObject(alternatives, values) {
			return false
		}
	}
	return true
}

func anyObject(objects []object, values map[string]any) bool {
	for i := range objects {
		if objects[i].match(values) {
			return true
		}
	}
	return false
}

func (f *field) match(values map[string]any) bool {
	v, present := values[f.key]
	if f.nested != nil {
		return f.matchNested(v)
	}
	if _, isObject := v.(map[string]any); isObject || !present {
		// Only a value at the end of a path counts as being there.
		for _, c := range f.conditions {
			if c.absent {
				return true
			}
		}
		return false
	}
	return f.matchValue(v)
}

func (f *field) matchValue(v any) bool {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if f.matchValue(e) {
				return true
			}
		}
		return false
	case json.Number:
		n, err := v.Float64()
		return err == nil && f.matchValue(n)
	}
	for _, c := range f.conditions {
		if c.match(v) {
			return true
		}
	}
	return false
}

// matchNested looks into an object, or into the objects of a list, of which one must
// match as a whole. What is no object has none of the nested keys.
func (f *field) matchNested(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return f.nested.match(v)
	case []any:
		for _, e := range v {
			if f.matchNested(e) {
				return true
			}
		}
		return false
	}
	return f.nested.match(nil)
}
