package stream

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"

	"github.com/klauspost/compress/flate"
)

// A compressed stream has no compressor behind it: that would be some 300 KB for each,
// and each would compress the same text again. Instead it is put together of blocks that
// end at whole bytes (RFC 1951 section 3.2.3):
//
//   - what all recipients of an event share, its tail, is deflated when the first
//     compressed stream wants it (packed.go);
//   - what differs (user id, position) and the stream's own events are stored, at 5
//     bytes a block.
//
// No message is compressed together with another one, so the length of one tells nothing
// of the other.

// gzipped is what a compressed stream keeps: what the trailer of RFC 1952 says of the
// text so far.
type gzipped struct {
	crc  uint32
	size uint32 // modulo 2^32
}

var (
	gzipHeader = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff} // deflated; no time, no name, no system
	// gzipFlush is an empty stored block. Decoders that hand out what they have by
	// themselves don't need it; Go's waits for one.
	gzipFlush = []byte{0, 0, 0, 0xff, 0xff}
	gzipEnd   = []byte{3, 0} // a last block without text
)

// begin is the stream's first piece.
func (z *gzipped) begin(text []byte) []byte {
	p := pieces{z: z, b: bytes.Clone(gzipHeader)}
	p.text(text)
	return append(p.end(), gzipFlush...)
}

// stored is a piece of text that is the stream's own, behind b.
func (z *gzipped) stored(b, text []byte) []byte {
	p := pieces{z: z, b: b}
	p.text(text)
	return p.end()
}

// trailer ends the stream, behind b.
func (z *gzipped) trailer(b []byte) []byte {
	b = append(b, gzipEnd...)
	b = binary.LittleEndian.AppendUint32(b, z.crc)
	return binary.LittleEndian.AppendUint32(b, z.size)
}

func (z *gzipped) count(text []byte) {
	z.crc = crc32.Update(z.crc, crc32.IEEETable, text)
	z.size += uint32(len(text))
}

// pieces puts text together for one stream: as it is, or as blocks of a compressed one.
type pieces struct {
	z *gzipped // nil: as it is
	b []byte

	open  bool // a stored block
	start int  // of its text
}

const (
	storedHead = 5              // bytes before the text of a stored block: its kind, its length twice
	storedMost = math.MaxUint16 // bytes of text in one
)

// text adds what is this stream's alone.
func (p *pieces) text(text []byte) {
	if p.z == nil {
		p.b = append(p.b, text...)
		return
	}
	for len(text) > 0 {
		if !p.open {
			p.b = append(p.b, make([]byte, storedHead)...)
			p.open, p.start = true, len(p.b)
		}
		n := min(len(text), storedMost-(len(p.b)-p.start))
		p.b = append(p.b, text[:n]...)
		if text = text[n:]; len(text) > 0 {
			p.close()
		}
	}
}

// shared adds, to a compressed stream, what all recipients share: the blocks of a text.
func (p *pieces) shared(text, blocks []byte) {
	p.close()
	p.z.count(text)
	p.b = append(p.b, blocks...)
}

// close writes the head of the open block.
func (p *pieces) close() {
	if !p.open {
		return
	}
	p.z.count(p.b[p.start:])
	n := uint16(len(p.b) - p.start)
	head := p.b[p.start-storedHead : p.start]
	head[0] = 0 // not the last, stored
	binary.LittleEndian.PutUint16(head[1:], n)
	binary.LittleEndian.PutUint16(head[3:], ^n)
	p.open = false
}

func (p *pieces) end() []byte {
	p.close()
	return p.b
}

// deflate makes blocks of a text. They refer to nothing that stands before it but to
// before, which stands directly there. Memory is the compressor's only while it works.
func deflate(text, before []byte) []byte {
	var b bytes.Buffer
	if err := flate.StatelessDeflate(&b, text, false, before); err != nil {
		panic(err) // to memory
	}
	return bytes.Clone(b.Bytes())
}
