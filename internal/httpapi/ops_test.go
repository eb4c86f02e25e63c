package httpapi_test

import (
	"context"
	"errors"
	"testing"

	"tidings/internal/chat"
)

const connectionsPath = "/api/ops/connections"

// peers have two streams of each user, but for the one that is down.
type peers struct{}

func (peers) Listeners(_ context.Context, i chat.Instance, _ chat.UserID) (int, error) {
	if i.Name == "down" {
		return 0, errors.New("down")
	}
	return 2, nil
}

func TestConnections(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		both(t, func(w *world) {
			alice := w.mustRegister("alice")
			w.want(w.get(connectionsPath, as(alice)), 200, `{"connections":0,"instances":[]}`)
			now := chat.Millis(w.clock().UnixMilli())
			for _, i := range []chat.Instance{
				{Name: "i-1", Cell: 1, Ready: true, Connections: 5, Version: "v1", Started: now, Updated: now, Address: "10.0.0.1:9090"},
				{Name: "down", Connections: 3, Version: "v2", Started: now, Updated: now},
			} {
				if err := w.store.Announce(w.Context(), i); err != nil {
					w.Fatal(err)
				}
			}
			instances := `"connections":8,"instances":[
				{"name":"down","cell":0,"ready":false,"connections":3,"version":"v2","started":"2026-01-02T03:04:05.678Z","updated":"2026-01-02T03:04:05.678Z"},
				{"name":"i-1","cell":1,"ready":true,"connections":5,"version":"v1","started":"2026-01-02T03:04:05.678Z","updated":"2026-01-02T03:04:05.678Z"}]`
			w.want(w.get(connectionsPath, as(alice)), 200, "{"+instances+"}")
			w.want(w.get(connectionsPath+"?userId=7", as(alice)), 200,
				"{"+instances+`,"listeners":{"userId":7,"connections":2,"instances":[{"name":"i-1","connections":2}],"unanswered":["down"]}}`)
		})
	})
	t.Run("ErrNotAdmin", func(t *testing.T) {
		both(t, func(w *world) {
			alice, bob := w.mustPair()
			w.refused(w.get(connectionsPath, as(bob)), 403, "not_admin")
			w.refused(w.get(connectionsPath), 401, "unauthenticated")
			w.refused(w.get(connectionsPath, shop), 401, "unauthenticated")
			w.api.Admins = nil
			w.refused(w.get(connectionsPath, as(alice)), 403, "not_admin")
		})
	})
	t.Run("ErrUserID", func(t *testing.T) {
		both(t, func(w *world) {
			alice := w.mustRegister("alice")
			for _, id := range []string{"x", "0", "01", ""} {
				w.refused(w.get(connectionsPath+"?userId="+id, as(alice)), 422, "validation_failed", "userId user_id")
			}
		})
	})
}
