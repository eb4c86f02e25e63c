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
func idemKey(u chat.UserID, k string) key     { return key{userPK(u), "IDEM#" + k} }

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
