package ops_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"tidings/internal/chat"
	"tidings/internal/chattest"
	"tidings/internal/ops"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// broken is a store that fails while it is down.
type broken struct {
	chat.InstanceStore
	down atomic.Bool
}

func (b *broken) Announce(ctx context.Context, i chat.Instance) error {
	if b.down.Load() {
		return errors.New("down")
	}
	return b.InstanceStore.Announce(ctx, i)
}

// An instance is announced at once and every 10 s, as it is then, also after the table
// was down; and forgotten when it stops.
func TestAnnouncer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &broken{InstanceStore: chattest.NewMemory(time.Now)}
		var connections atomic.Int64
		a := &ops.Announcer{
			Store: store, Now: time.Now, Log: slog.New(slog.DiscardHandler),
			Self: func() chat.Instance { return chat.Instance{Name: "i", Connections: int(connections.Load())} },
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); a.Run(ctx) }()
		want := func(connections int, ago time.Duration) {
			t.Helper()
			synctest.Wait()
			all, err := store.Instances(t.Context())
			if err != nil || len(all) != 1 || all[0].Connections != connections || all[0].Updated != chat.Millis(time.Now().Add(-ago).UnixMilli()) {
				t.Errorf("%+v %v", all, err)
			}
		}
		want(0, 0)
		connections.Store(7)
		time.Sleep(chat.AnnounceEvery)
		want(7, 0)
		store.down.Store(true)
		time.Sleep(chat.AnnounceEvery)
		want(7, chat.AnnounceEvery)
		store.down.Store(false)
		time.Sleep(chat.AnnounceEvery)
		want(7, 0)
		stop()
		<-done
		if all, err := store.Instances(t.Context()); err != nil || len(all) != 0 {
			t.Errorf("after the stop: %+v %v", all, err)
		}
	})
}

func TestPeers(t *testing.T) {
	down := false
	private := ops.Private(func(_ context.Context, user chat.UserID) (int, error) {
		if down {
			return 0, errors.New("the hub has ended")
		}
		return int(user) * 10, nil
	})
	srv := httptest.NewServer(private)
	defer srv.Close()
	at := chat.Instance{Address: strings.TrimPrefix(srv.URL, "http://")}
	p := ops.NewPeers()
	if n, err := p.Listeners(t.Context(), at, 7); n != 70 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	down = true
	if n, err := p.Listeners(t.Context(), at, 7); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("of one that ends: %d %v", n, err)
	}
	odd := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("userId") == "1" {
			http.Redirect(w, r, srv.URL, http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, "hello")
	}))
	defer odd.Close()
	for user, want := range map[chat.UserID]string{1: "302", 2: "decode"} {
		if n, err := p.Listeners(t.Context(), chat.Instance{Address: strings.TrimPrefix(odd.URL, "http://")}, user); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("of something else: %d %v", n, err)
		}
	}
	for _, address := range []string{"", "127.0.0.1:1", "a b"} {
		if n, err := p.Listeners(t.Context(), chat.Instance{Address: address}, 7); err == nil {
			t.Errorf("of nobody at %q: %d", address, n)
		}
	}
	for path, status := range map[string]int{"/listeners": 400, "/listeners?userId=x": 400, "/listeners?userId=0": 400, "/": 404} {
		rec := httptest.NewRecorder()
		private.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
		if rec.Code != status {
			t.Errorf("%s: %d", path, rec.Code)
		}
	}
}
