package app_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// Imports point one way: mains → app → {httpapi, relay, stream, dynamo, bus,
// session, lambdahttp} → {chat, telemetry}. For each package: what of this module it may import.
var arrows = map[string][]string{
	"tidings/internal/chat":       {},
	"tidings/internal/telemetry":  {},
	"tidings/internal/session":    {"tidings/internal/chat"},
	"tidings/internal/bus":        {"tidings/internal/chat", "tidings/internal/telemetry"},
	"tidings/internal/dynamo":     {"tidings/internal/chat", "tidings/internal/telemetry"},
	"tidings/internal/lambdahttp": {},
	"tidings/internal/httpapi":    {"tidings/internal/chat", "tidings/internal/session", "tidings/internal/telemetry"},
	"tidings/internal/ops":        {"tidings/internal/chat"},
	"tidings/internal/relay":      {"tidings/internal/chat", "tidings/internal/bus", "tidings/internal/telemetry"},
	"tidings/internal/stream":     {"tidings/internal/chat", "tidings/internal/bus", "tidings/internal/telemetry"},
	"tidings/internal/app":        {"tidings/internal/"},
	"tidings/internal/chattest":   {"tidings/internal/chat"},
	"tidings/internal/sim":        {"tidings/internal/", "tidings/local/aws"},
	"tidings/internal/apidoc":     {"tidings/internal/chat", "tidings/internal/httpapi", "tidings/internal/session", "tidings/internal/stream"},
	"tidings/events":              {"tidings/internal/chat", "tidings/internal/dynamo", "tidings/internal/bus"},
	"tidings/functions/":          {"tidings/internal/"},
	"tidings/streamer":            {"tidings/internal/"},
	"tidings/local/aws":           {"tidings/local/aws/"},
	"tidings/local":               {"tidings/internal/", "tidings/local/aws", "tidings/docs"},
	"tidings/docs":                {},
	"tidings/bench/":              {"tidings/internal/", "tidings/bench/backend", "tidings/local/aws"},
	"tidings/infra/":              {"tidings/internal/app"},
}

// Who else may import the SDK of a service: the one package that speaks to it.
var speakers = map[string][]string{
	"github.com/aws/aws-sdk-go-v2/service/dynamodb":        {"tidings/internal/dynamo"},
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams": {"tidings/internal/relay", "tidings/local"},
	"github.com/aws/aws-sdk-go-v2/service/sns":             {"tidings/internal/bus", "tidings/internal/app", "tidings/local", "tidings/events", "tidings/bench/backend"},
	"github.com/aws/aws-sdk-go-v2/service/sqs":             {"tidings/internal/bus", "tidings/internal/app", "tidings/local"},
	"go.opentelemetry.io/otel":                             {"tidings/internal/telemetry", "tidings/internal/app"},
	"go.opentelemetry.io/otel/trace":                       {"tidings/internal/telemetry"},
	"go.opentelemetry.io/otel/sdk/trace":                   {"tidings/internal/telemetry", "tidings/internal/app"},
}

func TestImports(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "tidings/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		may, known := allowed(p.ImportPath)
		if !known {
			t.Errorf("%s: say in arrows what it may import", p.ImportPath)
		}
		for _, i := range p.Imports {
			if strings.HasPrefix(i, "tidings/") && !matches(i, may) {
				t.Errorf("%s imports %s", p.ImportPath, i)
			}
			if p.ImportPath == "tidings/internal/chat" && strings.Contains(i, ".") {
				t.Errorf("the domain imports %s: the standard library only", i)
			}
			if may, ok := speakers[strings.TrimSuffix(i, "/types")]; ok && !matches(p.ImportPath, may) {
				t.Errorf("%s imports %s", p.ImportPath, i)
			}
		}
	}
}

// allowed finds the rule of a package: its own, or that of the nearest folder.
func allowed(pkg string) (may []string, known bool) {
	for p := pkg; p != "tidings"; p = p[:strings.LastIndexByte(p, '/')] {
		for _, k := range []string{p, p + "/"} {
			if may, ok := arrows[k]; ok {
				return may, true
			}
		}
	}
	return nil, false
}

// matches says whether pkg is one of the list, or lies in a folder that ends in a
// slash there.
func matches(pkg string, list []string) bool {
	for _, l := range list {
		if pkg == l || strings.HasSuffix(l, "/") && strings.HasPrefix(pkg, l) {
			return true
		}
	}
	return false
}
