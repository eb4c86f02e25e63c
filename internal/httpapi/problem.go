package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"tidings/internal/chat"
)

// problem is an error as clients see it: RFC 9457 with the API's own members code
// and errors.
type problem struct {
	Type   string            `json:"type"` // a relative reference, stable per code
	Title  string            `json:"title"`
	Status int               `json:"status"`
	Detail string            `json:"detail,omitempty"`
	Code   string            `json:"code"`
	Errors []chat.FieldError `json:"errors,omitempty"`

	header map[string]string
}

func (p *problem) Error() string { return p.Code }

// The refusals that belong to HTTP and not to the domain.
var (
	errNotFound    = newProblem(http.StatusNotFound, "not_found", "There is nothing at this path.")
	errCrossOrigin = newProblem(http.StatusForbidden, "cross_origin", "Another site may not do this.")
	errNotJSON     = newProblem(http.StatusUnsupportedMediaType, "unsupported_media_type", "Content-Type must be application/json.")
	errInvalidUTF8 = newProblem(http.StatusBadRequest, "invalid_utf8", "The body is not UTF-8, or escapes half a surrogate pair.")
	errIncomplete  = newProblem(http.StatusBadRequest, "incomplete_body", "The body ended early.")
	errInternal    = newProblem(http.StatusInternalServerError, "internal", "Something went wrong on our side.")
)

func bodyTooLarge(most int) *problem {
	return newProblem(http.StatusRequestEntityTooLarge, "body_too_large", "The body has more than "+strconv.Itoa(most)+" bytes.")
}

func malformedJSON(detail string) *problem {
	return newProblem(http.StatusBadRequest, "malformed_json", detail)
}

func methodNotAllowed(allow string) *problem {
	p := newProblem(http.StatusMethodNotAllowed, "method_not_allowed", "Allowed here: "+allow+".")
	p.header = map[string]string{"Allow": allow}
	return p
}

func newProblem(status int, code, detail string) *problem {
	return &problem{Type: "/problems/" + code, Title: http.StatusText(status), Status: status, Detail: detail, Code: code}
}

// problemOf finds what to tell the client. An error that isn't made for clients
// becomes one that tells nothing.
func problemOf(err error) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	if e, ok := errors.AsType[*chat.Error](err); ok {
		return problemOfDomain(e)
	}
	// The function's time is over, or the client has gone and reads no answer.
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return problemOfDomain(chat.Overloaded(time.Second))
	}
	return errInternal
}

func problemOfDomain(e *chat.Error) *problem {
	status, known := statuses[e.Kind]
	if !known {
		return errInternal
	}
	p := newProblem(status, e.Code, e.Message)
	p.Errors = e.Fields
	switch e.Kind {
	case chat.KindUnauthenticated:
		p.header = map[string]string{"WWW-Authenticate": "Bearer"} // RFC 9110 section 11.6.1 wants one
	case chat.KindTooFast, chat.KindUnavailable:
		seconds := max(1, (e.RetryAfter+time.Second-1)/time.Second)
		p.header = map[string]string{"Retry-After": strconv.FormatInt(int64(seconds), 10)}
	}
	return p
}

var statuses = map[chat.ErrorKind]int{
	chat.KindInvalid:         http.StatusUnprocessableEntity,
	chat.KindMalformed:       http.StatusBadRequest,
	chat.KindUnauthenticated: http.StatusUnauthorized,
	chat.KindForbidden:       http.StatusForbidden,
	chat.KindNotFound:        http.StatusNotFound,
	chat.KindConflict:        http.StatusConflict,
	chat.KindTooLarge:        http.StatusRequestEntityTooLarge,
	chat.KindTooFast:         http.StatusTooManyRequests,
	chat.KindUnavailable:     http.StatusServiceUnavailable,
}

func (p *problem) write(w http.ResponseWriter) {
	for name, value := range p.header {
		w.Header().Set(name, value)
	}
	_ = writeJSON(w, p.Status, "application/problem+json", p) // strings and numbers: can't fail
}
