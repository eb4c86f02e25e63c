package lambdahttp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// integrationTime is how long an HTTP API waits for a function at most.
const integrationTime = 30 * time.Second

// errTooLarge is a request that Lambda would not take.
var errTooLarge = errors.New("event is larger than a call of a function can be")

// errUnreadable is a request whose body can't be read to its end.
var errUnreadable = errors.New("request can't be read")

// Local serves a function in this process as API Gateway would: each request
// becomes the JSON of an event, and the JSON of the response is written back.
func Local(fn Function) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		response, err := call(fn, r)
		if err == nil {
			err = WriteResponse(w, response)
		}
		var tooLarge *http.MaxBytesError
		switch {
		case err == nil:
		case errors.Is(err, errUnreadable):
			refuse(w, http.StatusBadRequest, "Bad Request") // cut short, or its chunks are malformed
		case errors.As(err, &tooLarge) || errors.Is(err, errTooLarge):
			refuse(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		default:
			slog.ErrorContext(r.Context(), "call function", "method", r.Method, "error", err)
			refuse(w, http.StatusInternalServerError, "Internal Server Error")
		}
	})
}

// call sends a request through both JSON forms. The function runs on when the
// client goes away, as it does in the cloud: between commit and publish nothing
// may depend on the client's patience.
func call(fn Function, r *http.Request) (events.APIGatewayV2HTTPResponse, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), integrationTime)
	defer cancel()
	var out events.APIGatewayV2HTTPResponse
	event, err := NewEvent(r)
	var tooLarge *http.MaxBytesError
	if err != nil && !errors.As(err, &tooLarge) {
		return out, fmt.Errorf("%w: %w", errUnreadable, err)
	} else if err != nil {
		return out, err
	}
	var in events.APIGatewayV2HTTPRequest
	if err := recode(event, &in); err != nil {
		return out, fmt.Errorf("encode event: %w", err)
	}
	response, err := fn(ctx, in)
	if err != nil {
		return out, err
	}
	if err := recode(response, &out); errors.Is(err, errTooLarge) {
		return out, errors.New("response is larger than Lambda carries")
	} else if err != nil {
		return out, fmt.Errorf("encode response: %w", err)
	}
	return out, nil
}

func recode(from, to any) error {
	b, err := json.Marshal(from)
	if err != nil {
		return err
	}
	if len(b) > MaxPayload {
		return errTooLarge
	}
	return json.Unmarshal(b, to)
}

// refuse answers in the gateway's own form.
func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"message":%q}`, message)
}
