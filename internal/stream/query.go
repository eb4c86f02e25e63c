package stream

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"tidings/internal/chat"
)

// Parameter is one of the query, as docs/openapi.yaml and docs/events.md show it.
type Parameter struct {
	Name, Type, Doc string
	Most            int  // the greatest number, from 1 on
	Repeated        bool // may stand several times
}

// Parameters are all that a stream can be asked for.
var Parameters = []Parameter{
	{Name: "lastEventId", Type: "string", Doc: "The position to resume from, for a new EventSource, which can't set headers. The header Last-Event-ID counts more."},
	{Name: "batch", Type: "integer", Most: int(maxBatch / time.Millisecond), Doc: "Milliseconds that an event may wait for others. What falls together comes as one frame, whose data is an array of events and whose id is the position behind all of them. The stream's own events come alone, and behind what waits."},
}

// readQuery reads what the query of a request asks of the stream. What is wrong with it
// is named all at once.
func readQuery(raw string) (Request, *chat.Error) {
	q := newQuery(raw, "batch")
	r := Request{Batch: q.batch()}
	if len(q.wrong) > 0 {
		return Request{}, chat.Invalid(q.wrong...)
	}
	return r, nil
}

// query is the parameters that a stream knows, and what is wrong with them.
type query struct {
	values map[string][]string
	wrong  []chat.FieldError
}

// newQuery reads the parameters with these names. Others are ignored, also unreadable
// ones.
func newQuery(raw string, names ...string) *query {
	q := &query{values: map[string][]string{}}
	for _, name := range names {
		q.values[name] = nil
	}
	for pair := range strings.SplitSeq(raw, "&") {
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(rawName)
		if _, ours := q.values[name]; err != nil || !ours {
			continue
		}
		value, err := url.QueryUnescape(rawValue)
		if err != nil {
			q.reject(name, "malformed", "This parameter is not percent-encoded.")
			continue
		}
		q.values[name] = append(q.values[name], value)
	}
	return q
}

func (q *query) reject(name, code, message string) {
	q.wrong = append(q.wrong, chat.Field(name, code, "%s", message))
}

// batch reads how long events may wait for others.
func (q *query) batch() time.Duration {
	given := q.values["batch"]
	switch {
	case len(given) == 0:
		return 0
	case len(given) > 1:
		q.reject("batch", "repeated", "This parameter may stand only once.")
		return 0
	}
	ms, err := strconv.Atoi(given[0])
	d := time.Duration(ms) * time.Millisecond
	if err != nil || d < minBatch || d > maxBatch || strconv.Itoa(ms) != given[0] {
		q.reject("batch", "out_of_range", "1 to "+strconv.FormatInt(maxBatch.Milliseconds(), 10)+" milliseconds.")
		return 0
	}
	return d
}
