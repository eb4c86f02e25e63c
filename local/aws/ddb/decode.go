package ddb

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"unicode/utf8"

	"tidings/local/aws/wire"
)

// decode reads a request. Attribute values are checked on the way, by the reader below.
func decode[T any](body []byte) (*T, error) {
	in := new(T)
	err := json.Unmarshal(body, in)
	if err == nil {
		return in, nil
	}
	if e, ok := errors.AsType[*wire.Error](err); ok {
		return nil, e
	}
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return nil, malformed("Unexpected field type")
	}
	return nil, malformed("Start of structure or map found where not expected")
}

// attributeValues are those of an ExpressionAttributeValues parameter, in whose
// refusals AWS names the placeholder.
type attributeValues map[string]value

func (vs *attributeValues) UnmarshalJSON(b []byte) error {
	r := reader{b: b}
	if r.null() {
		return nil
	}
	*vs = attributeValues{}
	return r.object(func(name string) error {
		v, err := r.value(1)
		if e, ok := errors.AsType[*wire.Error](err); ok && e.Code == "ValidationException" {
			return invalid("ExpressionAttributeValues contains invalid value: %s for key %s", e.Message, name)
		}
		(*vs)[name] = v
		return err
	})
}

func (it *item) UnmarshalJSON(b []byte) error {
	r := reader{b: b}
	if r.null() {
		return nil
	}
	var err error
	*it, err = r.item(1)
	return err
}

// reader walks over JSON that encoding/json has already found well-formed; it looks
// only at what the text says, which is several times faster than reflection.
type reader struct {
	b []byte
	i int
}

// peek skips white space and returns the byte that decides what follows.
func (r *reader) peek() byte {
	for r.i < len(r.b) {
		switch c := r.b[r.i]; c {
		case ' ', '\t', '\r', '\n', ',', ':':
			r.i++
		default:
			return c
		}
	}
	return 0
}

func (r *reader) null() bool {
	if r.peek() == 'n' {
		r.i += len("null")
		return true
	}
	return false
}

// object calls member for each name, which must read the member's value.
func (r *reader) object(member func(name string) error) error {
	if r.peek() != '{' {
		return malformed("Unexpected value type in payload")
	}
	r.i++
	for r.peek() != '}' {
		name, err := r.text()
		if err != nil {
			return err
		}
		if err := member(name); err != nil {
			return err
		}
	}
	r.i++
	return nil
}

func (r *reader) array(element func() error) error {
	if r.peek() != '[' {
		return malformed("Unexpected value type in payload")
	}
	r.i++
	for r.peek() != ']' {
		if err := element(); err != nil {
			return err
		}
	}
	r.i++
	return nil
}

// raw returns the next string literal without its quotes, and whether it has escapes.
func (r *reader) raw() (literal []byte, escaped bool, err error) {
	switch c := r.peek(); c {
	case '"':
	case 't', 'f':
		return nil, false, malformed("TRUE_VALUE cannot be converted to String")
	case '{', '[', 'n':
		return nil, false, malformed("Unexpected value type in payload")
	default:
		return nil, false, malformed("NUMBER_VALUE cannot be converted to String")
	}
	r.i++
	start := r.i
	for {
		n := bytes.IndexAny(r.b[r.i:], `"\`)
		r.i += n
		if r.b[r.i] == '"' {
			literal = r.b[start:r.i]
			r.i++
			return literal, escaped, nil
		}
		escaped = true
		r.i += 2
	}
}

func (r *reader) text() (string, error) {
	start := r.i
	literal, escaped, err := r.raw()
	if err != nil {
		return "", err
	}
	if !escaped && utf8.Valid(literal) {
		return string(literal), nil
	}
	var s string
	quoted := bytes.TrimLeft(r.b[start:r.i], " \t\r\n,:")
	err = json.Unmarshal(quoted, &s)
	return s, err
}

func (r *reader) binary() (string, error) {
	s, err := r.text()
	if err != nil {
		return "", err
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return "", malformed("Invalid Base64")
	}
	return string(b), nil
}

func (r *reader) boolean() (bool, error) {
	switch r.peek() {
	case 't':
		r.i += len("true")
		return true, nil
	case 'f':
		r.i += len("false")
		return false, nil
	}
	return false, malformed("Unexpected value type in payload")
}

func (r *reader) number() (string, error) {
	text, err := r.text()
	if err != nil {
		return "", err
	}
	return canonicalNumber(text)
}

// item reads attributes whose values are on the given level of nesting.
func (r *reader) item(level int) (item, error) {
	it := make(item, 8)
	err := r.object(func(name string) error {
		if name == "" {
			return invalid("Empty attribute name")
		}
		v, err := r.value(level)
		it[name] = v
		return err
	})
	return it, err
}

// value reads {"S": "x"}: exactly one type.
func (r *reader) value(level int) (v value, err error) {
	if level > maxNesting {
		return v, invalid(msgNesting)
	}
	err = r.object(func(name string) error {
		k := kindNamed(name)
		switch {
		case r.null(): // some SDKs write out the types that were not set
			return nil
		case k == kindNone:
			return invalid(msgNoType)
		case v.kind != kindNone:
			return invalid(msgTwoTypes)
		}
		v.kind = k
		return r.content(&v, level)
	})
	if err == nil && v.kind == kindNone {
		err = invalid(msgNoType)
	}
	return v, err
}

func (r *reader) content(v *value, level int) (err error) {
	switch v.kind {
	case kindS:
		v.str, err = r.text()
	case kindN:
		v.str, err = r.number()
	case kindB:
		v.str, err = r.binary()
	case kindBOOL:
		v.flag, err = r.boolean()
	case kindNULL:
		v.flag, err = r.boolean()
		if err == nil && !v.flag {
			err = invalidParameter("Null attribute value types must have the value of true")
		}
	case kindM:
		v.many = new(composite)
		v.many.fields, err = r.item(level + 1)
	case kindL:
		v.many = new(composite)
		err = r.array(func() error {
			e, err := r.value(level + 1)
			v.many.list = append(v.many.list, e)
			return err
		})
	default:
		v.many = new(composite)
		v.many.set, err = r.elements(v.kind)
	}
	return err
}

// elements reads a set and brings it into the order of its type.
func (r *reader) elements(k kind) ([]string, error) {
	read := map[kind]func() (string, error){kindSS: r.text, kindNS: r.number, kindBS: r.binary}[k]
	var set []string
	err := r.array(func() error {
		e, err := read()
		set = append(set, e)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(set) == 0 {
		return nil, invalidParameter("%s", map[kind]string{
			kindSS: "An string set  may not be empty",
			kindNS: "An number set  may not be empty",
			kindBS: "Binary sets should not be empty",
		}[k])
	}
	given := slices.Clone(set)
	slices.SortFunc(set, compareElements(k))
	if len(slices.Compact(set)) < len(given) {
		return nil, duplicateElements(k, given)
	}
	return set, nil
}

// duplicateElements repeats the set as it was sent, like AWS.
func duplicateElements(k kind, given []string) error {
	var list bytes.Buffer
	for i, e := range given {
		if i > 0 {
			list.WriteString(", ")
		}
		if k == kindBS {
			e = base64.StdEncoding.EncodeToString([]byte(e))
		}
		list.WriteString(e)
	}
	switch k {
	case kindNS:
		return invalid("Input collection contains duplicates")
	case kindBS:
		return invalidParameter("Input collection [%s]of type BS contains duplicates.", list.String())
	}
	return invalidParameter("Input collection [%s] contains duplicates.", list.String())
}
