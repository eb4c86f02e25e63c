package httpapi

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxBody is the largest body in bytes, unless the route says otherwise. The longest message, chat.MaxContent
// characters that a client escapes as surrogate pairs of 12 bytes each, takes
// 48,000; the rest is for what trimming removes.
const MaxBody = 64 << 10

// maxDepth is how deep arrays and objects may nest: more than any request needs,
// less than costs anything.
const maxDepth = 32

// checkContentType shuts out forms: a page of another site can make a browser
// send those, but not JSON, without asking first.
func checkContentType(r *http.Request) error {
	media, _, err := mime.ParseMediaType(header(r, "Content-Type"))
	if err != nil || media != "application/json" {
		return errNotJSON
	}
	return nil
}

// readBody reads the body without trust in Content-Length.
func readBody(r *http.Request, most int) ([]byte, error) {
	if r.ContentLength > int64(most) {
		return nil, bodyTooLarge(most)
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, int64(most)+1))
	if len(b) > most {
		return nil, bodyTooLarge(most)
	}
	if err != nil {
		return nil, errIncomplete
	}
	return b, nil
}

// parse reads one JSON value as map[string]any, []any, string, json.Number, bool
// or nil. It is stricter than encoding/json, which guesses where two readers could
// understand a text differently: no duplicate names, no half characters.
func parse(body []byte) (any, error) {
	switch {
	case !utf8.Valid(body):
		return nil, errInvalidUTF8
	case len(bytes.TrimSpace(body)) == 0:
		return nil, malformedJSON("The body is empty.")
	case !json.Valid(body):
		return nil, malformedJSON("The body is not one JSON value.")
	case halfCharacter(body):
		return nil, errInvalidUTF8
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber() // float64 would round large ids
	return value(d, 0)
}

// value reads the next value of valid JSON, so the tokens can't fail.
func value(d *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, malformedJSON("The body nests too deep.")
	}
	t, err := d.Token()
	if err != nil {
		return nil, malformedJSON("The body is not one JSON value.")
	}
	switch t {
	case json.Delim('{'):
		return object(d, depth)
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := value(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	default:
		return t, nil
	}
}

func object(d *json.Decoder, depth int) (any, error) {
	members := map[string]any{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, malformedJSON("The body is not one JSON value.")
		}
		name := t.(string)
		if _, twice := members[name]; twice {
			return nil, malformedJSON("The name " + strconv.Quote(brief(name)) + " stands twice in one object.")
		}
		if members[name], err = value(d, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := d.Token()
	return members, err
}

// halfCharacter says whether valid JSON escapes a surrogate without its other
// half, which encoding/json would silently replace.
func halfCharacter(b []byte) bool {
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			continue
		}
		i++ // to what is escaped
		if b[i] != 'u' {
			continue
		}
		r := codeUnit(b[i+1:])
		i += 4
		if !utf16.IsSurrogate(r) {
			continue
		}
		if !bytes.HasPrefix(b[i+1:], []byte(`\u`)) || utf16.DecodeRune(r, codeUnit(b[i+3:])) == utf8.RuneError {
			return true
		}
		i += 6
	}
	return false
}

// codeUnit reads the four hexadecimal digits of an escape.
func codeUnit(b []byte) rune {
	n, _ := strconv.ParseUint(string(b[:4]), 16, 16) // valid JSON has four there
	return rune(n)
}
