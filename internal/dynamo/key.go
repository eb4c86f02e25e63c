package dynamo

import (
	"fmt"

	"tidings/internal/chat"
)

// key is an item's primary key. The scheme is the table of docs/architecture.md.
type key struct{ pk, sk string }

func (k key) item() item { return item{"PK": str(k.pk), "SK": str(k.sk)} }

// Prefixes of sort keys that are queried as ranges.
const (
	entryPrefix      = "E#"
	membershipPrefix = "M#"
)

var counterKey = key{"COUNTER#user", "COUNTER"}

func userPK(id chat.UserID) string            { return "U#" + id.String() }
func logPK(log chat.LogID) string             { return "L#" + string(log) }
func profileKey(id chat.UserID) key           { return key{userPK(id), "PROFILE"} }
func sessionKey(u chat.UserID, id string) key { return key{userPK(u), "SESSION#" + id} }
func nameKey(folded string) key               { return key{"NAME#" + folded, "NAME"} }
func identityKey(id chat.Identity) key        { return key{"EXT#" + id.Issuer + "#" + id.Subject, "EXT"} }
func loginKey(folded string) key              { return key{"NAME#" + folded, "LOGIN"} }
func headKey(log chat.LogID) key              { return key{logPK(log), "HEAD"} }

// idemKey is where a write's record is kept. A user's key may be any text, so what
// services emit has a prefix of its own.
func idemKey(u chat.UserID, idem chat.Idempotency) key {
	if idem.Caller != "" {
		return key{userPK(u), "EMIT#" + idem.Caller + "#" + idem.Key}
	}
	return key{userPK(u), "IDEM#" + idem.Key}
}

func emitRateKey(caller string, window int64) key {
	return key{"EMIT#" + caller, fmt.Sprintf("RATE#%d", window)}
}

// entrySK has 12 digits, so that sort keys order as numbers: at a thousand
// entries a second a log lasts 31 years.
func entrySK(seq int64) string                    { return fmt.Sprintf("%s%012d", entryPrefix, seq) }
func entryKey(log chat.LogID, seq int64) key      { return key{logPK(log), entrySK(seq)} }
func memberKey(log chat.LogID, u chat.UserID) key { return key{logPK(log), "M#" + u.String()} }
func membershipKey(u chat.UserID, l chat.LogID) key {
	return key{userPK(u), membershipPrefix + string(l)}
}

// maxSeq is above every position of a log.
const maxSeq = 999_999_999_999
