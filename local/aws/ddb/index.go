package ddb

import (
	"slices"

	"github.com/tidwall/btree"
)

// index is a global secondary index. It is up to date with its table at once, and
// holds the table's rows; what it doesn't project is left out when it is read.
type index struct {
	def       indexDefinition
	keys      keySchema
	tableKeys keySchema
	projects  map[string]bool // nil: all attributes
	entries   btree.Map[string, *row]
	bytes     int
}

func newIndex(def indexDefinition, keys, tableKeys keySchema) *index {
	x := &index{def: def, keys: keys, tableKeys: tableKeys}
	if def.Projection.ProjectionType == "ALL" {
		return x
	}
	x.projects = map[string]bool{}
	for _, a := range slices.Concat(keys.attributes(), tableKeys.attributes()) {
		x.projects[a.name] = true
	}
	for _, name := range def.Projection.NonKeyAttributes {
		x.projects[name] = true
	}
	return x
}

// holds reports whether it is in the index: sparse, an item without one of the key
// attributes is not.
func (x *index) holds(it item) bool {
	for _, a := range x.keys.attributes() {
		if it[a.name].kind != a.kind {
			return false
		}
	}
	return true
}

// entryKey orders the index: by its own key, and items with equal keys by the table's.
func (x *index) entryKey(it item) string {
	return string(x.tableKeys.appendRowKey(x.keys.appendRowKey(nil, it), it))
}

// view is what the index shows of an item.
func (x *index) view(it item) item {
	if x.projects == nil {
		return it
	}
	shown := make(item, len(x.projects))
	for name := range x.projects {
		if v, ok := it[name]; ok {
			shown[name] = v
		}
	}
	return shown
}

// size is that of the index entry.
func (x *index) size(r *row) int {
	if x.projects == nil {
		return r.size
	}
	n := 0
	for name := range x.projects {
		if v, ok := r.item[name]; ok {
			n += len(name) + v.size()
		}
	}
	return n
}

// checkItem refuses items with an index key of the wrong type. They are not left out of the
// index, which is for items without the attribute.
func (x *index) checkItem(it item) error {
	for _, a := range x.keys.attributes() {
		v, ok := it[a.name]
		switch {
		case !ok:
		case v.kind != a.kind:
			return invalidParameter("Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", a.name, a.kind, v.kind, x.def.IndexName)
		case v.kind != kindN && v.str == "":
			return invalid("One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %s, IndexKey: %s",
				emptyWord(a.kind), x.def.IndexName, a.name)
		}
	}
	if v := it[x.keys.hash.name]; len(v.str) > maxHashKey {
		return invalidParameter("Size of hashkey has exceeded the maximum size limit of2048 bytes")
	}
	if v := it[x.keys.sort.name]; len(v.str) > maxRangeKey {
		return invalidParameter("Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
	}
	return nil
}

// replace follows a write of the table.
func (x *index) replace(old, next *row) {
	held := old != nil && x.holds(old.item)
	holds := next != nil && x.holds(next.item)
	var oldKey, newKey string
	if held {
		x.bytes -= x.size(old)
		oldKey = x.entryKey(old.item)
	}
	if holds {
		x.bytes += x.size(next)
		newKey = x.entryKey(next.item)
	}
	if held && oldKey != newKey {
		x.entries.Delete(oldKey)
	}
	if holds {
		x.entries.Set(newKey, next)
	}
}

// writeUnits is what a write costs the index: nothing if what it shows is the same,
// a deletion and an insertion if the entry moves (AWS: "Write capacity units" of GSIs).
func (x *index) writeUnits(old, next *row) float64 {
	held := old != nil && x.holds(old.item)
	holds := next != nil && x.holds(next.item)
	switch {
	case held && holds:
		a, b := x.view(old.item), x.view(next.item)
		if a.equal(b) {
			return 0
		}
		if x.keys.of(a).equal(x.keys.of(b)) {
			return writeUnits(max(x.size(old), x.size(next)))
		}
		return writeUnits(x.size(old)) + writeUnits(x.size(next))
	case held:
		return writeUnits(x.size(old))
	case holds:
		return writeUnits(x.size(next))
	}
	return 0
}
