package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"
)

// logOut ends a client's session. Often the user logs in again on the same device and
// goes on where the device was.
func (w *world) logOut() {
	c := w.someClient()
	if c == nil {
		return
	}
	w.count("log-out")
	c.mu.Lock()
	l := c.login
	c.mu.Unlock()
	w.callCount++
	r := w.source(fmt.Sprint("call ", w.callCount))
	again := w.newLogin(c.user)
	w.calls.Go(func() {
		a := w.ask(r, "user "+c.user.String(), l.token, http.MethodPost, "/api/auth/logout", "", "")
		if a.status != http.StatusNoContent {
			return
		}
		w.mu.Lock()
		l.loggedOut = true
		w.mu.Unlock()
		if r.IntN(3) == 0 {
			return
		}
		sleep(context.Background(), logUniform(r, 10*time.Millisecond, 30*time.Second))
		c.cut("the user logs in again", w.ghost(r))
		c.set(func() {
			c.login, c.failed = again, false
			if c.lastID != "" { // a new EventSource
				c.url, c.urlOf, c.lastID = c.lastID, c.idOf, ""
			}
		})
		w.logf(c.name, "has another session: %s instead of %s", again.id, l.id)
	})
}

func (w *world) join() {
	u := w.user()
	n := 0
	for _, c := range w.clients {
		if c.user == u {
			n++
		}
	}
	if n < 3 {
		w.newClient(u, w.newLogin(u))
	}
}

func (w *world) someClient() *client {
	if len(w.clients) == 0 {
		return nil
	}
	return w.clients[w.rand.IntN(len(w.clients))]
}

func (w *world) cutClient() {
	if c := w.someClient(); c != nil {
		w.count("stream cut")
		c.cut("cut", w.ghost(w.rand))
	}
}

// reopen makes a page a new EventSource, which asks for something else.
func (w *world) reopen() {
	c := w.someClient()
	if c == nil {
		return
	}
	n := w.drawNarrow(w.rand)
	c.set(func() {
		c.narrow = n
		if c.lastID != "" {
			c.url, c.urlOf, c.lastID = c.lastID, c.idOf, ""
		}
	})
	c.cut(fmt.Sprintf("opened anew for %v", n), w.ghost(w.rand))
}

func (w *world) sendAway() {
	if c := w.someClient(); c != nil {
		d := logUniform(w.rand, time.Second, w.history.absence)
		w.count("client away")
		w.logf(c.name, "goes away for %v", d)
		c.cut("away", w.ghost(w.rand))
		c.set(func() { c.away = time.Now().Add(d) })
	}
}

func (w *world) slowDown() {
	if c := w.someClient(); c != nil {
		d := logUniform(w.rand, 100*time.Millisecond, 80*time.Second)
		w.count("slow reader")
		w.logf(c.name, "reads nothing for %v", d)
		c.set(func() { c.slowTill = time.Now().Add(d) })
	}
}

// someInstance draws one that is alive, and leaves one alone.
func (w *world) someInstance() *instance {
	all := w.alive()
	if len(all) == 0 {
		w.start()
		return nil
	}
	if len(all) == 1 && w.rand.IntN(3) > 0 {
		return nil
	}
	return all[w.rand.IntN(len(all))]
}

// replace starts another instance some time later.
func (w *world) replace(r *rand.Rand) {
	d := logUniform(r, 100*time.Millisecond, 30*time.Second)
	w.calls.Go(func() {
		sleep(context.Background(), d)
		w.start()
	})
}

func (w *world) crash() {
	in := w.someInstance()
	if in == nil {
		return
	}
	if w.rand.IntN(3) == 0 {
		in.crash("just now")
	} else {
		in.wire.mu.Lock()
		in.wire.crashIn = 1 + w.rand.IntN(20)
		in.wire.mu.Unlock()
	}
	w.replace(w.rand)
}

func (w *world) drain() {
	if in := w.someInstance(); in != nil {
		in.leave()
		w.replace(w.rand)
	}
}

func (w *world) stall() {
	if in := w.someInstance(); in != nil {
		d := logUniform(w.rand, time.Second, 2*time.Minute)
		w.count("streamer stalled")
		w.logf(in.name, "stalls for %v", d)
		in.wire.stall(d)
	}
}

func (w *world) stallRelay() {
	d := logUniform(w.rand, time.Second, 2*time.Minute)
	w.count("relay stalled")
	w.logf("relay", "stalls for %v", d)
	w.relay.stall(d)
}

func (w *world) changeFaults() {
	c := w.history.drawFaults(w.rand)
	w.logf("world", "faults: %+v", c)
	w.setFaults(c)
}
