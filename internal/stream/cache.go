package stream

import "tidings/internal/chat"

// entry is one entry in the hub. It is encoded for the streams when the first of
// them needs it, and once.
type entry struct {
	chat.Entry
	way     way
	parts   []part
	encoded bool
	passing bool // streams wait for their slice of it

	// Of the cache.
	log          *logState
	older, newer *entry
	size         int
}

// What an entry takes beside its body and the text of its frames, roughly, and each
// frame beside that.
const (
	entryOverhead = 400
	partOverhead  = 88
)

// frames encodes the entry if that isn't done. The body is not needed then.
func (h *Hub) frames(e *entry) []part {
	if e.encoded {
		return e.parts
	}
	parts, err := h.encodeEntry(e)
	if err != nil {
		h.metrics.unencodable.Inc()
		h.log.ErrorContext(h.readCtx, "encode entry", "log", e.Log, "seq", e.Seq, "kind", e.Kind, "error", err)
	}
	e.parts, e.encoded, e.Body = parts, true, nil
	if e.log != nil {
		h.cache.resized(e)
	}
	return parts
}

func (e *entry) bytes() int {
	n := entryOverhead + len(e.Body)
	for _, p := range e.parts {
		n += partOverhead + len(p.tail)
		for _, x := range p.packed {
			n += packedOverhead + len(x.blocks)
		}
	}
	return n
}

// cache keeps the newest entries of all logs, up to a size, so that a stream that
// fell behind or comes back rarely needs the table. The oldest goes first, which
// is also the oldest of its log.
type cache struct {
	max, size      int
	oldest, newest *entry
}

// add puts the newest entry of the log into the cache.
func (c *cache) add(l *logState, e *entry) {
	if r := l.recent(); len(r) > 0 && r[len(r)-1].Seq != e.Seq-1 {
		c.drop(l) // what is kept of a log has no holes
	}
	e.log, e.size = l, e.bytes()
	if e.older = c.newest; e.older != nil {
		e.older.newer = e
	} else {
		c.oldest = e
	}
	c.newest = e
	c.size += e.size
	a := l.put()
	a.recent = append(a.recent, e)
	c.shrink()
}

// resized keeps account of an entry that was encoded. It shrinks at the next add,
// so that no entry goes while it is being delivered.
func (c *cache) resized(e *entry) {
	n := e.bytes()
	c.size += n - e.size
	e.size = n
}

// shrink stops at an entry that is being passed on: thousands of streams would read it
// from the table, each for itself.
func (c *cache) shrink() {
	for c.size > c.max && c.oldest != c.newest && !c.oldest.passing {
		e := c.oldest
		a := e.log.aside
		a.recent[0] = nil
		if a.recent = a.recent[1:]; len(a.recent) == 0 {
			a.recent = nil
			e.log.tidy()
		}
		c.unlink(e)
	}
}

// drop forgets all entries of the log.
func (c *cache) drop(l *logState) {
	if len(l.recent()) == 0 {
		return
	}
	for _, e := range l.aside.recent {
		c.unlink(e)
	}
	l.aside.recent = nil
	l.tidy()
}

func (c *cache) unlink(e *entry) {
	if e.older != nil {
		e.older.newer = e.newer
	} else {
		c.oldest = e.newer
	}
	if e.newer != nil {
		e.newer.older = e.older
	} else {
		c.newest = e.older
	}
	c.size -= e.size
	e.log, e.older, e.newer = nil, nil, nil
}

// cached is the log's entry at seq, nil if the cache doesn't hold it.
func (l *logState) cached(seq int64) *entry {
	r := l.recent()
	if len(r) == 0 {
		return nil
	}
	i := seq - r[0].Seq
	if i < 0 || i >= int64(len(r)) {
		return nil
	}
	return r[i]
}
