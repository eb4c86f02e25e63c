package stream

import "slices"

// packed is a part as compressed streams share it.
type packed struct {
	anchor anchor
	blocks []byte
}

// anchor says what a part stands behind in a compressed stream: another part of the same
// entry, which says much the same, and so many bytes that are the stream's own. A third
// of the bytes is what that saves, and most of the time: little is left to encode. Users
// whose ids and positions are equally long have the same distance. Without a part it is
// nothing that may be referred to.
type anchor struct {
	part *part
	gap  int
}

const (
	// maxPacked is how many distances a part is packed for. Beyond, it refers to nothing:
	// positions have some ten lengths, user ids two or three.
	maxPacked      = 32
	packedOverhead = 48 // bytes of a packed beside its blocks
	// maxReach is how far back the compressor looks.
	maxReach = 8 << 10
)

// add adds a part.
func (h *Hub) add(to *pieces, p *part, after anchor) {
	if to.z == nil {
		to.text(p.json())
		return
	}
	to.shared(p.json(), h.packed(p, after))
}

// packed are the part's blocks for a compressed stream, made when they are first wanted.
func (h *Hub) packed(p *part, after anchor) []byte {
	if after.part != nil && (p.of == nil || after.part.of != p.of || after.gap >= maxReach) {
		after = anchor{}
	}
	i := slices.IndexFunc(p.packed, func(x packed) bool { return x.anchor == after })
	if i >= 0 {
		return p.packed[i].blocks
	}
	if after.part != nil && len(p.packed) >= maxPacked {
		return h.packed(p, anchor{})
	}
	p.packed = append(p.packed, packed{after, deflate(p.json(), h.before(after))})
	if p.of != nil && p.of.log != nil {
		h.cache.resized(p.of)
	}
	return p.packed[len(p.packed)-1].blocks
}

// before is the text that stands there. For what is each stream's own stands what no
// JSON holds, so that nothing is taken from it.
func (h *Hub) before(b anchor) []byte {
	if b.part == nil {
		return nil
	}
	h.scratch.text = append(h.scratch.text[:0], b.part.json()...)
	for range b.gap {
		h.scratch.text = append(h.scratch.text, 0)
	}
	return h.scratch.text
}
