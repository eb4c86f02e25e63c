package apidoc

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"tidings/internal/chat"
	"tidings/internal/httpapi"
)

// schemas describes Go types as encoding/json writes them. Named structs become
// components, each once.
type schemas struct {
	comments comments
	types    map[string]reflect.Type // by the component's name
	order    []string
	made     map[string]object
}

func newSchemas() *schemas {
	return &schemas{comments: readComments(), types: map[string]reflect.Type{}, made: map[string]object{}}
}

// The types that write themselves.
var leaves = map[reflect.Type]object{
	reflect.TypeFor[chat.Millis](): {
		{"type", "string"}, {"format", "date-time"}, {"pattern", `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`},
	},
	reflect.TypeFor[chat.UserID]():     {{"type", "integer"}, {"minimum", 1}, {"maximum", int64(chat.MaxUserID)}},
	reflect.TypeFor[json.RawMessage](): {},
}

// of is the schema of a type's values.
func (s *schemas) of(t reflect.Type) object {
	if leaf, ok := leaves[t]; ok {
		return leaf
	}
	switch t.Kind() {
	case reflect.Bool:
		return object{{"type", "boolean"}}
	case reflect.String:
		return object{{"type", "string"}}
	case reflect.Int, reflect.Int32, reflect.Int64:
		return object{{"type", "integer"}}
	case reflect.Float64:
		return object{{"type", "number"}}
	case reflect.Interface:
		return object{}
	case reflect.Slice:
		return object{{"type", "array"}, {"items", s.of(t.Elem())}}
	case reflect.Map:
		return object{{"type", "object"}, {"additionalProperties", s.of(t.Elem())}}
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Struct:
		if t.Name() == "" {
			return s.structure(t)
		}
		return s.component(t)
	}
	panic(fmt.Sprintf("apidoc: no schema for %s", t))
}

// component refers to the schema of a named struct, and makes it the first time.
func (s *schemas) component(t reflect.Type) object {
	name := strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
	if other, ok := s.types[name]; !ok {
		s.types[name] = t
		s.order = append(s.order, name)
		s.made[name] = s.structure(t)
	} else if other != t {
		panic(fmt.Sprintf("apidoc: %s and %s would have one name", t, other))
	}
	return object{{"$ref", "#/components/schemas/" + name}}
}

// components are all that was referred to.
func (s *schemas) components() object {
	var o object
	for _, name := range s.order {
		o = o.with(name, s.made[name])
	}
	return o
}

func (s *schemas) structure(t reflect.Type) object {
	properties, required := s.members(t)
	return object{{"type", "object"}}.with("description", s.comments[t.PkgPath()+"."+t.Name()]).
		with("properties", properties).with("required", required)
}

// members are a struct's fields as JSON has them: those of embedded structs stand
// among the others.
func (s *schemas) members(t reflect.Type) (properties object, required []string) {
	for f := range t.Fields() {
		tag, has := f.Tag.Lookup("json")
		name, options, _ := strings.Cut(tag, ",")
		switch {
		case f.Anonymous && !has:
			inner, optional := f.Type, false
			if inner.Kind() == reflect.Pointer {
				inner, optional = inner.Elem(), true
			}
			ps, rs := s.members(inner)
			properties = append(properties, ps...)
			if !optional {
				required = append(required, rs...)
			}
			continue
		case tag == "-" || !f.IsExported():
			continue
		case name == "":
			panic(fmt.Sprintf("apidoc: %s.%s has no json tag", t, f.Name))
		}
		omits := strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
		schema := s.of(f.Type)
		if f.Type.Kind() == reflect.Pointer && !omits {
			schema = orNull(schema)
		}
		if words := f.Tag.Get("enum"); words != "" {
			schema = schema.with("enum", strings.Split(words, ","))
		}
		if len(schema) == 0 || schema[0].name != "$ref" && schema.get("description") == nil {
			schema = schema.with("description", s.comments[t.PkgPath()+"."+t.Name()+"."+f.Name])
		}
		properties = append(properties, member{name, schema})
		if !omits {
			required = append(required, name)
		}
	}
	return properties, required
}

func orNull(schema object) object {
	if t, ok := schema.get("type").(string); ok {
		out := object{{"type", []any{t, "null"}}}
		for _, m := range schema {
			if m.name != "type" {
				out = append(out, m)
			}
		}
		return out
	}
	return object{{"anyOf", []any{schema, object{{"type", "null"}}}}}
}

// schemaOf is a request's schema, which is written by hand.
func schemaOf(in httpapi.Schema) object {
	o := object{}.with("type", in.Type).with("format", in.Format).with("pattern", in.Pattern).with("enum", in.Enum)
	bound := func(name string, n int64, stated bool) {
		if stated {
			o = append(o, member{name, n})
		}
	}
	bound("minimum", in.Minimum, in.Maximum != 0)
	bound("maximum", in.Maximum, in.Maximum != 0)
	bound("minLength", int64(in.MinLength), in.MinLength != 0)
	bound("maxLength", int64(in.MaxLength), in.MaxLength != 0)
	if in.Items != nil {
		o = append(o, member{"items", schemaOf(*in.Items)})
	}
	if in.Fields != nil {
		o = append(o, objectOf(in.Fields, nil)...)
	}
	bound("minItems", int64(in.MinItems), in.MinItems != 0)
	bound("maxItems", int64(in.MaxItems), in.MaxItems != 0)
	if in.Unique {
		o = append(o, member{"uniqueItems", true})
	}
	o = o.with("default", in.Default)
	if in.Example != nil {
		o = append(o, member{"examples", []any{in.Example}})
	}
	return o
}
