package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidings/internal/apidoc"
	"tidings/internal/chat"
	"tidings/internal/chattest"
	"tidings/internal/dynamo"
	"tidings/internal/httpapi"
	"tidings/internal/lambdahttp"
	"tidings/internal/session"
	"tidings/internal/telemetry"
	"tidings/local/aws"
)

// The ways from a client to the API. A client must not be able to tell them apart.
var transports = []struct {
	name  string
	serve func(http.Handler) http.Handler
}{
	{"HTTP", func(h http.Handler) http.Handler { return h }},
	{"Lambda", func(h http.Handler) http.Handler { return lambdahttp.Local(lambdahttp.Handler(h)) }},
}

// both tells a story once over each transport, each time in a new world, and
// compares all that the client was answered.
func both(t *testing.T, story func(w *world)) {
	t.Helper()
	seen := make([]string, len(transports))
	for i, tr := range transports {
		t.Run(tr.name, func(t *testing.T) {
			w := newWorld(t, tr.serve)
			story(w)
			seen[i] = w.anonymous(w.transcript.String())
		})
	}
	if diff := cmp.Diff(seen[0], seen[1]); diff != "" && !t.Failed() {
		t.Errorf("answers differ (-HTTP +Lambda):\n%s", diff)
	}
}

// contract is what clients are told: every answer of every test is held to it.
var contract = sync.OnceValue(apidoc.NewContract)

// world is a running API with an empty store and a clock that stands still.
type world struct {
	*testing.T
	api    *httpapi.API
	store  *dynamo.Store
	table  func(dynamo.Limits) *dynamo.Store // the same one, with limits
	bus    *chattest.Published
	url    string
	client *http.Client
	log    *logBuffer

	invented   bool // the refusals are, so the documents don't know them
	transcript strings.Builder
	secrets    []string // what was drawn at random and is told to the client

	mu  sync.Mutex
	now time.Time // guarded by mu
}

func newWorld(t *testing.T, serve func(http.Handler) http.Handler) *world {
	w := &world{T: t, now: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC), log: &logBuffer{}, bus: &chattest.Published{}}
	srv, err := aws.New(aws.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = srv.Close() })
	w.table = func(l dynamo.Limits) *dynamo.Store { return dynamo.New(srv.Config(), "tidings", l, w.clock) }
	w.store = w.table(dynamo.Limits{})
	if err := w.store.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	tokens, err := session.NewTokens(bytes.Repeat([]byte("k"), session.MinKey))
	if err != nil {
		t.Fatal(err)
	}
	log := telemetry.NewLog(w.log, slog.LevelDebug)
	messages := &chat.Messages{Store: w.store, Views: w.store, Users: w.store, Bus: w.bus, Log: log}
	w.api = &httpapi.API{
		Accounts: &chat.Accounts{
			Users: w.store, Sessions: w.store, Hasher: session.NewPasswords(session.WithCost(8, 1)), Bus: w.bus, Now: w.clock, Log: log,
		},
		Conversations:  &chat.Conversations{Store: w.store, Users: w.store, Bus: w.bus, Log: log},
		Messages:       messages,
		Groups:         &chat.Groups{Store: w.store, Members: w.store, Views: w.store, Users: w.store, Bus: w.bus, Now: w.clock, Log: log},
		Friends:        &chat.Friends{Store: w.store, Users: w.store, Bus: w.bus, Log: log},
		Notifications:  &chat.Notifications{Store: w.store, Views: w.store, Messages: messages, Bus: w.bus, Log: log},
		Emissions:      &chat.Emissions{Store: w.store, Bus: w.bus, Log: log},
		Operations:     &chat.Operations{Store: w.store, Peers: peers{}, Now: w.clock, Log: log},
		Deliveries:     &chat.Deliveries{Store: w.store, Now: w.clock},
		Admins:         []chat.UserID{1},
		APIKeys:        []session.APIKey{session.NewAPIKey("billing", "the key of billing"), session.NewAPIKey("shop", "the key of the shop")},
		Authenticator:  &session.Authenticator{Tokens: tokens, Now: w.clock},
		AllowedOrigins: []string{"https://app.example.org"},
		Log:            log,
	}
	site := httptest.NewServer(serve(w.api.Handler()))
	t.Cleanup(site.Close)
	w.url, w.client = site.URL, site.Client()
	w.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return w
}

// inOrder ranges over a table by its keys, because both worlds must tell the story
// in one order.
func inOrder[V any](table map[string]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, k := range slices.Sorted(maps.Keys(table)) {
			if !yield(k, table[k]) {
				return
			}
		}
	}
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// answer is what a client got.
type answer struct {
	status int
	header http.Header
	body   string
}

// option changes a request before it is sent.
type option func(*http.Request)

func with(name string, values ...string) option {
	return func(r *http.Request) { r.Header[http.CanonicalHeaderKey(name)] = values }
}

func host(name string) option { return func(r *http.Request) { r.Host = name } }

func as(u user) option { return with("Authorization", "Bearer "+u.token) }

func cookie(u user) option { return with("Cookie", session.CookieName+"="+u.token) }

