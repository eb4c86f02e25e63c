package sns

import (
	"net/url"
	"strconv"
)

// members reads a list of the Query protocol: prefix.1, prefix.2 … without a hole.
// present tells whether one is there by the keys below it.
func members(form url.Values, prefix string, keys ...string) (prefixes []string) {
	for i := 1; ; i++ {
		p := prefix + "." + strconv.Itoa(i)
		found := form.Has(p)
		for _, k := range keys {
			found = found || form.Has(p+"."+k)
		}
		if !found {
			return prefixes
		}
		prefixes = append(prefixes, p)
	}
}

// entries reads a map, prefix.N.key and prefix.N.value under the given names.
func entries(form url.Values, prefix, key, value string) map[string]string {
	out := map[string]string{}
	for _, p := range members(form, prefix, key) {
		out[form.Get(p+"."+key)] = form.Get(p + "." + value)
	}
	return out
}

// page cuts a sorted list as AWS does, 100 at a time; the token is the last one seen.
func page(names []string, token string) (out []string, next string) {
	const size = 100
	for _, n := range names {
		if n <= token {
			continue
		}
		if len(out) == size {
			return out, out[size-1]
		}
		out = append(out, n)
	}
	return out, ""
}
