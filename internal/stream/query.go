package stream

import (
	"fmt"
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
	{Name: "types", Type: "string", Repeated: true, Doc: "Types of events, separated by commas, at most 20: nothing else is sent. A position belongs to its selection; with another one the stream says reset."},
	{Name: "conversationId", Type: "string", Repeated: true, Doc: "Only what happens in these conversations and group chats, at most 50. One that isn't the user's stays silent until it is."},
	{Name: "groupChatId", Type: "string", Repeated: true, Doc: "As conversationId. With types, both must fit."},
}

// readQuery reads what the query of a request asks of the stream. What is wrong with it
// is named all at once.
func readQuery(raw string) (Request, *chat.Error) {
	if raw == "" { // as nearly always
		return Request{}, nil
	}
	q := newQuery(raw)
	r := Request{Batch: q.batch(), selection: q.selection()}
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

// newQuery reads the parameters. Others are ignored, also unreadable ones.
func newQuery(raw string) *query {
	q := &query{values: map[string][]string{}}
	for _, p := range Parameters {
		q.values[p.Name] = nil
	}
	for pair := range strings.SplitSeq(raw, "&") {
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(rawName)
		if _, ours := q.values[name]; err != nil || !ours {
			continue
		}
		value, err := url.QueryUnescape(rawValue)
		if err != nil && name != "lastEventId" { // what is no position is told by a reset
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

// selection reads what the stream is narrowed to.
func (q *query) selection() *selection {
	var types []string
	for _, list := range q.values["types"] {
		for t := range strings.SplitSeq(list, ",") {
			if !isType(t) {
				q.reject("types", "event_type", "Types of events, separated by commas.")
				return nil
			}
			types = append(types, t)
		}
	}
	var logs []chat.LogID
	for _, id := range q.values["conversationId"] {
		if _, _, ok := chat.ParseConversationID(id); !ok {
			q.reject("conversationId", "conversation_id", "The id of a conversation.")
			return nil
		}
		logs = append(logs, chat.ConversationLog(id))
	}
	for _, id := range q.values["groupChatId"] {
		log, err := chat.GroupOf(id)
		if err != nil {
			q.reject("groupChatId", "group_chat_id", "The id of a group chat.")
			return nil
		}
		logs = append(logs, log)
	}
	s := newSelection(types, logs)
	if s != nil && len(s.types) > maxTypes {
		q.reject("types", "too_many", fmt.Sprintf("At most %d types.", maxTypes))
	}
	if s != nil && len(s.logs) > maxLogs {
		q.reject("conversationId", "too_many", fmt.Sprintf("At most %d conversations and group chats.", maxLogs))
	}
	return s
}

// isType says whether s can be the type of an event.
func isType(s string) bool {
	if s == "" || len(s) > maxTypeBytes {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' || s[i] == '"' || s[i] == ':' {
			return false
		}
	}
	return true
}
