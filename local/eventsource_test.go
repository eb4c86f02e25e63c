package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// eventSource is the EventSource of the HTML standard (sections 9.2.2 to 9.2.6), written
// from it alone: it knows nothing of this project.
type eventSource struct {
	// Constant.
	url    string
	header http.Header // that a browser adds: the cookie
	client *http.Client
	// literal takes the standard by its words: the last event ID buffer is empty at the
	// start of each response, so that the first block without an id: clears the position.
	// Browsers begin with the position that they have.
	literal  bool
	opened   func(lastEventID string) // a response has begun; what was sent to get it
	dispatch func(sourceEvent)

	// Owned by run.
	lastEventID string
	retry       time.Duration
}

// sourceEvent is what a listener gets.
type sourceEvent struct {
	Type, Data, LastEventID string
}

const firstRetry = time.Second // the standard: "probably in the region of a few seconds"

// run reads the stream, connecting again and again, until ctx ends or the server says
// by its answer that it shouldn't: then it gives an error.
func (es *eventSource) run(ctx context.Context) error {
	es.retry = firstRetry
	for ctx.Err() == nil {
		if err := es.connect(ctx); err != nil {
			return err
		}
		again := time.NewTimer(es.retry)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
		}
	}
	return nil
}

// connect makes one connection and reads it to its end. A network error is none.
func (es *eventSource) connect(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, es.url, nil)
	if err != nil {
		return err
	}
	r.Header = es.header.Clone()
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Cache-Control", "no-store")
	if es.lastEventID != "" {
		r.Header.Set("Last-Event-ID", es.lastEventID)
	}
	resp, err := es.client.Do(r)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	if typ, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); resp.StatusCode != http.StatusOK || err != nil || typ != "text/event-stream" {
		b, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
		return fmt.Errorf("answered %d %q: %s", resp.StatusCode, resp.Header.Get("Content-Type"), b)
	}
	if es.opened != nil {
		es.opened(es.lastEventID)
	}
	es.interpret(resp.Body)
	return nil
}

// interpret reads a response's body. A block without its empty line does not count.
func (es *eventSource) interpret(body io.Reader) {
	in := bufio.NewReader(body)
	if bom, err := in.Peek(3); err == nil && bytes.Equal(bom, []byte("\xef\xbb\xbf")) {
		_, _ = in.Discard(3)
	}
	var data, typ, id string // the three buffers
	if !es.literal {
		id = es.lastEventID
	}
	var line []byte
	afterCR := false
	for {
		b, err := in.ReadByte()
		if err != nil {
			return
		}
		if afterCR = afterCR && b == '\n'; afterCR { // of a CRLF
			afterCR = false
			continue
		}
		if b != '\n' && b != '\r' {
			line = append(line, b)
			continue
		}
		afterCR = b == '\r'
		field, value, _ := strings.Cut(strings.ToValidUTF8(string(line), "\ufffd"), ":") // a comment's field is empty
		value = strings.TrimPrefix(value, " ")
		switch {
		case len(line) == 0:
			es.lastEventID = id
			if data != "" {
				if typ == "" {
					typ = "message"
				}
				es.dispatch(sourceEvent{Type: typ, Data: strings.TrimSuffix(data, "\n"), LastEventID: id})
			}
			data, typ = "", ""
		case field == "event":
			typ = value
		case field == "data":
			data += value + "\n"
		case field == "id" && !strings.Contains(value, "\x00"):
			id = value
		case field == "retry" && value != "" && strings.Trim(value, "0123456789") == "":
			if d, err := time.ParseDuration(value + "ms"); err == nil {
				es.retry = d
			}
		}
		line = line[:0]
	}
}

