package httpapi

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tidings/internal/chat"
)

// maxFieldErrors and maxPath keep the answer to a hostile body small.
const (
	maxFieldErrors = 20
	maxPath        = 64 // bytes of a name that the client made up
)

// fields reads the body's object member by member and collects all that is wrong.
// Names match exactly (encoding/json ignores case); what is never asked for is
// unknown.
type fields struct {
	c      *call
	values map[string]any
	asked  map[string]bool
	fatal  error
}

// fields begins to read the body, which must be an object.
func (c *call) fields() *fields {
	f := &fields{c: c, asked: map[string]bool{}}
	v, err := parse(c.body)
	if err != nil {
		f.fatal = err
		return f
	}
	members, ok := v.(map[string]any)
	if !ok {
		f.fatal = chat.Invalid(append(c.bad, chat.Field("", "wrong_type", "An object is needed here."))...)
		return f
	}
	f.values = members
	return f
}

// noFields is for writes that say it all in their path: an empty body or {}.
func (c *call) noFields() error {
	if len(c.body) == 0 {
		return c.invalid()
	}
	return c.fields().err()
}

// err is everything that is wrong with the request, after all fields were read.
func (f *fields) err() error {
	if f.fatal != nil {
		return f.fatal
	}
	for _, name := range slices.Sorted(maps.Keys(f.values)) {
		if !f.asked[name] {
			f.c.reject(brief(name), "unknown_field", "There is no such field here.")
		}
	}
	return f.c.invalid()
}

func (c *call) reject(path, code, message string) {
	c.bad = append(c.bad, chat.FieldError{Path: path, Code: code, Message: message})
}

// invalid is the error of what was rejected so far, nil for nothing.
func (c *call) invalid() error {
	if len(c.bad) == 0 {
		return nil
	}
	return chat.Invalid(c.bad[:min(len(c.bad), maxFieldErrors)]...)
}

// get gives a member; null counts as absent.
func (f *fields) get(name string, required bool) (any, bool) {
	if f.fatal != nil {
		return nil, false
	}
	f.asked[name] = true
	v := f.values[name]
	if v == nil && required {
		f.c.reject(name, "required", "This field is needed.")
	}
	return v, v != nil
}

// text reads a string that must be there.
func (f *fields) text(name string) string { return f.string(name, true) }

// optionalText reads a string, "" unless given.
func (f *fields) optionalText(name string) string { return f.string(name, false) }

func (f *fields) string(name string, required bool) string {
	v, ok := f.get(name, required)
	if !ok {
		return ""
	}
	s, ok := v.(string)
	if !ok {
		f.c.reject(name, "wrong_type", "A string is needed here.")
	}
	return s
}

// userID reads a user's id that must be there: a whole number as JSON has it,
// without fraction or exponent, that a browser can hold exactly.
func (f *fields) userID(name string) chat.UserID { return f.oneUserID(name, true) }

// optionalUserID reads a user's id, 0 unless given.
func (f *fields) optionalUserID(name string) chat.UserID { return f.oneUserID(name, false) }

func (f *fields) oneUserID(name string, required bool) chat.UserID {
	v, ok := f.get(name, required)
	if !ok {
		return 0
	}
	return f.c.toUserID(name, v)
}

// userIDs reads a list of users' ids, not more than most.
func (f *fields) userIDs(name string, required bool, most int) []chat.UserID {
	v, ok := f.get(name, required)
	if !ok {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		f.c.reject(name, "wrong_type", "A list of numbers is needed here.")
		return nil
	}
	if len(list) > most {
		f.c.reject(name, "too_many", "At most "+strconv.Itoa(most)+" users a request.")
		return nil
	}
	ids := make([]chat.UserID, 0, len(list))
	for i, e := range list {
		ids = append(ids, f.c.toUserID(name+"["+strconv.Itoa(i)+"]", e))
	}
	return ids
}

func (c *call) toUserID(path string, v any) chat.UserID {
	n, ok := v.(json.Number)
	switch {
	case !ok:
		c.reject(path, "wrong_type", "A number is needed here.")
	case strings.ContainsAny(n.String(), ".eE"):
		c.reject(path, "not_whole", "A whole number is needed here.")
	default:
		id, err := strconv.ParseInt(n.String(), 10, 64)
		if err == nil && id >= 1 && id <= int64(chat.MaxUserID) {
			return chat.UserID(id)
		}
		c.reject(path, "out_of_range", "1 to "+chat.MaxUserID.String()+".")
	}
	return 0
}

// given says whether a member is there; null counts as absent.
func (f *fields) given(name string) bool { return f.values[name] != nil }

// brief cuts a client's own text to what is worth repeating.
func brief(s string) string {
	if len(s) <= maxPath {
		return s
	}
	return strings.ToValidUTF8(s[:maxPath], "") + "…"
}
