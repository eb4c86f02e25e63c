package httpapi_test

import (
	"strings"
	"testing"
	"time"

	"tidings/internal/chat"
	"tidings/internal/httpapi"
)

const (
	receiptsPath = "/api/events/receipts"
	summaryPath  = "/api/ops/receipts"
)

func TestReceipts(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		both(t, func(w *world) {
			alice, bob := w.mustPair()
			w.want(w.post(receiptsPath, `{"receipts":[{"type":"message","latencyMs":4},{"type":"message","latencyMs":-5},
				{"type":"message","latencyMs":10000000000000000000000000},{"type":"read"},{"type":"order_shipped","latencyMs":null}]}`, as(bob)), 202, "")
			w.want(w.get(summaryPath, as(alice)), 200, `{"minutes":60,"types":[
				{"type":"message","delivered":3,"p50":3.8,"p95":51750,"p99":58350},
				{"type":"read","delivered":1,"p50":null,"p95":null,"p99":null},
				{"type":"custom","delivered":1,"p50":null,"p95":null,"p99":null}]}`)
			w.advance(time.Hour)
			w.want(w.get(summaryPath, as(alice)), 200, `{"minutes":60,"types":[]}`)
			if a := w.get(summaryPath+"?minutes=61", as(alice)); !strings.Contains(a.body, `"message"`) {
				w.Errorf("%s", a.body)
			}
		})
	})
	t.Run("ErrNotAdmin", func(t *testing.T) {
		both(t, func(w *world) {
			_, bob := w.mustPair()
			w.refused(w.get(summaryPath, as(bob)), 403, "not_admin")
			w.refused(w.post(receiptsPath, `{"receipts":[{"type":"read"}]}`), 401, "unauthenticated")
		})
	})
	one := `{"type":"read"}`
	for name, c := range inOrder(map[string]struct {
		body   string
		fields []string
	}{
		"Nothing":      {`{}`, []string{"receipts required"}},
		"NoList":       {`{"receipts":` + one + `}`, []string{"receipts wrong_type"}},
		"Empty":        {`{"receipts":[]}`, []string{"receipts count"}},
		"TooMany":      {`{"receipts":[` + one + strings.Repeat(","+one, chat.MaxDeliveries) + `]}`, []string{"receipts count"}},
		"NoObject":     {`{"receipts":["read"]}`, []string{"receipts[0] wrong_type"}},
		"NoType":       {`{"receipts":[` + one + `,{"latencyMs":1}]}`, []string{"receipts[1].type event_type"}},
		"LongType":     {`{"receipts":[{"type":"` + strings.Repeat("x", chat.MaxEventType+1) + `"}]}`, []string{"receipts[0].type event_type"}},
		"Fraction":     {`{"receipts":[{"type":"read","latencyMs":1.5}]}`, []string{"receipts[0].latencyMs wrong_type"}},
		"Text":         {`{"receipts":[{"type":"read","latencyMs":"1"}]}`, []string{"receipts[0].latencyMs wrong_type"}},
		"UnknownField": {`{"receipts":[{"type":"read","Type":1}]}`, []string{"receipts[0] unknown_field"}},
	}) {
		t.Run("Invalid"+name, func(t *testing.T) {
			both(t, func(w *world) {
				u := w.mustRegister("alice")
				w.refused(w.post(receiptsPath, c.body, as(u)), 422, "validation_failed", c.fields...)
			})
		})
	}
	t.Run("InvalidMinutes", func(t *testing.T) {
		both(t, func(w *world) {
			alice := w.mustRegister("alice")
			for _, m := range []string{"0", "181", "x", "+5", ""} {
				w.refused(w.get(summaryPath+"?minutes="+m, as(alice)), 422, "validation_failed", "minutes out_of_range")
			}
		})
	})
	// The most that may be reported fits a body.
	t.Run("Largest", func(t *testing.T) {
		both(t, func(w *world) {
			u := w.mustRegister("alice")
			long := `{"type":"` + strings.Repeat("x", chat.MaxEventType) + `","latencyMs":60000}`
			body := `{"receipts":[` + long + strings.Repeat(","+long, chat.MaxDeliveries-1) + `]}`
			if len(body) > httpapi.MaxBody {
				w.Fatalf("%d bytes", len(body))
			}
			w.want(w.post(receiptsPath, body, as(u)), 202, "")
		})
	})
}
