package apidoc

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"tidings/internal/chat"
	"tidings/internal/stream"
)

// AsyncAPI is docs/asyncapi.yaml.
func AsyncAPI() []byte { return yamlOf(asyncAPI()) }

const streamIntro = `What Tidings tells its clients: server-sent events on one stream that a client keeps open.

Open the stream, wait for ready, then fetch the lists; apply each event to what you have, ignoring what you have already: everything listed carries the seq of the entry that it reflects.
A browser connects again on its own and says where it was (Last-Event-ID), so that it gets what it missed.
Drop duplicates by eventId, which is the same on every connection. The id of the frame is a position and differs between connections.
Clients ignore types and fields that they don't know.`

// message is an event type as it stands on the wire.
type message struct {
	chat.EventType
	own    bool // of the stream itself: without an envelope
	custom bool // of other services: its name stands for every type that they may emit
}

// customMessage is what other services emit. Its type and data are theirs to describe.
var customMessage = message{custom: true, EventType: chat.EventType{
	Name: "custom", Data: json.RawMessage(`{"orderId":17}`),
	Doc: "An event that another service of yours has emitted, to that user: type and data are what the service named. The list of notifications keeps it.",
}}

func messages() []message {
	var out []message
	for _, t := range chat.EventTypes {
		out = append(out, message{EventType: t})
	}
	out = append(out, customMessage)
	for _, t := range stream.EventTypes {
		out = append(out, message{EventType: t, own: true})
	}
	return out
}

func asyncAPI() object {
	s := newSchemas()
	goldens := readGoldens()
	var refs, made object
	for _, m := range messages() {
		refs = append(refs, member{m.Name, object{{"$ref", "#/components/messages/" + m.Name}}})
		made = append(made, member{m.Name, object{
			{"name", m.Name},
			{"summary", m.Doc},
			{"contentType", "application/json"},
			{"headers", m.fields()},
			{"payload", m.payload(s)},
			{"examples", []any{object{{"payload", m.example(goldens)}}}},
		}})
	}
	return object{
		{"asyncapi", "3.0.0"},
		{"info", object{{"title", "Tidings events"}, {"version", Version}, {"description", streamIntro}}},
		{"defaultContentType", "application/json"},
		{"channels", object{{"events", object{
			{"address", "/api/events"},
			{"title", "The stream of one user"},
			{"description", "The headers of a message are the other fields of its SSE frame; its payload is data."},
			{"messages", refs},
		}}}},
		{"operations", object{{"sendEvents", object{
			{"action", "send"},
			{"channel", object{{"$ref", "#/channels/events"}}},
			{"summary", "Follow what happens"},
			{"bindings", object{{"http", object{{"method", "GET"}, {"query", streamQuery()}, {"bindingVersion", "0.3.0"}}}}},
		}}}},
		{"components", object{{"messages", made}, {"schemas", s.components()}}},
	}
}

// streamQuery is the schema of what a stream can be asked for.
func streamQuery() object {
	var properties object
	for _, p := range stream.Parameters {
		properties = append(properties, member{p.Name, parameterSchema(p).with("description", p.Doc)})
	}
	return object{{"type", "object"}, {"properties", properties}}
}

// fields are those of the frame beside data: what EventSource calls type and
// lastEventId.
func (m message) fields() object {
	if m.own {
		return object{{"type", "object"}, {"properties", object{{"event", object{{"const", m.Name}}}}}, {"required", []any{"event"}}}
	}
	if m.Ephemeral {
		return object{{"type", "object"}, {"additionalProperties", false}}
	}
	return object{
		{"type", "object"},
		{"properties", object{{"id", object{{"type", "string"}, {"description", "a position for Last-Event-ID, opaque"}}}}},
		{"required", []any{"id"}},
	}
}

// payload is the schema of data.
func (m message) payload(s *schemas) object {
	data := s.of(reflect.TypeOf(m.Data))
	if m.own {
		return data
	}
	properties, required := object{
		{"userId", append(s.of(reflect.TypeFor[chat.UserID]()), member{"description", "whose stream this is"})},
		{"type", m.typeSchema()},
		{"data", data},
	}, []string{"userId", "type", "data"}
	if !m.Ephemeral {
		properties = append(properties, member{"eventId", object{{"type", "string"}, {"pattern", `^[cgu]:[^/]+/[0-9]+/[0-9]+$`}}})
		required = append(required, "eventId")
	}
	return object{{"type", "object"}, {"properties", properties}, {"required", required}}
}

func (m message) typeSchema() object {
	if m.custom {
		return object{{"type", "string"}, {"pattern", chat.EventTypePattern}, {"maxLength", chat.MaxEventType}}
	}
	return object{{"const", m.Name}}
}

// envelope is what all events of users share, in the order of the wire.
type envelope struct {
	UserID  chat.UserID     `json:"userId"`
	Type    string          `json:"type"`
	Data    json.RawMessage `json:"data"`
	EventID string          `json:"eventId,omitempty"`
}

// example is a payload: one of a golden file if there is one, else the type's own.
func (m message) example(goldens []envelope) json.RawMessage {
	if m.own {
		return jsonOf(m.Data)
	}
	if i := slices.IndexFunc(goldens, func(e envelope) bool { return e.Type == m.Name }); i >= 0 {
		return jsonOf(goldens[i])
	}
	e := envelope{UserID: 1, Type: m.Name, Data: jsonOf(m.Data)}
	if m.custom {
		e.Type = "order_shipped"
	}
	if !m.Ephemeral {
		e.EventID = "u:1/4/1"
	}
	return jsonOf(e)
}

// readGoldens reads the frames that the tests of internal/chat pin, in the order of
// the files' names: "alice c:1-2/17/3 conversation_update {…}".
func readGoldens() []envelope {
	files, err := filepath.Glob(filepath.Join(Root(), "internal/chat/testdata/event_*.txt"))
	if err != nil {
		panic(err) // a bad pattern
	}
	var out []envelope
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			panic(err)
		}
		for line := range strings.Lines(string(b)) {
			parts := strings.SplitN(strings.TrimSpace(line), " ", 4)
			if len(parts) != 4 {
				panic(fmt.Sprintf("apidoc: %s: %q", file, line))
			}
			out = append(out, envelope{UserID: goldenUser(parts[0]), Type: parts[2], Data: json.RawMessage(parts[3]), EventID: parts[1]})
		}
	}
	return out
}

// goldenUser is the id of a user of the golden files: alice is 1, bob 2, and so on.
func goldenUser(name string) chat.UserID { return chat.UserID(name[0]-'a') + 1 }
