// Command hub is the streamer's delivery alone, for the load generator: the real
// endpoint with signed sessions, the real hub and its sockets, over a table that is
// computed, and fed by POST /pub instead of a queue.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tidings/internal/bus"
	"tidings/internal/chat"
	"tidings/internal/session"
	"tidings/internal/stream"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

// config is what the command is told.
type config struct {
	addr, pub string        // of the stream and of POST /pub
	portable  bool          // leave the connections to net/http
	hijack    bool          // take them over from net/http
	heartbeat time.Duration // of the hub
	users     int           // there are, 0 and up
	history   bool          // keep entries, so that the hub can read them
	tokens    string        // file to which their tokens are written, one a line
}

func run(ctx context.Context, args []string) error {
	var c config
	f := flag.NewFlagSet("hub", flag.ContinueOnError)
	f.StringVar(&c.addr, "addr", "127.0.0.1:7170", "of the stream")
	f.StringVar(&c.pub, "pub", "127.0.0.1:7220", "of POST /pub?t=CHANNEL")
	f.BoolVar(&c.portable, "portable", false, "leave the connections to net/http")
	f.BoolVar(&c.hijack, "hijack", false, "take the connections over from net/http")
	f.DurationVar(&c.heartbeat, "heartbeat", 10*time.Second, "of each stream")
	f.IntVar(&c.users, "users", 15_000, "that may connect")
	f.BoolVar(&c.history, "history", false, "keep all entries in the table")
	f.StringVar(&c.tokens, "tokens", "", "file to write the users' session tokens to, one a line")
	if err := f.Parse(args); err != nil {
		return err
	}
	if os.Getenv("GOGC") == "" { // as the streamer does
		debug.SetGCPercent(stream.GCPercent)
	}
	tokens, err := session.NewTokens(make([]byte, session.MinKey))
	if err != nil {
		return err
	}
	if err := writeTokens(c, tokens); err != nil {
		return err
	}
	quiet := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	metrics := prometheus.NewRegistry()
	t := &table{heads: map[chat.LogID]newest{}}
	if c.history {
		t.entries = map[chat.LogID][]chat.Entry{}
	}
	hub := stream.NewHub(stream.Config{MaxConnections: c.users + 1000, MaxConnecting: 64, Heartbeat: c.heartbeat, Drain: time.Millisecond}, t, t, stream.NewMetrics(metrics), quiet)
	auth := &session.Authenticator{Tokens: tokens, Now: time.Now}
	handler := &stream.Handler{Hub: hub, Authenticate: auth.Authenticate, Log: quiet}
	var events http.Handler = handler
	if c.portable {
		events = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(unhijackable{w}, r) })
	}
	mux := http.NewServeMux()
	mux.Handle("/api/events", events)
	pub := http.NewServeMux()
	pub.Handle("POST /pub", &publisher{hub: hub, table: t})
	pub.Handle("/debug/", http.DefaultServeMux)
	pub.Handle("/metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	for addr, h := range map[string]http.Handler{c.addr: mux, c.pub: pub} {
		listen := handler.Listen
		if c.portable || c.hijack || addr == c.pub {
			listen = func(address string) (net.Listener, error) { return net.Listen("tcp", address) }
		}
		l, err := listen(addr)
		if err != nil {
			return err
		}
		srv := &http.Server{Handler: h, ReadTimeout: 30 * time.Second, MaxHeaderBytes: 32 << 10}
		go func() { _ = srv.Serve(l) }()
		defer srv.Close()
	}
	return hub.Run(ctx)
}

// unhijackable hides that its connection can be taken over.
type unhijackable struct{ http.ResponseWriter }

func (w unhijackable) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func writeTokens(c config, tokens *session.Tokens) error {
	if c.tokens == "" {
		return nil
	}
	f, err := os.Create(c.tokens)
	if err != nil {
		return err
	}
	defer f.Close()
	for i := range c.users {
		now := time.Now()
		token, err := tokens.Sign(chat.Session{ID: fmt.Sprintf("session-%d", i), User: chat.UserID(i + 1), Created: now, Expires: now.Add(chat.SessionLifetime)})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(f, token); err != nil {
			return err
		}
	}
	return f.Close()
}

