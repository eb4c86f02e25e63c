package filter

import "strings"

// wildcard compiles a pattern in which * stands for any run of characters; \* and \\
// stand for themselves.
func wildcard(arg any) (condition, error) {
	pattern, ok := arg.(string)
	if !ok || pattern == "" {
		return condition{}, reason("wildcard match pattern must be a string")
	}
	var parts []string // what stands between the stars
	var part strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\':
			i++
			if i == len(pattern) || pattern[i] != '*' && pattern[i] != '\\' {
				return condition{}, reason(`Invalid escape character at pos %d`, i-1)
			}
			part.WriteByte(pattern[i])
		case c == '*' && strings.HasPrefix(pattern[i+1:], "*"):
			return condition{}, reason("Consecutive wildcard characters at pos %d", i)
		case c == '*':
			parts = append(parts, part.String())
			part.Reset()
		default:
			part.WriteByte(c)
		}
	}
	parts = append(parts, part.String())
	return condition{match: func(v any) bool {
		s, ok := v.(string)
		return ok && matchParts(s, parts)
	}}, nil
}

// matchParts finds the parts in their order, the first at the start and the last at
// the end of s. Taking the earliest place for those in between is always right.
func matchParts(s string, parts []string) bool {
	first, last := parts[0], parts[len(parts)-1]
	if len(parts) == 1 {
		return s == first
	}
	if !strings.HasPrefix(s, first) {
		return false
	}
	s = s[len(first):]
	for _, p := range parts[1 : len(parts)-1] {
		_, rest, ok := strings.Cut(s, p)
		if !ok {
			return false
		}
		s = rest
	}
	return strings.HasSuffix(s, last)
}
