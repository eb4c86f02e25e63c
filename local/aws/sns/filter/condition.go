package filter

import (
	"encoding/json"
	"net/netip"
	"strings"
)

// compile makes a condition of one element of a list: a value to equal, or an object
// with one operator.
func compile(e any) (condition, error) {
	switch e := e.(type) {
	case map[string]any:
		if len(e) != 1 {
			return condition{}, reason("Only one key allowed in match expression")
		}
		for name, arg := range e {
			make, ok := operators[name]
			if !ok {
				return condition{}, reason("Unrecognized match type %s", name)
			}
			return make(arg)
		}
	case []any:
		return condition{}, reason("Match value must be String, number, true, false, or null")
	}
	want, err := scalar(e)
	return condition{match: func(v any) bool { return v == want }}, err
}

// scalar brings a JSON value to the form that messages have: numbers as float64, which
// holds the range of ±10^9 with 5 decimals that SNS compares.
func scalar(v any) (any, error) {
	if n, ok := v.(json.Number); ok {
		f, err := n.Float64()
		if err != nil {
			return nil, reason("Match value must be String, number, true, false, or null")
		}
		return f, nil
	}
	return v, nil
}

var operators map[string]func(arg any) (condition, error)

func init() { // not a literal: anything-but takes operators itself
	operators = map[string]func(arg any) (condition, error){
		"prefix":             text("prefix", func(s, arg string) bool { return strings.HasPrefix(s, arg) }),
		"suffix":             text("suffix", func(s, arg string) bool { return strings.HasSuffix(s, arg) }),
		"equals-ignore-case": text("equals-ignore-case", strings.EqualFold),
		"wildcard":           wildcard,
		"cidr":               cidr,
		"numeric":            numeric,
		"exists":             exists,
		"anything-but":       anythingBut,
	}
}

// text makes an operator that compares strings.
func text(name string, matches func(s, arg string) bool) func(any) (condition, error) {
	return func(arg any) (condition, error) {
		want, ok := arg.(string)
		if !ok {
			return condition{}, reason("%s match pattern must be a string", name)
		}
		if want == "" {
			return condition{}, reason("Null or empty %s match pattern is not allowed", name)
		}
		return condition{match: func(v any) bool {
			s, ok := v.(string)
			return ok && matches(s, want)
		}}, nil
	}
}

func exists(arg any) (condition, error) {
	want, ok := arg.(bool)
	if !ok {
		return condition{}, reason("exists match pattern must be either true or false.")
	}
	return condition{match: func(any) bool { return want }, absent: !want}, nil
}

func cidr(arg any) (condition, error) {
	s, _ := arg.(string)
	prefix, err := netip.ParsePrefix(s)
	if err != nil {
		return condition{}, reason("Malformed CIDR, one '/' required")
	}
	return condition{match: func(v any) bool {
		s, _ := v.(string)
		addr, err := netip.ParseAddr(s)
		return err == nil && prefix.Contains(addr)
	}}, nil
}

// anythingBut negates a value, a list of values, or one text operator.
func anythingBut(arg any) (condition, error) {
	list, isList := arg.([]any)
	if m, ok := arg.(map[string]any); ok {
		inner, err := anythingButOperator(m)
		return condition{match: func(v any) bool { return !inner.match(v) }}, err
	}
	if !isList {
		list = []any{arg}
	}
	if len(list) == 0 {
		return condition{}, reason("Empty arrays are not allowed")
	}
	var not []any
	for _, e := range list {
		switch e.(type) {
		case string, json.Number:
		default:
			return condition{}, reason("Inside anything but list, start|null|boolean is not supported.")
		}
		v, err := scalar(e)
		if err != nil {
			return condition{}, err
		}
		not = append(not, v)
	}
	return condition{match: func(v any) bool {
		for _, n := range not {
			if v == n {
				return false
			}
		}
		return true
	}}, nil
}

// anythingButOperator compiles what stands in {"anything-but": {…}}: one text operator
// with a pattern, or with a list of which any counts.
func anythingButOperator(m map[string]any) (condition, error) {
	if len(m) != 1 {
		return condition{}, reason("Only one key allowed in match expression")
	}
	for name, arg := range m {
		switch name {
		case "prefix", "suffix", "equals-ignore-case", "wildcard":
		default:
			return condition{}, reason("Unsupported anything-but pattern: %s", name)
		}
		patterns, isList := arg.([]any)
		if !isList {
			patterns = []any{arg}
		}
		var all []condition
		for _, p := range patterns {
			c, err := operators[name](p)
			if err != nil {
				return condition{}, err
			}
			all = append(all, c)
		}
		return condition{match: func(v any) bool {
			for _, c := range all {
				if c.match(v) {
					return true
				}
			}
			return false
		}}, nil
	}
	panic("unreachable: the object has one key")
}
