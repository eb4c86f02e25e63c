package sns

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"strings"
)

// envelope is what a queue gets without raw delivery. The signature is none: there is
// no key here whose certificate a receiver could trust.
type envelope struct {
	Type              string                       `json:"Type"`
	MessageID         string                       `json:"MessageId"`
	TopicARN          string                       `json:"TopicArn"`
	Subject           string                       `json:"Subject,omitempty"`
	Message           string                       `json:"Message"`
	Timestamp         string                       `json:"Timestamp"`
	SignatureVersion  string                       `json:"SignatureVersion"`
	Signature         string                       `json:"Signature"`
	SigningCertURL    string                       `json:"SigningCertURL"`
	UnsubscribeURL    string                       `json:"UnsubscribeURL"`
	MessageAttributes map[string]envelopeAttribute `json:"MessageAttributes,omitempty"`
}

type envelopeAttribute struct {
	Type  string `json:"Type"`
	Value string `json:"Value"`
}

// unsubscribeHole stands for the link in an envelope that several subscriptions share.
// A message can't contain it: the NUL would be escaped.
const unsubscribeHole = "\x00unsubscribe\x00"

func (s *Service) envelope(topic string, m *message) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(envelope{ // strings only: it can't fail
		Type: "Notification", MessageID: m.id, TopicARN: topic, Subject: m.subject, Message: m.text(),
		Timestamp:        s.opts.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		SignatureVersion: "1", Signature: "bm90IHNpZ25lZA==",
		SigningCertURL: "https://sns." + s.opts.Region + ".amazonaws.com/SimpleNotificationService-local.pem",
		UnsubscribeURL: unsubscribeHole, MessageAttributes: describe(m.attributes),
	})
	return strings.TrimSuffix(b.String(), "\n")
}

// escapedHole is the hole as JSON writes it. A message with that text in it has its
// backslashes escaped once more, so it is never mistaken for the hole.
const escapedHole = `"UnsubscribeURL":"\u0000unsubscribe\u0000"`

func finish(wrapped, region, subscription string) string {
	link := "https://sns." + region + ".amazonaws.com/?Action=Unsubscribe&SubscriptionArn=" + subscription
	return strings.Replace(wrapped, escapedHole, `"UnsubscribeURL":"`+link+`"`, 1)
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
