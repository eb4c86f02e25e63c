package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"tidings/internal/app"
	"tidings/internal/chat"
	"tidings/internal/chattest"
	"tidings/internal/session"
	"tidings/internal/stream"
	embedded "tidings/local/aws"
)

// costWorld is an embedded AWS with people, in fake time and without a port.
type costWorld struct {
	*testing.T
	srv      *embedded.Server
	config   app.Config
	services *app.Services // the people's: what they read and write is not counted
	log      *slog.Logger
	groups   int
}

// costUser is somebody with a session.
type costUser struct {
	ref   chat.UserRef
	token string
}

func newCostWorld(t *testing.T) *costWorld {
	t.Helper()
	srv, err := embedded.New(embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = srv.Close() }) // it has no folder
	topic, err := sns.NewFromConfig(srv.Config()).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String(name)})
	if err != nil {
		t.Fatal(err)
	}
	w := &costWorld{T: t, srv: srv, log: slog.New(slog.DiscardHandler), config: app.Config{
		Table: name, TopicARN: aws.ToString(topic.TopicArn), SessionKeys: [][]byte{make([]byte, 32)}, Cells: 1,
	}}
	w.services = w.wire(srv.Config())
	if err := w.services.Store.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *costWorld) wire(cfg aws.Config) *app.Services {
	w.Helper()
	s, err := app.New(cfg, w.config, app.Options{Passwords: session.NewPasswords(session.WithCost(8, 1)), Log: w.log})
	if err != nil {
		w.Fatal(err)
	}
	return s
}

// pass lets time go by, until everything waits again.
func (w *costWorld) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (w *costWorld) register(name string) costUser {
	w.Helper()
	u, s, err := w.services.API.Accounts.Register(w.Context(), chat.Registration{Username: name, Password: "correct horse"})
	if err != nil {
		w.Fatal(err)
	}
	token, err := w.services.Authenticator.Tokens.Sign(s)
	if err != nil {
		w.Fatal(err)
	}
	return costUser{ref: u.UserRef, token: token}
}

// converse makes n group chats of those users, which are as conversations to a stream
// but can be many between the same two.
func (w *costWorld) converse(n int, users ...costUser) []chat.LogID {
	w.Helper()
	members := make([]chat.UserRef, len(users))
	for i, u := range users {
		members[i] = u.ref
	}
	out := make([]chat.LogID, n)
	for i := range out {
		w.groups++
		out[i] = chat.GroupLog(fmt.Sprintf("00000000-0000-7000-8000-%012d", w.groups))
		if _, err := w.services.Store.CreateGroup(w.Context(), out[i], "conversation", members, chattest.Fresh()); err != nil {
			w.Fatal(err)
		}
	}
	return out
}

func (w *costWorld) send(by costUser, log chat.LogID) {
	w.Helper()
	if _, err := w.services.API.Messages.Send(w.Context(), by.ref.ID, log, "How was your day?", chattest.Fresh()); err != nil {
		w.Fatal(err)
	}
}

// costInstance is a streamer whose reads are counted.
type costInstance struct {
	*app.Streamer
	w     *costWorld
	units *chattest.Capacity
}

func (w *costWorld) open(instance string) *costInstance {
	w.Helper()
	i := &costInstance{w: w, units: &chattest.Capacity{Next: w.srv.Client().Transport}}
	cfg := w.srv.Config()
	cfg.HTTPClient = &http.Client{Transport: i.units}
	ctx, cancel := context.WithCancel(w.Context())
	var err error
	i.Streamer, err = w.wire(cfg).OpenStreamer(ctx, cfg, app.StreamerConfig{Config: stream.Config{Instance: instance, Drain: time.Second}}, w.log)
	if err != nil {
		cancel()
		w.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- i.Run(ctx) }()
	w.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			w.Error(err)
		}
	})
	synctest.Wait()
	return i
}

// read is what the instance has read since its units were reset, in read units.
func (i *costInstance) read() (units float64, byOp map[string]float64) {
	byOp = map[string]float64{}
	for _, c := range i.units.Calls() {
		units += c.Units
		byOp[c.Op] += c.Units
	}
	return units, byOp
}

// costStream is a connection's end in memory.
type costStream struct {
	cancel context.CancelFunc
	ended  chan struct{}
	header http.Header

	mu  sync.Mutex
	got bytes.Buffer // guarded by mu
}

func (s *costStream) Header() http.Header { return s.header }
func (s *costStream) WriteHeader(int)     {}
func (s *costStream) Flush()              {}
func (s *costStream) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got.Write(b)
}

// connect opens a stream, until all that it brings about is done.
func (i *costInstance) connect(u costUser, position string) *costStream {
	ctx, cancel := context.WithCancel(i.w.Context())
	s := &costStream{cancel: cancel, ended: make(chan struct{}), header: http.Header{}}
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/events", nil)
	r.Header.Set("Authorization", "Bearer "+u.token)
	if position != "" {
		r.Header.Set("Last-Event-ID", position)
	}
	go func() {
		i.Events.ServeHTTP(s, r)
		close(s.ended)
	}()
	i.w.Cleanup(s.close)
	synctest.Wait()
	return s
}

func (s *costStream) close() {
	s.cancel()
	<-s.ended
}

func (s *costStream) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got.String()
}

// position is the last one that the stream told.
func (s *costStream) position() string {
	lines := strings.Split(s.text(), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if id, ok := strings.CutPrefix(lines[i], "id: "); ok {
			return id
		}
	}
	return ""
}

// measure prints what a connect reads, which must not be more than most, and checks
// that it brings the news.
func (w *costWorld) measure(where string, conversations, logsWithNews, messages int, most float64, i *costInstance, u costUser, position string) {
	w.Helper()
	i.units.Reset()
	s := i.connect(u, position)
	defer s.close()
	units, byOp := i.read()
	fmt.Printf("| %s | %d | %d | %g | %g | %g | %g |\n", where, conversations, logsWithNews, units, byOp["GetItem"], byOp["BatchGetItem"], byOp["Query"])
	got := strings.Count(s.text(), `"type":"message"`)
	if !strings.Contains(s.text(), `"resumed":true`) || strings.Contains(s.text(), "event: reset") || got != messages {
		w.Errorf("%s, %d conversations: %d messages, want %d:\n%.2000s", where, conversations, got, messages, s.text())
	}
	if units > most {
		w.Errorf("%s, %d conversations: %g read units, want at most %g", where, conversations, units, most)
	}
}
