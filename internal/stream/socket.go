package stream

import (
	"net/http"
	"time"
)

// socket is a Conn that a handler serves. There are two: lean, which on Linux takes
// the connection over from net/http, and portable.
type socket interface {
	Conn
	// serve sends the response header that stands in w, first, and then what the hub
	// writes. It returns an error when it can't. In any case it sees to it that
	// Stream.Closed is called, maybe long after it returned.
	serve(w http.ResponseWriter, r *http.Request, s *Stream, first []byte) error
}

// closeTimeout is how long a stream that has ended may take to send what is pending.
const closeTimeout = 5 * time.Second
