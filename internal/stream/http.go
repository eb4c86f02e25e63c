package stream

import (
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"tidings/internal/chat"
)

// Handler serves GET /api/events.
type Handler struct {
	Hub *Hub
	// Authenticate says whose request it is; a *chat.Error of
	// chat.KindUnauthenticated answers 401. The hub reads the session again.
	Authenticate func(*http.Request) (chat.Session, error)
	Log          *slog.Logger

	poller poller // of the sockets that were taken over
}

// ServeHTTP implements http.Handler. On Linux it takes a connection of HTTP/1 over and
// returns; else it returns when the stream has ended.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	request, ok := h.admissible(w, r)
	if !ok {
		return
	}
	position := request.LastEventID
	first := append(append(retryLine(between(nil, retryFrom, retryTo)), echoLine(position)...), '\n')
	if !h.Hub.cfg.NoCompression && acceptsGzip(r.Header.Values("Accept-Encoding")) {
		request.gzip = &gzipped{}
		first = request.gzip.begin(first)
	}
	sock := h.newSocket(w, r)
	s, err := h.Hub.Open(r.Context(), request, sock)
	switch {
	case errors.Is(err, ErrClosed): // another instance takes it
		h.turnAway(w, position, reconnectFrom, reconnectTo)
		return
	case err != nil:
		h.turnAway(w, position, fullFrom, fullTo)
		return
	}
	if err := h.awaitVerdict(r, s); err != nil {
		s.Closed()
		problem(w, http.StatusUnauthorized, chat.ErrSessionEnded.Code, chat.ErrSessionEnded.Message)
		return
	}
	setHeader(w.Header())
	if request.gzip != nil {
		w.Header().Set("Content-Encoding", "gzip")
	}
	if err := sock.serve(w, r, s, first); err != nil {
		h.Log.ErrorContext(r.Context(), "serve stream", "error", err)
	}
}

// admissible reads what is asked for. It answers a request that can't become a stream.
func (h *Handler) admissible(w http.ResponseWriter, r *http.Request) (Request, bool) {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		problem(w, http.StatusMethodNotAllowed, "method_not_allowed", "The stream is read with GET.")
		return Request{}, false
	}
	if !acceptsEvents(r.Header.Values("Accept")) {
		problem(w, http.StatusNotAcceptable, "not_acceptable", "The stream is text/event-stream.")
		return Request{}, false
	}
	if r.ContentLength != 0 { // net/http would read it to its end before it sends anything
		w.Header().Set("Connection", "close")
		problem(w, http.StatusBadRequest, "unexpected_body", "The stream takes no body.")
		return Request{}, false
	}
	session, err := h.Authenticate(r)
	var refused *chat.Error
	switch {
	case errors.As(err, &refused) && refused.Kind == chat.KindUnauthenticated:
		problem(w, http.StatusUnauthorized, refused.Code, refused.Message)
		return Request{}, false
	case err != nil: // not the client's fault; an error status would end its EventSource for good
		h.Log.ErrorContext(r.Context(), "authenticate stream", "error", err)
		h.turnAway(w, lastEventID(r), fullFrom, fullTo)
		return Request{}, false
	}
	request, wrong := readQuery(r.URL.RawQuery)
	if wrong != nil { // the mistake of who wrote the client: it may end an EventSource
		problem(w, http.StatusUnprocessableEntity, wrong.Code, wrong.Message, wrong.Fields...)
		return Request{}, false
	}
	request.Session, request.LastEventID = session, lastEventID(r)
	return request, true
}

// verdictWait is how long a stream's header may wait for the table to be read. It
// takes milliseconds; when the table is slow the client still hears something soon.
const verdictWait = 2 * time.Second

// awaitVerdict waits until the stream is ready: an error when its session has ended.
// A revoked session must be answered 401, or the browser's EventSource would
// come back for ever. A verdict that comes later is told by the revoked event.
func (h *Handler) awaitVerdict(r *http.Request, s *Stream) error {
	late := time.NewTimer(verdictWait)
	defer late.Stop()
	select {
	case err := <-s.verdict:
		return err
	case <-late.C:
	case <-r.Context().Done():
	case <-h.Hub.Done():
	}
	return nil
}

// setHeader sets the header of a stream.
func setHeader(h http.Header) {
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("Vary", "Accept-Encoding")
	h.Set("X-Accel-Buffering", "no")
}

// turnAway answers a client that can't be served now so that it comes back later:
// any status but 200 would end its EventSource for good.
func (h *Handler) turnAway(w http.ResponseWriter, position string, from, to time.Duration) {
	setHeader(w.Header())
	f := reconnectFrame(between(nil, from, to))
	f.ID = echoLine(position)
	_, _ = w.Write(f.AppendTo(nil)) // a client that is gone needs no answer
}

// echoLine gives the client the position again that it brought. By the letter of the
// HTML standard (9.2.6) the last event ID buffer is empty at the start of a response, so
// the first block without an id would take the position from a client that is cut
// before it gets a new one. Browsers are kinder, not all libraries are. What is no
// position of ours stays none, so that the client is told by a reset.
func echoLine(position string) []byte {
	switch {
	case position == "":
		return nil
	case len(position) > maxCursor || strings.Trim(position, cursorAlphabet) != "":
		position = "0"
	}
	return []byte("id: " + position + "\n")
}

// cursorAlphabet is that of base64url.
const cursorAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// lastEventID is the position that the client brings: in the header, which a
// browser's EventSource sends when it reconnects by itself, or in the query, for a
// new EventSource, which can't set headers. The header is the newer one.
func lastEventID(r *http.Request) string {
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		return id
	}
	return r.URL.Query().Get("lastEventId")
}

// problem answers with RFC 9457.
func problem(w http.ResponseWriter, status int, code, detail string, fields ...chat.FieldError) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer") // RFC 9110 section 11.6.1 wants one
	}
	w.WriteHeader(status)
	b, err := json.Marshal(struct {
		Type   string            `json:"type"`
		Title  string            `json:"title"`
		Status int               `json:"status"`
		Detail string            `json:"detail"`
		Code   string            `json:"code"`
		Errors []chat.FieldError `json:"errors,omitempty"`
	}{"/problems/" + code, http.StatusText(status), status, detail, code, fields})
	if err != nil {
		panic(err) // strings and a number
	}
	_, _ = w.Write(b) // a client that is gone needs no answer
}

// between draws a duration, so that clients who do the same don't do it together.
// r may be nil.
func between(r *rand.Rand, from, to time.Duration) time.Duration {
	if r == nil {
		return from + rand.N(to-from)
	}
	return from + time.Duration(r.Int64N(int64(to-from)))
}
