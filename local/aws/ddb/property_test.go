package ddb

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// model is the naive table: a map, searched through for every query.
type model map[[2]string]thing

// thing is an item of the model. All of them have "n", some are in the index.
type thing struct {
	n     int
	group string // G, "" for none
}

func (th thing) json(pk, sk string) string {
	g := ""
	if th.group != "" {
		g = fmt.Sprintf(`,"G":{"S":"%s"}`, th.group)
	}
	return fmt.Sprintf(`{"PK":{"S":"%s"},"SK":{"S":"%s"},"n":{"N":"%d"}%s}`, pk, sk, th.n, g)
}

// sorted returns the keys that match, by less.
func (m model) sorted(match func(k [2]string, th thing) bool, compare func(a, b [2]string) int) [][2]string {
	var keys [][2]string
	for k, th := range m {
		if match(k, th) {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, compare)
	return keys
}

// machine holds the service and the model, which must not drift apart.
type machine struct {
	t *rapid.T
	s *Service
	m model
}

func (mc *machine) key() (pk, sk string) {
	return rapid.SampledFrom([]string{"p", "q"}).Draw(mc.t, "pk"), rapid.StringMatching(`[ab]{1,3}`).Draw(mc.t, "sk")
}

func (mc *machine) thing() thing {
	return thing{rapid.IntRange(-20, 20).Draw(mc.t, "n"), rapid.SampledFrom([]string{"", "g", "h"}).Draw(mc.t, "group")}
}

func (mc *machine) put() {
	pk, sk := mc.key()
	th := mc.thing()
	condition := ""
	_, exists := mc.m[[2]string{pk, sk}]
	fresh := rapid.Bool().Draw(mc.t, "fresh")
	if fresh {
		condition = `,"ConditionExpression":"attribute_not_exists(PK)"`
	}
	status, answer := send(mc.s, "PutItem", `{"TableName":"tab","Item":`+th.json(pk, sk)+condition+`}`)
	if refused := fresh && exists; refused != (status == 400) {
		mc.t.Fatalf("put: %v", answer)
	} else if !refused {
		mc.m[[2]string{pk, sk}] = th
	}
}

func (mc *machine) remove() {
	pk, sk := mc.key()
	mustSend(mc.t, mc.s, "DeleteItem", fmt.Sprintf(`{"TableName":"tab","Key":{"PK":{"S":"%s"},"SK":{"S":"%s"}}}`, pk, sk))
	delete(mc.m, [2]string{pk, sk})
}

// transact adds to one item what it takes from another, if that has it.
func (mc *machine) transact() {
	apk, ask := mc.key()
	bpk, bsk := mc.key()
	a, b := [2]string{apk, ask}, [2]string{bpk, bsk}
	amount := rapid.IntRange(1, 5).Draw(mc.t, "amount")
	const update = `{"Update":{"TableName":"tab","Key":{"PK":{"S":"%s"},"SK":{"S":"%s"}},"UpdateExpression":"ADD n :d","ConditionExpression":"%s","ExpressionAttributeValues":{":d":{"N":"%d"}%s}}}`
	status, answer := send(mc.s, "TransactWriteItems", fmt.Sprintf(`{"TransactItems":[`+update+`,`+update+`]}`,
		apk, ask, "n >= :min", -amount, fmt.Sprintf(`,":min":{"N":"%d"}`, amount),
		bpk, bsk, "attribute_exists(PK)", amount, ""))
	from, ok := mc.m[a]
	to, exists := mc.m[b]
	possible := a != b && ok && exists && from.n >= amount
	if possible != (status == 200) {
		mc.t.Fatalf("transact: %d %v", status, answer)
	}
	if possible {
		from.n -= amount
		to.n += amount
		mc.m[a], mc.m[b] = from, to
	}
}

// query compares a range of a partition, read in pages, in both directions.
func (mc *machine) query() {
	pk, low := mc.key()
	forward, limit := rapid.Bool().Draw(mc.t, "forward"), rapid.IntRange(1, 4).Draw(mc.t, "limit")
	o := rapid.SampledFrom([]string{"<", "<=", "=", ">=", ">", "begins_with"}).Draw(mc.t, "operator")
	condition := "PK = :p AND SK " + o + " :l"
	if o == "begins_with" {
		condition = "PK = :p AND begins_with(SK, :l)"
	}
	match := func(k [2]string, _ thing) bool {
		c := strings.Compare(k[1], low)
		return k[0] == pk && (o == "begins_with" && strings.HasPrefix(k[1], low) || o[0] == '<' && c < 0 || o[0] == '>' && c > 0 || strings.HasSuffix(o, "=") && c == 0)
	}
	want := mc.m.sorted(match, func(a, b [2]string) int { return strings.Compare(a[1], b[1]) })
	mc.compare(want, forward, fmt.Sprintf(`"TableName":"tab","Limit":%d,"ScanIndexForward":%v,"KeyConditionExpression":"%s","ExpressionAttributeValues":{":p":{"S":"%s"},":l":{"S":"%s"}}`,
		limit, forward, condition, pk, low))
}

// queryIndex has many equal keys, so only the order of n is compared.
func (mc *machine) queryIndex() {
	forward, limit := rapid.Bool().Draw(mc.t, "forward"), rapid.IntRange(1, 4).Draw(mc.t, "limit")
	from := rapid.IntRange(-20, 20).Draw(mc.t, "from")
	want := mc.m.sorted(func(_ [2]string, th thing) bool { return th.group == "g" && th.n >= from }, mc.byNumber)
	mc.compare(want, forward, fmt.Sprintf(`"TableName":"tab","IndexName":"GSI","Limit":%d,"ScanIndexForward":%v,"KeyConditionExpression":"G = :g AND n >= :n","ExpressionAttributeValues":{":g":{"S":"g"},":n":{"N":"%d"}}`,
		limit, forward, from))
}

func (mc *machine) byNumber(a, b [2]string) int { return mc.m[a].n - mc.m[b].n }

func (mc *machine) compare(want [][2]string, forward bool, query string) {
	if !forward {
		slices.Reverse(want)
	}
	got := mc.pages("Query", query)
	if strings.Contains(query, "GSI") { // the order of equal keys is not promised
		if !slices.IsSortedFunc(got, func(a, b [2]string) int {
			if forward {
				return mc.byNumber(a, b)
			}
			return mc.byNumber(b, a)
		}) {
			mc.t.Fatalf("%s: not in order: %v", query, got)
		}
		slices.SortFunc(got, byKey)
		slices.SortFunc(want, byKey)
	}
	if !slices.Equal(got, want) {
		mc.t.Fatalf("%s\ngot  %v\nwant %v", query, got, want)
	}
}

func byKey(a, b [2]string) int { return strings.Compare(a[0]+a[1], b[0]+b[1]) }

// pages reads to the end and returns the keys.
func (mc *machine) pages(operation, request string) (keys [][2]string) {
	start := ""
	for {
		answer := mustSend(mc.t, mc.s, operation, "{"+request+start+"}")
		for _, it := range answer["Items"].([]any) {
			k := [2]string{text(it, "PK"), text(it, "SK")}
			if n := it.(map[string]any)["n"].(map[string]any)["N"]; n != fmt.Sprint(mc.m[k].n) {
				mc.t.Fatalf("%v has n = %s, want %d", k, n, mc.m[k].n)
			}
			keys = append(keys, k)
		}
		last, ok := answer["LastEvaluatedKey"].(map[string]any)
		if !ok {
			return keys
		}
		var parts []string
		for name, v := range last {
			for k, s := range v.(map[string]any) {
				parts = append(parts, fmt.Sprintf(`"%s":{"%s":"%s"}`, name, k, s))
			}
		}
		start = `,"ExclusiveStartKey":{` + strings.Join(parts, ",") + `}`
	}
}

func text(it any, name string) string {
	return it.(map[string]any)[name].(map[string]any)["S"].(string)
}

// scan compares everything, in segments.
func (mc *machine) scan() {
	total := rapid.IntRange(1, 3).Draw(mc.t, "segments")
	var got [][2]string
	for i := range total {
		got = append(got, mc.pages("Scan", fmt.Sprintf(`"TableName":"tab","Limit":2,"Segment":%d,"TotalSegments":%d`, i, total))...)
	}
	slices.SortFunc(got, byKey)
	want := slices.SortedFunc(maps.Keys(mc.m), byKey)
	if !slices.Equal(got, want) {
		mc.t.Fatalf("got  %v\nwant %v", got, want)
	}
}

func TestTableLikeModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mc := &machine{t, New(Options{}), model{}}
		mustSend(t, mc.s, "CreateTable", tableT)
		actions := []func(){mc.put, mc.put, mc.remove, mc.transact, mc.query, mc.queryIndex, mc.scan}
		for range rapid.IntRange(5, 60).Draw(t, "steps") {
			rapid.SampledFrom(actions).Draw(t, "action")()
		}
	})
}
