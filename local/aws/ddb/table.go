package ddb

import (
	"slices"
	"strings"
	"time"

	"github.com/tidwall/btree"
)

// maxItemSize is AWS's limit of an item, names and values together: 400 KB.
const maxItemSize = 400 << 10

// row is one item where it is stored. A write replaces the row, so a row that was
// read under the lock may be used after it.
type row struct {
	key  string // keySchema.rowKey of the item
	item item
	size int
}

// definition is what CreateTable fixed, as the journal keeps it.
type definition struct {
	Name       string
	ID         string
	Created    time.Time
	Attributes []attributeDefinition
	Keys       []keyElement
	Indexes    []indexDefinition
	Billing    string
	Throughput *throughput `json:",omitempty"`
	Protected  bool        `json:",omitempty"`
	Stream     string      `json:",omitempty"` // view type
	Label      string      `json:",omitempty"` // of the stream
	TTL        string      `json:",omitempty"` // attribute
}

// table is guarded by the service's lock.
type table struct {
	def     definition
	keys    keySchema
	rows    btree.Map[string, *row]
	bytes   int
	indexes []*index
	stream  *stream                 // nil unless enabled
	expiry  btree.Map[string, *row] // by time and row key; empty unless TTL is on
	past    []past                  // former states, the oldest first; empty unless Options.Keep says so
}

func newTable(def definition) *table {
	t := &table{def: def, keys: def.schema(def.Keys)}
	for _, x := range def.Indexes {
		t.indexes = append(t.indexes, newIndex(x, def.schema(x.KeySchema), t.keys))
	}
	return t
}

// schema finds the types of key attributes, which check has found to be defined.
func (d definition) schema(keys []keyElement) keySchema {
	var k keySchema
	for _, e := range keys {
		i := slices.IndexFunc(d.Attributes, func(a attributeDefinition) bool { return a.AttributeName == e.AttributeName })
		a := keyAttribute{name: e.AttributeName, kind: kindNamed(d.Attributes[i].AttributeType)}
		if e.KeyType == "HASH" {
			k.hash = a
		} else {
			k.sort = a
		}
	}
	return k
}

func (t *table) index(name string) *index {
	for _, x := range t.indexes {
		if x.def.IndexName == name {
			return x
		}
	}
	return nil
}

// isKey reports whether name is a key attribute of the table.
func (t *table) isKey(name string) bool { return t.keys.has(name) }

// checkItem refuses an item that can't be stored.
func (t *table) checkItem(it item) error {
	if err := t.keys.checkItem(it); err != nil {
		return err
	}
	for _, x := range t.indexes {
		if err := x.checkItem(it); err != nil {
			return err
		}
	}
	return nil
}

// replace puts the row next in the place of old; either may be nil.
func (t *table) replace(old, next *row) {
	if old != nil {
		t.bytes -= old.size
		t.expiryRemove(old)
		if next == nil {
			t.rows.Delete(old.key)
		}
	}
	if next != nil {
		t.bytes += next.size
		t.rows.Set(next.key, next)
		t.expiryAdd(next)
	}
	for _, x := range t.indexes {
		x.replace(old, next)
	}
}

// resolve finds a table by its name or, as AWS allows everywhere, by its ARN.
func (s *Service) resolve(name string) (*table, error) {
	if strings.HasPrefix(name, "arn:") {
		_, name, _ = strings.Cut(name, ":table/")
	}
	if t := s.tables[name]; t != nil {
		return t, nil
	}
	return nil, notFound("Requested resource not found")
}

func (s *Service) tableARN(name string) string {
	return "arn:aws:dynamodb:" + s.region + ":" + s.account + ":table/" + name
}
