package stream

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// greeted is a socket that notes what it is given before it may serve.
type greeted struct {
	sink
	verdict <-chan error
	before  strings.Builder
}

func (c *greeted) Write(f Frame) int {
	select {
	case <-c.verdict:
	default:
		c.before.Write(f.AppendTo(nil))
	}
	return 0
}

// The socket has the stream's whole greeting when it hears that it may serve: so the
// response's header and that leave in one send.
func TestGreetingBeforeVerdict(t *testing.T) {
	for name, c := range map[string]struct {
		position string
		want     []string
	}{
		"New":   {"", []string{"id: ", "event: ready\n"}},
		"Reset": {"junk", []string{"event: ready\n", "event: reset\n", "id: "}},
	} {
		t.Run(name, func(t *testing.T) {
			store := newFakeStore()
			h := NewHub(Config{}, store, store, NewMetrics(prometheus.NewRegistry()), slog.New(slog.DiscardHandler))
			session := logIn(store, 1)
			conn := &greeted{}
			s := newStream(h, session, conn)
			conn.verdict = s.verdict
			s.takeUp(1, c.position, h.now)
			h.register(s, 1)
			runUntil(t, h, 1)
			rest := conn.before.String()
			for _, part := range c.want {
				_, after, ok := strings.Cut(rest, part)
				if !ok {
					t.Fatalf("no %q in %q, of %q", part, rest, conn.before.String())
				}
				rest = after
			}
		})
	}
}
