package stream

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidings/internal/bus"
	"tidings/internal/chat"
)

func TestStreamOverHTTP(t *testing.T) { overEach(t, testStreamOverHTTP) }

func testStreamOverHTTP(t *testing.T, over transport) {
	s := newSite(t, over, Config{})
	r := s.listen(t.Context())
	for name, want := range map[string]string{
		"Content-Type":      "text/event-stream; charset=utf-8",
		"Cache-Control":     "no-store, no-transform",
		"X-Accel-Buffering": "no",
		"Vary":              "Accept-Encoding",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if compressed := strings.Contains(t.Name(), "/Gzip"); r.Uncompressed != compressed {
		t.Errorf("was compressed: %v", r.Uncompressed)
	}
	first, id, ready := r.begin()
	retry, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(first, "retry: ")))
	if err != nil || retry < 2000 || retry >= 5000 {
		t.Errorf("retry %d, %v", retry, err)
	}
	if c, ok := parseCursor(id); !ok || c.user != ann {
		t.Errorf("position %q: %+v", id, c)
	}
	if !strings.HasPrefix(ready, "event: ready\ndata: {\"connectionId\":\"") || !strings.Contains(ready, `"resumed":false}`) {
		t.Errorf("instead of ready: %q", ready)
	}
	e := s.store.commit(message(log, bob))
	if err := s.hub.Deliver(t.Context(), []bus.Envelope{{Entry: &e}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"message", "notification", "conversation_update"} {
		b, id, _ := strings.Cut(r.block(), "\n")
		if !strings.HasPrefix(b, `data: {"userId":1,"type":"`+want+`","data":{`) || strings.Count(id, "\n") != 1 {
			t.Errorf("instead of %s: %q, %q", want, b, id)
		}
		if _, ok := parseCursor(strings.TrimSpace(strings.TrimPrefix(id, "id: "))); !ok {
			t.Errorf("%s: %q is no position", want, id)
		}
	}
}

// How soon a browser comes back by itself is drawn for each stream: those who were
// cut off together don't come back together.
func TestStreamOverHTTPRetry(t *testing.T) { overEach(t, testStreamOverHTTPRetry) }

func testStreamOverHTTPRetry(t *testing.T, over transport) {
	s := newSite(t, over, Config{})
	drawn := map[string]bool{}
	for range maxPerUser {
		first := s.listen(t.Context()).block()
		retry, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(first, "retry: ")))
		if err != nil || retry < 2000 || retry >= 5000 {
			t.Errorf("%q, %v", first, err)
		}
		drawn[first] = true
	}
	if len(drawn) < maxPerUser/2 {
		t.Errorf("%d different times for %d streams", len(drawn), maxPerUser)
	}
}

func TestStreamOverHTTPRefusals(t *testing.T) { overEach(t, testStreamOverHTTPRefusals) }

func testStreamOverHTTPRefusals(t *testing.T, over transport) {
	s := newSite(t, over, Config{})
	s.admit("expired", time.Now().Add(-time.Second))
	for _, tc := range []struct {
		name, method string
		header       []string
		status       int
		code         string
	}{
		{"ErrUnauthenticated", http.MethodGet, nil, 401, "unauthenticated"},
		{"ErrSessionRevoked", http.MethodGet, []string{"Authorization", "revoked"}, 401, "session_ended"},
		{"ErrSessionExpired", http.MethodGet, []string{"Authorization", "expired"}, 401, "session_ended"},
		{"ErrMethodNotAllowed", http.MethodPost, []string{"Authorization", "ann"}, 405, "method_not_allowed"},
		{"ErrNotAcceptable", http.MethodGet, []string{"Authorization", "ann", "Accept", "application/json, text/html"}, 406, "not_acceptable"},
		{"ErrNotAcceptable/q=0", http.MethodGet, []string{"Authorization", "ann", "Accept", "*/*, text/event-stream;q=0"}, 406, "not_acceptable"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			resp := s.do(t.Context(), tc.method, tc.header...)
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != tc.status || resp.Header.Get("Content-Type") != "application/problem+json" ||
				!strings.Contains(string(body), `"code":"`+tc.code+`"`) {
				t.Errorf("status %d, body %s, %v", resp.StatusCode, body, err)
			}
			if tc.status == 405 && resp.Header.Get("Allow") != "GET" {
				t.Error("no Allow header")
			}
		})
	}
}

func TestStreamOverHTTPTurnedAway(t *testing.T) { overEach(t, testStreamOverHTTPTurnedAway) }

