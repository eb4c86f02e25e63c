package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"tidings/internal/chat"
)

// Users, sessions, conversations and messages that were answered are there after a
// kill -9 in the middle of writing; and live events go on.
func TestKillAndRestart(t *testing.T) {
	bin, data := mustBuild(t, "tidings/local"), t.TempDir()
	first := mustRun(t, bin, data)
	alice, bob := newPerson(t, first.url, "alice"), newPerson(t, first.url, "bob")
	id := alice.open(bob)
	taken := make(chan string, 10_000)
	go func() {
		defer close(taken)
		for i := 0; ; i++ {
			text := fmt.Sprint("message ", i)
			status, _, err := alice.call(http.MethodPost, "/api/conversations/"+id+"/messages", fmt.Sprintf(`{"content":%q}`, text))
			switch {
			case err != nil:
				return // killed
			case status == http.StatusCreated:
				taken <- text
			}
		}
	}()
	n := 50 + rand.IntN(200)
	for range n {
		<-taken
	}
	first.kill()
	for range taken {
		n++
	}

	second := mustRun(t, bin, data)
	alice.url, bob.url = second.url, second.url
	var list struct{ Conversations []chat.Conversation }
	bob.must(200, &list, "GET", "/api/conversations", "")
	if len(list.Conversations) != 1 || list.Conversations[0].MessageCount < int64(n) || list.Conversations[0].MessageCount > int64(n)+1 {
		t.Fatalf("%d messages were answered; after the restart: %+v", n, list.Conversations)
	}
	var page struct{ Messages []chat.Message }
	bob.must(200, &page, "GET", "/api/conversations/"+id+"/messages?limit=100&after=1", "")
	if len(page.Messages) < 50 {
		t.Fatalf("%d messages on the first page", len(page.Messages))
	}
	for i, m := range page.Messages {
		if m.Content != fmt.Sprint("message ", i) {
			t.Fatalf("message %d is %q", i, m.Content)
		}
	}
	bob.listen()
	m := alice.say(id, "after the restart")
	if f := bob.nextFrame(); f.EventID != chat.EventID("c:"+chat.LogID(id), m.Seq, 1) {
		t.Errorf("bob got %s", f.EventID)
	}
	fmt.Printf("kill -9: %d messages were answered, %d are there\n", n, list.Conversations[0].MessageCount)
}

// A second start on the same data or port says why it can't.
func TestStartRefusals(t *testing.T) {
	bin, data := mustBuild(t, "tidings/local"), t.TempDir()
	mustRun(t, bin, data)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	for name, c := range map[string]struct {
		env  []string
		want string
	}{
		"ErrDataInUse": {[]string{"PORT=0", "AWS_PORT=0", "DATA=" + data}, data},
		"ErrPortInUse": {[]string{"PORT=" + port, "AWS_PORT=0", "DATA=" + t.TempDir()}, "PORT"},
		"ErrAWSPort":   {[]string{"PORT=0", "AWS_PORT=" + port, "DATA=" + t.TempDir()}, "AWS_PORT"},
		"ErrConfig":    {[]string{"PORT=x", "AWS_PORT=-1", "RATE_LIMITS=maybe"}, "RATE_LIMITS"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			cmd := exec.CommandContext(ctx, bin)
			cmd.Env = append(append(os.Environ(), "AWS_ENDPOINT_URL="), c.env...)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), c.want) {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// SIGTERM ends the streams with a goodbye, and the process without an error.
func TestStopTellsStreams(t *testing.T) {
	p := mustRun(t, mustBuild(t, "tidings/local"), t.TempDir())
	alice := newPerson(t, p.url, "alice")
	alice.listen()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	var d struct{ DelayMS int64 }
	if e := alice.next(); e.Name != "reconnect" || json.Unmarshal([]byte(e.Data), &d) != nil || d.DelayMS <= 0 {
		t.Errorf("alice got %+v", e)
	}
	if e := alice.next(); e.Name != "closed" {
		t.Errorf("alice got %+v", e)
	}
	if <-p.ended; p.err != nil {
		t.Errorf("ended with %v", p.err)
	}
}

// What a browser must not do, and what a mux would redirect.
func TestOddRequests(t *testing.T) {
	sys := mustStart(t, nil)
	client := &http.Client{
		Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for _, c := range []struct {
		name, method, url string
		change            func(*http.Request)
		status            int
	}{
		{"AWSFromAPage", "POST", sys.AWSURL, func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403},
		{"AWSByAnotherName", "POST", sys.AWSURL, func(r *http.Request) { r.Host = "evil.example" }, 403},
		{"DoubleSlash", "POST", sys.URL + "//api/auth/login", nil, 404},
		{"API", "GET", sys.URL + "/api", nil, 404},
		{"DotDot", "GET", sys.URL + "/api/../api/users", nil, 404},
		{"StreamWithABody", "GET", sys.URL + "/api/events", func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("x")); r.ContentLength = -1 }, 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := http.NewRequest(c.method, c.url, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			if c.change != nil {
				c.change(r)
			}
			resp, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			b, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != c.status || c.status == 404 && !strings.Contains(string(b), "not_found") {
				t.Errorf("%d %s %v", resp.StatusCode, b, err)
			}
		})
	}
	t.Run("BodyCutShort", func(t *testing.T) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(strings.Replace(sys.URL, "localhost", "127.0.0.1", 1), "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, "POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || !strings.Contains(line, " 400 ") {
			t.Errorf("%q %v", line, err)
		}
	})
}

// The pages for an operator.
func TestOperatorPages(t *testing.T) {
	sys := mustStart(t, nil)
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for path, want := range map[string]string{
		"/readyz":   "ready",
		"/healthz":  "ok",
		"/metrics":  "tidings_streamer_connections",
		"/":         "alice",
		"/no/where": "not_found",

		"/docs":               `<a href="#postConversationsIdMessages">`,
		"/docs/style.css":     "color-scheme",
		"/docs/openapi.yaml":  "openapi: 3.1.0",
		"/docs/asyncapi.yaml": "asyncapi: 3.0.0",
	} {
		resp, err := client.Get(sys.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if !strings.Contains(string(b), want) {
			t.Errorf("%s: %d %s", path, resp.StatusCode, b)
		}
	}
}
