package secrets

import (
	"encoding/base64"
	"regexp"
	"strings"
	"time"

	"tidings/local/aws/wire"
)

// maxName is AWS's limit of a parameter's name, in characters.
const maxName = 1011

// maxParameter is the size of an advanced parameter's value on AWS, in bytes.
const maxParameter = 8 << 10

var parameterName = regexp.MustCompile(`^[A-Za-z0-9_./-]+$`)

type parameter struct {
	Type     string
	Value    string
	Version  int
	Modified time.Time
}

type putParameterInput struct {
	Name, Type, Value string
	Overwrite         bool
}

func (s *Service) putParameter(in putParameterInput) (any, error) {
	have, exists := s.parameters[in.Name]
	if in.Type == "" {
		in.Type = have.Type // AWS: may be left out when overwriting
	}
	switch {
	case len(in.Name) > maxName || !parameterName.MatchString(in.Name):
		return nil, errInvalid("Parameter name: can't be prefixed with \"ssm\" (case-insensitive) and only consist of letters, digits and the symbols .-_/")
	case in.Value == "" || len(in.Value) > maxParameter:
		return nil, errInvalid("Value of a parameter must have 1 to 8192 bytes.")
	case in.Type != "String" && in.Type != "StringList" && in.Type != "SecureString":
		return nil, errInvalid("A parameter type is required when you create a parameter: String, StringList or SecureString.")
	case exists && !in.Overwrite:
		return nil, wire.Errorf("ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
	}
	p := parameter{Type: in.Type, Value: in.Value, Version: have.Version + 1, Modified: s.opts.Now()}
	if err := s.keep(record{Kind: "parameter", Name: in.Name, Parameter: &p}); err != nil {
		return nil, err
	}
	return struct {
		Version int
		Tier    string
	}{p.Version, "Standard"}, nil
}

type parameterOutput struct {
	ARN, Name, Type, Value, DataType string
	Version                          int
	LastModifiedDate                 float64
}

func (s *Service) parameterPrefix() string {
	return "arn:aws:ssm:" + s.opts.Region + ":" + s.opts.Account + ":parameter"
}

// find looks a parameter up by name or ARN. A SecureString that is read without
// decryption is unreadable, as on AWS.
func (s *Service) find(id string, decrypt bool) (parameterOutput, bool) {
	name := arnName(id, s.parameterPrefix())
	p, ok := s.parameters[name]
	if !ok {
		p, ok = s.parameters[strings.TrimPrefix(name, "/")] // the ARN of a name without a slash
		name = strings.TrimPrefix(name, "/")
	}
	if !ok {
		return parameterOutput{}, false
	}
	out := parameterOutput{
		ARN: s.parameterPrefix() + "/" + strings.TrimPrefix(name, "/"), Name: name, Type: p.Type, Value: p.Value,
		DataType: "text", Version: p.Version, LastModifiedDate: seconds(p.Modified),
	}
	if p.Type == "SecureString" && !decrypt {
		out.Value = base64.StdEncoding.EncodeToString([]byte("not decrypted: " + p.Value))
	}
	return out, true
}

type getParameterInput struct {
	Name           string
	Names          []string
	WithDecryption bool
}

func (s *Service) getParameter(in getParameterInput) (any, error) {
	p, ok := s.find(in.Name, in.WithDecryption)
	if !ok {
		return nil, wire.Errorf("ParameterNotFound", "")
	}
	return struct{ Parameter parameterOutput }{p}, nil
}

func (s *Service) getParameters(in getParameterInput) (any, error) {
	if len(in.Names) < 1 || len(in.Names) > 10 {
		return nil, errInvalid("1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length between 1 and 10")
	}
	out := struct {
		Parameters        []parameterOutput
		InvalidParameters []string
	}{[]parameterOutput{}, []string{}}
	for _, name := range in.Names {
		if p, ok := s.find(name, in.WithDecryption); ok {
			out.Parameters = append(out.Parameters, p)
		} else {
			out.InvalidParameters = append(out.InvalidParameters, name)
		}
	}
	return out, nil
}

func (s *Service) deleteParameter(in getParameterInput) (any, error) {
	if _, ok := s.parameters[in.Name]; !ok {
		return nil, wire.Errorf("ParameterNotFound", "")
	}
	return nothing{}, s.keep(record{Kind: "parameter", Name: in.Name})
}
