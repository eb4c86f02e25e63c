package stream

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidings/internal/chat"
)

// site is the stream over a real server on loopback.
type site struct {
	*testing.T
	url    string
	client *http.Client
	hub    *Hub
	store  *fakeStore
	stop   func() // of the hub
}

// transports are the ways to serve a stream.
var transports = map[string]func(http.Handler) *httptest.Server{
	"HTTP1":                   uncompressed(httptest.NewServer), // taken over on Linux
	"HTTP1/Listen":            uncompressed(listen),
	"HTTP1/NotTakenOver":      uncompressed(notTakenOver),
	"HTTP2":                   uncompressed(http2),
	"HTTP1/Listen/Gzip":       listen,
	"HTTP1/NotTakenOver/Gzip": notTakenOver,
}

func listen(h http.Handler) *httptest.Server { return listening(h, 0) }

func notTakenOver(h http.Handler) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(wrapped{w}, r) }))
}

func http2(h http.Handler) *httptest.Server {
	srv := httptest.NewUnstartedServer(h)
	srv.EnableHTTP2 = true
	srv.StartTLS()
	return srv
}

// uncompressed has a client that doesn't accept gzip, which Go's does by itself.
func uncompressed(over transport) transport {
	return func(h http.Handler) *httptest.Server {
		srv := over(h)
		srv.Client().Transport.(*http.Transport).DisableCompression = true
		return srv
	}
}

// listening serves behind Listen.
func listening(h http.Handler, headerTimeout time.Duration) *httptest.Server {
	srv := httptest.NewUnstartedServer(h)
	l, err := h.(*Handler).Listen("127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	_ = srv.Listener.Close()
	srv.Listener = l
	srv.Config.ReadHeaderTimeout = headerTimeout
	srv.Config.MaxHeaderBytes = 32 << 10
	srv.Start()
	return srv
}

// wrapped is a writer that a middleware wrapped: it can't be hijacked any more.
type wrapped struct{ http.ResponseWriter }

func (w wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// overEach runs the test over each transport.
func overEach(t *testing.T, test func(t *testing.T, over transport)) {
	for name, serve := range transports {
		t.Run(name, func(t *testing.T) { test(t, serve) })
	}
}

type transport = func(http.Handler) *httptest.Server

func newSite(t *testing.T, over transport, cfg Config) *site {
	t.Helper()
	s := &site{T: t, store: newFakeStore()}
	s.hub = NewHub(cfg, s.store, s.store, NewMetrics(prometheus.NewRegistry()), slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.hub.Run(ctx) }()
	s.stop = func() {
		cancel()
		<-s.hub.Done()
	}
	srv := over(&Handler{Hub: s.hub, Authenticate: authenticate(s.store), Log: slog.New(slog.DiscardHandler)})
	s.url, s.client = srv.URL, srv.Client()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		srv.Close()
	})
	s.store.commit(changed(log, users(ann, bob), nil))
	s.admit("ann", time.Now().Add(time.Hour))
	return s
}

// admit makes a session of ann.
func (s *site) admit(id string, expires time.Time) {
	s.store.set(func() { s.store.sessions[id] = chat.Session{ID: id, User: ann, Expires: expires} })
}

// authenticate takes the session's id from the Authorization header.
func authenticate(store *fakeStore) func(*http.Request) (chat.Session, error) {
	return func(r *http.Request) (chat.Session, error) {
		id := r.Header.Get("Authorization")
		if id == "broken" {
			return chat.Session{}, errors.New("the key store is down")
		}
		if id == "revoked" { // its token is good, but the store has it no more
			return chat.Session{ID: id, User: ann, Expires: time.Now().Add(time.Hour)}, nil
		}
		store.mu.Lock()
		defer store.mu.Unlock()
		s, ok := store.sessions[id]
		if !ok {
			return chat.Session{}, chat.ErrUnauthenticated
		}
		return s, nil
	}
}

func (s *site) do(ctx context.Context, method string, header ...string) *http.Response {
	s.Helper()
	return s.ask(ctx, method, "", header...)
}

// ask requests with a query.
func (s *site) ask(ctx context.Context, method, query string, header ...string) *http.Response {
	s.Helper()
	r, err := http.NewRequestWithContext(ctx, method, s.url+"/api/events"+query, nil)
	if err != nil {
		s.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := s.client.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// reader reads a stream block by block.
type reader struct {
	*testing.T
	*http.Response
	lines *bufio.Scanner
}

func (s *site) listen(ctx context.Context) *reader {
	s.Helper()
	resp := s.do(ctx, http.MethodGet, "Authorization", "ann", "Accept", "text/event-stream")
	if resp.StatusCode != http.StatusOK {
		s.Fatalf("status %d", resp.StatusCode)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	return &reader{T: s.T, Response: resp, lines: lines}
}

// begin reads what each stream begins with: retry, position, ready.
func (r *reader) begin() (retry, id, ready string) {
	r.Helper()
	return r.block(), strings.TrimSuffix(strings.TrimPrefix(r.block(), "id: "), "\n"), r.block()
}

func (r *reader) block() string {
	r.Helper()
	var b strings.Builder
	for r.lines.Scan() {
		if r.lines.Text() == "" {
			return b.String()
		}
		b.WriteString(r.lines.Text() + "\n")
	}
	r.Fatalf("the stream ended: %v", r.lines.Err())
	return ""
}
