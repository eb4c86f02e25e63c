package stream

import "time"

const (
	minBatch = time.Millisecond
	maxBatch = time.Second // more would be felt as late, and a reader waits for nothing else

	// maxBatchBytes bounds a batch: half of what a socket may have pending, so that a
	// stream that catches up is stopped by its socket and not by its memory.
	maxBatchBytes = PendingHigh / 2
)

// batch is what waits to be told to a stream as one frame. The events count as written:
// they stand before everything else that the stream is told, its end too, and the
// position goes with them.
type batch struct {
	window time.Duration
	parts  []*part
	bytes  int
	round  uint32 // a new one begins with each flush
}

// batch is that of a stream which gathers its events, nil for others.
func (s *Stream) batch() *batch {
	if s.mode == nil {
		return nil
	}
	return s.mode.batch
}

// gather has an event wait for those that fall together with it.
func (h *Hub) gather(s *Stream, b *batch, p *part) {
	if len(b.parts) == 0 {
		round := b.round
		h.timers.set(h.now.Add(b.window), func() {
			if b.round == round {
				h.flushBatch(s)
			}
		})
	}
	b.parts = append(b.parts, p)
	b.bytes += len(p.tail)
}

// flushFullBatch bounds what waits. Between entries: so a batch has them whole.
func (h *Hub) flushFullBatch(s *Stream) {
	if b := s.batch(); b != nil && b.bytes >= maxBatchBytes {
		h.flushBatch(s)
	}
}

// flushBatch writes what waits, if anything does.
func (h *Hub) flushBatch(s *Stream) {
	b := s.batch()
	if b == nil || len(b.parts) == 0 {
		return
	}
	out, user := pieces{z: s.gzipped(), b: h.scratch.out[:0]}, h.decimal(s.user.id)
	durable := false
	var after anchor
	for i, p := range b.parts {
		if i == 0 {
			out.text(batchHead)
		} else {
			out.text(comma)
		}
		out.text(elementHead)
		out.text(user)
		h.add(&out, p, after)
		after = anchor{p, len(comma) + len(elementHead) + len(user)}
		durable = durable || p.of != nil
	}
	out.text(batchEnd)
	if durable {
		out.text(h.here(s))
	}
	out.text(newline)
	h.scratch.out = out.end()
	b.parts, b.bytes, b.round = nil, 0, b.round+1
	h.put(s, Frame{Tail: h.scratch.out})
}

var (
	batchHead   = []byte("data: [")
	elementHead = eventHead[len("data: "):]
	comma       = []byte(",")
	batchEnd    = []byte("]\n")
)
