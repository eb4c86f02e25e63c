package stream

// mode is in what a stream differs from a plain one, which has none. Most streams are
// compressed and nothing else: 32 bytes.
type mode struct {
	gzip   *gzipped   // nil: not compressed
	batch  *batch     // nil: events don't wait
	narrow *narrowing // nil: it gets everything
}

// mode is that of the stream that is asked for.
func (r Request) mode() *mode {
	if r.gzip == nil && r.Batch == 0 && r.selection == nil {
		return nil
	}
	m := &mode{gzip: r.gzip}
	if r.Batch > 0 {
		m.batch = &batch{window: r.Batch}
	}
	if r.selection != nil {
		m.narrow = &narrowing{selection: r.selection}
	}
	return m
}

// gzipped is the state of a compressed stream, nil for others.
func (s *Stream) gzipped() *gzipped {
	if s.mode == nil {
		return nil
	}
	return s.mode.gzip
}

// compress makes a frame bytes of the compressed stream. They are valid until the next
// call.
func (h *Hub) compress(z *gzipped, f Frame) Frame {
	h.scratch.text = f.AppendTo(h.scratch.text[:0])
	h.scratch.out = z.stored(h.scratch.out[:0], h.scratch.text)
	return Frame{Tail: h.scratch.out}
}

// event gives the stream an event of its user, with an id line unless it is ephemeral.
// It stands behind what came directly before; the answer is what the next one then does.
func (h *Hub) event(s *Stream, p *part, id []byte, after anchor) anchor {
	z, user := s.gzipped(), h.decimal(s.user.id)
	if z == nil {
		h.put(s, Frame{ID: id, Head: eventHead, User: user, Tail: p.tail})
		return anchor{}
	}
	b := pieces{z: z, b: h.scratch.out[:0]}
	b.text(eventHead)
	b.text(user)
	h.add(&b, p, after)
	b.text(newline)
	b.text(id)
	b.text(newline)
	h.scratch.out = b.end()
	h.put(s, Frame{Tail: h.scratch.out})
	return anchor{p, len(newline) + len(id) + len(newline) + len(eventHead) + len(user)}
}

var newline = []byte("\n")

// flushSocket has the socket send what was written to it.
func (s *Stream) flushSocket() {
	if s.gzipped() != nil {
		s.conn.Write(Frame{Tail: gzipFlush})
	}
	s.conn.Flush()
}

// close ends the socket once it has sent what was written.
func (s *Stream) close() {
	if z := s.gzipped(); z != nil {
		s.conn.Write(Frame{Tail: z.trailer(nil)})
	}
	s.conn.Flush()
	s.conn.Close()
}

// farewell is all that a stream is told which the hub never let in.
func (s *Stream) farewell() []byte {
	b := reconnectFrame(between(nil, reconnectFrom, reconnectTo)).AppendTo(nil)
	if z := s.gzipped(); z != nil {
		return z.trailer(z.stored(nil, b))
	}
	return b
}
