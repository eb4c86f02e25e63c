package lambdahttp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// answers are what handlers may do with a ResponseWriter; each must look the same
// to a client with and without the gateway.
var answers = map[string]http.HandlerFunc{
	"json": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Expires", "Fri, 02 Jan 2026 03:04:05 GMT")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"a":"<Grüße & "}`)
	},
	"cookies": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Set-Cookie", "a=b; Expires=Fri, 02 Jan 2026 03:04:05 GMT; HttpOnly")
		w.Header().Add("Set-Cookie", "c=d; Path=/")
		w.WriteHeader(http.StatusNoContent)
	},
	"repeated": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Vary", "Origin")
		w.Header().Add("Vary", "Accept")
		w.WriteHeader(http.StatusAccepted)
	},
	"binary": func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte{0, 1, 0xfe, 0xff})
	},
	"sniffed": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>hello") },
	"nothing": func(http.ResponseWriter, *http.Request) {},
	"late-header": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Early", "1")
		w.WriteHeader(http.StatusTeapot)
		w.Header().Set("X-Late", "1")
		w.Header().Set("X-Early", "2")
		w.WriteHeader(http.StatusOK)
		fmt.Fprint(w, "short and stout")
	},
	"interim": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusNotFound)
	},
	"no-body-status": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotModified)
		if _, err := w.Write([]byte("x")); !errors.Is(err, http.ErrBodyNotAllowed) {
			panic(err)
		}
	},
}

func TestHandlerResponse(t *testing.T) {
	for name, h := range answers {
		t.Run(name, func(t *testing.T) {
			resp, err := Handler(h)(t.Context(), mustEvent(t, "bare.json"))
			if err != nil {
				t.Fatal(err)
			}
			b, err := json.MarshalIndent(resp, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".response.golden", string(b)+"\n")
		})
	}
}

// Through the gateway or not: the client can't tell.
func TestLocalEqualsPlain(t *testing.T) {
	for name, h := range answers {
		for _, method := range []string{"GET", "HEAD", "POST"} {
			t.Run(name+"/"+method, func(t *testing.T) {
				plain, local := mustServe(t, h, method), mustServe(t, Local(Handler(h)), method)
				if plain != local {
					t.Errorf("plain:\n%s\nlocal:\n%s", plain, local)
				}
			})
		}
	}
}

func mustServe(t *testing.T, h http.Handler, method string) string {
	t.Helper()
	srv := httptest.NewServer(h)
	defer srv.Close()
	req, err := http.NewRequest(method, srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for _, own := range []string{"Date", "Content-Length"} { // the server's, not the handler's
		resp.Header.Del(own)
	}
	if v := resp.Header.Values("Vary"); len(v) > 0 {
		resp.Header.Set("Vary", strings.Join(v, ", ")) // one meaning, two spellings
	}
	var b bytes.Buffer
	fmt.Fprintln(&b, resp.StatusCode)
	_ = resp.Header.Write(&b)
	_, _ = b.ReadFrom(resp.Body)
	return b.String()
}

func TestHandlerErrResponseTooLarge(t *testing.T) {
	serve := func(body string) events.APIGatewayV2HTTPResponse {
		resp, err := Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, body)
		}))(t.Context(), mustEvent(t, "bare.json"))
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	if r := serve(strings.Repeat("x", 5<<20)); r.StatusCode != 200 || len(r.Body) != 5<<20 {
		t.Errorf("5 MiB of text: status %d, %d bytes", r.StatusCode, len(r.Body))
	}
	// The limit is one of the JSON, in which these take six bytes each.
	if r := serve(strings.Repeat("\x01", 2<<20)); r.StatusCode != 500 || !strings.Contains(r.Body, "response_too_large") {
		t.Errorf("12 MiB of JSON: status %d", r.StatusCode)
	}
	if r := serve(strings.Repeat("x", MaxPayload)); r.StatusCode != 500 {
		t.Errorf("6 MiB of text: status %d", r.StatusCode)
	}
}

func TestWriteResponse(t *testing.T) {
	t.Run("ErrBadStatus", func(t *testing.T) {
		for _, status := range []int{0, 99, 101, 600} {
			if err := WriteResponse(httptest.NewRecorder(), events.APIGatewayV2HTTPResponse{StatusCode: status}); err == nil {
				t.Errorf("status %d is accepted", status)
			}
		}
	})
	t.Run("ErrBadBase64", func(t *testing.T) {
		w := httptest.NewRecorder()
		err := WriteResponse(w, events.APIGatewayV2HTTPResponse{StatusCode: 200, Body: "!", IsBase64Encoded: true})
		if err == nil || w.Body.Len() > 0 {
			t.Errorf("err %v, body %q", err, w.Body)
		}
	})
}
