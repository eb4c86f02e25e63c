package ddb

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"tidings/local/aws/wire"
)

func TestLex(t *testing.T) {
	var got []string
	for _, tk := range lex("a.b[12]<>#n_1 AND:v>=-+(, ) é!") {
		got = append(got, fmt.Sprintf("%d:%s", tk.kind, tk.text))
	}
	const want = "1:a 5:. 1:b 5:[ 4:12 5:] 5:<> 2:#n_1 1:AND 3::v 5:>= 5:- 5:+ 5:( 5:, 5:) 6:é 6:! 0:<EOF>"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}

// sexp writes a node so that the tree shows.
func (n *node) sexp() string {
	switch n.op {
	case opValue:
		return n.value
	case opPath:
		b := binding{}
		return b.show(n.path)
	}
	parts := []string{string(n.op)}
	for _, arg := range n.args {
		parts = append(parts, arg.sexp())
	}
	return "(" + strings.Join(parts, " ") + ")"
}

func TestParseCondition(t *testing.T) {
	for source, want := range map[string]string{
		"a = :v":                                   "(= [a] :v)",
		"a=:v or b=:v and not c=:v":                "(OR (= [a] :v) (AND (= [b] :v) (NOT (= [c] :v))))",
		"(a = :v OR b = :v) AND c = :v":            "(AND (OR (= [a] :v) (= [b] :v)) (= [c] :v))",
		"a BETWEEN :l AND :h AND b IN (:x, :y)":    "(AND (BETWEEN [a] :l :h) (IN [b] :x :y))",
		"size(a.b[0].c) > :n":                      "(> (size [a, b, [0], c]) :n)",
		"(a) = (:v)":                               "(= [a] :v)",
		"NOT NOT attribute_exists(a)":              "(NOT (NOT (attribute_exists [a])))",
		"a <> b OR contains(c, d)":                 "(OR (<> [a] [b]) (contains [c] [d]))",
		"begins_with(a, :v) AND (b < :v AND c>=d)": "(AND (begins_with [a] :v) (AND (< [b] :v) (>= [c] [d])))",
	} {
		p, err := parse(kindCondition, source)
		if err != nil {
			t.Errorf("%s: %v", source, err)
		} else if got := p.root.sexp(); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", source, got, want)
		}
	}
}

func TestParseUpdate(t *testing.T) {
	p, err := parse(kindUpdate, "ADD n :n SET a.b[1] = if_not_exists(a, :v) + :n, c = (list_append(d, :l)) remove e, f[0]")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range p.clauses {
		s := c.section + " " + (&binding{}).show(c.path)
		if c.operand != nil {
			s += " " + c.operand.sexp()
		}
		got = append(got, s)
	}
	const want = "ADD [n] :n|SET [a, b, [1]] (+ (if_not_exists [a] :v) :n)|SET [c] (list_append [d] :l)|REMOVE [e]|REMOVE [f, [0]]"
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
	if refs := strings.Join(p.valueRefs, " "); refs != ":n :v :l" {
		t.Errorf("values %s", refs)
	}
}

// Deep nesting must neither be slow nor use up the stack.
func TestParse_ErrDeep(t *testing.T) {
	for _, source := range []string{
		strings.Repeat("NOT ", 1000) + "a = :v",
		strings.Repeat("(", 4000),
		"a = " + strings.Repeat("size(", 800),
	} {
		if _, err := parse(kindCondition, source); err == nil {
			t.Errorf("accepted %.20s…", source)
		}
	}
	if _, err := parse(kindUpdate, "SET a = "+strings.Repeat("(", 4000)); err == nil {
		t.Error("accepted deep SET")
	}
}

func TestExpressionCacheIsBounded(t *testing.T) {
	var c expressionCache
	for i := range 3 * maxCached {
		if _, err := c.parse(kindCondition, fmt.Sprintf("a%d = :v", i)); err != nil {
			t.Fatal(err)
		}
		if len(c.m) > maxCached {
			t.Fatalf("%d entries", len(c.m))
		}
	}
}

// Whatever a client sends is either parsed or refused with a ValidationException, and
// what was parsed can be evaluated.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", " ", "a = :v", "a.b[0] <> #n AND NOT (size(c) IN (:v, :w))", "SET a = if_not_exists(b, :v) + :v REMOVE c[1].d ADD e :v DELETE f :v",
		"a, b.c, #n[3]", "((a))", "a BETWEEN :v AND", "\x00", "é", "a[99999999999]", "attribute_type(a, :v)", "#", ":", "a = a", "1", "SET", "SET a[0].b = list_append(:v, a), a[1] = :v",
	} {
		f.Add(seed)
	}
	values := attributeValues{":v": numberValue("1"), ":w": {kind: kindS, str: "w"}, ":s": setValue(kindSS, []string{"x"})}
	b := &binding{names: map[string]string{"#n": "n.m"}, values: values}
	it := item{"a": mapValue(item{"b": listValue([]value{numberValue("2")})}), "c": {kind: kindS, str: "text"}, "f": setValue(kindSS, []string{"x", "y"})}
	f.Fuzz(func(t *testing.T, source string) {
		for _, kind := range []string{kindCondition, kindFilter, kindKeyCondition, kindProjection, kindUpdate} {
			p, err := parse(kind, source)
			if err == nil {
				err = b.check(p)
			}
			if err != nil {
				if e, ok := errors.AsType[*wire.Error](err); !ok || e.Code != "ValidationException" {
					t.Fatalf("%q: %v", source, err)
				}
				continue
			}
			exercise(b, p, it)
		}
	})
}

func exercise(b *binding, p *parsed, it item) {
	if p.root != nil {
		b.holds(p.root, it)
		_, _, _ = b.keySpan(p.root, keySchema{hash: keyAttribute{"a", kindS}, sort: keyAttribute{"c", kindS}})
		return
	}
	if p.kind == kindProjection {
		if d, err := b.projection(p); err == nil {
			d.project(it)
		}
		return
	}
	if changes, actions, err := b.arrange(p); err == nil && b.evaluate(p, actions, it) == nil {
		_, _ = changes.apply(it)
	}
}
