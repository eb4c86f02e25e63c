package httpapi

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"

	"tidings/internal/chat"
)

// Field is a parameter, or one member of a request's body, as clients are told of it.
type Field struct {
	Name     string
	Doc      string // a phrase: "the newest message that was read"
	Optional bool   // in a body null counts as absent
	Schema   Schema
}

// Schema is what JSON Schema says of a value, as far as requests need it. The zero
// Schema is any value.
type Schema struct {
	Type           string // "string", "integer", "boolean", "array", "object"
	Format         string
	Pattern        string // ECMA 262, of strings
	Enum           []any
	Minimum        int64 // of an integer with a Maximum
	Maximum        int64 // 0: no bounds
	MinLength      int   // characters
	MaxLength      int   // 0: no limit
	Items          *Schema
	Fields         []Field // of an object
	MinItems       int
	MaxItems       int // 0: no limit
	Default        any
	Example        any
	OrNull, Unique bool // Unique: of an array's items
}

// The schemas that several routes share.
var (
	userIDSchema    = Schema{Type: "integer", Minimum: 1, Maximum: int64(chat.MaxUserID), Example: 2}
	messageIDSchema = Schema{Type: "string", Pattern: `^[1-9][0-9]{0,15}$`, Example: "17"}
)

// The characters that trimming takes away (unicode.IsSpace), and those that a name
// on one line can't have (unicode.IsControl).
const (
	spaces   = `\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`
	controls = `\u0000-\u001f\u007f-\u009f`
)

// namePattern is a name on one line of which trimming leaves something.
const namePattern = `^[^` + controls + `]*[^` + controls + spaces + `][^` + controls + `]*$`

// contentField is a message's text.
var contentField = Field{Name: "content", Doc: "the text, trimmed", Schema: Schema{
	Type: "string", MinLength: 1, MaxLength: chat.MaxContent, Example: "hello",
	Pattern: `[^` + spaces + `]`,
}}

// The parameters that several routes share. A parameter is in the path if the path
// names it, else in the query.
var (
	userIDParam         = pathParam("id", "the user's id", "2")
	conversationIDParam = pathParam("id", "the conversation's id", "1-2")

	pageParams = []Field{
		{Name: "before", Doc: "the message that the page ends before; not together with after", Optional: true, Schema: messageIDSchema},
		{Name: "after", Doc: "the message that the page begins after; not together with before", Optional: true, Schema: messageIDSchema},
		limitParam(chat.DefaultPageSize, chat.MaxPageSize),
	}
)

// pathParam is a parameter of the path: any text, since what is no id names nothing
// (404).
func pathParam(name, doc, example string) Field {
	return Field{Name: name, Doc: doc, Schema: Schema{Type: "string", MinLength: 1, Example: example}}
}

func limitParam(otherwise, most int) Field {
	return Field{
		Name: "limit", Doc: "the most that the page holds", Optional: true,
		Schema: Schema{Type: "integer", Minimum: 1, Maximum: int64(most), Default: otherwise},
	}
}

// appends are the refusals of a route that appends to a log, and its own.
func appends(own ...*chat.Error) []*chat.Error {
	return append(own, chat.ErrEntryTooLarge, chat.RateLimited(0), chat.SlowMode(0))
}

// Keyed says whether the route takes an Idempotency-Key: each POST of a user that
// commits something, but none that is about the session itself. That somebody is
// typing, and what was delivered, is told at most once.
func (rt Route) Keyed() bool {
	return rt.Method == http.MethodPost && !strings.HasPrefix(rt.Path, "/api/auth/") && !strings.HasSuffix(rt.Path, "/typing") && rt.Path != receiptsPath
}

// Writes says whether the request may change something.
func (rt Route) Writes() bool { return rt.Method != http.MethodGet }

func (rt Route) maxBody() int { return cmp.Or(rt.MaxBody, MaxBody) }

// HasBody says whether the request has a body, be it {}, and so a Content-Type. A
// DELETE has none: browsers ask before they send one to another site anyway.
func (rt Route) HasBody() bool { return rt.Writes() && rt.Method != http.MethodDelete }

// InPath says whether the path names the parameter.
func (rt Route) InPath(f Field) bool { return strings.Contains(rt.Path, "{"+f.Name+"}") }

// Problems are the codes of all that the route can refuse, by status, each list in
// order: its own and what the way to it refuses.
func (rt Route) Problems() map[int][]string {
	out := map[int][]string{}
	add := func(ps ...*problem) {
		for _, p := range ps {
			if !slices.Contains(out[p.Status], p.Code) {
				out[p.Status] = append(out[p.Status], p.Code)
			}
		}
	}
	domain := func(es ...*chat.Error) {
		for _, e := range es {
			add(problemOfDomain(e))
		}
	}
	add(errInternal)
	domain(chat.Overloaded(0))
	domain(rt.Errors...)
	switch {
	case rt.Keys:
		domain(chat.ErrInvalidAPIKey)
	case !rt.Open:
		domain(chat.ErrUnauthenticated, chat.ErrSessionEnded)
	}
	if rt.Admin {
		domain(chat.ErrNotAdmin)
	}
	if rt.Writes() {
		add(errCrossOrigin, bodyTooLarge(rt.maxBody()), errInvalidUTF8, errIncomplete, malformedJSON(""))
	}
	if rt.HasBody() {
		add(errNotJSON)
	}
	if rt.Writes() || slices.ContainsFunc(rt.Params, func(f Field) bool { return !rt.InPath(f) }) {
		domain(chat.Invalid())
	}
	if rt.Keyed() {
		domain(chat.ErrIdempotencyMismatch)
	}
	for _, codes := range out {
		slices.Sort(codes)
	}
	return out
}

// Statuses are all that the route can answer, in order.
func (rt Route) Statuses() []int {
	out := slices.AppendSeq(slices.Collect(maps.Keys(rt.Answers)), maps.Keys(rt.Problems()))
	slices.Sort(out)
	return out
}

// ProblemBody is of the type of every refusal's body.
var ProblemBody any = problem{}
