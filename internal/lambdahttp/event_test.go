package lambdahttp

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func someRequest() *http.Request {
	r := httptest.NewRequest("POST", "/api/a%20b/%CE%BB?x=1&x=2&q=a+b%2Fc&flag", strings.NewReader(`{"content":"hi"}`))
	r.Host = "localhost:8080"
	r.RemoteAddr = "198.51.100.7:54321"
	r.Header = http.Header{
		"Content-Type":    {"application/json; charset=utf-8"},
		"Cookie":          {"tidings.session=abc; theme=dark", "third=3"},
		"Accept":          {"application/json", "text/plain;q=0.5"},
		"User-Agent":      {"curl/8.7.1"},
		"X-Forwarded-For": {"203.0.113.9"},
		"Connection":      {"keep-alive"},
		"X-Odd":           {"caf\xe9"},
	}
	return r
}

func TestNewEvent(t *testing.T) {
	e, err := newEvent(someRequest(), now)
	if err != nil {
		t.Fatal(err)
	}
	if e.RequestContext.RequestID == "" {
		t.Error("no request id")
	}
	e.RequestContext.RequestID = "drawn"
	b, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "event.golden", string(b)+"\n")
}

func TestNewEventBody(t *testing.T) {
	for name, c := range map[string]struct {
		contentType, body, want string
		base64                  bool
	}{
		"JSON":            {"application/json", `{"a":"ü"}`, `{"a":"ü"}`, false},
		"Text":            {"text/csv; charset=utf-8", "a,b", "a,b", false},
		"XML":             {"application/xml", "<a/>", "<a/>", false},
		"Form":            {"application/x-www-form-urlencoded", "a=b", "YT1i", true},
		"Problem":         {"application/problem+json", "{}", "e30=", true},
		"NoType":          {"", "a", "YQ==", true},
		"BadType":         {"text/", "a", "YQ==", true},
		"Binary":          {"application/octet-stream", "\x00\xff", "AP8=", true},
		"JSONInvalidUTF8": {"application/json", "\"\xff\"", "Iv8i", true},
		"Empty":           {"application/octet-stream", "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("POST", "/", strings.NewReader(c.body))
			r.Header.Set("Content-Type", c.contentType)
			e, err := NewEvent(r)
			if err != nil || e.Body != c.want || e.IsBase64Encoded != c.base64 {
				t.Errorf("body %q, base64 %v, err %v", e.Body, e.IsBase64Encoded, err)
			}
		})
	}
}

// A request that goes through an event and its JSON is the same request.
func FuzzRoundTrip(f *testing.F) {
	f.Add("GET", "/api/users", "query=al", "v", "a=b", "", []byte(nil))
	f.Add("POST", "/api/λ/a b/\x00", "x=1&x=2&q=a+b%2Fc&flag&;", "a, b,c", "a=b; c=d", "application/json", []byte(`{"a":"ü"}`))
	f.Add("PUT", "//a/../b?c#d", "%zz&=&&", " padded ", "a=b;;c", "text/plain", []byte{0xff, 0})
	f.Add("GET", "/", "", "", "\v0", "", []byte("0")) // no cookie's name, which TrimSpace would make one
	f.Fuzz(func(t *testing.T, method, path, query, value, cookie, contentType string, body []byte) {
		if !utf8.ValidString(strings.Join([]string{path, query, value, cookie, contentType, method}, " ")) || method == "" || !strings.HasPrefix(path, "/") {
			t.Skip("not what a server hands on")
		}
		if strings.Contains(path, "%") {
			t.Skip("the gateway decodes twice")
		}
		r := httptest.NewRequest("GET", "/", strings.NewReader(string(body)))
		r.Method, r.URL.Path, r.URL.RawQuery = method, path, query
		r.Header = http.Header{"X-Value": {value}, "Content-Type": {contentType}}
		if cookie != "" {
			r.Header.Set("Cookie", cookie)
		}
		e, err := newEvent(r, now)
		if err != nil {
			t.Fatal(err)
		}
		var in events.APIGatewayV2HTTPRequest
		if err := recode(e, &in); err != nil {
			t.Fatal(err)
		}
		got, err := newRequest(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]any{
			"method": r.Method, "path": r.URL.Path, "query": r.URL.RawQuery, "host": r.Host, "proto": r.Proto,
			"value": value, "type": contentType, "cookies": r.Cookies(), "body": string(body), "length": int64(len(body)),
		}
		gotBody, err := io.ReadAll(got.Body)
		if err != nil {
			t.Fatal(err)
		}
		have := map[string]any{
			"method": got.Method, "path": got.URL.Path, "query": got.URL.RawQuery, "host": got.Host, "proto": got.Proto,
			"value": got.Header.Get("X-Value"), "type": got.Header.Get("Content-Type"), "cookies": got.Cookies(),
			"body": string(gotBody), "length": got.ContentLength,
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("-sent +got:\n%s", diff)
		}
	})
}

func TestLocal(t *testing.T) {
	serve := func(fn Function, r *http.Request) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		Local(fn).ServeHTTP(w, r)
		return w
	}
	t.Run("OK", func(t *testing.T) {
		fn := func(_ context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
			return events.APIGatewayV2HTTPResponse{StatusCode: 201, Body: e.Body, Headers: map[string]string{"X-A": "1"}}, nil
		}
		w := serve(fn, someRequest())
		if w.Code != 201 || w.Body.String() != `{"content":"hi"}` || w.Header().Get("X-A") != "1" {
			t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
		}
	})
	t.Run("ErrFunctionFailed", func(t *testing.T) {
		w := serve(func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
			return events.APIGatewayV2HTTPResponse{}, errors.New("secret")
		}, someRequest())
		if w.Code != 500 || w.Body.String() != `{"message":"Internal Server Error"}` {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
	t.Run("ErrTooLarge", func(t *testing.T) {
		echo := func(_ context.Context, _ events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
			return events.APIGatewayV2HTTPResponse{StatusCode: 200}, nil
		}
		for _, size := range []int{MaxPayload, maxBody + 1} {
			r := httptest.NewRequest("POST", "/", strings.NewReader(strings.Repeat("x", size)))
			r.Header.Set("Content-Type", "text/plain")
			if w := serve(echo, r); w.Code != 413 {
				t.Errorf("%d bytes: status %d", size, w.Code)
			}
		}
	})
	// In the cloud nobody tells the function that the client has gone.
	t.Run("ClientGone", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		w := serve(func(ctx context.Context, _ events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
			return events.APIGatewayV2HTTPResponse{StatusCode: 204}, ctx.Err()
		}, someRequest().WithContext(ctx))
		if w.Code != 204 {
			t.Errorf("status %d", w.Code)
		}
	})
}
