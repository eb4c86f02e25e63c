package ddb

import (
	"maps"
	"slices"
	"strconv"
)

// writeUnits: 1 KB each, at least one (AWS).
func writeUnits(size int) float64 { return float64(max(1, (size+1023)/1024)) }

// readUnits: 4 KB each, at least one; half of them for an eventually consistent read (AWS).
func readUnits(size int, consistent bool) float64 {
	units := float64(max(1, (size+4095)/4096))
	if !consistent {
		units /= 2
	}
	return units
}

// transactional is the factor of an operation within a transaction (AWS: one to
// prepare and one to commit). Index updates follow the commit and aren't doubled.
const transactional = 2

// detail is the wanted degree of ReturnConsumedCapacity.
type detail string

func (d detail) check() error {
	switch d {
	case "", "NONE", "TOTAL", "INDEXES":
		return nil
	}
	return constraint(string(d), "returnConsumedCapacity", "satisfy enum value set: [INDEXES, TOTAL, NONE]")
}

func (d detail) wanted() bool { return d == "TOTAL" || d == "INDEXES" }

// consumption is what a request has cost on one table.
type consumption struct {
	table   string
	units   float64
	indexes map[string]float64 // by name
	typed   string             // "Read" or "Write" in transactions, which tell them apart
}

func (c *consumption) index(name string, units float64) {
	if units == 0 {
		return
	}
	if c.indexes == nil {
		c.indexes = map[string]float64{}
	}
	c.indexes[name] += units
}

// write adds the cost of a write and its index updates.
func (c *consumption) write(ch change, factor float64) {
	size := 0
	if ch.old != nil {
		size = ch.old.size
	}
	if ch.next != nil {
		size = max(size, ch.next.size)
	}
	c.units += factor * writeUnits(size)
	for _, x := range ch.table.indexes {
		c.index(x.def.IndexName, x.writeUnits(ch.old, ch.next))
	}
}

// append writes the consumption in the wanted detail. The total includes the indexes.
func (c *consumption) append(b []byte, d detail) []byte {
	total := c.units
	for _, units := range c.indexes {
		total += units
	}
	b = append(b, `{"TableName":`...)
	b = appendText(b, c.table)
	b = append(b, ',')
	b = c.appendUnits(b, total)
	if d == "INDEXES" {
		b = append(b, `,"Table":{`...)
		b = c.appendUnits(b, c.units)
		b = append(b, '}')
		if len(c.indexes) > 0 {
			b = append(b, `,"GlobalSecondaryIndexes":{`...)
			for i, name := range slices.Sorted(maps.Keys(c.indexes)) {
				b = appendComma(b, i)
				b = appendText(b, name)
				b = append(b, ':', '{')
				b = c.appendUnits(b, c.indexes[name])
				b = append(b, '}')
			}
			b = append(b, '}')
		}
	}
	return append(b, '}')
}

func (c *consumption) appendUnits(b []byte, units float64) []byte {
	b = append(b, `"CapacityUnits":`...)
	b = strconv.AppendFloat(b, units, 'f', 1, 64)
	if c.typed != "" {
		b = append(b, `,"`...)
		b = append(b, c.typed...)
		b = append(b, `CapacityUnits":`...)
		b = strconv.AppendFloat(b, units, 'f', 1, 64)
	}
	return b
}

// consumed adds the member of an operation on one table.
func (a *answer) consumed(c *consumption, d detail) {
	if d.wanted() {
		a.member("ConsumedCapacity")
		a.b = c.append(a.b, d)
	}
}

// bill collects the consumption of a request on several tables, in their first order.
type bill struct {
	typed  string
	tables []*consumption
}

func (l *bill) of(t *table) *consumption {
	for _, c := range l.tables {
		if c.table == t.def.Name {
			return c
		}
	}
	c := &consumption{table: t.def.Name, typed: l.typed}
	l.tables = append(l.tables, c)
	return c
}

func (a *answer) billed(l *bill, d detail) {
	if !d.wanted() {
		return
	}
	a.member("ConsumedCapacity")
	a.b = append(a.b, '[')
	for i, c := range l.tables {
		a.b = appendComma(a.b, i)
		a.b = c.append(a.b, d)
	}
	a.b = append(a.b, ']')
}
