// Package filter compiles SNS filter policies and matches messages with them.
//
// A policy is a JSON object of keys and lists of conditions. All keys must match, and
// for each one of its conditions. A key that the message lacks matches nothing but
// {"exists": false}. Of a value that is a list, one element that matches is enough.
package filter

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// AWS's limits of a policy.
const (
	MaxSize         = 256 << 10 // bytes of JSON
	MaxKeys         = 5         // with conditions; parents of nested keys don't count
	MaxCombinations = 150       // product of the conditions of each key, times depth where nested
)

// Policy is a compiled filter policy. It is immutable.
type Policy struct {
	root object
}

// object matches the members of a JSON object.
type object struct {
	fields []field
	either [][]object // each $or: one of its objects must match
}

// field has either conditions or a nested object.
type field struct {
	key        string
	conditions []condition
	nested     *object
}

// condition tells whether one value matches: a string, a float64, a bool or nil.
// absent is asked when there is none.
type condition struct {
	match  func(v any) bool
	absent bool // matches where the key is missing
}

// Parse compiles a policy. nested allows objects below the top, as the scope
// MessageBody does. The error's text is AWS's reason.
func Parse(policy string, nested bool) (*Policy, error) {
	if len(policy) > MaxSize {
		return nil, reason("Filter policy is longer than %d bytes", MaxSize)
	}
	d := json.NewDecoder(strings.NewReader(policy))
	d.UseNumber()
	var in any
	if err := d.Decode(&in); err != nil || d.More() {
		return nil, reason("failed to parse JSON. %v", err)
	}
	top, ok := in.(map[string]any)
	if !ok {
		return nil, reason("Filter policy must be a JSON object")
	}
	c := compiler{nested: nested, keys: map[string]bool{}}
	root, combinations, err := c.object(top, "", 1)
	if err != nil {
		return nil, err
	}
	if len(c.keys) > MaxKeys {
		return nil, reason("Filter policy can not have more than %d keys", MaxKeys)
	}
	if combinations > MaxCombinations {
		return nil, reason("Filter policy is too complex")
	}
	return &Policy{root}, nil
}

// reasonError is a refusal in AWS's words, which begin with a capital letter.
type reasonError string

func (e reasonError) Error() string { return string(e) }

func reason(format string, args ...any) error { return reasonError(fmt.Sprintf(format, args...)) }

type compiler struct {
	nested bool
	keys   map[string]bool // paths with conditions
}

// object compiles one level and counts its combinations.
func (c *compiler) object(in map[string]any, path string, depth int) (object, int, error) {
	var o object
	combinations := 1
	for _, key := range slices.Sorted(maps.Keys(in)) {
		if list, ok := alternatives(key, in[key]); ok {
			sum := 0
			var objects []object
			for _, alternative := range list {
				sub, n, err := c.object(alternative, path, depth)
				if err != nil {
					return o, 0, err
				}
				objects, sum = append(objects, sub), sum+n
			}
			o.either = append(o.either, objects)
			combinations *= sum
			continue
		}
		f, n, err := c.field(key, in[key], path, depth)
		if err != nil {
			return o, 0, err
		}
		o.fields = append(o.fields, f)
		combinations *= n
	}
	return o, combinations, nil
}

// alternatives returns the objects of an $or. One that is no list of at least two
// objects is a key like any other, as on AWS.
func alternatives(key string, v any) ([]map[string]any, bool) {
	list, ok := v.([]any)
	if key != "$or" || !ok || len(list) < 2 {
		return nil, false
	}
	var out []map[string]any
	for _, e := range list {
		m, ok := e.(map[string]any)
		if !ok || len(m) == 0 || isCondition(m) {
			return nil, false
		}
		out = append(out, m)
	}
	return out, true
}

func isCondition(m map[string]any) bool {
	for k := range m {
		if _, ok := operators[k]; !ok {
			return false
		}
	}
	return true
}

func (c *compiler) field(key string, v any, path string, depth int) (field, int, error) {
	path += "/" + key
	switch v := v.(type) {
	case map[string]any:
		if !c.nested {
			return field{}, 0, reason("Filter policy scope MessageAttributes does not support nested filter policy")
		}
		if len(v) == 0 {
			return field{}, 0, reason("Empty objects are not allowed")
		}
		sub, n, err := c.object(v, path, depth+1)
		return field{key: key, nested: &sub}, n, err
	case []any:
		if len(v) == 0 {
			return field{}, 0, reason("Empty arrays are not allowed")
		}
		f := field{key: key}
		for _, e := range v {
			one, err := compile(e)
			if err != nil {
				return field{}, 0, err
			}
			f.conditions = append(f.conditions, one)
		}
		c.keys[path] = true
		return f, len(v) * depth, nil
	}
	return field{}, 0, reason("%q must be an object or an array", key)
}
