package aws

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
)

// Config returns the configuration of SDK clients that talk to this server without a
// port: dynamodb.NewFromConfig(s.Config()).
func (s *Server) Config() awssdk.Config {
	return awssdk.Config{
		Region: s.opts.Region,
		Credentials: awssdk.CredentialsProviderFunc(func(context.Context) (awssdk.Credentials, error) {
			return awssdk.Credentials{AccessKeyID: "local", SecretAccessKey: "local", Source: "embedded AWS"}, nil
		}),
		HTTPClient:   s.Client(),
		BaseEndpoint: awssdk.String("http://aws.local"),
	}
}

// Client returns an HTTP client that calls the handler directly, whatever the host. A
// request runs on the caller's goroutine, so nothing is left behind after it, and ends
// at once with the context's error when that is done. A request whose context ended
// after its answer was complete returns that answer: a message that was handed over is
// never lost in between.
func (s *Server) Client() *http.Client { return &http.Client{Transport: transport{s}} }

type transport struct{ s *Server }

func (t transport) RoundTrip(r *http.Request) (_ *http.Response, err error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	ctx := r.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	in := r.WithContext(ctx)
	in.RequestURI = r.URL.RequestURI()
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := &recorder{ctx: ctx, header: http.Header{}}
	if err := serve(t.s, w, in); err != nil {
		return nil, err
	}
	if w.refused || w.status == 0 && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return w.response(r), nil
}

// serve runs the handler and turns an aborted answer into the error that a client sees
// when its connection is cut.
func serve(h http.Handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		switch p := recover(); {
		case p == nil:
		case isAbort(p):
			err = io.ErrUnexpectedEOF
		default:
			panic(p)
		}
	}()
	h.ServeHTTP(w, r)
	return nil
}

func isAbort(p any) bool {
	err, ok := p.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}

// recorder keeps an answer in memory. It takes none once its context is done, and says
// so to the handler: that is how an abandoned poll notices.
type recorder struct {
	ctx     context.Context // nil: takes every answer
	header  http.Header
	status  int
	body    bytes.Buffer
	refused bool
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *recorder) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.ctx != nil && w.body.Len() == 0 && w.ctx.Err() != nil {
		w.refused = true
		return 0, w.ctx.Err()
	}
	return w.body.Write(b)
}

func (w *recorder) response(r *http.Request) *http.Response {
	w.WriteHeader(http.StatusOK)
	return &http.Response{
		Status: strconv.Itoa(w.status) + " " + http.StatusText(w.status), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(bytes.NewReader(w.body.Bytes())), ContentLength: int64(w.body.Len()), Request: r,
	}
}

// sendTo passes the answer on.
func (w *recorder) sendTo(to http.ResponseWriter) {
	for name, values := range w.header {
		to.Header()[name] = values
	}
	to.WriteHeader(w.status)
	_, _ = to.Write(w.body.Bytes()) // a client that is gone needs no answer
}
