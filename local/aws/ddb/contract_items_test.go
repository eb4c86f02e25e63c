package ddb_test

import (
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

var tableClauses = []clause{
	{"CreateTable/ActiveWithStream", func(w *world) {
		o, err := w.DB.DescribeTable(w.ctx, &dynamodb.DescribeTableInput{TableName: w.table()})
		w.must(err)
		t := o.Table
		if t.TableStatus != types.TableStatusActive || t.LatestStreamArn == nil || len(t.GlobalSecondaryIndexes) != 2 || t.BillingModeSummary == nil {
			w.fail("described as %+v", t)
		}
	}},
	{"CreateTable/ErrInUse", func(w *world) {
		_, err := w.DB.CreateTable(w.ctx, w.definition(*w.table()))
		w.refused(err, "ResourceInUseException", "Table already exists: ")
	}},
	{"CreateTable/ErrUnusedAttribute", func(w *world) {
		def := w.definition(w.name())
		def.GlobalSecondaryIndexes = nil
		_, err := w.DB.CreateTable(w.ctx, def)
		w.invalid(err, "One or more parameter values were invalid: Some AttributeDefinitions are not used")
	}},
	{"CreateTable/ErrUndefinedKey", func(w *world) {
		def := w.definition(w.name())
		def.AttributeDefinitions = def.AttributeDefinitions[1:]
		_, err := w.DB.CreateTable(w.ctx, def)
		w.invalid(err, "One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions")
	}},
	{"CreateTable/ErrShortName", func(w *world) {
		_, err := w.DB.CreateTable(w.ctx, w.definition("x"))
		w.invalid(err, "1 validation error detected: Value 'x' at 'tableName' failed to satisfy constraint")
	}},
	{"DeleteTable/Gone", func(w *world) {
		name := w.simple("PK", "S")
		_, err := w.DB.DeleteTable(w.ctx, &dynamodb.DeleteTableInput{TableName: &name})
		w.must(err)
		gone := dynamodb.NewTableNotExistsWaiter(w.DB, func(o *dynamodb.TableNotExistsWaiterOptions) {
			o.MinDelay, o.MaxDelay = 50*time.Millisecond, time.Second
		})
		w.must(gone.Wait(w.ctx, &dynamodb.DescribeTableInput{TableName: &name}, 10*time.Second))
	}},
	{"DescribeTable/ErrNotFound", func(w *world) {
		_, err := w.DB.DescribeTable(w.ctx, &dynamodb.DescribeTableInput{TableName: aws.String("contract-none")})
		w.refused(err, "ResourceNotFoundException", "Requested resource not found: Table: contract-none not found")
	}},
	{"ListTables/Pages", func(w *world) {
		mine := map[string]bool{w.simple("PK", "S"): false, w.simple("PK", "S"): false, w.simple("PK", "S"): false}
		pages := dynamodb.NewListTablesPaginator(w.DB, &dynamodb.ListTablesInput{Limit: aws.Int32(2)})
		for pages.HasMorePages() {
			o, err := pages.NextPage(w.ctx)
			w.must(err)
			if len(o.TableNames) > 2 {
				w.fail("a page of %d", len(o.TableNames))
			}
			for _, name := range o.TableNames {
				if _, ok := mine[name]; ok {
					mine[name] = true
				}
			}
		}
		for name, seen := range mine {
			if !seen {
				w.fail("%s is missing", name)
			}
		}
	}},
	{"UpdateTable/StreamSwitchedOffAndOn", func(w *world) {
		_, err := w.DB.UpdateTable(w.ctx, &dynamodb.UpdateTableInput{TableName: w.table(), StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(false)}})
		w.must(err)
		o, err := w.DB.DescribeTable(w.ctx, &dynamodb.DescribeTableInput{TableName: w.table()})
		w.must(err)
		if s := o.Table.StreamSpecification; s != nil && aws.ToBool(s.StreamEnabled) {
			w.fail("still on")
		}
		u, err := w.DB.UpdateTable(w.ctx, &dynamodb.UpdateTableInput{TableName: w.table(), StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeKeysOnly}})
		w.must(err)
		if u.TableDescription.LatestStreamArn == nil {
			w.fail("no stream")
		}
	}},
	{"UpdateTable/ErrNothing", func(w *world) {
		_, err := w.DB.UpdateTable(w.ctx, &dynamodb.UpdateTableInput{TableName: w.table()})
		w.invalid(err, "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled")
	}},
	{"UpdateTimeToLive/Described", func(w *world) {
		spec := &types.TimeToLiveSpecification{AttributeName: aws.String("ttl"), Enabled: aws.Bool(true)}
		_, err := w.DB.UpdateTimeToLive(w.ctx, &dynamodb.UpdateTimeToLiveInput{TableName: w.table(), TimeToLiveSpecification: spec})
		w.must(err)
		o, err := w.DB.DescribeTimeToLive(w.ctx, &dynamodb.DescribeTimeToLiveInput{TableName: w.table()})
		w.must(err)
		w.want(aws.ToString(o.TimeToLiveDescription.AttributeName), "ttl")
		_, err = w.DB.UpdateTimeToLive(w.ctx, &dynamodb.UpdateTimeToLiveInput{TableName: w.table(), TimeToLiveSpecification: spec})
		w.invalid(err, "TimeToLive is already enabled")
	}},
}

