package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tidings/internal/lambdahttp"
)

// runtimeAPI is Lambda's, as a function's process sees it: one event, and then none.
type runtimeAPI struct {
	url      string
	answered chan string // the response
}

func mustServeRuntime(t *testing.T, event []byte) *runtimeAPI {
	t.Helper()
	api := &runtimeAPI{answered: make(chan string, 1)}
	ctx, stop := context.WithCancel(context.Background())
	events := make(chan []byte, 1)
	events <- event
	const invocation = "/2018-06-01/runtime/invocation/"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case invocation + "next":
			select {
			case e := <-events:
				w.Header().Set("Lambda-Runtime-Aws-Request-Id", "lambda-1")
				w.Header().Set("Lambda-Runtime-Deadline-Ms", "9999999999999")
				_, _ = w.Write(e)
			case <-ctx.Done():
			}
		case invocation + "lambda-1/response":
			b, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			w.WriteHeader(http.StatusAccepted)
			api.answered <- string(b)
		default:
			t.Errorf("the function asks for %s", r.URL.Path)
		}
	}))
	t.Cleanup(func() { stop(); srv.Close() })
	api.url = strings.TrimPrefix(srv.URL, "http://")
	return api
}

var functionAnswered = regexp.MustCompile(`"msg":"request"`)

// A function's own executable, called as Lambda does it: when it answers, its log has a
// line that names the call, its metrics are on stdout, and its spans are sent.
func TestFunctionProcess(t *testing.T) {
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	spans := mustCollect(t)
	data := t.TempDir()
	sys := mustStart(t, func(c *Config) { c.Data = data })
	alice, bob := newPerson(t, sys.URL, "alice"), newPerson(t, sys.URL, "bob")
	id := alice.open(bob)
	key, err := os.ReadFile(filepath.Join(data, "session.key"))
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/api/conversations/"+id+"/messages", strings.NewReader(`{"content":"hello"}`))
	for name, value := range map[string]string{
		"Authorization": "Bearer " + alice.token, "Content-Type": "application/json", "X-Request-Id": "r-1",
		"traceparent": "00-" + trace + "-00f067aa0ba902b7-01",
	} {
		r.Header.Set(name, value)
	}
	e, err := lambdahttp.NewEvent(r)
	if err != nil {
		t.Fatal(err)
	}
	event, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	api := mustServeRuntime(t, event)
	p, _ := mustExecute(t, functionAnswered, mustBuild(t, "tidings/functions/conversations"),
		"AWS_LAMBDA_RUNTIME_API="+api.url, "AWS_LAMBDA_FUNCTION_NAME=conversations", "METRICS_STAGE=test",
		"TABLE_NAME=tidings", "TOPIC_ARN=arn:aws:sns:us-east-1:000000000000:tidings", "SESSION_KEYS="+strings.TrimSpace(string(key)),
		"AWS_ENDPOINT_URL="+sys.AWSURL, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x",
		"OTEL_EXPORTER_OTLP_ENDPOINT="+spans.url, "OTEL_BSP_SCHEDULE_DELAY=60000")
	select {
	case answer := <-api.answered:
		if !strings.Contains(answer, `"statusCode":201`) {
			t.Errorf("answered %s", answer)
		}
	case <-time.After(patience):
		t.Fatal("no answer")
	}
	if got := spans.of(trace); len(got) != 3 || got[0].service != "tidings-functions" {
		t.Errorf("sent %+v", got)
	}
	for _, want := range []string{
		`"requestId":"r-1","lambdaRequestId":"lambda-1","traceId":"` + trace, `"_aws":{"Timestamp":`, `"Namespace":"Tidings"`, `"Stage":"test"`,
		`"AppendAttempts":1`, `"Route":"POST /api/conversations/{id}/messages"`,
	} {
		if !eventually(patience, func() bool { return strings.Contains(p.out.String(), want) }) { // its last lines may be on their way
			t.Errorf("nothing of %s in %s", want, p.out)
		}
	}
}
