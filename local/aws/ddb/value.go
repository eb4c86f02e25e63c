package ddb

import (
	"slices"
	"strings"
)

// kind is the data type of an attribute value.
type kind uint8

const (
	kindNone kind = iota
	kindS
	kindN
	kindB
	kindBOOL
	kindNULL
	kindM
	kindL
	kindSS
	kindNS
	kindBS
)

var kindNames = [...]string{"", "S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"}

// kindWords are the names that AWS uses in the refusals of ADD and DELETE.
var kindWords = [...]string{"", "STRING", "NUMBER", "BINARY", "BOOLEAN", "NULL", "MAP", "LIST", "STRING_SET", "NUMBER_SET", "BINARY_SET"}

func (k kind) String() string { return kindNames[k] }

func kindNamed(name string) kind {
	return kind(max(0, slices.Index(kindNames[:], name)))
}

func (k kind) isSet() bool    { return k >= kindSS }
func (k kind) isScalar() bool { return k == kindS || k == kindN || k == kindB }

// value is one attribute value. It is never changed once made, so that items, index
// entries and stream images can share it. The zero value means "no such attribute".
type value struct {
	kind kind
	flag bool   // of BOOL
	str  string // of S; of N, in the canonical notation; of B, the bytes
	many *composite
}

// composite is the content of M, L or a set. Sets are sorted and without duplicates,
// so that equal sets have equal content.
type composite struct {
	fields item
	list   []value
	set    []string
}

// item is a set of named attributes: a table's item, a key or the content of M.
// Like its values it is never changed once it was published.
type item map[string]value

func (v value) fields() item {
	if v.kind != kindM {
		return nil
	}
	return v.many.fields
}

func (v value) list() []value {
	if v.kind != kindL {
		return nil
	}
	return v.many.list
}

func mapValue(fields item) value   { return value{kind: kindM, many: &composite{fields: fields}} }
func listValue(list []value) value { return value{kind: kindL, many: &composite{list: list}} }
func numberValue(n string) value   { return value{kind: kindN, str: n} }

// setValue takes over elements that are sorted and without duplicates.
func setValue(k kind, elements []string) value {
	return value{kind: k, many: &composite{set: elements}}
}

// equal compares types and contents; numbers numerically, as they are canonical.
func (v value) equal(w value) bool {
	if v.kind != w.kind {
		return false
	}
	switch v.kind {
	case kindM:
		return v.many == w.many || v.many.fields.equal(w.many.fields)
	case kindL:
		return v.many == w.many || slices.EqualFunc(v.many.list, w.many.list, value.equal)
	case kindSS, kindNS, kindBS:
		return slices.Equal(v.many.set, w.many.set)
	}
	return v.str == w.str && v.flag == w.flag
}

func (it item) equal(other item) bool {
	if len(it) != len(other) {
		return false
	}
	for name, v := range it {
		if w, ok := other[name]; !ok || !v.equal(w) {
			return false
		}
	}
	return true
}

// compareScalars orders two values of the same type among S (UTF-8 bytes), N
// (numerically) and B (bytes). Other values have no order: ok is false.
func compareScalars(v, w value) (order int, ok bool) {
	if v.kind != w.kind || !v.kind.isScalar() {
		return 0, false
	}
	if v.kind == kindN {
		return compareNumbers(v.str, w.str), true
	}
	return strings.Compare(v.str, w.str), true
}

// compareElements orders the elements of a set of kind k.
func compareElements(k kind) func(a, b string) int {
	if k == kindNS {
		return compareNumbers
	}
	return strings.Compare
}

// size is the value's share of its item's size, by the rules of "DynamoDB item sizes
// and formats" in the AWS developer guide: 3 bytes for a list or map and 1 for each
// of its elements, 1 for BOOL and NULL, the lengths of strings and binaries, and what
// numberSize says.
func (v value) size() int {
	switch v.kind {
	case kindN:
		return numberSize(v.str)
	case kindBOOL, kindNULL:
		return 1
	case kindM:
		return 3 + v.many.fields.size() + len(v.many.fields)
	case kindL:
		n := 3 + len(v.many.list)
		for _, e := range v.many.list {
			n += e.size()
		}
		return n
	case kindSS, kindBS:
		n := 0
		for _, e := range v.many.set {
			n += len(e)
		}
		return n
	case kindNS:
		n := 0
		for _, e := range v.many.set {
			n += numberSize(e)
		}
		return n
	}
	return len(v.str)
}

// size counts attribute names (UTF-8 bytes) and values.
func (it item) size() int {
	n := 0
	for name, v := range it {
		n += len(name) + v.size()
	}
	return n
}

// maxNesting is AWS's limit of nested levels of an attribute.
const maxNesting = 32

// depth is 1 for a value without elements.
func (v value) depth() int {
	deepest := 0
	switch v.kind {
	case kindM:
		for _, e := range v.many.fields {
			deepest = max(deepest, e.depth())
		}
	case kindL:
		for _, e := range v.many.list {
			deepest = max(deepest, e.depth())
		}
	}
	return deepest + 1
}
