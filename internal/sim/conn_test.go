package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"tidings/internal/chat"
)

// conn is one connection: the response as the network takes it.
type conn struct {
	// Constant.
	c       *client
	n       int
	in      *instance
	login   *login
	began   time.Time
	lastID  string // that was sent
	narrow  narrow
	foreign bool // lastID is a position of another selection
	ctx     context.Context
	cancel  context.CancelFunc
	ended   chan struct{} // the handler has returned
	gone    chan struct{} // the client is through with it

	rand   *rand.Rand // of the network
	header http.Header

	// Guarded by c.mu.
	status   int
	cutAt    int // bytes after which it breaks; -1: never
	bytes    int
	isGone   bool
	blocked  bool      // was blocked since the last heartbeat
	beatAt   time.Time // of the last heartbeat, or of the header
	parser   parser
	deadline time.Time
	rearm    chan struct{} // the deadline has changed, or the client reads again
}

// Header implements http.ResponseWriter.
func (k *conn) Header() http.Header { return k.header }

// WriteHeader implements http.ResponseWriter.
func (k *conn) WriteHeader(status int) {
	k.c.mu.Lock()
	defer k.c.mu.Unlock()
	if k.status == 0 {
		k.status, k.beatAt = status, time.Now()
	}
}

// FlushError is for http.ResponseController.
func (k *conn) FlushError() error { return k.ctx.Err() }

// SetReadDeadline is for http.ResponseController.
func (k *conn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline is for http.ResponseController.
func (k *conn) SetWriteDeadline(t time.Time) error {
	k.c.mu.Lock()
	k.deadline = t
	k.c.mu.Unlock()
	k.look()
	return nil
}

// look has a write that waits look again how long.
func (k *conn) look() {
	select {
	case k.rearm <- struct{}{}:
	default: // it will look anyway
	}
}

// Write implements http.ResponseWriter. What comes after the cut is lost, but the
// server may take it for sent.
func (k *conn) Write(b []byte) (int, error) {
	k.WriteHeader(http.StatusOK)
	if err := k.room(); err != nil {
		return 0, err
	}
	k.c.mu.Lock()
	defer k.c.mu.Unlock()
	for _, x := range b {
		if k.isGone {
			break
		}
		if k.cutAt >= 0 && k.bytes >= k.cutAt {
			k.c.w.count("stream cut within")
			k.c.leaveLocked(k, fmt.Sprintf("cut after %d bytes", k.bytes), k.c.w.ghost(k.rand))
			break
		}
		k.bytes++
		if k.status == http.StatusOK && k.parser.feed(x) {
			k.dispatch()
		}
	}
	return len(b), nil
}

// room waits while the client doesn't read.
func (k *conn) room() error {
	for {
		k.c.mu.Lock()
		rest, deadline := time.Until(k.c.slowTill), k.deadline
		if k.isGone {
			rest = 0
		}
		k.blocked = k.blocked || rest > 0
		k.c.mu.Unlock()
		switch {
		case k.ctx.Err() != nil:
			return k.ctx.Err()
		case rest <= 0:
			return nil
		case !deadline.IsZero():
			if left := time.Until(deadline); left <= 0 {
				return os.ErrDeadlineExceeded
			} else if left < rest {
				rest = left
			}
		}
		t := time.NewTimer(rest)
		select {
		case <-t.C:
		case <-k.rearm:
		case <-k.gone:
		case <-k.ctx.Done():
		}
		t.Stop()
	}
}

// dispatch takes a block that ended.
func (k *conn) dispatch() {
	p, c := &k.parser, k.c
	if p.hasID || !c.kind {
		c.lastID = p.id // by the letter; the buffer is that of this response
		if p.id != k.lastID {
			c.idOf = k.narrow.key()
		}
	}
	if p.hasData || p.hasID {
		e := event{at: time.Now(), conn: k, id: p.id, name: p.name, data: p.data, hasID: p.hasID}
		if !p.hasID {
			e.id = ""
		}
		if p.hasData && e.name == "" {
			e.name = "message"
		}
		if e.name == "message" && c.batch > 0 {
			for _, e := range e.each() {
				k.take(e)
			}
		} else {
			k.take(e)
		}
	}
	p.name, p.data, p.hasData, p.hasID = "", "", false, false
}

// each are the events of a batch. Its position is that of each which has one.
func (e event) each() (out []event) {
	var all []json.RawMessage
	if err := json.Unmarshal([]byte(e.data), &all); err != nil {
		e.conn.c.w.fail("%s: no batch: %v: %s", e.conn.c.name, err, e.data)
	}
	durables := 0
	for _, data := range all {
		one := e
		one.data = string(data)
		if _, part := durable(one); part > 0 {
			durables++
		} else {
			one.id, one.hasID = "", false
		}
		out = append(out, one)
	}
	if durables == 0 && e.hasID || len(all) == 0 {
		e.conn.c.w.fail("%s: a batch with nothing of an id has one: %s", e.conn.c.name, e.data)
	}
	e.conn.c.w.countN("events in batches", len(all))
	return out
}

// take takes an event, or an id without data.
func (k *conn) take(e event) {
	c := k.c
	if e.name == "heartbeat" {
		k.checkBeat(e.at)
		k.beatAt, k.blocked = e.at, false
		return
	}
	e.place, e.part = durable(e)
	if e.part > 0 {
		c.last[e.place.log] = position{e.place.seq, e.part}
	}
	if e.name == "reset" || c.since.IsZero() {
		c.since = e.at
		clear(c.last)
	}
	c.got = append(c.got, e)
	c.w.logf(c.name, "gets %s %s", e.name, short(e))
}

// maxSilence is how far apart heartbeats may be, and what the world itself adds.
const maxSilence = 30*time.Second + 100*time.Millisecond

func (k *conn) checkBeat(now time.Time) {
	if k.status == http.StatusOK && !k.isGone && !k.blocked && now.Sub(k.beatAt) > maxSilence {
		k.c.w.fail("%s: no heartbeat for %v on connection %d", k.c.name, now.Sub(k.beatAt), k.n)
	}
}

// position is one in a log.
type position struct {
	seq  int64
	part int
}

// durable reads the event's id, if it has one.
func durable(e event) (place, int) {
	i := strings.LastIndex(e.data, `"eventId":"`)
	if e.name != "message" || i < 0 {
		return place{}, 0
	}
	f := strings.Split(strings.TrimSuffix(e.data[i+len(`"eventId":"`):], `"}`), "/")
	if len(f) != 3 {
		return place{}, 0
	}
	seq, err := strconv.ParseInt(f[1], 10, 64)
	part, err2 := strconv.Atoi(f[2])
	if err != nil || err2 != nil {
		return place{}, 0
	}
	return place{chat.LogID(f[0]), seq}, part
}

func short(e event) string {
	switch {
	case e.part > 0:
		return fmt.Sprintf("%s/%d/%d at %s", e.place.log, e.place.seq, e.part, shortID(e.id))
	case e.name == "message":
		return e.data[:min(60, len(e.data))]
	}
	return e.data + " at " + shortID(e.id)
}
