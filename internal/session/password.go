package session

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The cost of a hash: the first of OWASP's equally strong minimums for argon2id
// that fits a small Lambda (Password Storage Cheat Sheet, 2025: 19 MiB, 2 passes,
// 1 lane; its 46 MiB variant would leave a 256 MB function little beside it).
const (
	defaultMemory = 19 << 10 // KiB
	defaultPasses = 2
	lanes         = 1 // a Lambda of this size has a fraction of one core

	saltLength = 16 // bytes, RFC 9106 section 3.1
	hashLength = 32 // bytes, RFC 9106 section 4
)

// What a stored hash may ask for. A damaged one must not take the machine down.
const (
	maxMemory = 256 << 10 // KiB
	maxPasses = 16
	maxLanes  = 8
)

// defaultConcurrency keeps all hashing within some 80 MiB. A Lambda never needs
// more than one slot; the local system serves many requests in one process.
const defaultConcurrency = 4

// Passwords hashes with argon2id and implements chat.PasswordHasher. Hashes are
// PHC strings, so that each carries its own cost and the defaults can rise.
type Passwords struct {
	memory uint32 // KiB
	passes uint32
	slots  chan struct{} // one value per hash under way
	dummy  phc           // what an unusable hash is checked against, to no avail
}

// PasswordOption changes how NewPasswords makes hashes.
type PasswordOption func(*Passwords)

// WithCost sets the memory in KiB (at least 8) and the number of passes of new
// hashes. It exists for tests, which can't wait for safe ones.
func WithCost(memoryKiB, passes uint32) PasswordOption {
	return func(p *Passwords) { p.memory, p.passes = memoryKiB, passes }
}

// WithConcurrency sets how many hashes are computed at the same time; others wait.
func WithConcurrency(n int) PasswordOption {
	return func(p *Passwords) { p.slots = make(chan struct{}, n) }
}

// NewPasswords makes a hasher.
func NewPasswords(options ...PasswordOption) *Passwords {
	p := &Passwords{memory: defaultMemory, passes: defaultPasses, slots: make(chan struct{}, defaultConcurrency)}
	for _, o := range options {
		o(p)
	}
	// No password is known to have this hash: it was drawn, not computed.
	p.dummy = phc{memory: p.memory, passes: p.passes, lanes: lanes, salt: random(saltLength), hash: random(hashLength)}
	return p
}

// Hash makes the PHC string of a password with a fresh salt.
func (p *Passwords) Hash(password string) (string, error) {
	h := phc{memory: p.memory, passes: p.passes, lanes: lanes, salt: random(saltLength)}
	h.hash = p.derive(h, password, hashLength)
	return h.String(), nil
}

// Verify says whether the hash is the password's, at the cost that the hash
// names. An empty or unreadable hash is never matched, but takes as long as a
// real one, so that the time does not tell whether an account exists.
func (p *Passwords) Verify(hash, password string) bool {
	h, ok := parsePHC(hash)
	if !ok {
		h = p.dummy
	}
	got := p.derive(h, password, uint32(len(h.hash)))
	return subtle.ConstantTimeCompare(got, h.hash) == 1 && ok
}

func (p *Passwords) derive(h phc, password string, length uint32) []byte {
	p.slots <- struct{}{}
	defer func() { <-p.slots }()
	return argon2.IDKey([]byte(password), h.salt, h.passes, h.memory, h.lanes, length)
}

// random draws n bytes; crypto/rand never fails (it ends the process instead).
func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// phc is a hash with its cost, written as the Password Hashing Competition's
// string format says: $argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>.
type phc struct {
	memory, passes uint32
	lanes          uint8
	salt, hash     []byte
}

func (h phc) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.passes, h.lanes,
		base64.RawStdEncoding.EncodeToString(h.salt), base64.RawStdEncoding.EncodeToString(h.hash))
}

func parsePHC(s string) (h phc, ok bool) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return phc{}, false
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.passes, &h.lanes); err != nil {
		return phc{}, false
	}
	var err error
	if h.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return phc{}, false
	}
	if h.hash, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil {
		return phc{}, false
	}
	// One spelling per hash, and a cost that this machine can pay.
	sane := h.lanes >= 1 && h.lanes <= maxLanes && h.passes >= 1 && h.passes <= maxPasses &&
		h.memory >= 8*uint32(h.lanes) && h.memory <= maxMemory && len(h.salt) >= 8 && len(h.hash) >= 16
	return h, sane && h.String() == s
}
