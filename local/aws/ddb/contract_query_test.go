package ddb_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// text is a string of n bytes.
func text(n int) string { return strings.Repeat("x", n) }

// containsWord reports whether the placeholder stands in an expression.
func containsWord(expression, placeholder string) bool {
	return slices.Contains(strings.FieldsFunc(expression, func(r rune) bool { return strings.ContainsRune(" (),", r) }), placeholder)
}

// queryInput is a query of the contract's table.
func (w *world) queryInput(condition string, values attributes) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{TableName: w.table(), KeyConditionExpression: &condition, ExpressionAttributeValues: values}
}

// sorts runs a query to its end, page by page, and returns the sort keys.
func (w *world) sorts(in *dynamodb.QueryInput) string {
	var got []string
	for {
		o, err := w.DB.Query(w.ctx, in)
		w.must(err)
		if in.Limit != nil && o.ScannedCount > *in.Limit {
			w.fail("a page of %d", o.ScannedCount)
		}
		for _, item := range o.Items {
			got = append(got, item["SK"].(*types.AttributeValueMemberS).Value)
		}
		if in.ExclusiveStartKey = o.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			return strings.Join(got, " ")
		}
	}
}

func (w *world) letters(letters string) {
	for _, l := range letters {
		w.put(at("p", string(l), "v", string(l)))
	}
}

func (w *world) refusesQuery(change func(in *dynamodb.QueryInput), begin string) {
	in := w.queryInput("PK = :p", it(":p", "p"))
	change(in)
	_, err := w.DB.Query(w.ctx, in)
	w.invalid(err, begin)
}

