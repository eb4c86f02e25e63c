package httpapi_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tidings/internal/chat"
	"tidings/internal/dynamo"
	"tidings/internal/httpapi"
)

const emitPath = "/api/events/emit"

// billing and shop are services.
var (
	billing = with("Authorization", "Bearer the key of billing")
	shop    = with("Authorization", "Bearer the key of the shop")
)

func TestEmit(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		both(t, func(w *world) {
			w.mustPair()
			w.want(w.post(emitPath, `{"userId":2,"type":"order_shipped","data":{"z":1.0,"a":[null]}}`, shop), 200,
				`{"emitted":[{"userId":2,"eventId":"u:2/1/1"}],"failed":[]}`)
			es := w.bus.Entries()
			if e := es[len(es)-1]; e.Kind != chat.KindCustom || string(e.Body) != `{"type":"order_shipped","data":{"z":1.0,"a":[null]}}` {
				w.Errorf("published %+v", e)
			}
		})
	})
	t.Run("OKSeveral", func(t *testing.T) {
		both(t, func(w *world) {
			w.mustPair()
			w.want(w.post(emitPath, `{"userIds":[1,2,99,1],"type":"t"}`, shop), 200, `{
				"emitted":[{"userId":1,"eventId":"u:1/1/1"},{"userId":2,"eventId":"u:2/1/1"}],
				"failed":[{"userId":99,"code":"user_not_found","detail":"There is no such user."}]}`)
		})
	})
	// The list of notifications keeps it.
	t.Run("Listed", func(t *testing.T) {
		both(t, func(w *world) {
			alice, _ := w.mustPair()
			w.post(emitPath, `{"userId":1,"type":"t","data":"x"}`, shop)
			w.want(w.get("/api/notifications", as(alice)), 200, `{"notifications":[{"id":"u:1/1","seq":1,"kind":"custom","type":"t","data":"x",
				"preview":"","createdAt":"2026-01-02T03:04:05.678Z","read":false}],"unreadCount":1,"links":{}}`)
		})
	})
	t.Run("SameKeyReachesTheRest", func(t *testing.T) {
		both(t, func(w *world) {
			alice := w.mustRegister("alice")
			w.post(emitPath, `{"userIds":[1,2],"type":"t","data":1}`, shop, key("k"))
			w.mustRegister("bob")
			all := `{"emitted":[{"userId":1,"eventId":"u:1/1/1"},{"userId":2,"eventId":"u:2/1/1"}],"failed":[]}`
			for range 2 {
				w.want(w.post(emitPath, `{"userIds":[1,2],"type":"t","data":1}`, shop, key("k")), 200, all)
			}
			if n := len(w.bus.Entries()); n != 2 {
				w.Errorf("%d entries published, want one each", n)
			}
			w.refused(w.post(emitPath, `{"userId":1,"type":"t","data":2}`, shop, key("k")), 422, "idempotency_mismatch")
			w.want(w.post(emitPath, `{"userIds":[1],"type":"t","data":2}`, shop, key("k")), 200,
				`{"emitted":[],"failed":[{"userId":1,"code":"idempotency_mismatch","detail":"This Idempotency-Key was used with another request."}]}`)
			w.want(w.post(emitPath, `{"userId":1,"type":"t","data":2}`, billing, key("k")), 200, `{"emitted":[{"userId":1,"eventId":"u:1/2/1"}],"failed":[]}`)
			if a := w.post("/api/conversations", `{"userId":2}`, as(alice), key("k")); a.status != 201 {
				w.Errorf("a user's own key: %d %s", a.status, a.body)
			}
		})
	})
}

func TestEmitRefusals(t *testing.T) {
	t.Run("ErrUserNotFound", func(t *testing.T) {
		both(t, func(w *world) { w.refused(w.post(emitPath, `{"userId":9,"type":"t"}`, shop), 404, "user_not_found") })
	})
	t.Run("ErrInvalidAPIKey", func(t *testing.T) {
		both(t, func(w *world) {
			alice := w.mustRegister("alice")
			for _, o := range []option{with("X"), as(alice), cookie(alice), with("Authorization", "Bearer the key of nobody"), with("X-Api-Key", "the key of billing")} {
				w.refused(w.post(emitPath, `{"userId":1,"type":"t"}`, o), 401, "invalid_api_key")
			}
			w.refused(w.get("/api/conversations", shop), 401, "unauthenticated") // and a key is no session
		})
	})
	t.Run("ErrCrossOrigin", func(t *testing.T) {
		both(t, func(w *world) {
			w.refused(w.post(emitPath, `{"userId":1,"type":"t"}`, shop, with("Origin", "https://evil.example")), 403, "cross_origin")
		})
	})
	for name, c := range inOrder(map[string]struct {
		body   string
		fields []string
	}{
		"Nothing":      {`{}`, []string{"type required", " one_of"}},
		"Both":         {`{"userId":1,"userIds":[1],"type":"t"}`, []string{" one_of"}},
		"NoReceivers":  {`{"userIds":[],"type":"t"}`, []string{"userIds too_few"}},
		"TooMany":      {fmt.Sprintf(`{"userIds":[1%s],"type":"t"}`, strings.Repeat(",1", chat.MaxReceivers)), []string{"userIds too_many"}},
		"NotANumber":   {`{"userIds":[1,"2"],"type":"t"}`, []string{"userIds[1] wrong_type"}},
		"UnknownField": {`{"userId":1,"type":"t","Data":1}`, []string{"Data unknown_field"}},
		"Type":         {`{"userId":1,"type":"two words"}`, []string{"type event_type"}},
		"Reserved":     {`{"userId":1,"type":"notification"}`, []string{"type reserved_type"}},
	}) {
		t.Run("Invalid"+name, func(t *testing.T) {
			both(t, func(w *world) { w.refused(w.post(emitPath, c.body, shop), 422, "validation_failed", c.fields...) })
		})
	}
	t.Run("Sizes", func(t *testing.T) {
		both(t, func(w *world) {
			w.mustRegister("alice")
			largest := `"` + strings.Repeat("x", chat.MaxEmitData-2) + `"`
			if a := w.post(emitPath, `{"userId":1,"type":"t","data":`+largest+`}`, shop); a.status != 200 {
				w.Errorf("the largest: %d %s", a.status, a.body)
			}
			w.refused(w.post(emitPath, `{"userId":1,"type":"t","data":"x`+largest[1:]+`}`, shop), 413, "entry_too_large")
			w.refused(w.post(emitPath, `{"userId":1,"type":"t"}`+strings.Repeat(" ", 2*httpapi.MaxBody), shop), 413, "body_too_large")
		})
	})
	t.Run("ErrRateLimited", func(t *testing.T) {
		both(t, func(w *world) {
			w.mustPair()
			w.api.Emissions.Store = w.table(dynamo.Limits{Receivers: 2})
			w.post(emitPath, `{"userIds":[1,2],"type":"t"}`, shop)
			a := w.post(emitPath, `{"userId":1,"type":"t"}`, shop)
			w.refused(a, 429, "rate_limited")
			if got := a.header.Get("Retry-After"); got != "5" { // the window ends at :10
				w.Errorf("Retry-After %q", got)
			}
			w.advance(5 * time.Second)
			if a := w.post(emitPath, `{"userId":1,"type":"t"}`, shop); a.status != 200 {
				w.Errorf("after the wait: %d %s", a.status, a.body)
			}
		})
	})
}