// groupSize is how many users share a group chat; the generator's -group.
const groupSize = 20

// table is a table in which every user is in the chat of everybody, one of their
// group of 20, one with nobody else here and seven conversations. Only heads change.
type table struct {
	mu      sync.Mutex
	heads   map[chat.LogID]newest
	entries map[chat.LogID][]chat.Entry // from seq 2 on; nil: they aren't kept
}

// newest is all of a head that the benchmark needs: its memory is counted with the
// hub's.
type newest struct{ seq, ts int64 }

func (t *table) Heads(_ context.Context, logs []chat.LogID) (map[chat.LogID]chat.Head, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make(map[chat.LogID]chat.Head, len(logs))
	for _, l := range logs {
		h := t.heads[l]
		if h.seq == 0 && !l.Is(chat.UserPrefix) {
			h = newest{1, 1}
		}
		out[l] = chat.Head{Log: l, Seq: h.seq, TS: h.ts}
	}
	return out, nil
}

func (t *table) Entries(_ context.Context, log chat.LogID, after, to int64) ([]chat.Entry, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	es := t.entries[log]
	from := min(int64(len(es)), max(0, after-1))
	return slices.Clone(es[from:max(from, min(int64(len(es)), to-1))]), nil
}

func (t *table) Position(_ context.Context, _ chat.LogID, _, _, to int64) (int64, error) {
	return to, nil
}

// always is what everybody's membership has; a reading of the real table makes its own.
var always = chat.Intervals{{From: 1}}

func (t *table) Memberships(_ context.Context, user chat.UserID) ([]chat.Membership, error) {
	i := int(user) - 1
	out := make([]chat.Membership, 0, 10)
	add := func(l chat.LogID) { out = append(out, chat.Membership{Log: l, User: user, Intervals: always}) }
	add(everybody)
	add(numbered("g", i/groupSize))
	add(numbered("u", i))
	for k := range 7 {
		other := i ^ (1 << k) // so that it is mutual
		add(chat.ConversationLog(chat.ConversationID(user, chat.UserID(other+1))))
	}
	return out, nil
}

var everybody = chat.GroupLog("all")

// numbered is the log of a group chat that the generator names so.
func numbered(prefix string, n int) chat.LogID {
	digits := strconv.Itoa(n)
	return chat.GroupLog(prefix + "0000000"[:max(0, 7-len(digits))] + digits)
}

func (t *table) Membership(_ context.Context, user chat.UserID, log chat.LogID) (chat.Membership, error) {
	return chat.Membership{Log: log, User: user, Intervals: always}, nil
}

func (t *table) Session(_ context.Context, s chat.Session) (chat.Session, error) { return s, nil }

func (t *table) SessionsHold(_ context.Context, ss []chat.Session) ([]bool, error) {
	hold := make([]bool, len(ss))
	for i := range hold {
		hold[i] = true
	}
	return hold, nil
}

// publisher commits and delivers an entry of one event to the members of a channel.
type publisher struct {
	hub   *stream.Hub
	table *table
	mu    sync.Mutex // entries reach the hub in the order of their log
}

func (p *publisher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	body, err := json.Marshal(chat.GroupBody{Group: chat.GroupState{Name: string(data)}})
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	log := chat.GroupLog(r.URL.Query().Get("t"))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.table.mu.Lock()
	head := p.table.heads[log]
	head = newest{max(1, head.seq) + 1, chat.NextTS(time.Now(), head.ts)}
	p.table.heads[log] = head
	e := chat.Entry{Log: log, Seq: head.seq, TS: head.ts, Kind: chat.KindRenamed, By: 1, Body: body}
	if p.table.entries != nil {
		p.table.entries[log] = append(p.table.entries[log], e)
	}
	p.table.mu.Unlock()
	if err := p.hub.Deliver(r.Context(), []bus.Envelope{{Entry: &e}}); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}
