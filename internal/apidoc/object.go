package apidoc

import (
	"bytes"
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// object is a JSON object whose members keep their order, so that a document reads
// in the order in which it was thought.
type object []member

type member struct {
	name  string
	value any
}

// with adds a member, unless its value is a zero one that says nothing.
func (o object) with(name string, value any) object {
	switch v := value.(type) {
	case nil:
		return o
	case string:
		if v == "" {
			return o
		}
	case object:
		if len(v) == 0 {
			return o
		}
	case []any:
		if len(v) == 0 {
			return o
		}
	case []string:
		if len(v) == 0 {
			return o
		}
	}
	return append(o, member{name, value})
}

// get gives a member's value, nil if there is none.
func (o object) get(name string) any {
	for _, m := range o {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// MarshalJSON implements json.Marshaler.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// yamlOf writes a document. JSON is YAML in flow style, so it is read as that and
// written in block style.
func yamlOf(o object) []byte {
	var n yaml.Node
	if err := yaml.Unmarshal(jsonOf(o), &n); err != nil {
		panic(err) // JSON is YAML
	}
	plain(&n)
	var b bytes.Buffer
	b.WriteString("# Made from the code: make docs\n")
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(&n); err != nil {
		panic(err) // it was just read
	}
	return b.Bytes()
}

// plain takes JSON's braces and quotes away wherever YAML can do without.
func plain(n *yaml.Node) {
	n.Style = 0
	if n.Kind == yaml.SequenceNode && len(n.Content) > 0 && n.Content[0].Kind == yaml.ScalarNode {
		n.Style = yaml.FlowStyle // short lists of words on one line
	}
	for _, c := range n.Content {
		plain(c)
	}
}

func jsonOf(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings, numbers and what was read from JSON
	}
	return b
}
