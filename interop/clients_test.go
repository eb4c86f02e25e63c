// Package interop holds the stream to clients that others wrote: they get every
// event once and in order over a line that breaks in the middle of events.
package interop

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"text/tabwriter"
	"time"
)

const (
	messages = 60
	pace     = 160 * time.Millisecond // a message each
	patience = 60 * time.Second       // bounds a failure and measures nothing
)

// client is a program that listens with a library: to the stream at TIDINGS_EVENTS,
// with the session's token in TIDINGS_TOKEN. It prints a line of JSON for each event
// and ends when its standard input does.
type client struct {
	name  string
	needs string // a file that is there when its library is
	words []string
}

// Each client listens to its own user, over a relay of its own, all at the same time.
func TestClients(t *testing.T) {
	s := mustStart(t)
	clients := []client{
		{"eventsource", "node_modules/eventsource", []string{"node", "clients/eventsource.mjs"}},
		{"fetch-event-source", "node_modules/@microsoft/fetch-event-source", []string{"node", "clients/fetch-event-source.mjs"}},
		{"httpx-sse", ".venv/bin/python", []string{".venv/bin/python", "clients/httpx-sse.py"}},
		{"go-sse", "clients/go-sse", []string{mustBuild(t, "./clients/go-sse")}},
	}
	results := make([]*result, len(clients))
	t.Run("Streams", func(t *testing.T) {
		for i, c := range clients {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				results[i] = listen(t, s, c)
			})
		}
	})

	table := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "client\tevents\tlost\tdoubled\tin order\tcuts\tseconds")
	for i, c := range clients {
		if r := results[i]; r != nil {
			fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%t\t%d\t%.1f\n", c.name, len(r.got), len(r.lost()), len(r.doubled()), r.ordered(), r.cuts, r.took.Seconds())
		} else {
			fmt.Fprintf(table, "%s\tdid not run to the end\t\t\t\t\t\n", c.name)
		}
	}
	_ = table.Flush()
}

// listen runs a client while somebody writes to its user and its line is cut: among
// the first events, right behind the first block of the answer to its return, where
// it has no new position yet, and among the events of the third connection.
func listen(t *testing.T, s service, c client) *result {
	t.Helper()
	c.mustBeThere(t)
	reader, writer := s.mustRegister(t, c.name+"-reader"), s.mustRegister(t, c.name+"-writer")
	chat := writer.mustOpen(t, reader)
	line := startRelay(t, s.host(t), []cut{
		{blocks: 3 + rand.N(30), reset: true}, // the first three are the stream's own
		{blocks: 1},
		{blocks: 3 + rand.N(60), reset: rand.N(2) == 0},
	})
	defer func() {
		for _, seen := range line.seen() {
			t.Logf("Last-Event-ID %.8s… %s", seen.position, seen.cut)
		}
	}()

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	run := c.start(ctx, t, line.url()+"/api/events", reader.token)
	r := &result{}
	began := time.Now()
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for said, ready := 0, false; said < messages || !slices.Contains(r.got, r.want[len(r.want)-1]); {
		var due <-chan time.Time
		if ready && said < messages {
			due = tick.C
		}
		select {
		case <-due:
			r.want = append(r.want, writer.mustSay(t, chat, fmt.Sprintf("message %d", said))...)
			said++
		case e, ok := <-run.events:
			switch {
			case !ok:
				t.Fatalf("the client has ended: %v", run.end())
			case e.Event == "ready":
				r.resumed = append(r.resumed, e.decode(t).Resumed)
				ready = true
			case e.Event == "message" && e.Data != "": // some hand over blocks without data too
				r.got = append(r.got, e.decode(t).EventID)
			case e.Event != "message" && e.Event != "heartbeat":
				t.Errorf("the stream says %s: %s", e.Event, e.Data)
			}
		case <-ctx.Done():
			t.Fatalf("after %v the client has %d events of %d messages", patience, len(r.got), said)
		}
	}
	r.took = time.Since(began)
	if err := run.end(); err != nil {
		t.Error(err)
	}
	r.check(t, line)
	return r
}

