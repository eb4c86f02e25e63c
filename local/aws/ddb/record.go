package ddb

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
)

// The encoding of journal records: lengths and counts as varints, names sorted so
// that equal items have equal bytes, values as their kind and content.

var errRecord = errors.New("ddb: damaged record")

func packText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// packItem is also what tokens are compared by, hence the order.
func packItem(b []byte, it item) []byte {
	b = binary.AppendUvarint(b, uint64(len(it)))
	var room [16]string // most items fit, and then the names need no allocation
	names := slices.AppendSeq(room[:0], maps.Keys(it))
	slices.Sort(names)
	for _, name := range names {
		b = packText(b, name)
		b = packValue(b, it[name])
	}
	return b
}

func packValue(b []byte, v value) []byte {
	b = append(b, byte(v.kind))
	switch v.kind {
	case kindBOOL, kindNULL:
		if v.flag {
			return append(b, 1)
		}
		return append(b, 0)
	case kindM:
		return packItem(b, v.many.fields)
	case kindL:
		b = binary.AppendUvarint(b, uint64(len(v.many.list)))
		for _, e := range v.many.list {
			b = packValue(b, e)
		}
		return b
	case kindSS, kindNS, kindBS:
		b = binary.AppendUvarint(b, uint64(len(v.many.set)))
		for _, e := range v.many.set {
			b = packText(b, e)
		}
		return b
	}
	return packText(b, v.str)
}

// unpacker reads what the functions above wrote. After the first damage everything
// reads as zero, and err tells.
type unpacker struct {
	b   []byte
	err error
}

func (u *unpacker) fail() {
	u.b, u.err = nil, errRecord
}

func (u *unpacker) byte() byte {
	if len(u.b) == 0 {
		u.fail()
		return 0
	}
	c := u.b[0]
	u.b = u.b[1:]
	return c
}

func (u *unpacker) uint() uint64 {
	n, size := binary.Uvarint(u.b)
	if size <= 0 {
		u.fail()
		return 0
	}
	u.b = u.b[size:]
	return n
}

// count reads a number of elements of at least one byte each, so that damage can't
// ask for more memory than the record is long.
func (u *unpacker) count() int {
	n := u.uint()
	if n > uint64(len(u.b)) {
		u.fail()
		return 0
	}
	return int(n)
}

func (u *unpacker) text() string {
	n := u.count()
	s := string(u.b[:n])
	u.b = u.b[n:]
	return s
}

func (u *unpacker) item() item {
	n := u.count()
	it := make(item, n)
	for range n {
		name := u.text()
		it[name] = u.value()
	}
	return it
}

func (u *unpacker) value() value {
	v := value{kind: kind(u.byte())}
	switch v.kind {
	case kindS, kindN, kindB:
		v.str = u.text()
	case kindBOOL, kindNULL:
		v.flag = u.byte() != 0
	case kindM:
		v.many = &composite{fields: u.item()}
	case kindL:
		n := u.count()
		v.many = &composite{list: make([]value, 0, n)}
		for range n {
			v.many.list = append(v.many.list, u.value())
		}
	case kindSS, kindNS, kindBS:
		n := u.count()
		v.many = &composite{set: make([]string, 0, n)}
		for range n {
			v.many.set = append(v.many.set, u.text())
		}
	default:
		u.fail()
	}
	return v
}
