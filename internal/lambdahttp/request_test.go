package lambdahttp

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

func mustEvent(t testing.TB, file string) events.APIGatewayV2HTTPRequest {
	t.Helper()
	b, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// mustDump tells all that a handler can see of a request.
func mustDump(t testing.TB, r *http.Request) string {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s (%d.%d)\n", r.Method, r.RequestURI, r.Proto, r.ProtoMajor, r.ProtoMinor)
	fmt.Fprintf(&b, "path %q\nquery %v\nhost %q\nremote %q\n", r.URL.Path, r.URL.Query(), r.Host, r.RemoteAddr)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		fmt.Fprintf(&b, "header %s %q\n", name, r.Header[name])
	}
	for _, c := range r.Cookies() {
		fmt.Fprintf(&b, "cookie %s\n", c)
	}
	fmt.Fprintf(&b, "length %d\nbody %q\n", r.ContentLength, body)
	return b.String()
}

// What handlers see of recorded events.
func TestHandlerRequest(t *testing.T) {
	for _, name := range []string{"post", "named-stage", "binary", "bare"} {
		t.Run(name, func(t *testing.T) {
			var got string
			fn := Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = mustDump(t, r) }))
			if _, err := fn(t.Context(), mustEvent(t, name+".json")); err != nil {
				t.Fatal(err)
			}
			golden(t, name+".request.golden", got)
		})
	}
}

func TestHandlerPath(t *testing.T) {
	for name, c := range map[string]struct{ stage, rawPath, want, escaped string }{
		"Default":           {"$default", "/api/users/1", "/api/users/1", "/api/users/1"},
		"NamedStage":        {"prod", "/prod/api/users/1", "/api/users/1", "/api/users/1"},
		"NamedStageRoot":    {"prod", "/prod", "/", "/"},
		"NamedStageDomain":  {"prod", "/api/users/1", "/api/users/1", "/api/users/1"}, // a custom domain leaves it out
		"StageIsNoPrefix":   {"prod", "/production/api", "/production/api", "/production/api"},
		"DefaultInPath":     {"$default", "/$default/api", "/$default/api", "/$default/api"},
		"Decoded":           {"$default", "/a/b c/λ?x#y", "/a/b c/λ?x#y", "/a/b%20c/%CE%BB%3Fx%23y"},
		"DecodedNUL":        {"$default", "/a/\x00", "/a/\x00", "/a/%00"},
		"StillEncoded":      {"$default", "/a/1%2F2/%CE%BB", "/a/1/2/λ", "/a/1/2/%CE%BB"},
		"NoEscape":          {"$default", "/a/100%", "/a/100%", "/a/100%25"},
		"Empty":             {"$default", "", "/", "/"},
		"NoSlash":           {"$default", "api", "/api", "/api"},
		"DoubleSlash":       {"$default", "//evil.example/api", "//evil.example/api", "//evil.example/api"},
		"QueryInPathIsPath": {"$default", "/a?b=c", "/a?b=c", "/a%3Fb=c"},
	} {
		t.Run(name, func(t *testing.T) {
			e := mustEvent(t, "bare.json")
			e.RequestContext.Stage, e.RawPath = c.stage, c.rawPath
			r, err := newRequest(t.Context(), e)
			if err != nil {
				t.Fatal(err)
			}
			if r.URL.Path != c.want || r.URL.EscapedPath() != c.escaped || r.URL.RawQuery != "" {
				t.Errorf("path %q, escaped %q, query %q", r.URL.Path, r.URL.EscapedPath(), r.URL.RawQuery)
			}
		})
	}
}

func TestHandlerErrBadEvent(t *testing.T) {
	fn := Handler(http.NotFoundHandler())
	format1 := events.APIGatewayV2HTTPRequest{Version: "1.0"}
	if _, err := fn(t.Context(), format1); err == nil {
		t.Error("an event of another format is accepted")
	}
	e := mustEvent(t, "binary.json")
	e.Body = "not base64!"
	if _, err := fn(t.Context(), e); err == nil {
		t.Error("a broken body is accepted")
	}
}

// A handler's time ends before the function's, so that it can still answer.
func TestHandlerDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		fn := Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			w.WriteHeader(http.StatusServiceUnavailable)
		}))
		resp, err := fn(ctx, mustEvent(t, "bare.json"))
		if err != nil || resp.StatusCode != http.StatusServiceUnavailable || ctx.Err() != nil {
			t.Errorf("status %d, err %v, function's own time over: %v", resp.StatusCode, err, ctx.Err())
		}
	})
}
