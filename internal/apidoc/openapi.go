package apidoc

import (
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"tidings/internal/chat"
	"tidings/internal/httpapi"
	"tidings/internal/session"
	"tidings/internal/stream"
)

// Version is that of the API, in both documents.
const Version = "1.0.0"

// OpenAPI is docs/openapi.yaml.
func OpenAPI() []byte { return yamlOf(openAPI()) }

const restIntro = `REST of Tidings: accounts, conversations and what is in them. What happens is told on the stream, which docs/asyncapi.yaml describes.

Bodies are JSON in UTF-8; times are RFC 3339 in UTC with milliseconds; user ids are integers, the other ids are strings.
Every GET answers HEAD too. Ids are written without fraction or exponent. What has a body, be it {}, needs Content-Type: application/json; writes must not come with a foreign Origin.
Every answer carries X-Request-Id. Errors are RFC 9457 problems with a stable code. Clients ignore fields that they don't know.`

// generator gathers what the operations of the document refer to.
type generator struct {
	*schemas
	responses object // problems, by their codes
	tags      []any
}

func openAPI() object {
	g := &generator{schemas: newSchemas()}
	var paths object
	add := func(path, method string, operation object) {
		i := slices.IndexFunc(paths, func(m member) bool { return m.name == path })
		if i < 0 {
			i = len(paths)
			paths = append(paths, member{path, object{}})
		}
		paths[i].value = append(paths[i].value.(object), member{strings.ToLower(method), operation})
	}
	for _, rt := range httpapi.Routes() {
		add(rt.Path, rt.Method, g.operation(rt))
	}
	add("/api/events", http.MethodGet, g.events())
	return object{
		{"openapi", "3.1.0"},
		{"info", object{{"title", "Tidings"}, {"version", Version}, {"description", restIntro}}},
		{"servers", []any{object{{"url", "/"}}}},
		{"tags", g.tags},
		{"paths", paths},
		{"components", object{
			{"schemas", g.components()},
			{"responses", g.responses},
			{"securitySchemes", object{
				{"cookie", object{{"type", "apiKey"}, {"in", "cookie"}, {"name", session.CookieName}}},
				{"bearer", object{{"type", "http"}, {"scheme", "bearer"}}},
				{"apiKey", object{{"type", "http"}, {"scheme", "bearer"}, {"description", "the key of a service, not a session"}}},
			}},
		}},
	}
}

// operation is one route.
func (g *generator) operation(rt httpapi.Route) object {
	o := g.start(rt.Method, rt.Path, rt.Summary, rt.Detail, security(rt)).with("parameters", parameters(rt))
	if rt.HasBody() {
		o = o.with("requestBody", requestBody(rt))
	}
	return o.with("responses", g.answers(rt))
}

func (g *generator) start(method, path, summary, detail string, security []object) object {
	tag := strings.Split(path, "/")[2]
	if !slices.ContainsFunc(g.tags, func(t any) bool { return t.(object).get("name") == tag }) {
		g.tags = append(g.tags, object{{"name", tag}})
	}
	o := object{{"operationId", operationID(method, path)}, {"tags", []any{tag}}, {"summary", summary}}.with("description", detail)
	return append(o, member{"security", security})
}

// ofUser are the ways to say whose request it is.
var ofUser = []object{{{"cookie", []any{}}}, {{"bearer", []any{}}}}

func security(rt httpapi.Route) []object {
	switch {
	case rt.Open:
		return []object{}
	case rt.Keys:
		return []object{{{"apiKey", []any{}}}}
	default:
		return ofUser
	}
}

// operationID makes "postConversationsIdMessages" of POST /api/conversations/{id}/messages.
func operationID(method, path string) string {
	id := strings.ToLower(method)
	for part := range strings.FieldsFuncSeq(strings.TrimPrefix(path, "/api"), func(r rune) bool { return strings.ContainsRune("/{}-", r) }) {
		id += strings.ToUpper(part[:1]) + part[1:]
	}
	return id
}

func parameters(rt httpapi.Route) []any {
	var out []any
	for _, f := range rt.Params {
		in := "query"
		if rt.InPath(f) {
			in = "path"
		}
		out = append(out, object{{"name", f.Name}, {"in", in}, {"required", !f.Optional}}.
			with("description", f.Doc).with("schema", schemaOf(f.Schema)))
	}
	if rt.Keyed() {
		out = append(out, object{
			{"name", "Idempotency-Key"},
			{"in", "header"},
			{"required", false},
			{"description", "the same key, path and body within 24 h gives the first answer again and no second event"},
			{"schema", object{{"type", "string"}, {"pattern", "^[ -~]+$"}, {"minLength", 1}, {"maxLength", chat.MaxIdempotencyKey}}},
		})
	}
	return out
}