var queryClauses = []clause{
	{"Query/SortKeyRanges", func(w *world) {
		w.letters("abcde")
		w.put(at("other", "c"))
		for condition, want := range map[string]string{
			"PK = :p": "a b c d e", "PK = :p AND SK = :c": "c", "PK = :p AND SK < :c": "a b", "PK = :p AND SK <= :c": "a b c",
			"PK = :p AND SK > :c": "d e", "PK = :p AND SK >= :c": "c d e", "PK = :p AND SK BETWEEN :b AND :d": "b c d",
			":c < SK AND :p = PK": "d e", "(PK = :p) AND (begins_with(SK, :c))": "c",
		} {
			values := attributes{}
			for name, v := range it(":p", "p", ":b", "b", ":c", "c", ":d", "d") {
				if containsWord(condition, name) {
					values[name] = v
				}
			}
			w.want(condition+": "+w.sorts(w.queryInput(condition, values)), condition+": "+want)
		}
	}},
	{"Query/BackwardPages", func(w *world) {
		w.letters("abcdefg")
		in := w.queryInput("PK = :p AND SK > :a", it(":p", "p", ":a", "a"))
		in.ScanIndexForward, in.Limit = aws.Bool(false), aws.Int32(2)
		w.want(w.sorts(in), "g f e d c b")
	}},
	{"Query/LimitReachedHasLastKey", func(w *world) {
		w.letters("ab")
		in := w.queryInput("PK = :p", it(":p", "p"))
		in.Limit = aws.Int32(2)
		o, err := w.DB.Query(w.ctx, in)
		w.must(err)
		w.want(show(o.LastEvaluatedKey), `PK:"p" SK:"b"`)
	}},
	{"Query/NumbersSortNumerically", func(w *world) {
		name := w.simple("PK", "S", "SK", "N")
		given := []string{"10", "-1.5", "0", "9", "1E+20", "-100", "0.001", "-0.001", "1.5", "1E-130", "-9.9E125", "15"}
		for _, n := range given {
			_, err := w.DB.PutItem(w.ctx, &dynamodb.PutItemInput{TableName: &name, Item: it("PK", "p", "SK", num(n), "as", n)})
			w.must(err)
		}
		in := &dynamodb.QueryInput{TableName: &name, KeyConditionExpression: aws.String("PK = :p"), ExpressionAttributeValues: it(":p", "p")}
		o, err := w.DB.Query(w.ctx, in)
		w.must(err)
		var got []string
		for _, item := range o.Items {
			got = append(got, item["as"].(*types.AttributeValueMemberS).Value)
		}
		w.want(strings.Join(got, " "), "-9.9E125 -100 -1.5 -0.001 0 1E-130 0.001 1.5 9 10 15 1E+20")
		in.KeyConditionExpression, in.ExpressionAttributeValues[":a"], in.ExpressionAttributeValues[":b"] = aws.String("PK = :p AND SK BETWEEN :a AND :b"), av(num("1.50")), av(num("10.0"))
		o, err = w.DB.Query(w.ctx, in)
		w.must(err)
		w.want(fmt.Sprint(o.Count), "3")
	}},
	{"Query/BinariesSortBytewise", func(w *world) {
		name := w.simple("PK", "B", "SK", "B")
		for _, b := range [][]byte{{0xff}, {0}, {0, 0}, {1}, {0x80}, {0, 1}, {0, 0xff}} {
			_, err := w.DB.PutItem(w.ctx, &dynamodb.PutItemInput{TableName: &name, Item: it("PK", []byte{0, 1}, "SK", b)})
			w.must(err)
		}
		o, err := w.DB.Query(w.ctx, &dynamodb.QueryInput{TableName: &name, KeyConditionExpression: aws.String("PK = :p"), ExpressionAttributeValues: it(":p", []byte{0, 1})})
		w.must(err)
		var got []string
		for _, item := range o.Items {
			got = append(got, showValue(item["SK"]))
		}
		w.want(strings.Join(got, " "), "00 0000 0001 00ff 01 80 ff")
	}},
	{"Query/FilterComesAfterLimit", func(w *world) {
		w.letters("abcde")
		in := w.queryInput("PK = :p", it(":p", "p", ":v", "c"))
		in.FilterExpression, in.Limit = aws.String("v > :v"), aws.Int32(4)
		o, err := w.DB.Query(w.ctx, in)
		w.must(err)
		w.want(fmt.Sprintf("%d %d %s", o.Count, o.ScannedCount, show(o.LastEvaluatedKey)), `1 4 PK:"p" SK:"d"`)
	}},
	{"Query/ProjectionAndCount", func(w *world) {
		w.letters("ab")
		in := w.queryInput("PK = :p", it(":p", "p"))
		in.ProjectionExpression = aws.String("v")
		o, err := w.DB.Query(w.ctx, in)
		w.must(err)
		w.want(show(o.Items[0])+" "+show(o.Items[1]), `v:"a" v:"b"`)
		in.ProjectionExpression, in.Select = nil, types.SelectCount
		o, err = w.DB.Query(w.ctx, in)
		w.must(err)
		if o.Count != 2 || o.Items != nil {
			w.fail("%+v", o)
		}
	}},
	{"Query/PageOf1MB", func(w *world) {
		for i := range 6 {
			w.put(at("p", fmt.Sprint(i), "v", text(300<<10)))
		}
		in := w.queryInput("PK = :p", it(":p", "p"))
		o, err := w.DB.Query(w.ctx, in)
		w.must(err)
		if o.Count < 3 || o.Count > 4 || o.LastEvaluatedKey == nil {
			w.fail("%d items", o.Count)
		}
		w.want(w.sorts(in), "0 1 2 3 4 5")
	}},
	{"Query/GSISparseAndSorted", func(w *world) {
		for i, h := range []int{30, 4, 200} {
			w.put(at(fmt.Sprint("p", i), fmt.Sprint("s", h), "G", "g", "H", h))
		}
		w.put(at("sparse", "s", "G", "g"))
		in := w.queryInput("G = :g", it(":g", "g"))
		in.IndexName = aws.String("GSI")
		w.want(w.sorts(in), "s4 s30 s200")
	}},
	{"Query/GSIPagesThroughEqualKeys", func(w *world) {
		for i := range 7 {
			w.put(at("p", fmt.Sprint(i), "G", "g", "H", 1))
		}
		for _, forward := range []bool{true, false} {
			in := w.queryInput("G = :g AND H = :h", it(":g", "g", ":h", 1))
			in.IndexName, in.Limit, in.ScanIndexForward = aws.String("GSI"), aws.Int32(2), &forward
			got := strings.Fields(w.sorts(in))
			slices.Sort(got)
			w.want(strings.Join(got, " "), "0 1 2 3 4 5 6")
		}
	}},
	{"Query/GSIFollowsUpdates", func(w *world) {
		w.put(at("a", "b", "G", "g", "H", 1))
		w.update("SET H = :h", it(":h", 2), `G:"g" H:2`)
		in := w.queryInput("G = :g", it(":g", "g"))
		in.IndexName = aws.String("GSI")
		w.want(w.sorts(in), "b")
		w.update("REMOVE G", nil, "H:2")
		w.want(w.sorts(in), "")
	}},
	{"Query/GSIShowsWhatItProjects", func(w *world) {
		w.put(at("a", "b", "G", "g", "H", 1, "kept", 1, "lost", 2))
		in := w.queryInput("G = :g", it(":g", "g"))
		in.IndexName = aws.String("THIN")
		o, err := w.DB.Query(w.ctx, in)
		w.must(err)
		w.want(show(o.Items[0]), `G:"g" PK:"a" SK:"b" kept:1`)
	}},
	{"Query/GSIErrConsistentRead", func(w *world) {
		in := w.queryInput("G = :g", it(":g", "g"))
		in.IndexName, in.ConsistentRead = aws.String("GSI"), aws.Bool(true)
		_, err := w.DB.Query(w.ctx, in)
		w.invalid(err, "Consistent reads are not supported on global secondary indexes")
	}},
	{"Query/ErrUnknownIndex", func(w *world) {
		w.refusesQuery(func(in *dynamodb.QueryInput) { in.IndexName = aws.String("NOPE") }, "The table does not have the specified index")
	}},
	{"Query/ErrKeyCondition", func(w *world) {
		for condition, begin := range map[string]string{
			"SK = :p":                      "Query condition missed key schema element: PK",
			"PK > :p":                      "Query key condition not supported",
			"PK = :p OR SK = :p":           "Invalid operator used in KeyConditionExpression: OR",
			"PK = :p AND SK <> :p":         "Invalid operator used in KeyConditionExpression: <>",
			"PK = :p AND v = :p":           "Query condition missed key schema element: SK",
			"PK = :p AND NOT SK = :p":      "Invalid operator used in KeyConditionExpression: NOT",
			"PK = :p AND PK = :p":          "KeyConditionExpressions must only contain one condition per key",
			"PK = :p AND contains(SK, :p)": "Invalid operator used in KeyConditionExpression: contains",
		} {
			w.refusesQuery(func(in *dynamodb.QueryInput) { in.KeyConditionExpression = &condition }, begin)
		}
	}},
	{"Query/ErrKeyConditionType", func(w *world) {
		w.refusesQuery(func(in *dynamodb.QueryInput) { in.ExpressionAttributeValues = it(":p", 1) }, "One or more parameter values were invalid: Condition parameter type does not match schema type")
	}},
	{"Query/ErrFilterOnKey", func(w *world) {
		w.refusesQuery(func(in *dynamodb.QueryInput) { in.FilterExpression = aws.String("SK = :p") }, "Filter Expression can only contain non-primary key attributes: Primary key attribute: SK")
	}},
	{"Query/ErrLimit", func(w *world) {
		for _, limit := range []int32{0, -1} {
			w.refusesQuery(func(in *dynamodb.QueryInput) { in.Limit = &limit }, "1 validation error detected: Value '")
		}
	}},
	{"Query/ErrStartKey", func(w *world) {
		w.refusesQuery(func(in *dynamodb.QueryInput) { in.ExclusiveStartKey = it("PK", "p") }, "The provided starting key is invalid")
		w.refusesQuery(func(in *dynamodb.QueryInput) { in.ExclusiveStartKey = at("q", "x") }, "The provided starting key is outside query boundaries based on provided conditions")
	}},
}

