package filter

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func mustParse(t testing.TB, policy string) *Policy {
	t.Helper()
	p, err := Parse(policy, true)
	if err != nil {
		t.Fatalf("%s: %v", policy, err)
	}
	return p
}

func matches(t testing.TB, p *Policy, message string) bool {
	t.Helper()
	var values map[string]any
	if err := json.Unmarshal([]byte(message), &values); err != nil {
		t.Fatal(err)
	}
	return p.Match(values)
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		name, policy string
		yes, no      []string
	}{
		{"ExactString", `{"k":["a","b"]}`, []string{`{"k":"a"}`, `{"k":"b","z":1}`}, []string{`{"k":"A"}`, `{}`, `{"k":1}`, `{"k":null}`}},
		{"ExactNumber", `{"k":[301.5,0]}`, []string{`{"k":301.5}`, `{"k":3.015e2}`, `{"k":0.0}`}, []string{`{"k":"301.5"}`, `{"k":301}`, `{"k":false}`}},
		{"Keywords", `{"k":[true,null]}`, []string{`{"k":true}`, `{"k":null}`}, []string{`{"k":false}`, `{}`, `{"k":"true"}`, `{"k":"null"}`}},
		{"AllKeys", `{"a":[1],"b":[2]}`, []string{`{"a":1,"b":2}`}, []string{`{"a":1}`, `{"a":1,"b":1}`}},
		{"AnyElementOfAList", `{"k":["a"]}`, []string{`{"k":["x","a"]}`, `{"k":[["a"]]}`}, []string{`{"k":[]}`, `{"k":["x"]}`}},
		{"Prefix", `{"k":[{"prefix":"or"}]}`, []string{`{"k":"order"}`, `{"k":"or"}`}, []string{`{"k":"o"}`, `{"k":1}`, `{}`}},
		{"Suffix", `{"k":[{"suffix":".png"}]}`, []string{`{"k":"a.png"}`}, []string{`{"k":"a.PNG"}`, `{"k":"png"}`}},
		{"EqualsIgnoreCase", `{"k":[{"equals-ignore-case":"aBc"}]}`, []string{`{"k":"AbC"}`}, []string{`{"k":"abcd"}`}},
		{"Wildcard", `{"k":[{"wildcard":"a*c*"}]}`, []string{`{"k":"ac"}`, `{"k":"abcd"}`, `{"k":"a*c"}`}, []string{`{"k":"ab"}`, `{"k":"xac"}`}},
		{"WildcardEscaped", `{"k":[{"wildcard":"a\\*c\\\\*"}]}`, []string{`{"k":"a*c\\"}`, `{"k":"a*c\\d"}`}, []string{`{"k":"abc\\"}`, `{"k":"a*c"}`}},
		{"WildcardEndsDoNotOverlap", `{"k":[{"wildcard":"aba*aba"}]}`, []string{`{"k":"abaaba"}`}, []string{`{"k":"ababa"}`, `{"k":"aba"}`}},
		{"CIDR", `{"k":[{"cidr":"10.0.0.0/24"}]}`, []string{`{"k":"10.0.0.7"}`}, []string{`{"k":"10.0.1.7"}`, `{"k":"no"}`}},
		{"NumericRange", `{"k":[{"numeric":[">",-1,"<=",5]}]}`, []string{`{"k":0}`, `{"k":5}`}, []string{`{"k":-1}`, `{"k":5.00001}`, `{"k":"3"}`, `{}`}},
		{"NumericEquals", `{"k":[{"numeric":["=",0.1]}]}`, []string{`{"k":0.10}`, `{"k":1e-1}`}, []string{`{"k":0.2}`}},
		{"AnythingBut", `{"k":[{"anything-but":["a",3]}]}`, []string{`{"k":"b"}`, `{"k":4}`, `{"k":"3"}`}, []string{`{"k":"a"}`, `{"k":3}`, `{}`}},
		{"AnythingButInAList", `{"k":[{"anything-but":"a"}]}`, []string{`{"k":["a","b"]}`}, []string{`{"k":["a","a"]}`, `{"k":[]}`}},
		{"AnythingButPrefix", `{"k":[{"anything-but":{"prefix":"x"}}]}`, []string{`{"k":"y"}`}, []string{`{"k":"xy"}`, `{}`}},
		{"AnythingButSuffixes", `{"k":[{"anything-but":{"suffix":["x","y"]}}]}`, []string{`{"k":"z"}`}, []string{`{"k":"ax"}`, `{"k":"ay"}`}},
		{"Exists", `{"k":[{"exists":true}]}`, []string{`{"k":""}`, `{"k":null}`, `{"k":[1]}`}, []string{`{}`, `{"k":{}}`}},
		{"ExistsNot", `{"k":[{"exists":false}]}`, []string{`{}`, `{"z":1}`}, []string{`{"k":1}`}},
		{"ExistsNotOrValue", `{"k":[{"exists":false},"a"]}`, []string{`{}`, `{"k":"a"}`}, []string{`{"k":"b"}`}},
		{"Or", `{"a":[1],"$or":[{"b":[2]},{"c":[3],"d":[4]}]}`, []string{`{"a":1,"b":2}`, `{"a":1,"c":3,"d":4}`}, []string{`{"a":1}`, `{"b":2}`, `{"a":1,"c":3}`}},
		{"OrAsAKey", `{"$or":["x"]}`, []string{`{"$or":"x"}`}, []string{`{}`}},
		{"Nested", `{"a":{"b":[1],"c":{"d":["x"]}}}`, []string{`{"a":{"b":1,"c":{"d":"x"}}}`}, []string{`{"a":{"b":1}}`, `{"a":1}`, `{}`, `{"b":1}`}},
		{"NestedExistsNot", `{"a":{"b":[{"exists":false}]}}`, []string{`{}`, `{"a":{}}`, `{"a":{"c":1}}`}, []string{`{"a":{"b":1}}`}},
		// Both conditions must hold within one object of the list.
		{"ObjectsInAList", `{"a":{"b":[1],"c":[2]}}`, []string{`{"a":[{"b":1},{"b":1,"c":2}]}`}, []string{`{"a":[{"b":1},{"c":2}]}`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := mustParse(t, c.policy)
			for _, m := range c.yes {
				if !matches(t, p, m) {
					t.Errorf("%s lets %s not pass", c.policy, m)
				}
			}
			for _, m := range c.no {
				if matches(t, p, m) {
					t.Errorf("%s lets %s pass", c.policy, m)
				}
			}
		})
	}
}

