package sns

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Attribute is a message attribute: String, String.Array, Number or Binary.
type Attribute struct {
	DataType    string
	StringValue string
	BinaryValue []byte
}

var (
	attributeName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,256}$`)
	number        = regexp.MustCompile(`^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$`)
)

// parseAttributes reads and checks the message attributes below prefix.
func parseAttributes(form url.Values, prefix string) (map[string]Attribute, error) {
	out := map[string]Attribute{}
	for _, p := range members(form, prefix, "Name") {
		name := form.Get(p + ".Name")
		if _, twice := out[name]; twice {
			return nil, errAttribute("Message (user) attribute name '" + name + "' can not be repeated.")
		}
		a := Attribute{DataType: form.Get(p + ".Value.DataType"), StringValue: form.Get(p + ".Value.StringValue")}
		if b := form.Get(p + ".Value.BinaryValue"); b != "" {
			raw, err := base64.StdEncoding.DecodeString(b)
			if err != nil {
				return nil, errAttribute("The message attribute '" + name + "' has a value that is not valid base64.")
			}
			a.BinaryValue = raw
		}
		if err := a.validate(name); err != nil {
			return nil, err
		}
		out[name] = a
	}
	return out, nil
}

func (a Attribute) validate(name string) error {
	lower := strings.ToLower(name)
	if !attributeName.MatchString(name) || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Contains(name, "..") ||
		strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") {
		return errAttribute("The message attribute name '" + name + "' is invalid.")
	}
	switch a.DataType {
	case "":
		return errAttribute("The message attribute '" + name + "' must contain non-empty message attribute type.")
	case "String", "String.Array", "Number":
		if a.StringValue == "" || a.BinaryValue != nil {
			return errAttribute("The message attribute '" + name + "' must contain non-empty message attribute value for message attribute type '" + a.DataType + "'.")
		}
	case "Binary":
		if len(a.BinaryValue) == 0 {
			return errAttribute("The message attribute '" + name + "' must contain non-empty message attribute value for message attribute type 'Binary'.")
		}
	default:
		return errAttribute("The message attribute '" + name + "' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.")
	}
	if a.DataType == "Number" && !number.MatchString(a.StringValue) {
		return errAttribute("Could not cast message attribute '" + name + "' value to number.")
	}
	if a.DataType == "String.Array" {
		if _, err := a.array(); err != nil {
			return errAttribute("The message attribute '" + name + "' must be a JSON array of strings, numbers, true, false or null for message attribute type 'String.Array'.")
		}
	}
	return nil
}

// array parses a String.Array.
func (a Attribute) array() ([]any, error) {
	var list []any
	if err := json.Unmarshal([]byte(a.StringValue), &list); err != nil {
		return nil, err
	}
	if list == nil { // null
		return nil, strconv.ErrSyntax
	}
	for _, e := range list {
		switch e.(type) {
		case map[string]any, []any:
			return nil, strconv.ErrSyntax
		}
	}
	return list, nil
}

// filterable gives the attributes the form in which policies see them. Those of type
// Binary are ignored, as on AWS.
func filterable(attributes map[string]Attribute) map[string]any {
	out := make(map[string]any, len(attributes))
	for name, a := range attributes {
		switch a.DataType {
		case "String":
			out[name] = a.StringValue
		case "Number":
			out[name] = json.Number(a.StringValue)
		case "String.Array":
			list, _ := a.array() // checked when it was published
			out[name] = list
		}
	}
	return out
}

// size counts attributes against the limit of a message, in bytes.
func size(body string, attributes map[string]Attribute) int {
	n := len(body)
	for name, a := range attributes {
		n += len(name) + len(a.DataType) + len(a.StringValue) + len(a.BinaryValue)
	}
	return n
}

// describe is the form that attributes have in an envelope.
func describe(attributes map[string]Attribute) map[string]envelopeAttribute {
	out := map[string]envelopeAttribute{}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		value := a.StringValue
		if a.DataType == "Binary" {
			value = base64.StdEncoding.EncodeToString(a.BinaryValue)
		}
		out[name] = envelopeAttribute{Type: a.DataType, Value: value}
	}
	return out
}
