package dynamo_test

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"tidings/internal/chat"
	"tidings/internal/chattest"
	"tidings/internal/dynamo"
	"tidings/local/aws"
)

// Whatever the table does to an append (its answer lost after the commit,
// conflicts, throttling), a message that was answered is in the log exactly once.
func TestAppendMessageUnderFaults(t *testing.T) {
	for name, f := range map[string]aws.FaultConfig{
		"TimeoutAfterCommit": {Seed: 1, TimeoutAfterCommit: 0.3},
		"Conflict":           {Seed: 2, Conflict: 0.3},
		"Throttle":           {Seed: 3, Throttle: 0.2},
		"All":                {Seed: 4, TimeoutAfterCommit: 0.2, Conflict: 0.2, Throttle: 0.1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, dynamo.Limits{})
			log := w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
			w.aws.Faults().Set(f)
			var mu sync.Mutex
			answered := map[string]int64{}
			var wg sync.WaitGroup
			for g := range 4 {
				wg.Go(func() {
					for i := range 15 {
						text := fmt.Sprintf("%d-%d", g, i)
						d, idem := chat.Draft{Log: log, By: chat.UserID(g%2 + 1), Content: text}, chattest.Fresh()
						a, err := w.AppendMessage(t.Context(), d, idem)
						for errors.Is(err, chat.Overloaded(0)) { // tried again, as a client does
							a, err = w.AppendMessage(t.Context(), d, idem)
						}
						if err != nil {
							t.Errorf("%s: %v", text, err)
							continue
						}
						mu.Lock()
						answered[text] = a.Entry.Seq
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			w.aws.Faults().Set(aws.FaultConfig{})
			es := w.mustEntries(log)
			if len(es) != 61 {
				t.Fatalf("%d entries, want 61; faults %v", len(es), w.aws.Faults().Counts())
			}
			for i, e := range es {
				if e.Seq != int64(i+1) {
					t.Fatalf("a hole at %d", i+1)
				}
				if e.Kind != chat.KindMessage {
					continue
				}
				m, err := e.Message()
				if err != nil || answered[m.Content] != e.Seq {
					t.Errorf("%q is at %d, its sender was told %d: %v", m.Content, e.Seq, answered[m.Content], err)
				}
			}
			if c := w.aws.Faults().Counts(); len(c) == 0 {
				t.Error("no fault was injected")
			}
		})
	}
}

// Messages stay; what only tells a client's other devices goes after eight days.
func TestEntryLifetime(t *testing.T) {
	w := newWorld(t, dynamo.Limits{})
	log := w.MustConversation(w.MustUser("alice"), w.MustUser("bob"))
	w.MustSend(log, 1, "x")
	a, err := w.MarkRead(t.Context(), 2, log, 2, chattest.Fresh())
	if err != nil {
		t.Fatal(err)
	}
	if it := w.mustGet("L#"+string(log), "E#000000000002"); it == nil || it["ttl"] != nil {
		t.Errorf("message: %v", it)
	}
	expires := time.UnixMilli(a.Entry.TS).Add(8 * 24 * time.Hour).Unix()
	if it := w.mustGet("L#u:2", "E#000000000001"); !reflect.DeepEqual(it["ttl"], num(expires)) {
		t.Errorf("read mark: ttl %v, want %d", it["ttl"], expires)
	}
}
