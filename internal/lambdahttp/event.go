package lambdahttp

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
)

// maxBody is API Gateway's quota of a request's payload in bytes.
const maxBody = 10 << 20

// hopByHop are the headers between client and gateway (RFC 9110 section 7.6.1).
var hopByHop = []string{"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

// NewEvent makes the event that API Gateway would send for a request, in stage
// $default. Bytes of paths and headers that aren't UTF-8 become U+FFFD: JSON has no
// place for them. A body above 10 MB is an *http.MaxBytesError.
func NewEvent(r *http.Request) (events.APIGatewayV2HTTPRequest, error) {
	return newEvent(r, time.Now())
}

func newEvent(r *http.Request, now time.Time) (events.APIGatewayV2HTTPRequest, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody)); err != nil {
			return events.APIGatewayV2HTTPRequest{}, fmt.Errorf("read body: %w", err)
		}
	}
	source, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		source = r.RemoteAddr
	}
	domain := r.Host
	if h, _, err := net.SplitHostPort(r.Host); err == nil {
		domain = h
	}
	prefix, _, _ := strings.Cut(domain, ".")
	path := valid(r.URL.Path)
	e := events.APIGatewayV2HTTPRequest{
		Version:               "2.0",
		RouteKey:              "$default",
		RawPath:               path,
		RawQueryString:        r.URL.RawQuery,
		Cookies:               cookies(r),
		Headers:               headers(r, source, len(body)),
		QueryStringParameters: parameters(r),
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey: "$default", AccountID: "000000000000", Stage: "$default", APIID: "local",
			RequestID: rand.Text(), DomainName: domain, DomainPrefix: prefix,
			Time: now.UTC().Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: now.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method: r.Method, Path: path, Protocol: r.Proto, SourceIP: source, UserAgent: valid(r.UserAgent()),
			},
		},
	}
	if isText(r.Header.Get("Content-Type")) && utf8.Valid(body) || len(body) == 0 {
		e.Body = string(body)
	} else {
		e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return e, nil
}

// isText says whether the gateway delivers a body of this type as text.
func isText(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	switch media {
	case "application/json", "application/xml", "application/javascript":
		return true
	}
	return strings.HasPrefix(media, "text/")
}

func headers(r *http.Request, source string, length int) map[string]string {
	h := make(map[string]string, len(r.Header)+5)
	for name, values := range r.Header {
		if name != "Cookie" && !slices.Contains(hopByHop, name) {
			h[strings.ToLower(name)] = valid(strings.Join(values, ","))
		}
	}
	proto, port := "http", "80"
	if r.TLS != nil {
		proto, port = "https", "443"
	}
	if _, p, err := net.SplitHostPort(r.Host); err == nil {
		port = p
	}
	if before := h["x-forwarded-for"]; before != "" {
		source = before + ", " + source
	}
	h["host"] = r.Host
	h["content-length"] = strconv.Itoa(length)
	h["x-forwarded-for"], h["x-forwarded-port"], h["x-forwarded-proto"] = source, port, proto
	return h
}

func cookies(r *http.Request) []string {
	var out []string
	for _, line := range r.Header.Values("Cookie") {
		for c := range strings.SplitSeq(line, ";") {
			if c = textproto.TrimString(c); c != "" { // of what net/http would take away, too
				out = append(out, valid(c))
			}
		}
	}
	return out
}

func parameters(r *http.Request) map[string]string {
	query := r.URL.Query()
	if len(query) == 0 {
		return nil
	}
	out := make(map[string]string, len(query))
	for name, values := range query {
		out[name] = strings.Join(values, ",")
	}
	return out
}

// valid puts U+FFFD for each byte that isn't UTF-8, as encoding JSON would.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}
