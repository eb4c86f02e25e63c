package journal

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// MaxRecord bounds one record, in bytes. The largest that a service writes is a
// DynamoDB transaction: 4 MB of items (AWS's limit), each with its old and new
// image for the stream, escaped for JSON. It also bounds what a damaged length
// makes Open allocate.
const MaxRecord = 32 << 20

// A frame is 4 bytes length, 4 bytes CRC-32C, then the record. The checksum covers
// the length too, so that a run of zeros, which a file system may leave after a
// power loss, is no valid frame.
const frameHeader = 8

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errBadFrame says that the bytes at a place are no frame: cut short or damaged.
var errBadFrame = errors.New("bad frame")

func checksum(length, record []byte) uint32 {
	return crc32.Update(crc32.Checksum(length, castagnoli), castagnoli, record)
}

// appendFrame adds the framed record to buf.
func appendFrame(buf, record []byte) []byte {
	at := len(buf)
	buf = binary.LittleEndian.AppendUint32(buf, uint32(len(record)))
	buf = binary.LittleEndian.AppendUint32(buf, checksum(buf[at:at+4], record))
	return append(buf, record...)
}

// checkRecord refuses what can't be framed.
func checkRecord(record []byte) error {
	if len(record) == 0 || len(record) > MaxRecord {
		return fmt.Errorf("record of %d bytes: want 1 to %d", len(record), MaxRecord)
	}
	return nil
}

// parseFrame returns the record at the start of data and the frame's whole size.
func parseFrame(data []byte) (record []byte, size int, err error) {
	if len(data) < frameHeader {
		return nil, 0, errBadFrame
	}
	n := binary.LittleEndian.Uint32(data)
	if n == 0 || n > MaxRecord || int(n) > len(data)-frameHeader {
		return nil, 0, errBadFrame
	}
	record = data[frameHeader : frameHeader+int(n)]
	if binary.LittleEndian.Uint32(data[4:]) != checksum(data[:4], record) {
		return nil, 0, errBadFrame
	}
	return record, frameHeader + int(n), nil
}

// readFrame reads the next record; io.EOF at a clean end, errBadFrame at a damaged
// place. The record is the caller's.
func readFrame(r *bufio.Reader) (record []byte, size int, err error) {
	var head [frameHeader]byte
	if _, err := io.ReadFull(r, head[:]); err == io.EOF {
		return nil, 0, io.EOF
	} else if err == io.ErrUnexpectedEOF {
		return nil, 0, errBadFrame
	} else if err != nil {
		return nil, 0, err
	}
	n := binary.LittleEndian.Uint32(head[:])
	if n == 0 || n > MaxRecord {
		return nil, 0, errBadFrame
	}
	record = make([]byte, n)
	if _, err := io.ReadFull(r, record); err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil, 0, errBadFrame
	} else if err != nil {
		return nil, 0, err
	}
	if binary.LittleEndian.Uint32(head[4:]) != checksum(head[:4], record) {
		return nil, 0, errBadFrame
	}
	return record, frameHeader + int(n), nil
}

// holdsFrame reports whether a valid frame starts anywhere in data after its first
// byte: then what stands at the first byte is damage, not a write that was cut off.
func holdsFrame(data []byte) bool {
	for at := 1; at+frameHeader < len(data); at++ {
		if _, _, err := parseFrame(data[at:]); err == nil {
			return true
		}
	}
	return false
}
