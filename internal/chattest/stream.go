package chattest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Event is one block of an event stream, as a browser's EventSource sees it.
type Event struct {
	ID, Name, Data string // Name is "message" where the block names none
}

// Stream is a plain EventSource: it reads the blocks of one response, without
// knowing anything of this project.
type Stream struct {
	Header http.Header
	body   io.ReadCloser
	lines  *bufio.Reader
	lastID string
	cancel context.CancelFunc
}

// OpenStream connects, with headers such as Authorization, and gives an error for
// any status but 200.
func OpenStream(ctx context.Context, client *http.Client, url string, header http.Header) (*Stream, error) {
	ctx, cancel := context.WithCancel(ctx)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		cancel()
		return nil, err
	}
	r.Header = header.Clone()
	r.Header.Set("Accept", "text/event-stream")
	resp, err := client.Do(r)
	if err != nil {
		cancel()
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
		resp.Body.Close()
		cancel()
		return nil, fmt.Errorf("stream: status %d: %s", resp.StatusCode, b)
	}
	return &Stream{Header: resp.Header, body: resp.Body, lines: bufio.NewReaderSize(resp.Body, 4096), cancel: cancel}, nil
}

// Close ends the connection; a Next under way returns with an error.
func (s *Stream) Close() {
	s.cancel()
	_ = s.body.Close()
}

// Next waits for the next block with data. It is for one goroutine.
func (s *Stream) Next() (Event, error) {
	e := Event{Name: "message"}
	var data []string
	for {
		line, err := s.lines.ReadString('\n')
		if err != nil {
			return Event{}, err // a block that was cut does not count
		}
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			if data == nil {
				e.Name = "message"
				continue
			}
			e.ID, e.Data = s.lastID, strings.Join(data, "\n")
			return e, nil
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			e.Name = value
		case "data":
			data = append(data, value)
		case "id":
			s.lastID = value
		}
	}
}

// Await reads on to the next block of that name and gives its data.
func (s *Stream) Await(name string) (string, error) {
	for {
		e, err := s.Next()
		if err != nil {
			return "", fmt.Errorf("await %s: %w", name, err)
		}
		if e.Name == name {
			return e.Data, nil
		}
	}
}
