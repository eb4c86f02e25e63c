package apidoc

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"slices"
	"strings"
)

//go:embed page.gohtml
var pageSource string

var pageTemplate = template.Must(template.New("page").Parse(pageSource))

// The page's parts.
type (
	page struct {
		Intro, StreamIntro []string // paragraphs
		Areas              []area
		Events             []eventPart
		Types              []typePart
	}
	area struct {
		Name       string
		Operations []operationPart
	}
	operationPart struct {
		ID, Method, Path, Summary, Detail string
		Open, HasBody                     bool
		Params, Body                      []row
		OneOf                             []string
		Answers                           []answerPart
	}
	answerPart struct {
		Status, Doc, Type, Ref string
	}
	eventPart struct {
		message
		Rows    []row
		Example string
	}
	typePart struct {
		Name, Doc string
		Rows      []row
	}
)

// Page is docs/page/index.html: both documents for people.
func Page() []byte {
	rest := openAPI()
	p := page{Intro: strings.Split(restIntro, "\n"), StreamIntro: strings.Split(streamIntro, "\n")}
	for _, path := range rest.get("paths").(object) {
		for _, op := range path.value.(object) {
			p.add(path.name, op.name, op.value.(object), rest)
		}
	}
	s, goldens := newSchemas(), readGoldens()
	for _, m := range messages() {
		p.Events = append(p.Events, eventPart{m, rows(s.data(m)), indent(m.example(goldens))})
	}
	types := rest.get("components").(object).get("schemas").(object)
	for _, c := range s.components() {
		if types.get(c.name) == nil && !s.isData(c.name) {
			types = append(types, c)
		}
	}
	for _, c := range types {
		doc, _ := c.value.(object).get("description").(string)
		p.Types = append(p.Types, typePart{c.name, doc, rows(c.value.(object))})
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, p); err != nil {
		panic(err) // the template is ours
	}
	return b.Bytes()
}

// add adds an operation to the part of the page for its area.
func (p *page) add(path, method string, o, rest object) {
	name := o.get("tags").([]any)[0].(string)
	i := slices.IndexFunc(p.Areas, func(a area) bool { return a.Name == name })
	if i < 0 {
		i = len(p.Areas)
		p.Areas = append(p.Areas, area{Name: name})
	}
	part := operationPart{
		ID: o.get("operationId").(string), Method: strings.ToUpper(method), Path: path, Summary: o.get("summary").(string),
		Open: len(o.get("security").([]object)) == 0,
	}
	part.Detail, _ = o.get("description").(string)
	params, _ := o.get("parameters").([]any)
	for _, v := range params {
		f := v.(object)
		r := newRow(f.get("name").(string), f.get("schema").(object), f.get("required") == true)
		r.Doc = strings.TrimSuffix(f.get("description").(string)+"; "+r.Doc, "; ")
		r.Type += " in " + f.get("in").(string)
		part.Params = append(part.Params, r)
	}
	if body, ok := o.get("requestBody").(object); ok {
		schema := body.get("content").(object)[0].value.(object).get("schema").(object)
		part.Body, part.HasBody = rows(schema), true
		choice, _ := schema.get("oneOf").([]any)
		for _, one := range choice {
			part.OneOf = append(part.OneOf, one.(object).get("required").([]string)...)
		}
	}
	for _, v := range o.get("responses").(object) {
		part.Answers = append(part.Answers, newAnswerPart(v.name, v.value.(object), rest))
	}
	p.Areas[i].Operations = append(p.Areas[i].Operations, part)
}

func newAnswerPart(status string, r, rest object) answerPart {
	if ref, ok := r.get("$ref").(string); ok {
		r = rest.get("components").(object).get("responses").(object).get(ref[strings.LastIndexByte(ref, '/')+1:]).(object)
	}
	a := answerPart{Status: status, Doc: fmt.Sprint(r.get("description"))}
	if content, ok := r.get("content").(object); ok {
		a.Type, a.Ref = typeOf(content[0].value.(object).get("schema").(object))
	}
	return a
}

func indent(b json.RawMessage) string {
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		panic(err) // it was just written
	}
	return out.String()
}
