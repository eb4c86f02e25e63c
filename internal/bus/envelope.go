// Package bus carries entries, hints, ephemerals and probes from the writers to
// the streamers: one SNS topic, and one SQS queue per streamer instance.
//
// It promises little: a message may be lost, doubled and overtaken. The hub in
// internal/stream makes one ordered sequence of what arrives.
package bus

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"tidings/internal/chat"
	"tidings/internal/telemetry"
)

// Version is that of the wire format. A reader refuses other versions, so a new
// one is published only when every streamer reads it.
const Version = 1

// Errors of Decode. Both are counted and the message is dropped: the table still
// has what it told.
var (
	ErrVersion = errors.New("unknown version of the envelope")
	ErrGarbage = errors.New("not an envelope")
)

// Hint says that an entry is committed. A hub that has it drops the hint, another
// reads the table.
type Hint struct {
	Log    chat.LogID    `json:"log"`
	Seq    int64         `json:"seq"`
	Adds   []chat.UserID `json:"adds,omitempty"`
	Shards chat.Shards   `json:"-"` // of the log's members: where the hint is published
}

// Envelope is one message on the bus. Exactly one of Entry, Hints, Ephemeral and
// Probe is set.
type Envelope struct {
	Entry     *chat.Entry     `json:"entry,omitempty"`
	Hints     []Hint          `json:"hints,omitempty"`
	Ephemeral *chat.Ephemeral `json:"ephemeral,omitempty"`
	Probe     string          `json:"probe,omitempty"` // the instance that looks whether its own queue works
	Published int64           `json:"pub,omitempty"`   // Unix ms; 0: not said

	// Beside the message.
	Received time.Time         `json:"-"` // by the reader, from its queue
	Trace    telemetry.Carrier `json:"-"` // of an entry's publish; nil: none
}

type wireEnvelope struct {
	Version int `json:"v"`
	Envelope
}

// Encode writes the envelope as it goes over the wire: JSON on one line.
func Encode(e Envelope) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // a "<" would take six bytes of the 256 KiB
	if err := enc.Encode(wireEnvelope{Version: Version, Envelope: e}); err != nil {
		return nil, fmt.Errorf("encode envelope: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Decode reads an envelope. An entry's body stays raw, so that a duplicate is
// dropped without parsing it.
func Decode(b []byte) (Envelope, error) {
	if env, ok := decodeEntry(b); ok {
		if err := env.check(); err != nil {
			return Envelope{}, err
		}
		return env, nil
	}
	var w wireEnvelope
	if err := json.Unmarshal(b, &w); err != nil {
		// Another version may have another shape: say that rather than "garbage".
		var v struct {
			Version int `json:"v"`
		}
		if json.Unmarshal(b, &v) == nil && v.Version != Version && v.Version != 0 {
			return Envelope{}, fmt.Errorf("%w: %d", ErrVersion, v.Version)
		}
		return Envelope{}, fmt.Errorf("%w: %w", ErrGarbage, err)
	}
	if w.Version != Version {
		return Envelope{}, fmt.Errorf("%w: %d", ErrVersion, w.Version)
	}
	if err := w.check(); err != nil {
		return Envelope{}, err
	}
	return w.Envelope, nil
}

// entryHead begins the envelope of an entry.
var entryHead = fmt.Appendf(nil, `{"v":%d,"entry":`, Version)

// decodeEntry reads the envelope of an entry as Encode writes it, which is nearly all
// that comes. Anything else is left to encoding/json.
func decodeEntry(b []byte) (Envelope, bool) {
	b, ok := bytes.CutPrefix(b, entryHead)
	if !ok {
		return Envelope{}, false
	}
	i := bytes.LastIndex(b, []byte(`,"pub":`))
	if i < 0 {
		return Envelope{}, false
	}
	published, ok := bytes.CutSuffix(b[i+len(`,"pub":`):], []byte("}"))
	pub, err := strconv.ParseUint(string(published), 10, 63)
	if !ok || err != nil || published[0] == '0' {
		return Envelope{}, false
	}
	e, ok := chat.ScanEntry(b[:i])
	return Envelope{Entry: &e, Published: int64(pub)}, ok
}

func (e *Envelope) check() error {
	n := 0
	if e.Entry != nil {
		n++
		if e.Entry.Log == "" || e.Entry.Seq < 1 {
			return fmt.Errorf("%w: entry %q/%d", ErrGarbage, e.Entry.Log, e.Entry.Seq)
		}
	}
	if e.Ephemeral != nil {
		n++
		if e.Ephemeral.Log == "" || len(e.Ephemeral.Body) == 0 {
			return fmt.Errorf("%w: ephemeral of %q", ErrGarbage, e.Ephemeral.Log)
		}
	}
	if len(e.Hints) > 0 {
		n++
	}
	for _, h := range e.Hints {
		if h.Log == "" || h.Seq < 1 {
			return fmt.Errorf("%w: hint %q/%d", ErrGarbage, h.Log, h.Seq)
		}
	}
	if e.Probe != "" {
		n++
	}
	if n != 1 {
		return fmt.Errorf("%w: %d contents instead of one", ErrGarbage, n)
	}
	return nil
}
