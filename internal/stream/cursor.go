package stream

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"strings"
	"time"

	"tidings/internal/chat"
)

// cursor is the position of a stream in all logs of its user, as the SSE id of each
// durable frame carries it to the client and Last-Event-ID back, to whichever
// instance. It means: of a listed log, all up to its mark was written; of any other
// log of the user, exactly the entries with ts ≤ w. An older w is always safe, and
// rights never come from a cursor.
type cursor struct {
	user      chat.UserID
	selection uint32 // hash of what the stream is narrowed to, 0: nothing
	w         int64  // Unix ms
	full      bool   // there were more logs to list than fit: the position is not known
	marks     []mark
}

// mark is a position in a listed log: all before seq was written, and of the entry
// at seq the frames up to part, or all of them if part is 0.
type mark struct {
	key  logKey
	seq  int64
	part uint8
}

// logKey stands for a log in a cursor: 48 bits of the hash of its id. A user has
// thousands of logs at most, and two with the same key are noticed: the client is
// told to fetch its lists.
type logKey uint64

const logKeySize = 6

// keyOf is the log's key: FNV-1a with 64 bits, folded.
func keyOf(id chat.LogID) logKey {
	h := uint64(14695981039346656037)
	for i := range len(id) {
		h = (h ^ uint64(id[i])) * 1099511628211
	}
	return logKey((h ^ h>>48) & (1<<48 - 1))
}

const (
	// maxMarks and maxCursor keep the id below 2 KB: a longer Last-Event-ID may be
	// answered 431 on the way, which ends an EventSource for good.
	maxMarks  = 150
	maxCursor = 2000 // characters

	cursorVersion = 1
	flagFull      = 1 << 4
	flagSelection = 1 << 5

	// retention is how long a client may stay away and still get all it missed.
	// Entries are kept a day longer.
	retention = 7 * 24 * time.Hour
)

var (
	cursorText = base64.RawURLEncoding.Strict() // one text for one position
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// append writes the cursor's text behind b; scratch is reused for its bytes.
//
//	version and flags, 1 byte
//	user, uvarint
//	selection, 4 bytes, if there is one
//	w, uvarint
//	for each mark: key, 6 bytes; seq·4 + part, uvarint
//	CRC-32C of all that, 4 bytes
func (c *cursor) append(b, scratch []byte) (text, reuse []byte) {
	if len(c.marks) > maxMarks {
		c.full = true
	}
	raw := c.appendRaw(scratch[:0])
	if cursorText.EncodedLen(len(raw)) > maxCursor {
		c.full = true
		raw = c.appendRaw(raw[:0])
	}
	return cursorText.AppendEncode(b, raw), raw
}

func (c *cursor) appendRaw(raw []byte) []byte {
	head := byte(cursorVersion)
	if c.full {
		head |= flagFull
	}
	if c.selection != 0 {
		head |= flagSelection
	}
	raw = append(raw, head)
	raw = binary.AppendUvarint(raw, uint64(c.user))
	if c.selection != 0 {
		raw = binary.BigEndian.AppendUint32(raw, c.selection)
	}
	raw = binary.AppendUvarint(raw, uint64(max(0, c.w)))
	if !c.full {
		for _, m := range c.marks {
			var key [8]byte
			binary.BigEndian.PutUint64(key[:], uint64(m.key))
			raw = append(raw, key[8-logKeySize:]...)
			raw = binary.AppendUvarint(raw, uint64(m.seq)<<2|uint64(m.part))
		}
	}
	return binary.BigEndian.AppendUint32(raw, crc32.Checksum(raw, castagnoli))
}

// parseCursor reads a cursor's text. What isn't exactly what append wrote is not ok:
// damaged on the way, or never ours.
func parseCursor(text string) (c cursor, ok bool) {
	if len(text) > maxCursor || strings.ContainsAny(text, "\r\n") { // which base64 would pass over
		return c, false
	}
	raw, err := cursorText.DecodeString(text)
	if err != nil || len(raw) < 4+3 {
		return c, false
	}
	r := cursorReader{b: raw[:len(raw)-4]}
	if crc32.Checksum(r.b, castagnoli) != binary.BigEndian.Uint32(raw[len(raw)-4:]) {
		return c, false
	}
	head := r.bytes(1)[0]
	c.full = head&flagFull != 0
	c.user = chat.UserID(r.number())
	if head&flagSelection != 0 {
		c.selection = uint32(r.bigEndian(4))
	}
	c.w = r.number()
	for !r.bad && len(r.b) > 0 {
		m := mark{key: logKey(r.bigEndian(logKeySize))}
		n := r.number()
		m.seq, m.part = n>>2, uint8(n&3)
		c.marks = append(c.marks, m)
	}
	known := head&^(flagFull|flagSelection) == cursorVersion
	return c, known && !r.bad && len(c.marks) <= maxMarks
}

// cursorReader takes a cursor apart; bad is set when it ends too early.
type cursorReader struct {
	b   []byte
	bad bool
}

func (r *cursorReader) bytes(n int) []byte {
	if r.bad = r.bad || len(r.b) < n; r.bad {
		return make([]byte, n)
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *cursorReader) bigEndian(n int) (v uint64) {
	for _, b := range r.bytes(n) {
		v = v<<8 | uint64(b)
	}
	return v
}

func (r *cursorReader) number() int64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > 1<<62 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return int64(v)
}