var itemClauses = []clause{
	{"PutItem/Replaces", func(w *world) {
		w.put(at("a", "b", "x", 1, "y", 2))
		o, err := w.DB.PutItem(w.ctx, &dynamodb.PutItemInput{TableName: w.table(), Item: at("a", "b", "x", 3), ReturnValues: types.ReturnValueAllOld})
		w.must(err)
		w.want(show(o.Attributes), `PK:"a" SK:"b" x:1 y:2`)
		w.want(show(w.get("a", "b")), `PK:"a" SK:"b" x:3`)
	}},
	{"PutItem/ErrConditionWithOldItem", func(w *world) {
		w.put(at("a", "b", "n", 1))
		_, err := w.DB.PutItem(w.ctx, &dynamodb.PutItemInput{
			TableName: w.table(), Item: at("a", "b", "n", 2), ConditionExpression: aws.String("attribute_not_exists(PK)"),
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		w.refused(err, "ConditionalCheckFailedException", "The conditional request failed")
		var failed *types.ConditionalCheckFailedException
		errors.As(err, &failed)
		w.want(show(failed.Item), `PK:"a" SK:"b" n:1`)
	}},
	{"PutItem/ErrConditionWithoutOldItem", func(w *world) {
		w.put(at("a", "b", "n", 1))
		_, err := w.DB.PutItem(w.ctx, &dynamodb.PutItemInput{TableName: w.table(), Item: at("a", "b"), ConditionExpression: aws.String("attribute_not_exists(PK)")})
		var failed *types.ConditionalCheckFailedException
		if !errors.As(err, &failed) || failed.Item != nil {
			w.fail("%v", err)
		}
	}},
	{"GetItem/MissingIsNoItem", func(w *world) {
		if got := w.get("no", "where"); got != nil {
			w.fail("%v", got)
		}
	}},
	{"GetItem/Projection", func(w *world) {
		w.put(at("a", "b", "m", doc{"x": 1, "y": 2}, "l", list{1, 2, 3}, "s", "t"))
		o, err := w.DB.GetItem(w.ctx, &dynamodb.GetItemInput{
			TableName: w.table(), Key: at("a", "b"), ProjectionExpression: aws.String("m.x, l[2], l[0], #s, absent"),
			ExpressionAttributeNames: map[string]string{"#s": "s"},
		})
		w.must(err)
		w.want(show(o.Item), `l:[1 3] m:{x:1} s:"t"`)
	}},
	{"GetItem/ProjectionOfNothing", func(w *world) {
		w.put(at("a", "b"))
		o, err := w.DB.GetItem(w.ctx, &dynamodb.GetItemInput{TableName: w.table(), Key: at("a", "b"), ProjectionExpression: aws.String("absent")})
		w.must(err)
		if o.Item == nil || len(o.Item) != 0 {
			w.fail("%v", o.Item)
		}
	}},
	{"DeleteItem/ReturnsOld", func(w *world) {
		w.put(at("a", "b", "n", 1))
		in := &dynamodb.DeleteItemInput{TableName: w.table(), Key: at("a", "b"), ReturnValues: types.ReturnValueAllOld}
		o, err := w.DB.DeleteItem(w.ctx, in)
		w.must(err)
		w.want(show(o.Attributes), `PK:"a" SK:"b" n:1`)
		o, err = w.DB.DeleteItem(w.ctx, in)
		w.must(err)
		w.want(show(o.Attributes), "")
	}},
	{"DeleteItem/ErrCondition", func(w *world) {
		_, err := w.DB.DeleteItem(w.ctx, &dynamodb.DeleteItemInput{TableName: w.table(), Key: at("a", "b"), ConditionExpression: aws.String("attribute_exists(PK)")})
		w.refused(err, "ConditionalCheckFailedException", "The conditional request failed")
	}},
	{"TableName/MayBeAnARN", func(w *world) {
		w.put(at("a", "b", "n", 1))
		o, err := w.DB.DescribeTable(w.ctx, &dynamodb.DescribeTableInput{TableName: w.table()})
		w.must(err)
		g, err := w.DB.GetItem(w.ctx, &dynamodb.GetItemInput{TableName: o.Table.TableArn, Key: at("a", "b")})
		w.must(err)
		w.want(show(g.Item), `PK:"a" SK:"b" n:1`)
	}},
}

var valueClauses = []clause{
	{"Values/AllTypesComeBack", func(w *world) {
		w.put(at("a", "b", "m", doc{"l": list{"x", nil, true, list{}}, "e": doc{}}, "ss", strs{"b", "a"}, "ns", nums{"2", "1"},
			"bs", bins{{1}, {2}}, "b", []byte{0, 1, 255}, "e", "", "t", "ü\n\"\\😀\u0001"))
		w.want(show(w.get("a", "b")), `PK:"a" SK:"b" b:0001ff bs:BS[01 02] e:"" m:{e:{} l:["x" null true []]} ns:NS[1 2] ss:SS[a b] t:"ü\n\"\\😀\x01"`)
	}},
	{"Numbers/38Digits", func(w *world) {
		const n = "12345678901234567890123456789012345678"
		w.put(at("a", "b", "n", num(n), "m", num("-0.00012345678901234567890123456789012345678")))
		w.want(show(w.get("a", "b")), `PK:"a" SK:"b" m:-0.00012345678901234567890123456789012345678 n:`+n)
	}},
	{"Numbers/Normalised", func(w *world) {
		w.put(at("a", "b", "n", list{num("+1.50"), num("007"), num("-0"), num("1E+3"), num("1.0e-2"), num(".5"), num("100")}))
		w.want(show(w.get("a", "b")), `PK:"a" SK:"b" n:[1.5 7 0 1000 0.01 0.5 100]`)
	}},
	{"Numbers/WholeRange", func(w *world) {
		w.put(at("a", "b", "big", num("9.9E125"), "small", num("1E-130")))
		w.want(show(w.get("a", "b")), `PK:"a" SK:"b" big:99`+strings.Repeat("0", 124)+` small:0.`+strings.Repeat("0", 129)+"1")
	}},
	{"Numbers/ErrTooPrecise", func(w *world) {
		w.invalid(w.tryPut(at("a", "b", "n", num(strings.Repeat("1", 39)))), "Attempting to store more than 38 significant digits in a Number")
	}},
	{"Numbers/ErrOverflow", func(w *world) {
		w.invalid(w.tryPut(at("a", "b", "n", num("1E126"))), "Number overflow. Attempting to store a number with magnitude larger than supported range")
	}},
	{"Numbers/ErrUnderflow", func(w *world) {
		w.invalid(w.tryPut(at("a", "b", "n", num("1E-131"))), "Number underflow. Attempting to store a number with magnitude smaller than supported range")
	}},
	{"Numbers/ErrNotANumber", func(w *world) {
		w.invalid(w.tryPut(at("a", "b", "n", num("0x1"))), "The parameter cannot be converted to a numeric value")
	}},
	{"Sets/ErrEmpty", func(w *world) {
		w.invalid(w.tryPut(at("a", "b", "s", strs{})), "One or more parameter values were invalid: An string set  may not be empty")
		w.invalid(w.tryPut(at("a", "b", "s", nums{})), "One or more parameter values were invalid: An number set  may not be empty")
	}},
	{"Sets/ErrDuplicate", func(w *world) {
		w.invalid(w.tryPut(at("a", "b", "s", strs{"x", "x"})), "One or more parameter values were invalid: Input collection [x, x] contains duplicates")
	}},
	{"Sets/ErrNumericDuplicate", func(w *world) {
		w.invalid(w.tryPut(at("a", "b", "s", nums{"1", "1.0"})), "Input collection contains duplicates")
	}},
	{"Values/ErrNested33", func(w *world) {
		nested := func(levels int) any {
			var v any = 1
			for range levels - 1 {
				v = list{v}
			}
			return v
		}
		w.put(at("a", "b", "v", nested(32)))
		w.invalid(w.tryPut(at("a", "b", "v", nested(33))), "Nesting Levels have exceeded supported limits")
	}},
}