// send makes a request; writes have the Content-Type that they need.
func (w *world) send(method, path, body string, options ...option) answer {
	w.Helper()
	r, err := http.NewRequest(method, w.url+"/", strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	target, query, _ := strings.Cut(path, "?")
	r.URL.Opaque, r.URL.RawQuery = target, query // sent as it is, however odd
	if strings.HasPrefix(target, "//") {
		r.URL.Opaque = "//" + r.URL.Host + target // else it would name a host
	}
	if method != "GET" && method != "HEAD" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, o := range options {
		o(r)
	}
	resp, err := w.client.Do(r)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	a := answer{resp.StatusCode, resp.Header, string(b)}
	w.note(method, path, r, a)
	x := apidoc.Exchange{Method: method, Path: target, Request: body, Status: a.status, Header: a.header, Answer: a.body}
	if err := contract().Check(x); err != nil && !w.invented {
		w.Errorf("%s %s is not as documented: %v", method, path, err)
	}
	return a
}

// note adds an answer to the transcript, without what the server adds on its own.
func (w *world) note(method, path string, r *http.Request, a answer) {
	h := a.header.Clone()
	for _, own := range []string{"Date", "Content-Length", "Connection"} {
		h.Del(own)
	}
	if id := h.Get("X-Request-Id"); id != r.Header.Get("X-Request-Id") {
		w.secrets = append(w.secrets, id)
	}
	fmt.Fprintf(&w.transcript, "%s %s\n%d\n", method, path, a.status)
	_ = h.Write(&w.transcript)
	fmt.Fprintf(&w.transcript, "%s\n\n", a.body)
}

// anonymous puts the same word for everything random.
func (w *world) anonymous(s string) string {
	for _, secret := range w.secrets {
		if secret != "" {
			s = strings.ReplaceAll(s, secret, "<random>")
		}
	}
	return s
}

func (w *world) get(path string, options ...option) answer {
	w.Helper()
	return w.send("GET", path, "", options...)
}

func (w *world) post(path, body string, options ...option) answer {
	w.Helper()
	return w.send("POST", path, body, options...)
}

// want checks a status and a JSON body, whose spacing doesn't count; "" is none.
func (w *world) want(a answer, status int, body string) {
	w.Helper()
	if a.status != status {
		w.Fatalf("status %d, want %d; body %s", a.status, status, a.body)
	}
	if body == "" {
		if a.body != "" {
			w.Errorf("body %q, want none", a.body)
		}
		return
	}
	if got := a.header.Get("Content-Type"); got != "application/json" {
		w.Errorf("Content-Type %q", got)
	}
	if diff := cmp.Diff(mustJSON(w.T, body), mustJSON(w.T, w.anonymous(a.body))); diff != "" {
		w.Errorf("body (-want +got):\n%s", diff)
	}
}

// refused checks that an answer is a problem, whole and well-formed. Fields are
// "path code" of each error.
func (w *world) refused(a answer, status int, code string, fields ...string) {
	w.Helper()
	var p struct {
		Type, Title, Detail, Code string
		Status                    int
		Errors                    []chat.FieldError
	}
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		w.Fatalf("status %d, want %d %s; body %q: %v", a.status, status, code, a.body, err)
	}
	if a.status != status || p.Status != status || p.Code != code || p.Type != "/problems/"+code {
		w.Fatalf("status %d, want %d %s; body %s", a.status, status, code, a.body)
	}
	if p.Title != http.StatusText(status) || p.Detail == "" || a.header.Get("Content-Type") != "application/problem+json" {
		w.Errorf("Content-Type %q, body %s", a.header.Get("Content-Type"), a.body)
	}
	if got := a.header.Get("WWW-Authenticate"); (got == "Bearer") != (status == 401) {
		w.Errorf("status %d with WWW-Authenticate %q", status, got)
	}
	var got []string
	for _, f := range p.Errors {
		got = append(got, f.Path+" "+f.Code)
		if f.Message == "" {
			w.Errorf("no message in %+v", f)
		}
	}
	if diff := cmp.Diff(fields, got); diff != "" {
		w.Errorf("errors (-want +got):\n%s", diff)
	}
}

func mustJSON(t *testing.T, s string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return v
}

// user is somebody who is registered and logged in.
type user struct {
	chat.UserRef
	token string
}

func (w *world) mustRegister(name string) user {
	w.Helper()
	a := w.post("/api/auth/register", fmt.Sprintf(`{"username":%q,"password":"correct horse"}`, name))
	if a.status != http.StatusCreated {
		w.Fatalf("register %s: %d %s", name, a.status, a.body)
	}
	return w.mustLogIn(a)
}

// mustLogIn takes over the session of an answer.
func (w *world) mustLogIn(a answer) user {
	w.Helper()
	var got struct {
		User  chat.UserRef
		Token string
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || got.Token == "" {
		w.Fatalf("no token in %d %s", a.status, a.body)
	}
	w.secrets = append(w.secrets, got.Token)
	return user{got.User, got.Token}
}

// mustPair registers alice (1) and bob (2) with a conversation, 1-2.
func (w *world) mustPair() (alice, bob user) {
	w.Helper()
	alice, bob = w.mustRegister("alice"), w.mustRegister("bob")
	if a := w.post("/api/conversations", `{"userId":2}`, as(alice)); a.status != http.StatusCreated {
		w.Fatalf("%d %s", a.status, a.body)
	}
	return alice, bob
}

func (w *world) mustSay(u user, content string) {
	w.Helper()
	body, _ := json.Marshal(map[string]string{"content": content})
	if a := w.post("/api/conversations/1-2/messages", string(body), as(u)); a.status != http.StatusCreated {
		w.Fatalf("%d %s", a.status, a.body)
	}
}

// host is the server's own, as in the Host header.
func (w *world) host() string {
	u, err := url.Parse(w.url)
	if err != nil {
		w.Fatal(err)
	}
	return u.Host
}

// logBuffer collects log lines of handlers that may still run.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// slow is a chat.LoginAttempts that refuses everybody.
type slow struct{ wait time.Duration }

func (s slow) BeginLogin(context.Context, string, time.Time) error {
	return chat.TooManyAttempts(s.wait)
}

func (slow) LoginSucceeded(context.Context, string) error { return nil }
