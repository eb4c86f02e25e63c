package chat_test

import (
	"context"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tidings/internal/chat"
	"tidings/internal/chattest"
)

// peers are instances by how many streams each has of any user: -1 never answers, -2
// is down.
type peers map[string]int

func (p peers) Listeners(ctx context.Context, i chat.Instance, _ chat.UserID) (int, error) {
	switch n := p[i.Name]; n {
	case -1:
		<-ctx.Done()
		return 0, ctx.Err()
	case -2:
		return 0, errDown
	default:
		return n, nil
	}
}

func TestOperations(t *testing.T) {
	// Who has said nothing for 40 s is not there; one lost announcement means nothing.
	t.Run("Instances", func(t *testing.T) {
		clock := chattest.NewClock()
		m := chattest.NewMemory(clock.Now)
		o := &chat.Operations{Store: m, Now: clock.Now}
		names := func() string {
			all, err := o.Instances(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var out []string
			for _, i := range all {
				out = append(out, i.Name)
			}
			return strings.Join(out, " ")
		}
		for _, name := range []string{"c", "a", "b"} {
			if err := m.Announce(t.Context(), chat.Instance{Name: name, Updated: chat.Millis(clock.Now().UnixMilli())}); err != nil {
				t.Fatal(err)
			}
			clock.Advance(10 * time.Second)
		}
		for _, c := range []struct {
			after time.Duration
			want  string
		}{{0, "a b c"}, {10 * time.Second, "a b c"}, {time.Millisecond, "a b"}, {10 * time.Second, "b"}, {10 * time.Second, ""}} {
			clock.Advance(c.after)
			if got := names(); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		}
	})
	t.Run("Listeners", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := &chat.Operations{Peers: peers{"a": 2, "b": -1, "c": 0, "d": -2, "e": 3, "f": -1}, Log: slog.New(slog.DiscardHandler)}
			var all []chat.Instance
			for _, name := range strings.Fields("a b c d e f") {
				all = append(all, chat.Instance{Name: name})
			}
			start := time.Now()
			got := o.Listeners(t.Context(), all, 7)
			want := chat.UserListeners{
				UserID: 7, Connections: 5,
				Instances: []chat.InstanceListeners{{Name: "a", Connections: 2}, {Name: "e", Connections: 3}}, Unanswered: []string{"b", "d", "f"},
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%+v\nwant %+v", got, want)
			}
			if took := time.Since(start); took != 2*time.Second { // all at once
				t.Errorf("it took %v", took)
			}
			if got := o.Listeners(t.Context(), nil, 7); got.Connections != 0 {
				t.Errorf("of nobody: %+v", got)
			}
		})
	})
}
