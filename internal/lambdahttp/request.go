package lambdahttp

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// Function is a Lambda function behind an HTTP API.
type Function = func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error)

// answerTime is kept back of the function's time, so that a request that takes
// too long is still answered as the API answers, not by a bare 500 of the gateway.
const answerTime = 500 * time.Millisecond

// Handler makes a function of a handler. The function fails only for events that
// are not of payload format 2.0.
func Handler(h http.Handler) Function {
	return func(ctx context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		if deadline, ok := ctx.Deadline(); ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, deadline.Add(-answerTime))
			defer cancel()
		}
		r, err := newRequest(ctx, e)
		if err != nil {
			return events.APIGatewayV2HTTPResponse{}, fmt.Errorf("read event: %w", err)
		}
		w := &recorder{header: http.Header{}}
		h.ServeHTTP(w, r)
		return w.response(r.Method), nil
	}
}

// newRequest is the request as a server would have read it from the wire.
func newRequest(ctx context.Context, e events.APIGatewayV2HTTPRequest) (*http.Request, error) {
	about := e.RequestContext.HTTP
	if about.Method == "" {
		return nil, fmt.Errorf("no method: payload format %q, want 2.0", e.Version)
	}
	body := []byte(e.Body)
	if e.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(e.Body); err != nil {
			return nil, fmt.Errorf("decode body: %w", err)
		}
	}
	r := &http.Request{
		Method:        about.Method,
		URL:           &url.URL{Path: path(e), RawQuery: e.RawQueryString},
		Header:        header(e),
		Body:          http.NoBody,
		ContentLength: int64(len(body)),
		Host:          e.RequestContext.DomainName,
		RemoteAddr:    net.JoinHostPort(about.SourceIP, "0"), // the port is not told
	}
	r.RequestURI = r.URL.RequestURI()
	var ok bool
	if r.ProtoMajor, r.ProtoMinor, ok = http.ParseHTTPVersion(about.Protocol); ok {
		r.Proto = about.Protocol
	} else {
		r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1
	}
	if len(body) > 0 {
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host // with the port, which the domain name lacks
		r.Header.Del("Host")
	}
	return r.WithContext(ctx), nil
}

// path is the decoded path without the stage. A stage must not be named like the
// first segment of a route: behind a custom domain its name is not in the path,
// and the two could not be told apart.
func path(e events.APIGatewayV2HTTPRequest) string {
	p := e.RawPath
	if stage := e.RequestContext.Stage; stage != "" && stage != "$default" {
		if rest, ok := strings.CutPrefix(p, "/"+stage); ok && (rest == "" || rest[0] == '/') {
			p = rest
		}
	}
	// API Gateway has decoded it, emulators often have not. An escape that is still
	// there is decoded, as the gateway's second decoding would have done.
	if decoded, err := url.PathUnescape(p); err == nil {
		p = decoded
	}
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	return p
}

func header(e events.APIGatewayV2HTTPRequest) http.Header {
	h := make(http.Header, len(e.Headers)+2)
	for name, value := range e.Headers {
		h.Add(name, value)
	}
	// Names that differ in case only can't come from the gateway; if they come, the
	// map's order must not decide.
	for _, values := range h {
		slices.Sort(values)
	}
	if len(e.Cookies) > 0 {
		h.Set("Cookie", strings.Join(e.Cookies, "; "))
	}
	if h.Get("X-Request-Id") == "" && e.RequestContext.RequestID != "" {
		h.Set("X-Request-Id", e.RequestContext.RequestID) // the one in the gateway's access log
	}
	return h
}
