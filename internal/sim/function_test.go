package sim

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"tidings/internal/app"
)

// function is a Lambda function of all routes, on a machine whose clock is off.
type function struct {
	name    string
	wire    *wire
	handler http.Handler
}

func (w *world) newFunction(name string) *function {
	f := &function{name: name, wire: w.newWire(name)}
	s := must(app.New(f.wire.config(), w.config, app.Options{Passwords: passwords, Now: w.clock(f.wire.rand), Log: w.logger(name)}))
	f.handler = s.API.Handler()
	return f
}

// call is one request to a function, while it lasts.
type call struct {
	mu              sync.Mutex
	rand            *rand.Rand
	diesIn          int // calls of the AWS until the function dies; 0: it doesn't
	diesAfterCommit bool
	kill            context.CancelFunc
}

type callKey struct{}

func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}

// dies counts a call of the AWS and says whether the function dies with it.
func (c *call) dies() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.diesIn == 0 {
		return false
	}
	c.diesIn--
	return c.diesIn == 0
}

// functionTimeout is the longest that a function may take.
const functionTimeout = 15 * time.Second

// answer is a function's answer; status 0 is none.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	a.body = append(a.body, b...)
	return len(b), nil
}

// request asks one of the functions once.
func (w *world) request(r *rand.Rand, token, method, path, body, key string) answer {
	f := w.functions[r.IntN(len(w.functions))]
	ctx, cancel := context.WithTimeout(context.Background(), functionTimeout)
	defer cancel()
	c := &call{kill: cancel, rand: rand.New(rand.NewPCG(r.Uint64(), 0))}
	if !w.calm.Load() {
		switch p := r.Float64(); {
		case p < w.history.dies:
			c.diesIn = 1 + r.IntN(6)
		case p < w.history.dies+w.history.silent:
			c.diesAfterCommit = true
		}
	}
	req := must(http.NewRequestWithContext(context.WithValue(ctx, callKey{}, c), method, path, strings.NewReader(body)))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	a := answer{header: http.Header{}}
	f.handler.ServeHTTP(&a, req)
	if ctx.Err() != nil {
		return answer{}
	}
	return a
}

// ask asks again, with the same key, while a request may succeed later.
func (w *world) ask(r *rand.Rand, who, token, method, path, body, key string) answer {
	for try := 0; ; try++ {
		a := w.request(r, token, method, path, body, key)
		w.logf(who, "%s %s %s: %d%s", method, path, body[:min(len(body), 60)], a.status, refusal(a))
		if key == "" || try == 3 || a.status > 0 && a.status < 500 && a.status != http.StatusTooManyRequests {
			return a
		}
		w.count("request repeated")
		sleep(context.Background(), logUniform(r, 50*time.Millisecond, 3*time.Second))
	}
}

func refusal(a answer) string {
	if a.status < 400 {
		return ""
	}
	var p struct{ Code string }
	if json.Unmarshal(a.body, &p) != nil {
		return ""
	}
	return " " + p.Code
}
