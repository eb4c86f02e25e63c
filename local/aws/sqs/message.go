package sqs

import (
	"container/list"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"time"

	"tidings/local/aws/wire"
)

// AWS's limits of a message.
const (
	maxMessageSize = 1 << 20 // bytes: body and attributes, and a whole batch
	maxAttributes  = 10
	maxDelay       = 900 // seconds
)

// Attribute is a message attribute. DataType is String, Number or Binary, with an
// optional label of the sender's after a dot.
type Attribute struct {
	DataType    string `json:"DataType"`
	StringValue string `json:"StringValue,omitempty"`
	BinaryValue []byte `json:"BinaryValue,omitempty"`
}

func (a Attribute) binary() bool { return strings.HasPrefix(a.DataType, "Binary") }

// Message is what is sent.
type Message struct {
	Body       string
	Attributes map[string]Attribute
}

// message is one in a queue. What it says never changes; the rest is its queue's.
type message struct {
	Message
	id      string
	bodyMD5 string
	sent    time.Time
	source  string // ARN of the queue from which it came to this dead-letter queue

	received      int // hand-overs, from which the redrive policy counts
	firstReceived time.Time
	token         uint64 // of the last hand-over; 0: none since the start of the process

	inFlight              bool
	due                   time.Time     // end of the flight or the delay
	ready                 *list.Element // its place while it is visible
	duePlace, expiryPlace int
}

func newMessage(m Message, now time.Time, delay time.Duration) *message {
	return &message{Message: m, id: newID(), bodyMD5: sum(m.Body), sent: now, due: now.Add(delay)}
}

// newID returns a random UUID (version 4).
func newID() string {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], rand.Uint64())
	binary.LittleEndian.PutUint64(b[8:], rand.Uint64())
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func sum(s string) string {
	h := md5.Sum([]byte(s))
	return hex.EncodeToString(h[:])
}

// attributesMD5 is the digest that AWS documents for message attributes: for each, in
// the order of names, length and bytes of name, type and value, with one byte before
// the value that tells text (1) from bytes (2). Without attributes it is "".
func attributesMD5(attributes map[string]Attribute) string {
	if len(attributes) == 0 {
		return ""
	}
	var b []byte
	put := func(s string) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		put(name)
		put(a.DataType)
		if a.binary() {
			b = append(b, 2)
			put(string(a.BinaryValue))
		} else {
			b = append(b, 1)
			put(a.StringValue)
		}
	}
	return sum(string(b))
}

// size is what counts against the limits, in bytes.
func (m Message) size() int {
	n := len(m.Body)
	for name, a := range m.Attributes {
		n += len(name) + len(a.DataType) + len(a.StringValue) + len(a.BinaryValue)
	}
	return n
}

// validate checks a message against AWS's rules and the queue's own size limit.
func (m Message) validate(limit int) error {
	if m.Body == "" {
		return errMissing("MessageBody")
	}
	if len(m.Attributes) > maxAttributes {
		return errInvalid("Number of message attributes [%d] exceeds the allowed maximum [%d].", len(m.Attributes), maxAttributes)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Attributes)) {
		if err := validateAttribute(name, m.Attributes[name]); err != nil {
			return err
		}
	}
	if m.size() > limit {
		return errInvalid("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", limit)
	}
	if !allowed(m.Body) {
		return wire.Errorf("InvalidMessageContents", "Invalid binary character was found in the message body, the set of allowed characters is #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF")
	}
	return nil
}

// allowed tells whether s has only the characters that XML 1.0 and so SQS can carry.
func allowed(s string) bool {
	for _, r := range s {
		if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
			return false
		}
	}
	return true
}

var (
	attributeName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,256}$`)
	number        = regexp.MustCompile(`^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$`)
)

func validateAttribute(name string, a Attribute) error {
	lower := strings.ToLower(name)
	if !attributeName.MatchString(name) || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Contains(name, "..") ||
		strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") {
		return errInvalid("The message (user) attribute name '%s' is invalid. It can contain letters, digits, underscore, hyphen and period, of which no two in a row or at an end, and must not start with AWS. or Amazon.", name)
	}
	kind, _, _ := strings.Cut(a.DataType, ".")
	switch {
	case a.DataType == "":
		return errInvalid("The message (user) attribute '%s' must contain a non-empty message attribute type.", name)
	case len(a.DataType) > 256:
		return errInvalid("Length of message (user) attribute '%s' type must be less than 256 bytes.", name)
	case kind != "String" && kind != "Number" && kind != "Binary":
		return errInvalid("The type of message (user) attribute '%s' is invalid. You must use only the following supported type prefixes: Binary, Number, String.", name)
	case kind == "Binary" && len(a.BinaryValue) == 0, kind != "Binary" && a.StringValue == "":
		return errInvalid("Message (user) attribute '%s' must contain a non-empty value of type '%s'.", name, kind)
	case kind == "Binary" && a.StringValue != "", kind != "Binary" && len(a.BinaryValue) > 0:
		return errInvalid("Message (user) attribute '%s' has several values: give the one of type '%s'.", name, kind)
	case kind == "Number" && !number.MatchString(a.StringValue):
		return errInvalid("Can't cast the value of message (user) attribute '%s' to a number.", name)
	case !allowed(a.StringValue):
		return wire.Errorf("InvalidMessageContents", "Invalid characters found in the value of message (user) attribute '"+name+"'.")
	}
	return nil
}
