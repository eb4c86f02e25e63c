package httpapi

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"tidings/internal/chat"
	"tidings/internal/session"
	"tidings/internal/telemetry"
)

// call is one request on its way through a route.
type call struct {
	w *statusWriter
	r *http.Request

	session     chat.Session     // of the user, unless the route is open or for services
	caller      string           // of a route for services: which
	body        []byte           // of a write
	idempotency chat.Idempotency // of a keyed route
	bad         []chat.FieldError
}

func (c *call) ctx() context.Context { return c.r.Context() }

func (c *call) user() chat.UserID { return c.session.User }

// wrap makes a handler of what returns an error: it answers the error, survives
// panics, sets the headers of every answer, and logs one line a request.
func (a *API) wrap(h func(*API, *call) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		id := requestID(r)
		ctx, cost := telemetry.Begin(r.Context(), id)
		ctx, span := telemetry.StartRequest(ctx, r)
		c := &call{w: &statusWriter{ResponseWriter: w}, r: r.WithContext(ctx)}
		header := w.Header()
		header.Set("X-Request-Id", id)
		header.Set("Cache-Control", "no-store") // answers are personal
		header.Set("X-Content-Type-Options", "nosniff")
		err := safely(func() error { return h(a, c) })
		if err != nil && c.w.status == 0 {
			problemOf(err).write(c.w)
		}
		took := time.Since(start)
		a.log(c, took, err)
		span.Answered(c.w.status)
		a.Metrics.Request(cost, r.Pattern, c.w.status, took)
	})
}

// safely turns a panic into an error that carries the stack.
func safely(f func() error) (err error) {
	defer func() {
		if v := recover(); v == http.ErrAbortHandler {
			panic(v)
		} else if v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return f()
}

// log says what was asked and how it went, never what was said. The path is left
// out for the route's pattern: ids are nobody's business in a log.
func (a *API) log(c *call, took time.Duration, err error) {
	level, attrs := slog.LevelInfo, []slog.Attr{
		slog.String("method", c.r.Method), slog.String("route", c.r.Pattern),
		slog.Int("status", c.w.status), slog.Float64("durationMs", float64(took.Microseconds())/1000),
	}
	if c.w.status >= 500 {
		level = slog.LevelError
		attrs = append(attrs, slog.Any("error", err))
	}
	a.Log.LogAttrs(c.ctx(), level, "request", attrs...)
}

// serve is a route's way before its handler: what costs nothing to refuse first.
func (rt Route) serve(a *API, c *call) error {
	write := rt.Writes()
	if write {
		if err := checkOrigin(c.r, a.AllowedOrigins); err != nil {
			return err
		}
		if rt.HasBody() {
			if err := checkContentType(c.r); err != nil {
				return err
			}
		}
	}
	if err := a.authenticate(rt, c); err != nil {
		return err
	}
	if write {
		var err error
		if c.body, err = readBody(c.r, rt.maxBody()); err != nil {
			return err
		}
	}
	if rt.Keyed() {
		c.readIdempotency()
	}
	return rt.handle(a, c)
}

func (a *API) authenticate(rt Route, c *call) (err error) {
	if rt.Keys {
		c.caller, err = session.Caller(c.r, a.APIKeys)
	}
	if rt.Keys || rt.Open {
		return err
	}
	s, err := a.Authenticator.Authenticate(c.r)
	if err == nil {
		c.session, err = a.Accounts.Session(c.ctx(), s)
	}
	if errors.Is(err, chat.ErrSessionEnded) && !session.HasBearer(c.r) {
		session.ClearCookie(c.w, c.r) // or the browser would send it until it expires
	}
	if err == nil && rt.Admin {
		err = a.authorize(c.user())
	}
	return err
}

// answer writes a JSON body.
func (c *call) answer(status int, body any) error {
	return writeJSON(c.w, status, "application/json", body)
}

// done answers without a body.
func (c *call) done(status int) error {
	c.w.WriteHeader(status)
	return nil
}

func writeJSON(w http.ResponseWriter, status int, contentType string, body any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // nosniff keeps JSON from being taken for a page
	if err := e.Encode(body); err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the client may have gone
	return nil
}

// requestID takes over the id of the gateway or the client, if it can stand in a
// log, so that a request has one name all along its way.
func requestID(r *http.Request) string {
	id := header(r, "X-Request-Id")
	odd := func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-_.=+/:", c)
	}
	if id == "" || len(id) > 128 || strings.ContainsFunc(id, odd) {
		return rand.Text()
	}
	return id
}

// header gives a header's values joined as API Gateway joins them, so that a
// repeated header is the same with and without it.
func header(r *http.Request, name string) string { return strings.Join(r.Header.Values(name), ",") }

// statusWriter remembers whether and how the request was answered.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}