func (w *world) scanned(in *dynamodb.ScanInput) []string {
	var got []string
	for {
		o, err := w.DB.Scan(w.ctx, in)
		w.must(err)
		for _, item := range o.Items {
			got = append(got, showValue(item["PK"])+showValue(item["SK"]))
		}
		if in.ExclusiveStartKey = o.LastEvaluatedKey; in.ExclusiveStartKey == nil {
			slices.Sort(got)
			return got
		}
	}
}

var scanClauses = []clause{
	{"Scan/EverythingInPages", func(w *world) {
		var want []string
		for i := range 20 {
			w.put(at(fmt.Sprint("p", i%7), fmt.Sprint("s", i)))
			want = append(want, fmt.Sprintf(`"p%d""s%d"`, i%7, i))
		}
		slices.Sort(want)
		got := w.scanned(&dynamodb.ScanInput{TableName: w.table(), Limit: aws.Int32(3)})
		w.want(strings.Join(got, " "), strings.Join(want, " "))
	}},
	{"Scan/SegmentsPartition", func(w *world) {
		for i := range 40 {
			w.put(at(fmt.Sprint("p", i), "s"))
		}
		var got []string
		for i := range int32(4) {
			part := w.scanned(&dynamodb.ScanInput{TableName: w.table(), Segment: &i, TotalSegments: aws.Int32(4), Limit: aws.Int32(3)})
			if len(part) == 40 {
				w.fail("all in one segment")
			}
			got = append(got, part...)
		}
		slices.Sort(got)
		if len(got) != 40 || len(slices.Compact(got)) != 40 {
			w.fail("%d items", len(got))
		}
	}},
	{"Scan/FilterAndCount", func(w *world) {
		w.letters("abcde")
		o, err := w.DB.Scan(w.ctx, &dynamodb.ScanInput{TableName: w.table(), Select: types.SelectCount, FilterExpression: aws.String("SK >= :v"), ExpressionAttributeValues: it(":v", "d")})
		w.must(err)
		w.want(fmt.Sprint(o.Count, o.ScannedCount), "2 5")
	}},
	{"Scan/OfAnIndex", func(w *world) {
		w.put(at("a", "1", "G", "g", "H", 1))
		w.put(at("a", "2"))
		w.want(strings.Join(w.scanned(&dynamodb.ScanInput{TableName: w.table(), IndexName: aws.String("GSI")}), " "), `"a""1"`)
	}},
	{"Scan/ErrSegments", func(w *world) {
		for _, in := range []*dynamodb.ScanInput{
			{Segment: aws.Int32(0)}, {TotalSegments: aws.Int32(2)}, {Segment: aws.Int32(2), TotalSegments: aws.Int32(2)},
		} {
			in.TableName = w.table()
			_, err := w.DB.Scan(w.ctx, in)
			w.invalid(err, "The ")
		}
	}},
}

