package ddb

import (
	"maps"
	"slices"

	"github.com/tidwall/btree"
)

// maxPageBytes ends a page of Query and Scan, before filtering (AWS).
const maxPageBytes = 1 << 20

// pageParameters are what Query and Scan have in common.
type pageParameters struct {
	TableName                 string
	IndexName                 *string
	FilterExpression          *string
	ProjectionExpression      *string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues attributeValues
	ExclusiveStartKey         item
	Limit                     *int
	Select                    string
	ConsistentRead            bool
	ReturnConsumedCapacity    detail

	legacyParameters
}

// check refuses combinations that need no table to be wrong.
func (p *pageParameters) check() error {
	if err := p.legacyParameters.check(); err != nil {
		return err
	}
	if err := p.ReturnConsumedCapacity.check(); err != nil {
		return err
	}
	if p.TableName == "" {
		return constraint(nil, "tableName", "not be null")
	}
	if p.Limit != nil && *p.Limit < 1 {
		return constraint(*p.Limit, "limit", "have value greater than or equal to 1")
	}
	switch p.Select {
	case "", "ALL_ATTRIBUTES":
	case "COUNT":
		if p.ProjectionExpression != nil {
			return invalid("Cannot specify the ProjectionExpression when choosing to get only the Count")
		}
		return nil
	case "ALL_PROJECTED_ATTRIBUTES":
		if p.IndexName == nil {
			return invalidParameter("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
		}
	case "SPECIFIC_ATTRIBUTES":
		if p.ProjectionExpression == nil {
			return invalid("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
		}
		return nil
	default:
		return constraint(p.Select, "select", "satisfy enum value set: [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]")
	}
	if p.Select != "" && p.ProjectionExpression != nil {
		return invalid("Cannot specify the ProjectionExpression when choosing to get %s", p.Select)
	}
	return nil
}

// pager reads one page of a table or an index.
type pager struct {
	*pageParameters
	*binding
	filter *parsed
	shown  *document

	table *table
	index *index // nil: the table itself
	keys  keySchema
	rows  *btree.Map[string, *row]

	items   []item
	count   int
	scanned int
	bytes   int
	last    *row
	more    bool // the page is full, though nothing may follow
}

// newPager finds what is to be read. The lock is held.
func (s *Service) newPager(p *pageParameters, b *binding, filter, projection *parsed) (*pager, error) {
	t, err := s.resolve(p.TableName)
	if err != nil {
		return nil, err
	}
	lag := s.lagOf(p.ConsistentRead)
	pg := &pager{pageParameters: p, binding: b, filter: filter, table: t, keys: t.keys, rows: s.seen(t, -1, lag)}
	if projection != nil {
		if pg.shown, err = b.projection(projection); err != nil {
			return nil, err
		}
	}
	if p.IndexName == nil {
		return pg, nil
	}
	x := t.index(*p.IndexName)
	switch {
	case x == nil:
		return nil, invalid("The table does not have the specified index: %s", *p.IndexName)
	case p.ConsistentRead:
		return nil, invalid("Consistent reads are not supported on global secondary indexes")
	case p.Select == "ALL_ATTRIBUTES" && x.projects != nil:
		return nil, invalidParameter("Select type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL", x.def.IndexName)
	}
	if pg.shown != nil && x.projects != nil {
		for _, c := range pg.shown.children {
			if !x.projects[c.step.name] {
				return nil, invalidParameter("Global secondary index %s does not project [%s]", x.def.IndexName, c.step.name)
			}
		}
	}
	pg.index, pg.keys, pg.rows = x, x.keys, s.seen(t, slices.Index(t.indexes, x), lag)
	return pg, nil
}

// startKey is the row key of the ExclusiveStartKey, "" without one.
func (pg *pager) startKey() (string, error) {
	key := pg.ExclusiveStartKey
	if key == nil {
		return "", nil
	}
	attributes := map[string]kind{}
	for _, a := range pg.table.keys.attributes() {
		attributes[a.name] = a.kind
	}
	for _, a := range pg.keys.attributes() {
		attributes[a.name] = a.kind
	}
	if len(key) != len(attributes) {
		return "", invalid("The provided starting key is invalid")
	}
	for name, k := range attributes {
		if key[name].kind != k {
			return "", invalid("The provided starting key is invalid: %s", msgKeyMismatch)
		}
	}
	if pg.index != nil {
		return pg.index.entryKey(key), nil
	}
	return pg.keys.rowKey(key), nil
}

// read collects the page: the rows of a span, in either direction, behind start.
func (pg *pager) read(wanted span, start string, backward bool) {
	switch {
	case start == "":
	case backward:
		wanted.to = min(wanted.to, start)
	default:
		wanted.from = max(wanted.from, start+"\x00")
	}
	if wanted.empty() {
		return
	}
	if backward {
		pg.rows.Descend(wanted.to, func(key string, r *row) bool {
			return key == wanted.to || key >= wanted.from && pg.take(r)
		})
		return
	}
	pg.rows.Ascend(wanted.from, func(key string, r *row) bool {
		return key < wanted.to && pg.take(r)
	})
}

// take adds a row and reports whether the page has room for another one.
func (pg *pager) take(r *row) bool {
	size, it := r.size, r.item
	if pg.index != nil {
		size, it = pg.index.size(r), pg.index.view(r.item)
	}
	if pg.scanned > 0 && pg.bytes+size > maxPageBytes {
		pg.more = true
		return false
	}
	pg.bytes += size
	pg.scanned++
	pg.last = r
	if pg.filter == nil || pg.holds(pg.filter.root, it) {
		pg.count++
		if pg.Select != "COUNT" {
			pg.items = append(pg.items, it)
		}
	}
	pg.more = pg.Limit != nil && pg.scanned == *pg.Limit
	return !pg.more
}

// lastKey is where the next page begins.
func (pg *pager) lastKey() item {
	key := pg.table.keys.of(pg.last.item)
	if pg.index != nil {
		maps.Copy(key, pg.keys.of(pg.last.item))
	}
	return key
}

// answer needs no lock: rows and items do not change.
func (pg *pager) answer() []byte {
	a := newAnswer(1024 + 2*pg.bytes)
	if pg.Select != "COUNT" {
		a.member("Items")
		a.b = append(a.b, '[')
		for i, it := range pg.items {
			a.b = appendComma(a.b, i)
			a.b = appendItem(a.b, pg.shown.project(it))
		}
		a.b = append(a.b, ']')
	}
	a.int("Count", pg.count)
	a.int("ScannedCount", pg.scanned)
	if pg.more {
		a.item("LastEvaluatedKey", pg.lastKey())
	}
	units := readUnits(pg.bytes, pg.ConsistentRead)
	cost := &consumption{table: pg.table.def.Name}
	if pg.index != nil {
		cost.index(pg.index.def.IndexName, units)
	} else {
		cost.units = units
	}
	a.consumed(cost, pg.ReturnConsumedCapacity)
	return a.done()
}
