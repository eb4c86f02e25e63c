package dynamo_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"tidings/internal/chat"
	"tidings/internal/chattest"
	"tidings/internal/dynamo"
	"tidings/local/aws"
)

// A caller's rate is its own, and ends with its window.
func TestCountEmission(t *testing.T) {
	w := newWorld(t, dynamo.Limits{Receivers: 100})
	count := func(caller string, n int) error { return w.CountEmission(t.Context(), caller, n) }
	for _, n := range []int{60, 40} {
		if err := count("shop", n); err != nil {
			t.Fatal(err)
		}
	}
	err := count("shop", 1)
	var refused *chat.Error
	if !errors.As(err, &refused) || refused.Code != "rate_limited" || refused.RetryAfter <= 0 || refused.RetryAfter > chat.EmitWindow {
		t.Fatalf("one too many: %v", err)
	}
	if err := count("billing", 100); err != nil {
		t.Errorf("another caller: %v", err)
	}
	w.Advance(refused.RetryAfter - time.Millisecond)
	if err := count("shop", 1); !errors.Is(err, chat.RateLimited(0)) {
		t.Errorf("a moment too early: %v", err)
	}
	w.Advance(time.Millisecond)
	if err := count("shop", 99); err != nil {
		t.Errorf("after the wait: %v", err)
	}
	if err := count("shop", 2); !errors.Is(err, chat.RateLimited(0)) {
		t.Errorf("two where there is room for one: %v", err)
	}
	if err := count("shop", 1); err != nil { // what was refused has not counted
		t.Errorf("the last one: %v", err)
	}
	if err := count("news", 101); !errors.As(err, &refused) || refused.Code != "validation_failed" || refused.Fields[0].Code != "too_many" {
		t.Errorf("more than a window takes: %v", err)
	}
	if err := newWorld(t, dynamo.Limits{}).CountEmission(t.Context(), "shop", 1<<40); err != nil {
		t.Errorf("without limits: %v", err)
	}
}

// What an event costs for each receiver; docs/architecture.md repeats it.
func TestEmitUnits(t *testing.T) {
	w := newWorld(t, dynamo.DefaultLimits)
	w.MustUser("alice")
	large := chat.CustomBody{Type: "t", Data: json.RawMessage(`"` + strings.Repeat("x", 64<<10-2) + `"`)}
	small := chat.CustomBody{Type: "order_shipped", Data: json.RawMessage(`{"orderId":17}`)}
	keyed := chattest.Given("k", "h")
	keyed.Caller = "shop"
	for i, c := range []struct {
		body chat.CustomBody
		idem chat.Idempotency
		want string
	}{
		{small, chattest.Fresh(), "BatchGetItem 1 + TransactWriteItems 8"},
		{small, keyed, "BatchGetItem 2 + TransactWriteItems 8"},
		{small, keyed, "BatchGetItem 2"}, // again
		{large, chattest.Fresh(), "BatchGetItem 1 + TransactWriteItems 136"},
	} {
		w.units.Reset()
		if _, err := w.AppendCustom(t.Context(), 1, c.body, c.idem); err != nil {
			t.Fatal(err)
		}
		if got := w.units.String(); got != c.want {
			t.Errorf("%d: %s, want %s", i, got, c.want)
		}
	}
	w.units.Reset()
	if err := w.CountEmission(t.Context(), "shop", 100); err != nil || w.units.String() != "UpdateItem 1" {
		t.Errorf("the rate: %s, %v", w.units, err)
	}
}

// An attempt whose answer is lost is recognised by its record: one event, and it is
// still to be published.
func TestEmitTimeoutAfterCommit(t *testing.T) {
	w := newWorld(t, dynamo.Limits{})
	w.MustUser("alice")
	w.mustFaults(aws.FaultConfig{TimeoutAfterCommit: 1})
	w.races.before("GetItem", func() { w.mustFaults(aws.FaultConfig{}) }) // the second attempt's head
	a, err := w.AppendCustom(t.Context(), 1, chat.CustomBody{Type: "t", Data: json.RawMessage("1")}, chattest.Fresh())
	if err != nil || a.Replayed || len(a.Entry.Body) == 0 {
		t.Errorf("%+v %v", a, err)
	}
	if es := w.mustEntries("u:1"); len(es) != 1 {
		t.Errorf("%d events", len(es))
	}
}