func TestParse(t *testing.T) {
	var many []string
	for i := range 13 {
		many = append(many, fmt.Sprintf(`"%d"`, i))
	}
	list := "[" + strings.Join(many, ",") + "]"
	for _, c := range []struct{ name, policy, want string }{
		{"ErrNotJSON", `{"a":`, "failed to parse JSON."},
		{"ErrTrailing", `{} {}`, "failed to parse JSON."},
		{"ErrNotAnObject", `["a"]`, "must be a JSON object"},
		{"ErrNotAList", `{"t":"a"}`, `"t" must be an object or an array`},
		{"ErrEmptyList", `{"t":[]}`, "Empty arrays are not allowed"},
		{"ErrEmptyObject", `{"t":{}}`, "Empty objects are not allowed"},
		{"ErrUnknownOperator", `{"t":[{"like":"a"}]}`, "Unrecognized match type like"},
		{"ErrTwoOperators", `{"t":[{"prefix":"a","suffix":"b"}]}`, "Only one key allowed in match expression"},
		{"ErrListInAList", `{"t":[["a"]]}`, "Match value must be String, number, true, false, or null"},
		{"ErrPrefixNumber", `{"t":[{"prefix":1}]}`, "prefix match pattern must be a string"},
		{"ErrExistsText", `{"t":[{"exists":"yes"}]}`, "exists match pattern must be either true or false."},
		{"ErrNumericText", `{"t":[{"numeric":["<","5"]}]}`, "Value of < must be numeric"},
		{"ErrNumericOperator", `{"t":[{"numeric":["!",5]}]}`, "Unrecognized numeric range operator: !"},
		{"ErrNumericOrder", `{"t":[{"numeric":[">",5,"<",5]}]}`, "Bottom must be less than top"},
		{"ErrNumericTwiceBelow", `{"t":[{"numeric":["<",5,"<",6]}]}`, "Bad numeric range operator"},
		{"ErrNumericRange", `{"t":[{"numeric":["<",1000000001]}]}`, "Value must be between"},
		{"ErrNumericTooMany", `{"t":[{"numeric":[">",1,"<",2,">",3]}]}`, "Too many elements in numeric expression"},
		{"ErrAnythingButBool", `{"t":[{"anything-but":[true]}]}`, "Inside anything but list"},
		{"ErrAnythingButExists", `{"t":[{"anything-but":{"exists":true}}]}`, "Unsupported anything-but pattern"},
		{"ErrWildcardTwice", `{"t":[{"wildcard":"a**b"}]}`, "Consecutive wildcard characters at pos 1"},
		{"ErrWildcardEscape", `{"t":[{"wildcard":"a\\b"}]}`, "Invalid escape character at pos 1"},
		{"ErrCIDR", `{"t":[{"cidr":"10.0.0.0"}]}`, "Malformed CIDR"},
		{"ErrSixKeys", `{"a":[1],"b":[1],"c":[1],"d":[1],"e":{"f":[1],"g":[1]}}`, "can not have more than 5 keys"},
		{"ErrTooComplex", `{"a":` + list + `,"b":` + list + `}`, "Filter policy is too complex"},
		{"ErrTooComplexByDepth", `{"a":{"b":` + list + `},"c":["1","2","3","4","5","6"]}`, "Filter policy is too complex"},
		{"ErrTooLong", `{"a":["` + strings.Repeat("x", MaxSize) + `"]}`, "longer than"},
		{"ErrNumberTooLarge", `{"a":[1e999]}`, "Match value must be"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(c.policy, true)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	t.Run("ErrNestedOnAttributes", func(t *testing.T) {
		if _, err := Parse(`{"a":{"b":["c"]}}`, false); err == nil || !strings.Contains(err.Error(), "does not support nested") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("FiveKeysAnd150Combinations", func(t *testing.T) {
		mustParse(t, `{"a":["1","2","3","4","5"],"b":["1","2","3","4","5"],"c":["1","2","3"],"d":["1","2"],"e":["1"]}`)
	})
}

// A wildcard against the plain definition: a star is any run, tried in all ways.
func TestWildcardModel(t *testing.T) {
	var naive func(s, pattern string) bool
	naive = func(s, pattern string) bool {
		if pattern == "" {
			return s == ""
		}
		if pattern[0] == '*' {
			for i := range len(s) + 1 {
				if naive(s[i:], pattern[1:]) {
					return true
				}
			}
			return false
		}
		return s != "" && s[0] == pattern[0] && naive(s[1:], pattern[1:])
	}
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`\*?([ab]{1,3}\*){0,3}[ab]{0,3}`).Draw(t, "pattern")
		s := rapid.StringMatching(`[ab]{0,10}`).Draw(t, "s")
		if pattern == "" || strings.Contains(pattern, "**") {
			t.Skip("not allowed")
		}
		c, err := wildcard(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if c.match(s) != naive(s, pattern) {
			t.Errorf("%q against %q: %v", s, pattern, c.match(s))
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	p := mustParse(b, `{"cell":["3"]}`)
	values := map[string]any{"cell": []any{"1", "2", "3"}, "kind": "message"}
	for b.Loop() {
		if !p.Match(values) {
			b.Fatal("no match")
		}
	}
}
