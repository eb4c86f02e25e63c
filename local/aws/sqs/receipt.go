package sqs

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"strings"

	"tidings/local/aws/wire"
)

// handle makes the receipt handle of one hand-over: message id, token, and a checksum
// over both and the queue, so that garbage and another queue's handle are noticed.
func handle(q *queue, id string, token uint64) string {
	b := binary.BigEndian.AppendUint64([]byte(id), token)
	b = binary.BigEndian.AppendUint32(b, handleSum(q, b))
	return base64.RawURLEncoding.EncodeToString(b)
}

func handleSum(q *queue, b []byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE([]byte(q.name)), crc32.IEEETable, b)
}

const (
	idLength     = 36
	handleLength = idLength + 8 + 4
)

// byHandle returns the message that a handle names, nil if it is gone, and whether the
// handle is that of its latest hand-over. Nothing is known of hand-overs before a
// restart, so any handle counts for a message not handed over since.
func (q *queue) byHandle(h string) (m *message, latest bool, err error) {
	if h == "" {
		return nil, false, errMissing("ReceiptHandle")
	}
	b, err := base64.RawURLEncoding.DecodeString(h)
	if err != nil || len(b) != handleLength || binary.BigEndian.Uint32(b[idLength+8:]) != handleSum(q, b[:idLength+8]) {
		return nil, false, wire.Errorf("ReceiptHandleIsInvalid", `The input receipt handle "`+strings.ToValidUTF8(h, "?")+`" is not a valid receipt handle.`)
	}
	m = q.messages[string(b[:idLength])]
	if m == nil {
		return nil, false, nil
	}
	return m, m.token == 0 || m.token == binary.BigEndian.Uint64(b[idLength:]), nil
}

type receiptInput struct {
	Id                string // of a batch's entry
	QueueUrl          string
	ReceiptHandle     string
	VisibilityTimeout *int
}

func (e receiptInput) id() string { return e.Id }

type receiptBatchInput struct {
	QueueUrl string
	Entries  []receiptInput
}

type entryOutput struct{ Id string }
