package apidoc

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"

	"tidings/internal/stream"
)

const eventsIntro = `<!-- Made from the code: make docs -->
# Events

What comes on ` + "`GET /api/events`" + `, one server-sent event each. [asyncapi.yaml](asyncapi.yaml) says the same for programs.

- Events of users have no SSE ` + "`event:`" + ` field (EventSource calls them ` + "`message`" + `); their data is ` + "`{userId, type, data, eventId}`" + `.
  The ` + "`id:`" + ` of the frame is the position to resume from; ephemeral ones have neither an id nor an ` + "`eventId`" + `.
- Events of the stream itself carry their type in ` + "`event:`" + ` and have no id.
- Drop duplicates by ` + "`eventId`" + `. Ignore types and fields that you don't know.
- With ` + "`Accept-Encoding: gzip`" + `, which browsers send by themselves, the stream is compressed; each event can be read when it comes.
`

const emitGuide = `
A service makes itself a key, and whoever deploys Tidings gets its hash:

` + "```sh" + `
key=$(openssl rand -base64 32)
echo "EMIT_KEYS=shop:$(printf %s "$key" | sha256sum | cut -d ' ' -f 1)"   # several with commas; a service may have two while it changes its key
curl -H "Authorization: Bearer $key" -H 'Content-Type: application/json' -H 'Idempotency-Key: order-17-shipped' \
  https://…/api/events/emit -d '{"userIds":[1,2],"type":"order_shipped","data":{"orderId":17}}'
` + "```" + `

The answer names under ` + "`emitted`" + ` whom it reached, with the ` + "`eventId`" + ` of their streams, and under ` + "`failed`" + ` whom not and why. Sent again with the same ` + "`Idempotency-Key`" + ` it reaches those that are left. A Go service in the same AWS account emits without HTTP, with the package ` + "`events`" + `. In the browser: ` + "`on('order_shipped', (e) => …)`" + `.
`

// Events is docs/events.md.
func Events() []byte {
	s, goldens := newSchemas(), readGoldens()
	b := bytes.NewBufferString(eventsIntro)
	b.WriteString("\n| query | | |\n|---|---|---|\n")
	for _, p := range stream.Parameters {
		typ := p.Type
		if p.Most > 0 {
			typ += fmt.Sprintf(", 1 to %d", p.Most)
		}
		if p.Repeated {
			typ += ", repeatable"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", p.Name, typ, p.Doc)
	}
	for _, m := range messages() {
		fmt.Fprintf(b, "\n## %s\n\n%s", m.Name, m.Doc)
		if m.Ephemeral {
			b.WriteString(" Ephemeral.")
		}
		b.WriteString("\n\n")
		s.of(reflect.TypeOf(m.Data))
		if schema := s.data(m); schema != nil {
			table(b, schema)
			b.WriteString("\n")
		}
		fmt.Fprintf(b, "```\n%s```\n", m.frame(goldens))
		if m.custom {
			b.WriteString(emitGuide)
		}
	}
	b.WriteString("\n# Types\n")
	for _, name := range s.order {
		if !s.isData(name) {
			doc, _ := s.made[name].get("description").(string)
			fmt.Fprintf(b, "\n## Type %s\n\n%s\n\n", name, doc)
			table(b, s.made[name])
		}
	}
	return b.Bytes()
}

// data is the schema of a message's data itself, not a reference to it; nil for any value.
func (s *schemas) data(m message) object {
	_, name := typeOf(s.of(reflect.TypeOf(m.Data)))
	return s.made[name]
}

// isData says whether a component is the data of an event.
func (s *schemas) isData(name string) bool {
	for _, m := range messages() {
		if s.types[name] == reflect.TypeOf(m.Data) {
			return true
		}
	}
	return false
}

// frame is an example as it stands on the wire.
func (m message) frame(goldens []envelope) string {
	head := "id: MTcuNC4w\n"
	if m.own {
		head = "event: " + m.Name + "\n"
	} else if m.Ephemeral {
		head = ""
	}
	return head + "data: " + string(m.example(goldens)) + "\n"
}

func table(b *bytes.Buffer, schema object) {
	b.WriteString("| field | type | |\n|---|---|---|\n")
	for _, r := range rows(schema) {
		typ := r.Type
		if r.Ref != "" {
			typ = strings.Replace(typ, r.Ref, "["+r.Ref+"](#type-"+strings.ToLower(r.Ref)+")", 1)
		}
		name := "`" + r.Name + "`"
		if r.Optional {
			name += "?"
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", name, typ, r.Doc)
	}
}
