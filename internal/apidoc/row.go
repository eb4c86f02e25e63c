package apidoc

import (
	"fmt"
	"slices"
	"strings"
)

// row is a member of an object, or a parameter, as people read of it.
type row struct {
	Name, Type string
	Ref        string // the component that Type names, "" if it names none
	Optional   bool
	Doc        string
}

// rows are the members of an object's schema.
func rows(schema object) []row {
	properties, _ := schema.get("properties").(object)
	required, _ := schema.get("required").([]string)
	var out []row
	for _, p := range properties {
		out = append(out, newRow(p.name, p.value.(object), slices.Contains(required, p.name)))
	}
	return out
}

func newRow(name string, schema object, required bool) row {
	typ, ref := typeOf(schema)
	r := row{Name: name, Type: typ, Ref: ref, Optional: !required}
	doc, _ := schema.get("description").(string)
	r.Doc = strings.Join(slices.DeleteFunc([]string{strings.TrimSuffix(doc, "."), limits(schema)}, func(s string) bool { return s == "" }), "; ")
	return r
}

// typeOf names a schema's type, and the component in it.
func typeOf(schema object) (name, ref string) {
	if r, ok := schema.get("$ref").(string); ok {
		ref = r[strings.LastIndexByte(r, '/')+1:]
		return ref, ref
	}
	if c := schema.get("const"); c != nil {
		return fmt.Sprintf("%q", c), ""
	}
	if any, ok := schema.get("anyOf").([]any); ok {
		name, ref = typeOf(any[0].(object))
		return name + " or null", ref
	}
	switch t := schema.get("type").(type) {
	case string:
		switch {
		case t == "array":
			inner, _ := schema.get("items").(object)
			name, ref = typeOf(inner)
			return "list of " + name, ref
		case schema.get("format") == "date-time":
			return "time", ""
		}
		return t, ""
	case []any:
		return fmt.Sprintf("%v or null", t[0]), ""
	}
	return "any value", ""
}

// limits says a schema's bounds in words.
func limits(schema object) string {
	var out []string
	bounds := func(low, high, of string) {
		switch from, to := schema.get(low), schema.get(high); {
		case from != nil && to != nil:
			out = append(out, fmt.Sprintf("%v to %v%s", from, to, of))
		case to != nil:
			out = append(out, fmt.Sprintf("at most %v%s", to, of))
		case from != nil && from != int64(1):
			out = append(out, fmt.Sprintf("at least %v%s", from, of))
		}
	}
	if schema.get("maximum") != any(int64(1<<53-1)) { // every id has that one
		bounds("minimum", "maximum", "")
	}
	bounds("minLength", "maxLength", " characters")
	bounds("minItems", "maxItems", " of them")
	if d := schema.get("default"); d != nil {
		out = append(out, fmt.Sprintf("%v unless given", d))
	}
	if words := schema.get("enum"); words != nil {
		out = append(out, strings.Trim(strings.ReplaceAll(fmt.Sprint(words), " ", ", "), "[]"))
	}
	return strings.Join(out, "; ")
}