// The examples of the standard, and its edges.
func TestEventSourceParses(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       []sourceEvent
		position   string // "old" before
		literal    string // the same, with an empty buffer at first
	}{
		{"Lines", "data: YHOO\ndata: +2\ndata: 10\n\n", []sourceEvent{{"message", "YHOO\n+2\n10", "old"}}, "old", ""},
		{"Comment", ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n", []sourceEvent{{"message", "first event", "1"}, {"message", "second event", ""}, {"message", " third event", ""}}, "", ""},
		{"EmptyData", "data\n\ndata\ndata\n\ndata:", []sourceEvent{{"message", "", "old"}, {"message", "\n", "old"}}, "old", ""},
		{"Types", "event: add\ndata: 1\n\ndata: 2\n\nevent: x\n\ndata: 3\n\n", []sourceEvent{{"add", "1", "old"}, {"message", "2", "old"}, {"message", "3", "old"}}, "old", ""},
		{"CutBlock", "id: 1\ndata: whole\n\nid: 2\ndata: cut\n", []sourceEvent{{"message", "whole", "1"}}, "1", "1"},
		{"IDAlone", "id: 7\n\ndata: x\n\n", []sourceEvent{{"message", "x", "7"}}, "7", "7"},
		{"IDWithNUL", "id: 1\x002\ndata: x\n\n", []sourceEvent{{"message", "x", "old"}}, "old", ""},
		{"CR", "id: 1\rdata: a\r\rdata: b\r\r", []sourceEvent{{"message", "a", "1"}, {"message", "b", "1"}}, "1", "1"},
		{"CRLF", "\xef\xbb\xbfid: 1\r\ndata: a\r\n\r\ndata: b\r\n\r\n", []sourceEvent{{"message", "a", "1"}, {"message", "b", "1"}}, "1", "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, literal := range []bool{false, true} {
				var got []sourceEvent
				es := &eventSource{lastEventID: "old", literal: literal, dispatch: func(e sourceEvent) { got = append(got, e) }}
				es.interpret(strings.NewReader(c.body))
				want, position := slices.Clone(c.want), c.position
				if literal {
					position = c.literal
					for i := range want {
						want[i].LastEventID = strings.TrimPrefix(want[i].LastEventID, "old")
					}
				}
				if !slices.Equal(got, want) || es.lastEventID != position {
					t.Errorf("literal %v: %q, position %q\nwant %q, position %q", literal, got, es.lastEventID, want, position)
				}
			}
		})
	}
}

// A stream that ends is opened again after the time that it named, from where it was;
// an answer that isn't a stream ends it for good.
func TestEventSourceReconnects(t *testing.T) {
	type answer struct {
		status    int
		typ, body string
	}
	for name, last := range map[string]answer{
		"NoContent":    {204, "text/event-stream", ""},
		"Unauthorized": {401, "application/problem+json", "{}"},
		"AnotherType":  {200, "text/html", "data: x\n\n"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				answers := []answer{
					{200, "text/event-stream; charset=utf-8", "retry: 7000\nid: a\ndata: 1\n\nid: b\nretry: 7s\nretry: -1"},
					{200, "text/event-stream", "data: 2\n\n"},
					last,
				}
				var asked, got []string
				start := time.Now()
				es := &eventSource{
					url: "http://x", header: http.Header{"Cookie": {"c"}}, dispatch: func(e sourceEvent) { got = append(got, e.Data) },
					client: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
						asked = append(asked, fmt.Sprint(time.Since(start), " ", r.Header.Get("Last-Event-ID"), r.Header.Get("Cookie"), r.Header.Get("Accept")))
						if len(asked) == 2 {
							return nil, io.ErrUnexpectedEOF
						}
						w := httptest.NewRecorder()
						w.Header().Set("Content-Type", answers[0].typ)
						w.WriteHeader(answers[0].status)
						w.WriteString(answers[0].body)
						answers = answers[1:]
						return w.Result(), nil
					})},
				}
				if err := es.run(t.Context()); err == nil {
					t.Error("goes on")
				}
				if want := []string{"0s ctext/event-stream", "7s actext/event-stream", "14s actext/event-stream", "21s actext/event-stream"}; !slices.Equal(asked, want) || !slices.Equal(got, []string{"1", "2"}) {
					t.Errorf("asked %q, got %q", asked, got)
				}
			})
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
