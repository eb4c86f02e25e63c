package httpapi

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"

	"tidings/internal/chat"
)

const idempotencyHeader = "Idempotency-Key"

// readIdempotency takes the client's key, or makes one for this request, so that
// the store's own repetitions never append twice.
func (c *call) readIdempotency() {
	if len(c.r.Header.Values(idempotencyHeader)) == 0 {
		c.idempotency = chat.Idempotency{Key: rand.Text(), Hash: c.hash()}
		return
	}
	key := header(c.r, idempotencyHeader)
	idem := chat.Idempotency{Key: key, Hash: c.hash(), Given: true}
	if refusal, ok := errors.AsType[*chat.Error](idem.Check()); ok {
		c.bad = append(c.bad, refusal.Fields...)
		return
	}
	c.idempotency = idem
}

// hash names the request by method, path and the very bytes of the body: who
// repeats a request sends the same bytes again, and two bodies that only mean the
// same are safer taken for two.
func (c *call) hash() string {
	h := sha256.New()
	_, _ = io.WriteString(h, c.r.Method+"\n"+c.r.URL.EscapedPath()+"\n")
	_, _ = h.Write(c.body)
	return hex.EncodeToString(h.Sum(nil))
}
