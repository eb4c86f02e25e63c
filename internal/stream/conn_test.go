package stream

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"tidings/internal/chat"
)

// event is one frame as a client reads it.
type event struct {
	Event   string          `json:"-"`
	UserID  chat.UserID     `json:"userId"`
	Type    string          `json:"type"`
	Data    json.RawMessage `json:"data"`
	EventID string          `json:"eventId"`
}

// fakeConn is a client's end. While it is slow nothing leaves it.
type fakeConn struct {
	stream *Stream
	user   chat.UserID
	gzip   bool

	mu      sync.Mutex
	raw     []byte
	pending int
	sent    uint64
	slow    bool
	full    bool
	closed  bool
}

func (c *fakeConn) Write(f Frame) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		panic("written to after Close")
	}
	c.raw = f.AppendTo(c.raw)
	if !c.slow {
		c.sent += uint64(f.Len())
		return 0
	}
	c.pending += f.Len()
	c.full = c.full || c.pending >= PendingHigh
	return c.pending
}

func (c *fakeConn) Flush() {}

func (c *fakeConn) Progress() (int, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pending, c.sent
}

func (c *fakeConn) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
}

func (c *fakeConn) setSlow(slow bool) {
	c.mu.Lock()
	c.slow = slow
	if !slow {
		c.sent += uint64(c.pending)
		c.pending = 0
	}
	c.mu.Unlock()
	if !slow {
		c.takes(0)
	}
}

// takes lets n bytes leave.
func (c *fakeConn) takes(n int) {
	c.mu.Lock()
	n = min(n, c.pending)
	c.pending -= n
	c.sent += uint64(n)
	tell := c.full && c.pending <= PendingLow
	c.full = c.full && !tell
	c.mu.Unlock()
	if tell {
		c.stream.Writable()
	}
}

func (c *fakeConn) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// text is all that was written so far.
func (c *fakeConn) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gzip {
		return gunzip(c.raw)
	}
	return string(c.raw)
}

// gunzip is the text of a compressed stream so far.
func gunzip(raw []byte) string {
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		panic(err)
	}
	text, err := io.ReadAll(z)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) { // it goes on
		panic(err)
	}
	return string(text)
}

// events are all frames so far, read as an EventSource does.
func (c *fakeConn) events() []event { return parseEvents(c.text()) }

// lastID is the id of the last whole block that has one.
func lastID(raw string) (id string) {
	for block := range strings.SplitSeq(raw[:strings.LastIndex("\n\n"+raw, "\n\n")], "\n\n") {
		for line := range strings.SplitSeq(block, "\n") {
			if after, ok := strings.CutPrefix(line, "id: "); ok {
				id = after
			}
		}
	}
	return id
}

func parseEvents(raw string) []event {
	var out []event
	for block := range strings.SplitSeq(raw, "\n\n") {
		name, data := "message", ""
		for line := range strings.SplitSeq(block, "\n") {
			field, value, _ := strings.Cut(line, ": ")
			switch field {
			case "event":
				name = value
			case "data":
				data += value
			}
		}
		switch {
		case data == "":
			continue
		case name != "message":
			out = append(out, event{Event: name, Data: json.RawMessage(data)})
			continue
		case data[0] != '[':
			data = "[" + data + "]"
		}
		var events []event
		if err := json.Unmarshal([]byte(data), &events); err != nil {
			panic(fmt.Sprintf("frame %q: %v", block, err))
		}
		for _, e := range events {
			e.Event = name
			out = append(out, e)
		}
	}
	return out
}

// ids are the event ids of the durable events.
func (c *fakeConn) ids() []string { return idsOf(c.text()) }

func idsOf(raw string) []string {
	var out []string
	for _, e := range parseEvents(raw) {
		if e.EventID != "" {
			out = append(out, e.EventID)
		}
	}
	return out
}

// seqs are the entries that came, by log, one for each run of an entry's frames.
func (c *fakeConn) seqs() map[chat.LogID][]int64 { return seqsOf(c.text()) }

func seqsOf(raw string) map[chat.LogID][]int64 {
	out := map[chat.LogID][]int64{}
	part := map[chat.LogID]int{}
	for _, id := range idsOf(raw) {
		f := strings.Split(id, "/")
		log := chat.LogID(f[0])
		seq, errS := strconv.ParseInt(f[1], 10, 64)
		p, errP := strconv.Atoi(f[2])
		if errS != nil || errP != nil {
			panic(id)
		}
		if got := out[log]; len(got) == 0 || got[len(got)-1] != seq || p <= part[log] {
			out[log] = append(got, seq)
		}
		part[log] = p
	}
	return out
}

// named are the data of the control events with that name.
func (c *fakeConn) named(name string) []string {
	var out []string
	for _, e := range c.events() {
		if e.Event == name {
			out = append(out, string(e.Data))
		}
	}
	return out
}
