package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tidings/internal/apidoc"
	"tidings/internal/chat"
	"tidings/internal/chattest"
	"tidings/internal/session"
)

// testEmitKey is the key with which tests emit events; TIDINGS_EMIT_KEY is that of a
// deployment.
const testEmitKey = "dGhlIGtleSB3aXRoIHdoaWNoIHRlc3RzIGVtaXQgZXY="

// patience is how long a test waits for what must come. It bounds a failure and
// measures nothing.
const patience = 60 * time.Second

// mustStart starts a whole system of its own, on free ports and a fresh folder.
func mustStart(t testing.TB, change func(*Config)) *System {
	t.Helper()
	return mustStartLogging(t, slog.New(slog.DiscardHandler), change)
}

func mustStartLogging(t testing.TB, log *slog.Logger, change func(*Config)) *System {
	t.Helper()
	c := Config{Data: t.TempDir(), Drain: time.Second, Passwords: session.NewPasswords(session.WithCost(8, 1))}
	if change != nil {
		change(&c)
	}
	if err := os.WriteFile(filepath.Join(c.Data, emitKeyFile), []byte(testEmitKey), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s, err := Start(ctx, c, log)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := s.Wait(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// onEach runs a test on every system there is: in this process on the embedded AWS
// and on the one at MINISTACK_URL, or on the deployment at TIDINGS_URL alone.
func onEach(t *testing.T, test func(t *testing.T, url string)) {
	if url := os.Getenv("TIDINGS_URL"); url != "" {
		t.Run("Deployed", func(t *testing.T) { test(t, strings.TrimSuffix(url, "/")) })
		return
	}
	t.Run("Embedded", func(t *testing.T) { test(t, mustStart(t, nil).URL) })
	t.Run("MiniStack", func(t *testing.T) {
		endpoint := os.Getenv("MINISTACK_URL")
		if endpoint == "" && os.Getenv("TIDINGS_NO_SKIP") != "" {
			t.Fatal("MINISTACK_URL is not set")
		}
		if endpoint == "" {
			t.Skip("MINISTACK_URL is not set")
		}
		t.Setenv("AWS_ACCESS_KEY_ID", "test")
		t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
		test(t, mustStart(t, func(c *Config) { c.Endpoint = endpoint }).URL)
	})
}

// contract is what clients are told: every answer and every frame is held to it.
var contract = sync.OnceValue(apidoc.NewContract)

var names atomic.Int64

// person is a user with a browser: a session and, once listening, an event stream.
type person struct {
	t      testing.TB
	url    string
	client *http.Client
	token  string
	ref    chat.UserRef

	mu     sync.Mutex
	events []chattest.Event // guarded by mu
	more   chan struct{}    // guarded by mu: closed and replaced with each event
	taken  int              // owned by the test: events that next has given
}

// newPerson registers somebody with a name of their own.
func newPerson(t testing.TB, url, name string) *person {
	t.Helper()
	p := &person{t: t, url: url, more: make(chan struct{}), client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	t.Cleanup(p.client.CloseIdleConnections)
	name = fmt.Sprintf("%s-%x-%d", name, time.Now().UnixNano()&0xffffff, names.Add(1))
	var out struct {
		Token string
		User  chat.UserRef
	}
	p.must(http.StatusCreated, &out, http.MethodPost, "/api/auth/register", fmt.Sprintf(`{"username":%q,"password":"correct horse"}`, name))
	p.token, p.ref = out.Token, out.User
	return p
}

// call sends one request and gives the status and body.
func (p *person) call(method, path, body string, header ...string) (int, string, error) {
	r, err := http.NewRequest(method, p.url+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	if method != http.MethodGet {
		r.Header.Set("Content-Type", "application/json")
	}
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := p.client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if bad := contract().Check(apidoc.Exchange{
		Method: method, Path: r.URL.EscapedPath(), Request: body, Status: resp.StatusCode, Header: resp.Header, Answer: string(b),
	}); err == nil && bad != nil {
		p.t.Errorf("%s %s is not as documented: %v", method, path, bad)
	}
	return resp.StatusCode, string(b), err
}

// must calls and decodes the answer, which must have that status.
func (p *person) must(status int, out any, method, path, body string, header ...string) {
	p.t.Helper()
	got, answer, err := p.call(method, path, body, header...)
	if err != nil {
		p.t.Fatal(err)
	}
	if got != status {
		p.t.Fatalf("%s %s: %d %s, want %d", method, path, got, answer, status)
	}
	if out != nil {
		if err := json.Unmarshal([]byte(answer), out); err != nil {
			p.t.Fatalf("%s %s: %v", method, path, err)
		}
	}
}

// open gives the id of the conversation with somebody.
func (p *person) open(other *person) string {
	p.t.Helper()
	var out struct{ Conversation chat.Conversation }
	status, body, err := p.call(http.MethodPost, "/api/conversations", fmt.Sprintf(`{"userId":%d}`, other.ref.ID))
	if err != nil || status > 201 || json.Unmarshal([]byte(body), &out) != nil {
		p.t.Fatalf("open conversation: %d %s %v", status, body, err)
	}
	return out.Conversation.ID
}

// say sends a message and gives it back as the answer showed it.
func (p *person) say(conversation, content string) chat.Message {
	p.t.Helper()
	var out struct{ Message chat.Message }
	body, err := json.Marshal(map[string]string{"content": content})
	if err != nil {
		p.t.Fatal(err)
	}
	p.must(http.StatusCreated, &out, http.MethodPost, "/api/conversations/"+conversation+"/messages", string(body))
	return out.Message
}

// listen opens the event stream and waits until it is ready. Heartbeats are left out.
func (p *person) listen() {
	p.t.Helper()
	p.resume("")
}

// resume is listen from a position on.
func (p *person) resume(position string) {
	p.t.Helper()
	header := http.Header{"Authorization": {"Bearer " + p.token}}
	if position != "" {
		header.Set("Last-Event-ID", position)
	}
	s, err := chattest.OpenStream(context.Background(), p.client, p.url+"/api/events", header)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := s.Await("ready"); err != nil {
		p.t.Fatal(err)
	}
	done := make(chan struct{})
	p.t.Cleanup(func() { s.Close(); <-done })
	go func() {
		defer close(done)
		for {
			e, err := s.Next()
			if err != nil {
				e = chattest.Event{Name: "closed"}
			} else if err := contract().Frame(e.Name, e.Data); err != nil {
				p.t.Errorf("%s got what is not as documented: %v", p.ref.Username, err)
			}
			if e.Name != "heartbeat" {
				p.mu.Lock()
				p.events = append(p.events, e)
				close(p.more)
				p.more = make(chan struct{})
				p.mu.Unlock()
			}
			if err != nil {
				return
			}
		}
	}()
}

// next waits for the next event.
func (p *person) next() chattest.Event {
	p.t.Helper()
	timeout := time.After(patience)
	for {
		p.mu.Lock()
		if p.taken < len(p.events) {
			e := p.events[p.taken]
			p.taken++
			p.mu.Unlock()
			return e
		}
		more := p.more
		p.mu.Unlock()
		select {
		case <-more:
		case <-timeout:
			p.t.Fatalf("%s waits for an event after %d", p.ref.Username, p.taken)
		}
	}
}

// frame is the data of a durable or ephemeral event.
type frame struct {
	UserID  chat.UserID
	Type    string
	Data    json.RawMessage
	EventID string
}

func (p *person) nextFrame() frame {
	p.t.Helper()
	e := p.next()
	var f frame
	if err := json.Unmarshal([]byte(e.Data), &f); e.Name != "message" || err != nil {
		p.t.Fatalf("%s got %+v: %v", p.ref.Username, e, err)
	}
	if f.UserID != p.ref.ID {
		p.t.Fatalf("%s got a frame of user %d: %s", p.ref.Username, f.UserID, e.Data)
	}
	return f
}

// expect checks the next event, byte for byte. An empty event id is an ephemeral's.
func (p *person) expect(typ, eventID string, data any) {
	p.t.Helper()
	d, err := json.Marshal(data)
	if err != nil {
		p.t.Fatal(err)
	}
	want := fmt.Sprintf(`{"userId":%d,"type":%q,"data":%s`, p.ref.ID, typ, d)
	if eventID != "" {
		want += fmt.Sprintf(`,"eventId":%q`, eventID)
	}
	if got := p.next(); got.Name != "message" || !bytes.Equal([]byte(got.Data), []byte(want+"}")) {
		p.t.Fatalf("%s got  %s %s\nwant %s}", p.ref.Username, got.Name, got.Data, want)
	}
}
