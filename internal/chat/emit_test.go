package chat_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"tidings/internal/chat"
	"tidings/internal/chattest"
)

func (w *world) emissions(store chat.EmissionStore) *chat.Emissions {
	return &chat.Emissions{Store: store, Bus: w.bus, Log: slog.New(slog.NewTextHandler(w.log, nil))}
}

func emission(typ, data string, to ...chat.UserID) chat.Emission {
	return chat.Emission{Caller: "shop", To: to, CustomBody: chat.CustomBody{Type: typ, Data: json.RawMessage(data)}}
}

// failing is a store that fails for some users.
type failing struct {
	chat.EmissionStore
	down map[chat.UserID]error
}

func (f *failing) AppendCustom(ctx context.Context, user chat.UserID, body chat.CustomBody, idem chat.Idempotency) (chat.Answer, error) {
	if err := f.down[user]; err != nil {
		return chat.Answer{}, err
	}
	return f.EmissionStore.AppendCustom(ctx, user, body, idem)
}

func TestEmit(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		w := newWorld(t)
		w.mustPair()
		got, err := w.emissions(w).Emit(t.Context(), emission("order_shipped", ` { "b" : 1.50 , "a" : "<" } `, 2, 1, 2), chat.Idempotency{})
		if err != nil || !slices.Equal(got, []chat.Emitted{{User: 2, Seq: 1}, {User: 1, Seq: 1}}) {
			t.Fatalf("%+v %v", got, err)
		}
		es := w.bus.Entries()
		if len(es) != 2 {
			t.Fatalf("%d published", len(es))
		}
		for _, e := range es {
			evs, err := e.Events()
			if err != nil || len(evs) != 1 || evs[0].Type != "order_shipped" || string(evs[0].Data()) != `{"b":1.50,"a":"\u003c"}` || evs[0].Part != chat.PartMessage {
				t.Errorf("%+v %v", evs, err)
			}
		}
	})
	t.Run("OKNoData", func(t *testing.T) {
		w := newWorld(t)
		w.mustPair()
		if _, err := w.emissions(w).Emit(t.Context(), emission("t", "", 1), chat.Idempotency{}); err != nil {
			t.Fatal(err)
		}
		if evs, err := w.bus.Entries()[0].Events(); err != nil || string(evs[0].Data()) != "null" {
			t.Errorf("%+v %v", evs, err)
		}
	})
	for name, typ := range map[string]string{
		"Empty": "", "TooLong": strings.Repeat("x", chat.MaxEventType+1), "Space": "order shipped", "Digit": "1st", "Line": "a\nb", "Letter": "é",
	} {
		t.Run("ErrType"+name, func(t *testing.T) {
			w := newWorld(t)
			_, err := w.emissions(w).Emit(t.Context(), emission(typ, "1", 1), chat.Idempotency{})
			mustInvalid(t, err, "type", "event_type")
		})
	}
	t.Run("ErrReservedType", func(t *testing.T) {
		w := newWorld(t)
		for _, typ := range []string{"ready", "heartbeat", "reset", "reconnect", "revoked", "message", "notification", "conversation_update", "group_update", "read", "typing", "receipt", "friends_changed", "notification_read", "error", "open"} {
			_, err := w.emissions(w).Emit(t.Context(), emission(typ, "1", 1), chat.Idempotency{})
			mustInvalid(t, err, "type", "reserved_type")
		}
	})
	t.Run("ErrData", func(t *testing.T) {
		w := newWorld(t)
		for _, data := range []string{"{", "1 2", "\"\xff\""} {
			_, err := w.emissions(w).Emit(t.Context(), emission("t", data, 1), chat.Idempotency{})
			mustInvalid(t, err, "data", "malformed")
		}
	})
	t.Run("ErrEntryTooLarge", func(t *testing.T) {
		w := newWorld(t)
		w.mustPair()
		text := func(c string, n int) string { return `"` + strings.Repeat(c, n) + `"` }
		for name, c := range map[string]struct {
			data string
			want error
		}{
			"JustFits":   {text("x", chat.MaxEmitData-2) + strings.Repeat(" ", 1000), nil},
			"OneTooMany": {text("x", chat.MaxEmitData-1), chat.ErrEntryTooLarge},
			"Escaped":    {text("<", chat.MaxEntryBody/6), chat.ErrEntryTooLarge}, // six bytes each in an entry
		} {
			if _, err := w.emissions(w).Emit(t.Context(), emission("t", c.data, 1), chat.Idempotency{}); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestEmitFails(t *testing.T) {
	// What failed for one is told, and a retry with the key reaches that one alone,
	// whether or not it names the others again.
	t.Run("Retry", func(t *testing.T) {
		w := newWorld(t)
		w.mustPair()
		store := &failing{w, map[chat.UserID]error{2: errDown}}
		e, key := w.emissions(store), chattest.Given("k", "")
		got, err := e.Emit(t.Context(), emission("t", "1", 1, 2, 99), key)
		if err != nil || got[0].Err != nil || !errors.Is(got[1].Err, errDown) || !errors.Is(got[2].Err, chat.ErrUserNotFound) {
			t.Fatalf("%+v %v", got, err)
		}
		store.down = nil
		for _, to := range [][]chat.UserID{{1, 2}, {2}} {
			if got, err = e.Emit(t.Context(), emission("t", " 1", to...), key); err != nil || got[len(got)-1] != (chat.Emitted{User: 2, Seq: 1}) {
				t.Fatalf("%+v %v", got, err)
			}
		}
		if n := len(w.bus.Entries()); n != 2 {
			t.Errorf("%d events were published, want one each", n)
		}
		if got, _ = e.Emit(t.Context(), emission("t", "2", 1), key); !errors.Is(got[0].Err, chat.ErrIdempotencyMismatch) {
			t.Errorf("another event with the key: %+v", got)
		}
	})
	// The relay has what the fast path could not take.
	t.Run("BusDown", func(t *testing.T) {
		w := newWorld(t)
		w.mustPair()
		w.bus.down = true
		if got, err := w.emissions(w).Emit(t.Context(), emission("t", "1", 1), chat.Idempotency{}); err != nil || got[0].Seq != 1 || !strings.Contains(w.log.String(), "publish entry") {
			t.Errorf("%+v %v\n%s", got, err, w.log)
		}
	})
}
