package apidoc

import (
	"bytes"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidings/internal/chat"
	"tidings/internal/httpapi"
)

var update = flag.Bool("update", false, "write the documents anew")

// The documents in docs/ are what the code says now.
func TestDocumentsAreCurrent(t *testing.T) {
	for name, made := range map[string][]byte{
		"openapi.yaml": OpenAPI(), "asyncapi.yaml": AsyncAPI(), "events.md": Events(), "page/index.html": Page(),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(Root(), "docs", name)
			if *update {
				if err := os.WriteFile(path, made, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			committed, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(committed, made) {
				t.Errorf("%s is not what the code says: make docs", path)
			}
		})
	}
}

// No route without its documentation, and none that contradicts itself.
func TestRoutesAreDocumented(t *testing.T) {
	c := NewContract()
	for _, rt := range httpapi.Routes() {
		t.Run(rt.Method+" "+rt.Path, func(t *testing.T) {
			if rt.Summary == "" || strings.HasSuffix(rt.Summary, ".") {
				t.Errorf("Summary %q: one line without a full stop", rt.Summary)
			}
			if len(rt.Answers) == 0 {
				t.Error("no Answers")
			}
			problems := rt.Problems()
			for status := range rt.Answers {
				if _, refusal := problems[status]; refusal || http.StatusText(status) == "" || status >= 400 {
					t.Errorf("the answer %d is a refusal", status)
				}
			}
			for part := range strings.SplitSeq(rt.Path, "/") {
				if name, ok := strings.CutPrefix(part, "{"); ok && !named(rt.Params, strings.TrimSuffix(name, "}")) {
					t.Errorf("Params don't name %s", part)
				}
			}
			for _, name := range rt.OneOf {
				if !named(rt.Body, name) {
					t.Errorf("OneOf names %s, which is not in Body", name)
				}
			}
			if !rt.Writes() && rt.Body != nil {
				t.Error("a GET with a Body")
			}
			for _, f := range rt.Body {
				if f.Schema.Example == nil {
					continue
				}
				place := []string{"paths", rt.Path, strings.ToLower(rt.Method), "requestBody", "content", "application/json", "schema", "properties", f.Name}
				if err := c.validate(restDocument, place, string(jsonOf(f.Schema.Example))); err != nil {
					t.Errorf("the example of %s: %v", f.Name, err)
				}
			}
		})
	}
}

func named(fields []httpapi.Field, name string) bool {
	for _, f := range fields {
		if f.Name == name {
			return true
		}
	}
	return false
}

// What the domain's tests pin is what the document says, and so are the examples.
func TestFramesAreDocumented(t *testing.T) {
	c, goldens := NewContract(), readGoldens()
	for _, e := range goldens {
		if err := c.Frame("message", string(jsonOf(e))); err != nil {
			t.Errorf("%s: %v", e.EventID, err)
		}
	}
	for _, m := range messages() {
		event := "message"
		if m.own {
			event = m.Name
		}
		if err := c.Frame(event, string(m.example(goldens))); err != nil {
			t.Errorf("the example of %s, from a golden file of internal/chat or else EventType.Data: %v", m.Name, err)
		}
	}
}

// A contract that lets anything through would prove nothing.
func TestContractRefuses(t *testing.T) {
	c := NewContract()
	ok := Exchange{
		Method: "GET", Path: "/api/users/1", Status: 200, Header: http.Header{"Content-Type": {"application/json"}},
		Answer: `{"user":{"id":1,"username":"alice","displayName":"Alice"}}`,
	}
	if err := c.Check(ok); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Exchange){
		"Status":        func(x *Exchange) { x.Status = 418 },
		"Unknown":       func(x *Exchange) { x.Path = "/api/nothing" },
		"Odd":           func(x *Exchange) { x.Path = "/api/users/1/" },
		"ContentType":   func(x *Exchange) { x.Header = http.Header{"Content-Type": {"text/plain"}} },
		"NoBody":        func(x *Exchange) { x.Answer = "" },
		"MissingField":  func(x *Exchange) { x.Answer = `{"user":{"id":1,"username":"alice"}}` },
		"UnknownField":  func(x *Exchange) { x.Answer = strings.Replace(x.Answer, `"id"`, `"email":"x","id"`, 1) },
		"WrongType":     func(x *Exchange) { x.Answer = strings.Replace(x.Answer, `1`, `"1"`, 1) },
		"UnknownCode":   func(x *Exchange) { problem(x, 404, "username_taken") },
		"MissingHeader": func(x *Exchange) { problem(x, 503, "overloaded") },
		"OtherStatus":   func(x *Exchange) { problem(x, 404, "user_not_found"); x.Status = 500 },
		"BodyTaken": func(x *Exchange) {
			*x = Exchange{Method: "POST", Path: "/api/conversations/1-2/read", Status: 204, Request: `{"messageId":17}`}
		},
	} {
		t.Run(name, func(t *testing.T) {
			x := ok
			change(&x)
			if err := c.Check(x); err == nil {
				t.Error("passed")
			}
		})
	}
	x := ok
	if problem(&x, 404, "user_not_found"); c.Check(x) != nil {
		t.Error(c.Check(x))
	}
	for name, f := range map[string][2]string{
		"Type":     {"message", `{"userId":1,"type":"read","data":{},"eventId":"u:1/1/1"}`},
		"Custom":   {"message", `{"userId":1,"type":"two words","data":{},"eventId":"u:1/1/1"}`},
		"Event":    {"odd", `{}`},
		"Place":    {"read", `{"seq":4,"conversationId":"1-2","messageId":"17","readCount":9}`},
		"Envelope": {"message", `{"userId":1,"type":"read","data":{"seq":4,"conversationId":"1-2","messageId":"17","readCount":9}}`},
		"Data":     {"heartbeat", `{"ts":"now"}`},
		"JSON":     {"message", `{`},
	} {
		if err := c.Frame(f[0], f[1]); err == nil {
			t.Errorf("the frame %s passed", name)
		}
	}
}

func problem(x *Exchange, status int, code string) {
	x.Status = status
	x.Header = http.Header{"Content-Type": {"application/problem+json"}}
	x.Answer = string(jsonOf(map[string]any{
		"type": "/problems/" + code, "title": http.StatusText(status), "status": status, "code": code,
		"errors": []chat.FieldError{{Path: "x", Code: "y", Message: "z"}},
	}))
}