func requestBody(rt httpapi.Route) object {
	schema := append(object{{"type", "object"}}, objectOf(rt.Body, rt.OneOf)...)
	var choice []any
	for _, name := range rt.OneOf { // there, and not null
		i := slices.IndexFunc(rt.Body, func(f httpapi.Field) bool { return f.Name == name })
		choice = append(choice, object{{"required", []string{name}}, {"properties", object{{name, object{{"type", rt.Body[i].Schema.Type}}}}}})
	}
	schema = append(schema.with("oneOf", choice), member{"additionalProperties", false})
	return object{
		{"required", true}, // {} at least: without a Content-Type it is refused
		{"content", object{{"application/json", object{{"schema", schema}}}}},
	}
}

// objectOf are the members of an object's schema; those of oneOf need not all be there.
func objectOf(fields []httpapi.Field, oneOf []string) object {
	var properties object
	var required []string
	for _, f := range fields {
		schema := schemaOf(f.Schema)
		if f.Optional {
			schema = orNull(schema)
		}
		properties = append(properties, member{f.Name, schema.with("description", f.Doc)})
		if !f.Optional && !slices.Contains(oneOf, f.Name) {
			required = append(required, f.Name)
		}
	}
	return object{}.with("properties", properties).with("required", required)
}

func (g *generator) answers(rt httpapi.Route) object {
	var out object
	problems := rt.Problems()
	for _, status := range rt.Statuses() {
		key := strconv.Itoa(status)
		if codes, ok := problems[status]; ok {
			out = append(out, member{key, g.problem(status, codes)})
			continue
		}
		r := object{{"description", http.StatusText(status)}}
		if status == http.StatusCreated && rt.Location {
			r = append(r, member{"headers", object{header("Location", "where to read what was made", "string")}})
		}
		if body := rt.Answers[status]; body != nil {
			r = append(r, member{"content", object{{"application/json", object{{"schema", g.of(reflect.TypeOf(body))}}}}})
		}
		out = append(out, member{key, r})
	}
	return out
}

// problem refers to the answer with one of these codes.
func (g *generator) problem(status int, codes []string) object {
	var name strings.Builder
	for _, word := range strings.FieldsFunc(strings.Join(codes, "_"), func(r rune) bool { return r == '_' }) {
		name.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	if g.responses.get(name.String()) == nil {
		r := object{{"description", http.StatusText(status) + ": " + strings.Join(codes, ", ")}}
		switch status {
		case http.StatusUnauthorized:
			r = append(r, member{"headers", object{header("WWW-Authenticate", "Bearer", "string")}})
		case http.StatusTooManyRequests, http.StatusServiceUnavailable:
			r = append(r, member{"headers", object{header("Retry-After", "seconds", "integer")}})
		}
		schema := append(g.of(reflect.TypeOf(httpapi.ProblemBody)), member{"properties", object{
			{"status", object{{"const", status}}}, {"code", object{{"enum", codes}}},
		}})
		g.responses = append(g.responses, member{name.String(), append(r, member{"content", object{
			{"application/problem+json", object{{"schema", schema}}},
		}})})
	}
	return object{{"$ref", "#/components/responses/" + name.String()}}
}

func header(name, doc, typ string) member {
	return member{name, object{{"description", doc}, {"required", true}, {"schema", object{{"type", typ}}}}}
}

// events is the stream, which is no httpapi.Route: it never ends on its own.
func (g *generator) events() object {
	const detail = "Server-sent events without an end; docs/asyncapi.yaml says which. " +
		"Whoever can't be served now is answered 200 with a reconnect event, since any other status ends a browser's EventSource for good."
	return append(
		g.start(http.MethodGet, "/api/events", "Follow what happens", detail, ofUser),
		member{"parameters", streamParameters()},
		member{"responses", object{
			{"200", object{{"description", "the stream"}, {"content", object{{"text/event-stream", object{{"schema", object{{"type", "string"}}}}}}}}},
			{"401", g.problem(http.StatusUnauthorized, []string{chat.ErrSessionEnded.Code, chat.ErrUnauthenticated.Code})},
			{"406", g.problem(http.StatusNotAcceptable, []string{"not_acceptable"})},
			{"422", g.problem(http.StatusUnprocessableEntity, []string{chat.Invalid().Code})},
		}},
	)
}

// streamParameters are what a stream can be asked for.
func streamParameters() []any {
	var out []any
	for _, p := range stream.Parameters {
		out = append(out, object{{"name", p.Name}, {"in", "query"}, {"required", false}, {"description", p.Doc}, {"schema", parameterSchema(p)}})
	}
	return out
}

func parameterSchema(p stream.Parameter) object {
	schema := object{{"type", p.Type}}
	switch {
	case p.Most > 0:
		schema = append(schema, member{"minimum", 1}, member{"maximum", p.Most})
	case p.Repeated:
		schema = object{{"type", "array"}, {"items", schema}}
	}
	return schema
}