func testStreamOverHTTPTurnedAway(t *testing.T, over transport) {
	check := func(t *testing.T, s *site, auth string) {
		t.Helper()
		resp := s.do(t.Context(), http.MethodGet, "Authorization", auth)
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != 200 || !strings.HasPrefix(string(body), "retry: ") ||
			!strings.Contains(string(body), "event: reconnect\ndata: {\"delayMs\":") {
			t.Errorf("status %d, body %q, %v", resp.StatusCode, body, err)
		}
	}
	t.Run("Full", func(t *testing.T) {
		s := newSite(t, over, Config{MaxConnections: 1})
		s.listen(t.Context()).block()
		check(t, s, "ann")
	})
	t.Run("AuthenticationBroken", func(t *testing.T) { check(t, newSite(t, over, Config{}), "broken") })
	t.Run("HubEnded", func(t *testing.T) {
		s := newSite(t, over, Config{})
		s.stop()
		check(t, s, "ann")
	})
}

// The header is the newer position, the query the one that a new EventSource was made
// with. Neither is trusted to be there once.
func TestLastEventID(t *testing.T) {
	for _, tc := range []struct {
		name, query string
		header      []string
		want        string
	}{
		{"None", "", nil, ""},
		{"Query", "?lastEventId=q", nil, "q"},
		{"Header", "", []string{"h"}, "h"},
		{"HeaderWins", "?lastEventId=q", []string{"h"}, "h"},
		{"EmptyHeader", "?lastEventId=q", []string{""}, "q"},
		{"QueryTwice", "?lastEventId=q&lastEventId=r", nil, "q"},
		{"HeaderTwice", "", []string{"h", "i"}, "h"},
		{"Escaped", "?lastEventId=%c3%a9%0a", nil, "é\n"},
		{"OtherName", "?lasteventid=q", nil, ""},
		{"BrokenEscape", "?lastEventId=%zz", nil, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/api/events"+tc.query, nil)
			r.Header["Last-Event-Id"] = tc.header
			if got := lastEventID(r); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

// A client that is cut before it has a new position keeps that which it brought, also
// one that forgets it at the start of a response; what is none stays none.
func TestStreamOverHTTPEchoesThePosition(t *testing.T) {
	overEach(t, testStreamOverHTTPEchoesThePosition)
}

func testStreamOverHTTPEchoesThePosition(t *testing.T, over transport) {
	for _, tc := range []struct{ name, brought, echo string }{
		{"None", "", ""},
		{"Position", "AQmToKjnoDSnjiPv-_", "AQmToKjnoDSnjiPv-_"},
		{"NotOurs", "17", "17"},
		{"NoToken", "a b\"c", "0"},
		{"TooLong", strings.Repeat("A", maxCursor+1), "0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSite(t, over, Config{})
			for _, auth := range []string{"ann", "broken"} { // taken in, turned away
				resp := s.do(t.Context(), http.MethodGet, "Authorization", auth, "Last-Event-ID", tc.brought)
				r := &reader{T: t, Response: resp, lines: bufio.NewScanner(resp.Body)}
				got := ""
				for line := range strings.Lines(r.block()) {
					if id, ok := strings.CutPrefix(line, "id: "); ok {
						got += strings.TrimSuffix(id, "\n")
					}
				}
				if got != tc.echo {
					t.Errorf("%s: the first block has the id %q, want %q", auth, got, tc.echo)
				}
			}
		})
	}
}

// One that came too late for the hub to let it in is told too, and its socket ends.
func TestStreamOverHTTPNeverLetIn(t *testing.T) { overEach(t, testStreamOverHTTPNeverLetIn) }

func testStreamOverHTTPNeverLetIn(t *testing.T, over transport) {
	store := newFakeStore()
	store.set(func() { store.sessions["ann"] = chat.Session{ID: "ann", User: ann, Expires: time.Now().Add(time.Hour)} })
	hub := NewHub(Config{}, store, store, NewMetrics(prometheus.NewRegistry()), slog.New(slog.DiscardHandler)) // nobody runs it
	srv := over(&Handler{Hub: hub, Authenticate: authenticate(store), Log: slog.New(slog.DiscardHandler)})
	defer srv.Close()
	s := &site{T: t, url: srv.URL, client: srv.Client(), hub: hub, store: store}
	resp := s.do(t.Context(), http.MethodGet, "Authorization", "ann") // the header comes after verdictWait
	close(hub.done)
	body, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(body), "event: reconnect\ndata: {\"delayMs\":") {
		t.Errorf("body %q, %v", body, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if hub.waitEmpty(ctx); hub.Connections() != 0 {
		t.Error("its socket never said Closed")
	}
}

func TestStreamOverHTTPEnds(t *testing.T) { overEach(t, testStreamOverHTTPEnds) }

func testStreamOverHTTPEnds(t *testing.T, over transport) {
	t.Run("ClientGone", func(t *testing.T) {
		s := newSite(t, over, Config{})
		ctx, cancel := context.WithCancel(t.Context())
		r := s.listen(ctx)
		r.begin()
		cancel()
		gone, stop := context.WithTimeout(t.Context(), 5*time.Second)
		defer stop()
		if s.hub.waitEmpty(gone); s.hub.Connections() != 0 {
			t.Error("the hub still holds the stream")
		}
		if n, err := s.hub.Listeners(t.Context(), ann); n != 0 || err != nil {
			t.Errorf("%d listeners, %v", n, err)
		}
	})
	t.Run("Drain", func(t *testing.T) {
		s := newSite(t, over, Config{})
		r := s.listen(t.Context())
		r.begin()
		s.stop()
		if b := r.block(); !strings.HasPrefix(b, "retry: ") || !strings.Contains(b, "\nevent: reconnect\n") {
			t.Errorf("instead of reconnect: %q", b)
		}
		if r.lines.Scan() || r.lines.Err() != nil {
			t.Errorf("the stream went on: %q, %v", r.lines.Text(), r.lines.Err())
		}
	})
	t.Run("LogOut", func(t *testing.T) {
		s := newSite(t, over, Config{})
		r := s.listen(t.Context())
		r.begin()
		e := s.store.commit(revokedEntry("ann"))
		if err := s.hub.Deliver(t.Context(), []bus.Envelope{{Entry: &e}}); err != nil {
			t.Fatal(err)
		}
		if b := r.block(); b != "event: revoked\ndata: {\"reason\":\"logout\"}\n" {
			t.Errorf("instead of revoked: %q", b)
		}
		if r.lines.Scan() || r.lines.Err() != nil {
			t.Errorf("the stream went on: %q, %v", r.lines.Text(), r.lines.Err())
		}
	})
}

// A client that reads nothing while 2 MB come: its stream is fed as it reads on.
func TestStreamOverHTTPSlowReader(t *testing.T) { overEach(t, testStreamOverHTTPSlowReader) }

func testStreamOverHTTPSlowReader(t *testing.T, over transport) {
	s := newSite(t, over, Config{CacheBytes: 100_000})
	r := s.listen(t.Context())
	r.begin()
	const n = 900 // of 3 KB; more than 1,000 would be too many to replay
	for range n {
		m := message(log, bob)
		m.Body = mustJSON(chat.MessageBody{Sender: chat.UserRef{ID: bob}, Content: strings.Repeat("hello ", 160), Members: []chat.UserRef{{ID: bob}}})
		e := s.store.commit(m)
		if err := s.hub.Deliver(t.Context(), []bus.Envelope{{Entry: &e}}); err != nil {
			t.Fatal(err)
		}
	}
	for seq := 2; seq < n+2; seq++ {
		for part := 1; part <= 3; part++ {
			want := `"eventId":"c:1-2/` + strconv.Itoa(seq) + "/" + strconv.Itoa(part) + `"}`
			b := r.block()
			for strings.HasPrefix(b, "event: heartbeat\n") {
				b = r.block()
			}
			if !strings.Contains(b, want) {
				t.Fatalf("instead of %s: %q", want, b)
			}
		}
	}
}

func TestAcceptsEvents(t *testing.T) {
	for accept, want := range map[string]bool{
		"text/event-stream":                    true,
		"Text/Event-Stream; q=0.5":             true,
		"text/*":                               true,
		"*/*":                                  true,
		"application/json, */*;q=0.1":          true,
		"application/json":                     false,
		"text/html":                            false,
		"text/event-stream;q=0":                false,
		"text/event-stream;q=0.000, */*;q=0.1": false,
		"*/*;q=0":                              false,
		"*/*;q=0, text/event-stream":           true,
	} {
		if got := acceptsEvents([]string{accept}); got != want {
			t.Errorf("%q: %v", accept, got)
		}
	}
	if !acceptsEvents(nil) {
		t.Error("no header excludes nothing")
	}
}