// mustBeThere skips a client that can't run here. TIDINGS_NO_SKIP=1 makes that a
// failure.
func (c client) mustBeThere(t *testing.T) {
	t.Helper()
	_, err := os.Stat(c.needs)
	if err == nil {
		_, err = exec.LookPath(c.words[0])
	}
	switch {
	case err == nil:
	case os.Getenv("TIDINGS_NO_SKIP") == "1":
		t.Fatalf("%v (see run.sh), and TIDINGS_NO_SKIP=1", err)
	default:
		t.Skipf("%v (see run.sh)", err)
	}
}

// event is what a client's library gave it.
type event struct {
	ID, Event, Data string
}

// data is what of an event's data matters here.
type data struct {
	EventID string
	Resumed bool
}

func (e event) decode(t *testing.T) (d data) {
	t.Helper()
	if err := json.Unmarshal([]byte(e.Data), &d); err != nil {
		t.Fatalf("%s has the data %q: %v", e.Event, e.Data, err)
	}
	return d
}

// running is a client's process.
type running struct {
	events <-chan event
	end    func() error // ends it and says why it ended by itself, if it did
}

func (c client) start(ctx context.Context, t *testing.T, events, token string) running {
	t.Helper()
	cmd := exec.CommandContext(ctx, c.words[0], c.words[1:]...)
	cmd.Env = append(os.Environ(), "TIDINGS_EVENTS="+events, "TIDINGS_TOKEN="+token)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out := make(chan event)
	done := make(chan error, 1)
	go func() {
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			var e event
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				e = event{Event: "nonsense", Data: lines.Text()}
			}
			select {
			case out <- e:
			case <-ctx.Done():
			}
		}
		close(out)
		if err := cmd.Wait(); err != nil {
			done <- fmt.Errorf("%s: %w: %s", c.name, err, stderr.Bytes())
		} else {
			done <- nil
		}
	}()
	return running{out, func() error {
		_ = stdin.Close()
		for range out {
		}
		return <-done
	}}
}

func mustBuild(t *testing.T, program string) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), filepath.Base(program))
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, program).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return bin
}

// result is what a client got of what it was to get, by event ids.
type result struct {
	want, got []string
	resumed   []bool // by connection that got so far
	cuts      int
	took      time.Duration
}

func (r *result) check(t *testing.T, line *relay) {
	t.Helper()
	if lost := r.lost(); len(lost) > 0 {
		t.Errorf("lost %d: %q", len(lost), lost[:min(5, len(lost))])
	}
	if doubled := r.doubled(); len(doubled) > 0 {
		t.Errorf("doubled %d: %q", len(doubled), doubled[:min(5, len(doubled))])
	}
	if !r.ordered() {
		t.Errorf("out of order: %q", r.got)
	}
	for i, resumed := range r.resumed {
		if resumed != (i > 0) {
			t.Errorf("resumed by connection: %t", r.resumed)
			break
		}
	}
	seen := line.seen()
	for i, c := range seen {
		if (c.position != "") != (i > 0) {
			t.Errorf("connection %d has the Last-Event-ID %q", i, c.position)
		}
		if c.cut != "" {
			r.cuts++
		}
	}
	if r.cuts != len(line.cuts) || len(seen) != len(line.cuts)+1 {
		t.Errorf("%d connections, %d of them cut; want %d cut and one more", len(seen), r.cuts, len(line.cuts))
	}
}

func (r *result) lost() (ids []string) {
	for _, id := range r.want {
		if !slices.Contains(r.got, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func (r *result) doubled() (ids []string) {
	for i, id := range r.got {
		if slices.Contains(r.got[:i], id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// ordered says whether what came first was posted first, whatever was lost.
func (r *result) ordered() bool {
	last := -1
	for _, id := range r.got {
		at := slices.Index(r.want, id) // -1 for what was never posted
		if at <= last {
			return false
		}
		last = at
	}
	return true
}
