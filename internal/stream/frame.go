package stream

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"tidings/internal/chat"
)

// Frame is one SSE event on its way to one stream. Head and Tail are shared by
// all recipients and must not be changed; what differs stands between them.
type Frame struct {
	Head []byte
	User []byte // the recipient's user id in decimal
	Tail []byte
	ID   []byte // the "id:" line with the stream's cursor, if the frame tells it; the hub uses its memory again
}

// Len is the frame's size in bytes.
func (f Frame) Len() int { return len(f.ID) + len(f.Head) + len(f.User) + len(f.Tail) }

// AppendTo writes the frame behind b. The id comes last: by the standard it counts
// when its block is whole, but not all clients wait for that.
func (f Frame) AppendTo(b []byte) []byte {
	b = append(b, f.Head...)
	b = append(b, f.User...)
	b = append(b, f.Tail...)
	if len(f.ID) == 0 {
		return b
	}
	b = append(b[:len(b)-1], f.ID...) // before the empty line
	return append(b, '\n')
}

// eventHead begins the data of every event; the recipient's user id follows.
var eventHead = []byte(`data: {"userId":`)

// part is one event of an entry, encoded once for all its recipients.
type part struct {
	n      uint8 // chat.Event.Part
	typ    string
	to     chat.Audience
	tail   []byte
	of     *entry // nil: ephemeral
	packed []packed
}

// json is the tail as far as it is JSON: without what ends the frame.
func (p *part) json() []byte { return p.tail[:len(p.tail)-len(frameEnd)] }

const frameEnd = "\n\n"

// encodeEphemeral makes an event that no entry tells.
func encodeEphemeral(ev chat.Event) part {
	return part{typ: ev.Type, to: ev.To, tail: appendTail(nil, ev, nil)}
}

// appendTail writes what follows the user id behind b. Without an entry there is no
// event id.
func appendTail(b []byte, ev chat.Event, e *entry) []byte {
	b = append(b, `,"type":`...)
	b = chat.AppendString(b, ev.Type)
	b = append(b, `,"data":`...)
	from := len(b)
	b = ev.AppendData(b)
	oneLine(b[from:])
	if e != nil {
		b = append(b, `,"eventId":"`...)
		b = chat.AppendEventID(b, e.Log, e.Seq, ev.Part)
		b = append(b, '"')
	}
	return append(b, "}"+frameEnd...)
}

// encodeEntry makes the events of an entry. Their tails are one piece of memory.
func (h *Hub) encodeEntry(e *entry) ([]part, error) {
	evs, err := e.Events()
	if err != nil || len(evs) == 0 {
		return nil, err
	}
	b, parts := h.scratch.text[:0], make([]part, len(evs))
	for i, ev := range evs {
		from := len(b)
		b = appendTail(b, ev, e)
		parts[i] = part{n: uint8(ev.Part), typ: ev.Type, to: ev.To, of: e, tail: b[from:]}
	}
	h.scratch.text = b
	b = bytes.Clone(b)
	for i := range parts {
		n := len(parts[i].tail)
		parts[i].tail, b = b[:n:n], b[n:]
	}
	return parts, nil
}

// oneLine takes the line breaks out of JSON: between its tokens they mean nothing, and
// within strings they can't stand. One would end the SSE data line.
func oneLine(data []byte) {
	if bytes.IndexByte(data, '\n') < 0 && bytes.IndexByte(data, '\r') < 0 {
		return
	}
	for i, c := range data {
		if c == '\n' || c == '\r' {
			data[i] = ' '
		}
	}
}

// control makes a frame of the stream's own: no user, no id.
func control(event string, data any) Frame {
	d, err := json.Marshal(data)
	if err != nil {
		panic(err) // small structs of our own
	}
	b := make([]byte, 0, len("event: \ndata: ")+len(event)+len(d)+len(frameEnd))
	b = append(append(b, "event: "...), event...)
	b = append(append(b, "\ndata: "...), d...)
	return Frame{Head: append(b, frameEnd...)}
}

// The data of the stream's own events.
type (
	readyData struct {
		ConnectionID string `json:"connectionId"`
		Resumed      bool   `json:"resumed"` // whether the position that the client gave was taken up
	}
	heartbeatData struct {
		TS int64 `json:"ts"` // Unix ms
	}
	reconnectData struct {
		DelayMS int64 `json:"delayMs"`
	}
	resetData struct {
		Reason string `json:"reason"`
	}
	revokedData struct {
		Reason string `json:"reason"`
	}
)

func heartbeatFrame(now time.Time) Frame {
	return control("heartbeat", heartbeatData{TS: now.UnixMilli()})
}

// reconnectFrame tells the delay twice: for a client library, and for a browser's
// EventSource that has none.
func reconnectFrame(delay time.Duration) Frame {
	f := control("reconnect", reconnectData{DelayMS: delay.Milliseconds()})
	return Frame{Head: append(retryLine(delay), f.Head...)}
}

func revokedFrame(reason string) Frame {
	return control("revoked", revokedData{Reason: reason})
}

// retryLine tells the browser's EventSource how long to wait before it connects
// again. Browsers add no jitter of their own.
func retryLine(d time.Duration) []byte {
	return append(strconv.AppendInt([]byte("retry: "), d.Milliseconds(), 10), '\n')
}
