package events

import (
	"errors"
	"fmt"

	"tidings/internal/chat"
)

// What is worth telling apart, with errors.Is.
var (
	ErrUserNotFound error = chat.ErrUserNotFound
	ErrTooLarge     error = chat.ErrEntryTooLarge
	ErrRateLimited  error = chat.RateLimited(0)
	ErrKeyUsed      error = chat.ErrIdempotencyMismatch // with another event
)

// Code is the stable code of a refusal, as in the problems of the REST API
// ("user_not_found", "validation_failed"); "" for any other error.
func Code(err error) string {
	if e, ok := errors.AsType[*chat.Error](err); ok {
		return e.Code
	}
	return ""
}

// Failures are the users whom an event did not reach, and why.
type Failures []Failure

// Failure is one of them.
type Failure struct {
	UserID int64
	Err    error
}

func (f Failures) Error() string {
	s := fmt.Sprintf("user %d: %v", f[0].UserID, f[0].Err)
	if len(f) > 1 {
		s += fmt.Sprintf(" (and %d more users)", len(f)-1)
	}
	return s
}

// Unwrap gives the errors of all.
func (f Failures) Unwrap() []error {
	errs := make([]error, len(f))
	for i, one := range f {
		errs[i] = one.Err
	}
	return errs
}
