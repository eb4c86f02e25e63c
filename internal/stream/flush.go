package stream

import (
	"slices"
	"sync"
)

// minShare is how many sockets are worth a writer of their own: to start it takes some
// 2 µs, a send 5.
const minShare = 16

// flush has the sockets send what was written to them. Many are shared out to as many
// writers as there are processors, each with sockets of its own, so that no two of them
// meet. The loop is one of the writers and waits for the others.
func (h *Hub) flush() {
	writers := min(h.cfg.Writers, len(h.dirty)/minShare)
	if share := len(h.dirty); writers > 1 {
		share = (share + writers - 1) / writers
		var others sync.WaitGroup
		for streams := range slices.Chunk(h.dirty[share:], share) {
			others.Go(func() { flushAll(streams) })
		}
		flushAll(h.dirty[:share])
		others.Wait()
	} else {
		flushAll(h.dirty)
	}
	clear(h.dirty)
	h.dirty, h.gathered = h.dirty[:0], 0
	h.written()
}

func flushAll(streams []*Stream) {
	for _, s := range streams {
		s.dirty = false
		if s.phase != closed {
			s.flushSocket()
		}
	}
}
