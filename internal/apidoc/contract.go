package apidoc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"tidings/internal/chat"
)

// Contract holds what a server says to the documents, and more strictly than they
// ask of clients: what they don't name must not be there.
type Contract struct {
	rest, events *jsonschema.Compiler
	mux          *http.ServeMux // finds the operation of a path
	document     object
	messages     map[string]message

	mu       sync.Mutex                    // the compilers are not safe for concurrent use
	compiled map[string]*jsonschema.Schema // guarded by mu
}

// The names of the documents among themselves.
const (
	restDocument   = "tidings:openapi"
	eventsDocument = "tidings:asyncapi"
)

// NewContract makes the documents anew, so that it holds whether or not the
// committed ones are current.
func NewContract() *Contract {
	rest := openAPI()
	c := &Contract{
		rest: compiler(restDocument, rest), events: compiler(eventsDocument, asyncAPI()), mux: http.NewServeMux(),
		document: rest, messages: map[string]message{}, compiled: map[string]*jsonschema.Schema{},
	}
	for _, path := range rest.get("paths").(object) {
		for _, operation := range path.value.(object) {
			c.mux.Handle(strings.ToUpper(operation.name)+" "+path.name, http.NotFoundHandler())
		}
	}
	for _, m := range messages() {
		c.messages[m.Name] = m
	}
	return c
}

func compiler(name string, document object) *jsonschema.Compiler {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(jsonOf(document)))
	if err != nil {
		panic(err) // it was just written
	}
	closeObjects(v)
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.UseRegexpEngine(func(s string) (jsonschema.Regexp, error) {
		return regexp.Compile(ecmaEscape.ReplaceAllString(s, `\x{$1}`))
	})
	if err := c.AddResource(name, v); err != nil {
		panic(err) // the name is ours
	}
	return c
}

// ecmaEscape is what Go spells otherwise than ECMA 262.
var ecmaEscape = regexp.MustCompile(`\\u([0-9a-f]{4})`)

// closeObjects forbids what a schema of an object doesn't name.
func closeObjects(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, stated := v["additionalProperties"]; !stated && v["type"] == "object" && v["properties"] != nil {
			v["additionalProperties"] = false
		}
		for _, inner := range v {
			closeObjects(inner)
		}
	case []any:
		for _, inner := range v {
			closeObjects(inner)
		}
	}
}

// Exchange is a request and its answer.
type Exchange struct {
	Method, Path string // as it was sent, without the query
	Request      string // body
	Status       int
	Header       http.Header
	Answer       string // body
}

// Check says what of an exchange is not as the document says. A path that the
// document doesn't know must be refused.
func (c *Contract) Check(x Exchange) error {
	method := x.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	rt := c.route(method, x.Path)
	if rt == "" {
		if x.Status != http.StatusNotFound && x.Status != http.StatusMethodNotAllowed {
			return fmt.Errorf("status %d at a path that is not documented", x.Status)
		}
		if x.Method == http.MethodHead {
			return nil
		}
		return c.answer(x, "application/problem+json", []string{"components", "schemas", "Problem"})
	}
	at := []string{"paths", rt, strings.ToLower(method)}
	in := append(at[:3:3], "responses", strconv.Itoa(x.Status))
	response := c.find(in)
	if response == nil {
		return fmt.Errorf("status %d is not documented", x.Status)
	}
	if ref, ok := response.get("$ref").(string); ok {
		in = strings.Split(strings.TrimPrefix(ref, "#/"), "/")
		response = c.find(in)
	}
	headers, _ := response.get("headers").(object)
	for _, h := range headers {
		if x.Header.Get(h.name) == "" {
			return fmt.Errorf("the header %s is missing", h.name)
		}
	}
	if content, _ := response.get("content").(object); len(content) == 0 || x.Method == http.MethodHead {
		if x.Answer != "" {
			return fmt.Errorf("a body where there should be none: %s", x.Answer)
		}
	} else if err := c.answer(x, content[0].name, append(in, "content", content[0].name, "schema")); err != nil {
		return err
	}
	if body := append(at, "requestBody", "content", "application/json", "schema"); x.Status < 300 && x.Request != "" && c.find(body) != nil {
		if err := c.validate(restDocument, body, x.Request); err != nil {
			return fmt.Errorf("took a body that is not as documented: %w", err)
		}
	}
	return nil
}

// route is the pattern of the documented path that a request is for, "" for none.
func (c *Contract) route(method, sent string) string {
	p, err := url.PathUnescape(sent)
	if err != nil || path.Clean(p) != p {
		return ""
	}
	_, pattern := c.mux.Handler(&http.Request{Method: method, URL: &url.URL{Path: p}})
	_, p, _ = strings.Cut(pattern, " ")
	return p
}

// find gives the object at a place in the document, nil if there is none.
func (c *Contract) find(place []string) object {
	o := c.document
	for _, name := range place {
		o, _ = o.get(name).(object)
	}
	return o
}

func (c *Contract) answer(x Exchange, media string, schema []string) error {
	if got := x.Header.Get("Content-Type"); got != media {
		return fmt.Errorf("the Content-Type is %q, not %q", got, media)
	}
	return c.validate(restDocument, schema, x.Answer)
}

// Frame says what of an SSE frame is not as the document says: the name of its
// event, which is "message" if the frame names none, and its data.
func (c *Contract) Frame(event, data string) error {
	name, own := event, true
	if event == "message" {
		var e envelope
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return fmt.Errorf("%w: %s", err, data)
		}
		name, own = e.Type, false
	}
	if _, known := c.messages[name]; !own && !known && !chat.ReservedType(name) {
		name = customMessage.Name
	}
	if m, ok := c.messages[name]; !ok || m.own != own {
		return fmt.Errorf("the event %q is not documented", name)
	}
	return c.validate(eventsDocument, []string{"components", "messages", name, "payload"}, data)
}

// validate holds a JSON text to the schema at a place in a document.
func (c *Contract) validate(document string, place []string, text string) error {
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return fmt.Errorf("%w: %s", err, text)
	}
	var at strings.Builder
	at.WriteString(document + "#")
	for _, name := range place {
		at.WriteString("/" + url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(name)))
	}
	schema, err := c.schema(document, at.String())
	if err != nil {
		return err
	}
	if err := schema.Validate(v); err != nil {
		return fmt.Errorf("%w: %s", err, text)
	}
	return nil
}

func (c *Contract) schema(document, at string) (*jsonschema.Schema, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, ok := c.compiled[at]; ok {
		return s, nil
	}
	compiler := c.rest
	if document == eventsDocument {
		compiler = c.events
	}
	s, err := compiler.Compile(at)
	c.compiled[at] = s
	return s, err
}
