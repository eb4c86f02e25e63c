package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	eventsAddr = "127.0.0.1:7170" // bench/hub's defaults
	publishURL = "http://127.0.0.1:7220"

	messageSize = 16 << 10 // so that the socket is full long before 1,000 are behind: beyond, a client is told to fetch its lists
	perStall    = 600
)

// reader is a client that reads when it is told to, and counts.
type reader struct {
	token, chat string
	conn        net.Conn
	lines       *bufio.Reader
	lastID      string
	sent, got   int
}

// connect opens the stream, from the last position if there was one, up to its ready.
// Little fits into its socket.
func (r *reader) connect(ctx context.Context) error {
	if r.conn != nil {
		_ = r.conn.Close() // it ended already
	}
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", eventsAddr)
	if err != nil {
		return err
	}
	if err := c.(*net.TCPConn).SetReadBuffer(256 << 10); err != nil {
		return err
	}
	r.conn, r.lines = c, bufio.NewReaderSize(c, 4<<10)
	if r.lastID != "" {
		_, err = fmt.Fprintf(c, "GET /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nLast-Event-ID: %s\r\n\r\n", r.token, r.lastID)
	} else {
		_, err = fmt.Fprintf(c, "GET /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", r.token)
	}
	if err != nil {
		return err
	}
	return r.until(func(line string) bool { return line == "event: ready" })
}

// stall has messages written while nothing is read.
func (r *reader) stall(ctx context.Context) error {
	if r.conn == nil {
		if err := r.connect(ctx); err != nil {
			return err
		}
	}
	for range perStall {
		body := fmt.Sprintf("<%d>%s", r.sent, strings.Repeat("x", messageSize))
		resp, err := http.Post(publishURL+"/pub?t="+r.chat, "text/plain", strings.NewReader(body))
		if err != nil {
			return err
		}
		if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
			return errors.Join(err, fmt.Errorf("publish: %s", resp.Status))
		}
		r.sent++
	}
	return nil
}

// missed is how many messages were written that were not read.
func (r *reader) missed() int { return r.sent - r.got }

// catchUp reads what was missed.
func (r *reader) catchUp() error {
	if r.missed() == 0 {
		return nil
	}
	return r.until(func(string) bool { return r.missed() == 0 })
}

// drain reads to the end of a connection that was closed.
func (r *reader) drain() error {
	err := r.until(func(string) bool { return false })
	var broken net.Error
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &broken) && !broken.Timeout() {
		return nil
	}
	return err
}

// until reads lines until one is what it waits for. Messages must come as they were
// written, each once; an event counts when its empty line is there.
func (r *reader) until(found func(line string) bool) error {
	number, id := -1, ""
	for {
		_ = r.conn.SetReadDeadline(time.Now().Add(30 * time.Second)) // a conn that fails here fails below
		line, err := r.lines.ReadString('\n')
		if err != nil {
			return fmt.Errorf("%d of %d read: %w", r.got, r.sent, err)
		}
		line = strings.TrimRight(line, "\r\n")
		if i := strings.Index(line, `"name":"<`); i >= 0 {
			if _, err := fmt.Sscanf(line[i+len(`"name":"<`):], "%d>", &number); err != nil {
				return err
			}
		} else if i := strings.Index(line, `"name":"\u003c`); i >= 0 {
			if _, err := fmt.Sscanf(line[i+len(`"name":"\u003c`):], `%d\u003e`, &number); err != nil {
				return err
			}
		}
		if strings.HasPrefix(line, "event: reset") {
			return errors.New("the stream was reset")
		}
		if v, ok := strings.CutPrefix(line, "id: "); ok {
			id = v
		}
		if line == "" && id != "" {
			r.lastID, id = id, ""
		}
		if line == "" && number >= 0 {
			if number != r.got {
				return fmt.Errorf("message %d came, %d was expected", number, r.got)
			}
			r.got, number = r.got+1, -1
		}
		if found(line) {
			return nil
		}
	}
}
