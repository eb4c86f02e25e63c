package stream

import (
	"context"
	"time"
)

// The kinds of store reads, as the metrics name them.
const (
	readHead        = "head"
	readGap         = "gap"
	readPull        = "pull"
	readPosition    = "position"
	readAudit       = "audit"
	readMembership  = "membership"
	readMemberships = "memberships"
	readSession     = "session"
)

// readJob is one read of the store, usually tried until it succeeds or nobody wants it.
type readJob struct {
	kind    string
	wanted  func() bool                 // asked by the loop before each attempt; nil: always
	do      func(context.Context) error // runs in a worker and keeps the result in its own variables
	done    func()                      // runs in the loop after success
	failed  func()                      // runs in the loop after an error; nil: it is tried again
	attempt int
	began   time.Time // the newest attempt
}

// read queues a read. do must not touch the hub's state.
func (h *Hub) read(kind string, wanted func() bool, do func(context.Context) error, done func()) *readJob {
	j := &readJob{kind: kind, wanted: wanted, do: do, done: done}
	h.queued = append(h.queued, j)
	return j
}

// startReads starts queued reads as far as workers are free.
func (h *Hub) startReads() {
	n := 0
	for _, j := range h.queued {
		if j.wanted != nil && !j.wanted() {
			n++
			continue
		}
		if h.reading == maxReads {
			break
		}
		n++
		h.reading++
		j.began = h.now
		h.workers.Add(1)
		go h.work(h.attempt(), j)
	}
	clear(h.queued[:n])
	if h.queued = h.queued[n:]; len(h.queued) == 0 {
		h.queued = nil
	}
}

// attempt is the context of the reads that begin now, and shortly after: a timer for
// each would be a twentieth of what a connect costs.
func (h *Hub) attempt() context.Context {
	if h.attempts == nil || h.now.After(h.attemptsTo) {
		ctx, cancel := context.WithTimeout(h.readCtx, readTimeout)
		h.attempts, h.attemptsTo = ctx, h.now.Add(readShares)
		h.timers.set(h.now.Add(readTimeout), cancel)
	}
	return h.attempts
}

// work does one attempt and ends, at the latest with the loop.
func (h *Hub) work(ctx context.Context, j *readJob) {
	defer h.workers.Done()
	err := j.do(ctx)
	select {
	case h.results <- func() { h.finishRead(j, err) }:
	case <-h.readCtx.Done():
	}
}

func (h *Hub) finishRead(j *readJob, err error) {
	h.reading--
	if err == nil {
		h.metrics.reads.WithLabelValues(j.kind, "ok").Inc()
		h.readAt = j.began
		j.done()
		return
	}
	h.metrics.reads.WithLabelValues(j.kind, "error").Inc()
	if j.failed != nil {
		h.log.WarnContext(h.readCtx, "read the table", "kind", j.kind, "error", err)
		j.failed()
		return
	}
	wait := h.backoff(j.attempt)
	j.attempt++
	h.log.WarnContext(h.readCtx, "read the table", "kind", j.kind, "attempt", j.attempt, "again", wait.Round(time.Millisecond), "error", err)
	h.timers.set(h.now.Add(wait), func() { h.queued = append(h.queued, j) })
}
