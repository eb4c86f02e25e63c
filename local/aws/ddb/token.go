package ddb

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
	"time"
)

// tokenLife is how long AWS remembers a ClientRequestToken.
const tokenLife = 10 * time.Minute

// token is a ClientRequestToken of a transaction that succeeded. SDKs send one with
// every transaction, so there are many: both parts are kept as 16 bytes of SHA-256.
type token struct {
	id, request [16]byte
	expires     time.Time
}

func newToken(id string, writes []*write, now time.Time) token {
	return token{id: digest([]byte(id)), request: digest(packRequest(writes)), expires: now.Add(tokenLife)}
}

func digest(b []byte) [16]byte {
	sum := sha256.Sum256(b)
	return [16]byte(sum[:16])
}

// packRequest is the same for requests that ask for the same, in whatever order their
// JSON had the members of a map.
func packRequest(writes []*write) []byte {
	b := make([]byte, 0, 1024)
	for _, w := range writes {
		b = packText(b, w.op)
		b = packText(b, w.table)
		b = packItem(b, w.target)
		for _, text := range []*string{w.conditionText, w.updateText} {
			if text != nil {
				b = packText(b, *text)
			}
			b = append(b, 0)
		}
		for _, key := range slices.Sorted(maps.Keys(w.names)) {
			b = packText(packText(b, key), w.names[key])
		}
		b = packItem(b, item(w.values))
		if w.returnOld {
			b = append(b, 1)
		}
	}
	return binary.AppendUvarint(b, uint64(len(writes)))
}

// tokenStore remembers tokens until they expire, which they do in the order of their
// arrival. It is guarded by the service's lock.
type tokenStore struct {
	byID  map[[16]byte]token
	order [][16]byte
}

func (ts *tokenStore) get(id [16]byte, now time.Time) (token, bool) {
	t, ok := ts.byID[id]
	return t, ok && now.Before(t.expires)
}

func (ts *tokenStore) add(t token) {
	ts.byID[t.id] = t
	ts.order = append(ts.order, t.id)
}

// forget drops what has expired.
func (ts *tokenStore) forget(now time.Time) {
	n := 0
	for n < len(ts.order) {
		if t, ok := ts.byID[ts.order[n]]; ok {
			if now.Before(t.expires) {
				break
			}
			delete(ts.byID, ts.order[n])
		}
		n++
	}
	ts.order = ts.order[n:]
}