var batchClauses = []clause{
	{"BatchWriteItem/25PutsAndDeletes", func(w *world) {
		w.letters("xyz")
		var requests []types.WriteRequest
		for i := range 22 {
			requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: at("p", fmt.Sprintf("%02d", i))}})
		}
		for _, l := range []string{"x", "y", "none"} {
			requests = append(requests, types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: at("p", l)}})
		}
		o, err := w.DB.BatchWriteItem(w.ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{*w.table(): requests}})
		w.must(err)
		w.want(fmt.Sprint(len(o.UnprocessedItems)), "0")
		in := w.queryInput("PK = :p", it(":p", "p"))
		w.want(fmt.Sprint(len(strings.Fields(w.sorts(in)))), "23")
	}},
	{"BatchWriteItem/ErrTooMany", func(w *world) {
		requests := make([]types.WriteRequest, 26)
		for i := range requests {
			requests[i].PutRequest = &types.PutRequest{Item: at("p", fmt.Sprint(i))}
		}
		_, err := w.DB.BatchWriteItem(w.ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{*w.table(): requests}})
		if err == nil {
			w.fail("accepted")
		}
		w.invalid(err, "")
	}},
	{"BatchWriteItem/ErrDuplicate", func(w *world) {
		_, err := w.DB.BatchWriteItem(w.ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{*w.table(): {
			{PutRequest: &types.PutRequest{Item: at("p", "x")}}, {DeleteRequest: &types.DeleteRequest{Key: at("p", "x")}},
		}}})
		w.invalid(err, "Provided list of item keys contains duplicates")
	}},
	{"BatchGetItem/FoundOnes", func(w *world) {
		w.letters("abc")
		o, err := w.DB.BatchGetItem(w.ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{*w.table(): {
			Keys: []attributes{at("p", "a"), at("p", "none"), at("p", "c")}, ProjectionExpression: aws.String("v"),
		}}})
		w.must(err)
		var got []string
		for _, item := range o.Responses[*w.table()] {
			got = append(got, show(item))
		}
		slices.Sort(got)
		w.want(strings.Join(got, " "), `v:"a" v:"c"`)
	}},
	{"BatchGetItem/16MBLeavesKeysUnprocessed", func(w *world) {
		var keys []attributes
		for i := range 50 {
			w.put(at("p", fmt.Sprint(i), "v", text(390<<10)))
			keys = append(keys, at("p", fmt.Sprint(i)))
		}
		left, found := keys, 0
		for len(left) > 0 {
			o, err := w.DB.BatchGetItem(w.ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{*w.table(): {Keys: left, ProjectionExpression: aws.String("SK")}}})
			w.must(err)
			found += len(o.Responses[*w.table()])
			if found == 50 && len(left) == 50 {
				w.fail("more than 16 MB at once")
			}
			left = o.UnprocessedKeys[*w.table()].Keys
		}
		w.want(fmt.Sprint(found), "50")
	}},
	{"BatchGetItem/ErrTooMany", func(w *world) {
		keys := make([]attributes, 101)
		for i := range keys {
			keys[i] = at("p", fmt.Sprint(i))
		}
		_, err := w.DB.BatchGetItem(w.ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{*w.table(): {Keys: keys}}})
		if err == nil {
			w.fail("accepted")
		}
		w.invalid(err, "")
	}},
	{"BatchGetItem/ErrDuplicate", func(w *world) {
		_, err := w.DB.BatchGetItem(w.ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{*w.table(): {Keys: []attributes{at("p", "a"), at("p", "a")}}}})
		w.invalid(err, "Provided list of item keys contains duplicates")
	}},
}
