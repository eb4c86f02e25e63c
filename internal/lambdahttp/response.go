package lambdahttp

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// MaxPayload is the largest event or response of a synchronous call in bytes of
// JSON (Lambda quotas: 6 MB each).
const MaxPayload = 6 << 20

// tooLarge answers instead of what Lambda would refuse to carry. No route of ours
// comes near; the gateway's own answer would not say what happened.
const tooLarge = `{"type":"/problems/response_too_large","title":"Internal Server Error","status":500,` +
	`"detail":"The answer is larger than the gateway can carry.","code":"response_too_large"}`

// recorder is a ResponseWriter that behaves like that of net/http as far as the
// client can see, but keeps everything until the handler is done.
type recorder struct {
	header http.Header
	sent   http.Header // as it was at WriteHeader; later changes don't count
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	informational := status >= 100 && status < 200
	if w.status != 0 || informational { // the gateway has no interim answers
		return
	}
	w.status, w.sent = status, w.header.Clone()
}

func (w *recorder) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if !bodyAllowed(w.status) {
		return 0, http.ErrBodyNotAllowed
	}
	return w.body.Write(b)
}

func bodyAllowed(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

func (w *recorder) response(method string) events.APIGatewayV2HTTPResponse {
	w.WriteHeader(http.StatusOK)
	body := w.body.Bytes()
	if _, set := w.sent["Content-Type"]; !set && len(body) > 0 {
		w.sent.Set("Content-Type", http.DetectContentType(body)) // as net/http does
	}
	if method == http.MethodHead {
		body = nil
	}
	out := events.APIGatewayV2HTTPResponse{StatusCode: w.status, Headers: map[string]string{}, Cookies: w.sent["Set-Cookie"]}
	for name, values := range w.sent {
		switch name {
		case "Set-Cookie": // has its own array: cookies can't be joined, their dates have commas
		case "Content-Length", "Connection", "Transfer-Encoding": // the gateway's to say
		default:
			out.Headers[name] = strings.Join(values, ", ")
		}
	}
	if utf8.Valid(body) {
		out.Body = string(body)
	} else {
		out.Body, out.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	if !fits(out) {
		return events.APIGatewayV2HTTPResponse{
			StatusCode: http.StatusInternalServerError,
			Headers:    map[string]string{"Content-Type": "application/problem+json", "Cache-Control": "no-store"},
			Body:       tooLarge,
		}
	}
	return out
}

// fits encodes the response only when it might be too large: JSON makes at most 6
// bytes of one, and headers are small.
func fits(r events.APIGatewayV2HTTPResponse) bool {
	if len(r.Body) < MaxPayload/8 {
		return true
	}
	b, err := json.Marshal(r)
	return err == nil && len(b) <= MaxPayload
}

// WriteResponse writes a function's response as the gateway would. Its error is
// that of a response which the gateway would answer 500; nothing is written then.
func WriteResponse(w http.ResponseWriter, r events.APIGatewayV2HTTPResponse) error {
	if r.StatusCode < 200 || r.StatusCode > 599 {
		return fmt.Errorf("write response: status %d", r.StatusCode)
	}
	body := []byte(r.Body)
	if r.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(r.Body); err != nil {
			return fmt.Errorf("write response: decode body: %w", err)
		}
	}
	for name, value := range r.Headers { // format 2.0 knows no multiValueHeaders
		w.Header().Set(name, value)
	}
	for _, c := range r.Cookies {
		w.Header().Add("Set-Cookie", c)
	}
	w.WriteHeader(r.StatusCode)
	if !bodyAllowed(r.StatusCode) {
		return nil
	}
	_, _ = w.Write(body) // a client that has gone is no fault of the function's
	return nil
}
