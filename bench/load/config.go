package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Request is a template of one HTTP request. Path, header values and Body may
// contain placeholders, see expand.
type Request struct {
	Addr    string            `json:"addr,omitempty"` // host:port; default: the target's addr
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    string            `json:"body,omitempty"`
}

// Target describes one server: how to subscribe and how to publish.
type Target struct {
	Name      string   `json:"name"`
	Addr      string   `json:"addr"`            // host:port for subscribers
	Addrs     []string `json:"addrs,omitempty"` // several server processes: connection i uses Addrs[i%len]
	Subscribe Request  `json:"subscribe"`

	Broadcast *Request `json:"broadcast,omitempty"` // to the channel of everyone
	Group     *Request `json:"group,omitempty"`     // to group {group}
	Unicast   *Request `json:"unicast,omitempty"`   // to user {user}

	Lines string `json:"lines,omitempty"` // file: {line} is that of the user's number
	lines []string

	Pids     []int    `json:"pids,omitempty"`
	PidFiles []string `json:"pid_files,omitempty"` // read at start; children are included
	Note     string   `json:"note,omitempty"`
}

func loadTarget(path string) (*Target, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(strings.NewReader(string(b)))
	dec.DisallowUnknownFields()
	var t Target
	if err := dec.Decode(&t); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := t.readLines(); err != nil {
		return nil, err
	}
	if len(t.Addrs) == 0 {
		t.Addrs = []string{t.Addr}
	}
	for _, r := range []*Request{t.Broadcast, t.Group, t.Unicast} {
		if r != nil && r.Addr == "" {
			r.Addr = t.Addrs[0]
		}
	}
	return &t, nil
}

// readLines reads the file of what {line} stands for.
func (t *Target) readLines() error {
	if t.Lines == "" {
		return nil
	}
	b, err := os.ReadFile(t.Lines)
	t.lines = strings.Split(string(b), "\n")
	return err
}

// vars holds the values of the placeholders.
type vars struct {
	user, group int
	seq         uint32
	ts          int64
	mark        string
	pad         string
	line        string
}

// userName and groupName are what {user} and {group} expand to. The numbers
// are fixed width so that every target gets requests of the same length.
func userName(i int) string  { return fmt.Sprintf("u%07d", i) }
func groupName(i int) string { return fmt.Sprintf("g%07d", i) }

// expand replaces {user} {group} {seq} {ts} {mark} {pad} {data}; {data} is
// mark followed by pad and has exactly the configured payload size.
func expand(s string, v *vars) string {
	if !strings.Contains(s, "{") {
		return s
	}
	return strings.NewReplacer(
		"{user}", userName(v.user),
		"{group}", groupName(v.group),
		"{line}", v.line,
		"{seq}", strconv.FormatUint(uint64(v.seq), 10),
		"{ts}", strconv.FormatInt(v.ts, 10),
		"{mark}", v.mark,
		"{pad}", v.pad,
		"{data}", v.mark+v.pad,
	).Replace(s)
}

// encode renders a request as HTTP/1.1 bytes.
func encode(r *Request, addr string, v *vars) []byte {
	var b strings.Builder
	body := expand(r.Body, v)
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", r.Method, expand(r.Path, v))
	hasHost := false
	for k, val := range r.Headers {
		if strings.EqualFold(k, "host") {
			hasHost = true
		}
		fmt.Fprintf(&b, "%s: %s\r\n", k, expand(val, v))
	}
	if !hasHost {
		fmt.Fprintf(&b, "Host: %s\r\n", addr)
	}
	if r.Method != "GET" || body != "" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n")
	b.WriteString(body)
	return []byte(b.String())
}
