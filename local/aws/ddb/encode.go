package ddb

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// Answers with items are appended to a buffer by hand: they are most of the work of
// a read, and json.Marshal would look at every byte three times.

func (it item) MarshalJSON() ([]byte, error) { return appendItem(nil, it), nil }

func (v value) MarshalJSON() ([]byte, error) { return appendValue(nil, v), nil }

func appendItem(b []byte, it item) []byte {
	b = append(b, '{')
	first := true
	for name, v := range it {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = appendText(b, name)
		b = append(b, ':')
		b = appendValue(b, v)
	}
	return append(b, '}')
}

func appendValue(b []byte, v value) []byte {
	b = append(b, `{"`...)
	b = append(b, kindNames[v.kind]...)
	b = append(b, `":`...)
	switch v.kind {
	case kindS:
		b = appendText(b, v.str)
	case kindN:
		b = append(b, '"')
		b = append(b, v.str...)
		b = append(b, '"')
	case kindB:
		b = appendBinary(b, v.str)
	case kindBOOL, kindNULL:
		b = strconv.AppendBool(b, v.flag)
	case kindM:
		b = appendItem(b, v.many.fields)
	case kindL:
		b = append(b, '[')
		for i, e := range v.many.list {
			b = appendComma(b, i)
			b = appendValue(b, e)
		}
		b = append(b, ']')
	default:
		b = append(b, '[')
		for i, e := range v.many.set {
			b = appendComma(b, i)
			if v.kind == kindBS {
				b = appendBinary(b, e)
			} else {
				b = appendText(b, e)
			}
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

func appendComma(b []byte, i int) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	return b
}

func appendBinary(b []byte, bytes string) []byte {
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, []byte(bytes))
	return append(b, '"')
}

// appendText appends s as a JSON string. Text from requests is valid UTF-8; bytes that
// are not can come only from names in responses to refused input, and are replaced.
func appendText(b []byte, s string) []byte {
	if !utf8.ValidString(s) {
		quoted, _ := json.Marshal(s) // a string can always be marshalled
		return append(b, quoted...)
	}
	b = append(b, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, `\n`...)
		default:
			const hex = "0123456789abcdef"
			b = append(b, `\u00`...)
			b = append(b, hex[c>>4], hex[c&15])
		}
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

// answer builds a JSON object member by member.
type answer struct{ b []byte }

func newAnswer(capacity int) *answer {
	return &answer{b: append(make([]byte, 0, capacity), '{')}
}

// member begins a member; what is appended to the returned buffer is its value.
func (a *answer) member(name string) {
	if len(a.b) > 1 {
		a.b = append(a.b, ',')
	}
	a.b = appendText(a.b, name)
	a.b = append(a.b, ':')
}

func (a *answer) item(name string, it item) {
	a.member(name)
	a.b = appendItem(a.b, it)
}

func (a *answer) items(name string, its []item) {
	a.member(name)
	a.b = append(a.b, '[')
	for i, it := range its {
		a.b = appendComma(a.b, i)
		a.b = appendItem(a.b, it)
	}
	a.b = append(a.b, ']')
}

func (a *answer) int(name string, n int) {
	a.member(name)
	a.b = strconv.AppendInt(a.b, int64(n), 10)
}

func (a *answer) text(name, s string) {
	a.member(name)
	a.b = appendText(a.b, s)
}

func (a *answer) done() []byte { return append(a.b, '}') }

// describe is the way of the answers without items, where speed does not matter.
func describe(v any) ([]byte, error) { return json.Marshal(v) }
