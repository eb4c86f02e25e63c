// Package wire holds what the JSON services of the embedded AWS share: the error
// of the AWS JSON 1.0 protocol and the way answers are written.
package wire

import (
	"crypto/rand"
	"encoding/json"
	"hash/crc32"
	"net/http"
	"strconv"
)

// ContentType is that of the AWS JSON 1.0 protocol, spoken by DynamoDB, its
// Streams and SQS.
const ContentType = "application/x-amz-json-1.0"

// Error is a refusal as AWS words it. Code is the short name of the exception,
// such as "ValidationException"; Fields are further members of the answer, such
// as CancellationReasons.
type Error struct {
	Status  int // HTTP status, 400 unless set
	Code    string
	Message string
	Fields  map[string]any
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Errorf is the usual refusal: status 400.
func Errorf(code, message string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: code, Message: message}
}

// WriteJSON answers with v. The checksum is what DynamoDB sends and the SDK verifies.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // answers are made of maps, strings and numbers
	}
	WriteBody(w, status, body)
}

// WriteBody answers with JSON that is already encoded.
func WriteBody(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", ContentType)
	h.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	h.Set("X-Amzn-Requestid", RequestID())
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that is gone needs no answer
}

// WriteError answers with e. The namespace qualifies the code in __type, for
// example "com.amazonaws.dynamodb.v20120810".
func WriteError(w http.ResponseWriter, namespace string, e *Error) {
	status := e.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	body := map[string]any{"__type": namespace + "#" + e.Code, "message": e.Message}
	for k, v := range e.Fields {
		body[k] = v
	}
	WriteJSON(w, status, body)
}

// RequestID returns a fresh id for an answer's headers.
func RequestID() string { return rand.Text() }
