// Package ops is how streamers know of each other: each says in the table that it is
// there, and answers the others on its private port. Nothing that is delivered rests
// on it.
package ops

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"tidings/internal/chat"
)

// withdrawTimeout is for the last word of an instance that stops.
const withdrawTimeout = 5 * time.Second

// Announcer says for one instance that it is there.
type Announcer struct {
	Store chat.InstanceStore
	// Self is the instance as it is now; Updated is set by the announcer.
	Self func() chat.Instance
	Now  func() time.Time
	Log  *slog.Logger
}

// Run announces until ctx ends, then takes it back.
func (a *Announcer) Run(ctx context.Context) {
	tick := time.NewTicker(chat.AnnounceEvery)
	defer tick.Stop()
	for {
		self := a.Self()
		self.Updated = chat.Millis(a.Now().UnixMilli())
		if err := a.Store.Announce(ctx, self); err != nil && ctx.Err() == nil {
			a.Log.WarnContext(ctx, "announce instance", "error", err)
		}
		select {
		case <-tick.C:
			continue
		case <-ctx.Done():
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), withdrawTimeout)
		defer cancel()
		if err := a.Store.Withdraw(ctx, self.Name); err != nil { // the table forgets it in an hour
			a.Log.WarnContext(ctx, "withdraw instance", "error", err)
		}
		return
	}
}

// listenersPath is what the private port answers.
const listenersPath = "/listeners"

type listenersAnswer struct {
	Connections int `json:"connections"`
}

// Private answers the other instances: GET /listeners?userId=. It asks nobody who they
// are, so it belongs on a port that only they can reach.
func Private(listeners func(context.Context, chat.UserID) (int, error)) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+listenersPath, func(w http.ResponseWriter, r *http.Request) {
		user, ok := chat.ParseUserID(r.URL.Query().Get("userId"))
		if !ok {
			http.Error(w, "userId is the id of a user", http.StatusBadRequest)
			return
		}
		n, err := listeners(r.Context(), user)
		if err != nil {
			http.Error(w, "not now", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(listenersAnswer{n}) // who is gone needs no answer
	})
	return mux
}

// Peers asks over HTTP. It keeps no connections: it is asked for when an operator looks.
type Peers struct{ client http.Client }

// NewPeers makes them.
func NewPeers() *Peers {
	return &Peers{http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Listeners implements chat.Peers.
func (p *Peers) Listeners(ctx context.Context, i chat.Instance, user chat.UserID) (int, error) {
	u := url.URL{Scheme: "http", Host: i.Address, Path: listenersPath, RawQuery: "userId=" + user.String()}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return 0, err
	}
	resp, err := p.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("status %d", resp.StatusCode)
	}
	var a listenersAnswer
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		return 0, fmt.Errorf("decode answer: %w", err)
	}
	return a.Connections, nil
}
