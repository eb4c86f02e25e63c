package ddb

import (
	"encoding/binary"
	"strings"
)

// AWS's limits of key attributes, in bytes.
const (
	maxHashKey  = 2048
	maxRangeKey = 1024
)

// keyAttribute is one attribute of a key schema.
type keyAttribute struct {
	name string
	kind kind // S, N or B
}

// keySchema is the primary key of a table or an index; sort.name is "" without a sort key.
type keySchema struct {
	hash, sort keyAttribute
}

func (k keySchema) attributes() []keyAttribute {
	if k.sort.name == "" {
		return []keyAttribute{k.hash}
	}
	return []keyAttribute{k.hash, k.sort}
}

func (k keySchema) has(name string) bool {
	return name == k.hash.name || name == k.sort.name
}

// of returns the key attributes of it alone.
func (k keySchema) of(it item) item {
	key := make(item, 2)
	for _, a := range k.attributes() {
		key[a.name] = it[a.name]
	}
	return key
}

// Rows are ordered by a byte string made of the hash of the partition key, the
// partition key and the sort key. Hashing spreads partitions over the key space as
// AWS does: a Scan's order tells nothing, and its segments are ranges of the hash.

// componentEnd ends a component of a key. A zero byte within one is written as
// 0x00 0xFF, so that the order of the bytes is that of the components.
const componentEnd = "\x00\x01"

// afterComponent sorts right after all keys that continue an ended component.
const afterComponent = "\x00\x02"

func appendComponent(b []byte, v value) []byte {
	if v.kind == kindN {
		return appendEscaped(b, string(appendSortable(nil, v.str)))
	}
	return appendEscaped(b, v.str)
}

func appendEscaped(b []byte, s string) []byte {
	for {
		i := strings.IndexByte(s, 0)
		if i < 0 {
			return append(b, s...)
		}
		b = append(b, s[:i]...)
		b = append(b, 0, 0xFF)
		s = s[i+1:]
	}
}

// appendPartition appends what the keys of one partition have in common.
func appendPartition(b []byte, hash value) []byte {
	at := len(b)
	b = append(b, 0, 0, 0, 0)
	b = appendComponent(b, hash)
	binary.BigEndian.PutUint32(b[at:], spread(b[at+4:]))
	return append(b, componentEnd...)
}

// spread is FNV-1a with a finalizer, so that the high bits depend on all of them. It is
// part of what a Scan's LastEvaluatedKey means, so it must not differ between runs.
func spread(b []byte) uint32 {
	h := uint32(2166136261)
	for _, c := range b {
		h = (h ^ uint32(c)) * 16777619
	}
	h ^= h >> 16
	h *= 0x85ebca6b
	return h ^ h>>13
}

// rowKey is the place of it in a table. The key attributes must be there.
func (k keySchema) rowKey(it item) string { return string(k.appendRowKey(nil, it)) }

func (k keySchema) appendRowKey(b []byte, it item) []byte {
	b = appendPartition(b, it[k.hash.name])
	if k.sort.name != "" {
		b = appendComponent(b, it[k.sort.name])
		b = append(b, componentEnd...)
	}
	return b
}

// checkKey refuses a Key parameter that isn't exactly this key.
func (k keySchema) checkKey(key item) error {
	attributes := k.attributes()
	if len(key) != len(attributes) {
		return invalid(msgKeyMismatch)
	}
	for _, a := range attributes {
		v, ok := key[a.name]
		if !ok || v.kind != a.kind {
			return invalid(msgKeyMismatch)
		}
	}
	return k.checkSizes(key)
}

// checkItem refuses an item to put that lacks a key attribute or has one of another type.
func (k keySchema) checkItem(it item) error {
	for _, a := range k.attributes() {
		v, ok := it[a.name]
		if !ok {
			return invalidParameter("Missing the key %s in the item", a.name)
		}
		if v.kind != a.kind {
			return invalidParameter("Type mismatch for key %s expected: %s actual: %s", a.name, a.kind, v.kind)
		}
	}
	return k.checkSizes(it)
}

func (k keySchema) checkSizes(it item) error {
	for _, a := range k.attributes() {
		if it[a.name].kind != kindN && it[a.name].str == "" {
			return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s",
				emptyWord(a.kind), a.name)
		}
	}
	if len(it[k.hash.name].str) > maxHashKey {
		return invalidParameter("Size of hashkey has exceeded the maximum size limit of2048 bytes")
	}
	if k.sort.name != "" && len(it[k.sort.name].str) > maxRangeKey {
		return invalidParameter("Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
	}
	return nil
}

func emptyWord(k kind) string {
	if k == kindB {
		return "binary"
	}
	return "string"
}
