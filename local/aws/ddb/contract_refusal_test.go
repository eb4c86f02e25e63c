package ddb_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

var refusalClauses = []clause{
	{"Operation/ErrUnknown", func(w *world) {
		_, err := w.DB.ListBackups(w.ctx, &dynamodb.ListBackupsInput{})
		var e smithy.APIError
		if !errors.As(err, &e) || e.ErrorCode() != "UnknownOperationException" {
			w.fail("%v", err)
		}
	}},
	{"PutItem/ErrTableNotFound", func(w *world) {
		_, err := w.DB.PutItem(w.ctx, &dynamodb.PutItemInput{TableName: aws.String("contract-none"), Item: at("a", "b")})
		w.refused(err, "ResourceNotFoundException", "Requested resource not found")
	}},
	{"PutItem/ErrMissingKey", func(w *world) {
		w.invalid(w.tryPut(it("PK", "a")), "One or more parameter values were invalid: Missing the key SK in the item")
	}},
	{"PutItem/ErrKeyType", func(w *world) {
		w.invalid(w.tryPut(it("PK", "a", "SK", 1)), "One or more parameter values were invalid: Type mismatch for key SK expected: S actual: N")
	}},
	{"PutItem/ErrEmptyKey", func(w *world) {
		w.invalid(w.tryPut(at("", "b")), "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: PK")
	}},
	{"PutItem/ErrIndexKeyType", func(w *world) {
		w.invalid(w.tryPut(at("a", "b", "G", 1)), "One or more parameter values were invalid: Type mismatch for Index Key G Expected: S Actual: N IndexName: ")
	}},
	{"PutItem/ErrEmptyIndexKey", func(w *world) {
		w.invalid(w.tryPut(at("a", "b", "G", "")), "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: ")
	}},
	{"PutItem/ErrHashKeyTooLong", func(w *world) {
		w.put(at(text(2048), "b"))
		w.invalid(w.tryPut(at(text(2049), "b")), "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes")
	}},
	{"PutItem/ErrRangeKeyTooLong", func(w *world) {
		w.put(at("a", text(1024)))
		w.invalid(w.tryPut(at("a", text(1025))), "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
	}},
	{"PutItem/Err400KB", func(w *world) {
		const rest = 2 + 1 + 2 + 1 + 1 // PK, SK and the name v
		w.put(at("a", "b", "v", text(400<<10-rest)))
		w.invalid(w.tryPut(at("a", "b", "v", text(400<<10-rest+1))), "Item size has exceeded the maximum allowed size")
	}},
	{"PutItem/ErrReturnValues", func(w *world) {
		_, err := w.DB.PutItem(w.ctx, &dynamodb.PutItemInput{TableName: w.table(), Item: at("a", "b"), ReturnValues: types.ReturnValueAllNew})
		w.invalid(err, "ReturnValues can only be ALL_OLD or NONE")
	}},
	{"GetItem/ErrKeySchema", func(w *world) {
		for _, key := range []attributes{it("PK", "a"), it("PK", "a", "SK", 1), at("a", "b", "x", "c"), it("PK", "a", "x", "b")} {
			_, err := w.DB.GetItem(w.ctx, &dynamodb.GetItemInput{TableName: w.table(), Key: key})
			w.invalid(err, "The provided key element does not match the schema")
		}
	}},
	{"UpdateItem/ErrEmptyKey", func(w *world) {
		_, err := w.DB.UpdateItem(w.ctx, &dynamodb.UpdateItemInput{TableName: w.table(), Key: at("a", "")})
		w.invalid(err, "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: SK")
	}},
	{"Legacy/ErrNotSupported", func(w *world) {
		_, err := w.DB.PutItem(w.ctx, &dynamodb.PutItemInput{TableName: w.table(), Item: at("a", "b"), Expected: map[string]types.ExpectedAttributeValue{"x": {Exists: aws.Bool(false)}}})
		w.invalid(err, "Legacy parameters are not supported")
	}},
}

// conditionRefusals are begins of messages by expression; :n is 1, :s "x", :m a map.
var conditionRefusals = []struct{ name, condition, begin string }{
	{"Syntax", "n = = :n", `Invalid ConditionExpression: Syntax error; token: "=", near: "= = :n"`},
	{"UnexpectedEnd", "n = :n AND", `Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "AND"`},
	{"UnclosedParenthesis", "(n = :n", `Invalid ConditionExpression: Syntax error; token: "<EOF>", near: ":n"`},
	{"Literal", "n = 5", `Invalid ConditionExpression: Syntax error; token: "5", near: "= 5"`},
	{"OperandAlone", "n", `Invalid ConditionExpression: Syntax error; token: "<EOF>", near: "n"`},
	{"Empty", "", "Invalid ConditionExpression: The expression can not be empty;"},
	{"ReservedWord", "status = :n", "Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: status"},
	{"ReservedWordNested", "a.Count = :n", "Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: Count"},
	{"UndefinedName", "#x = :n", "Invalid ConditionExpression: An expression attribute name used in the document path is not defined; attribute name: #x"},
	{"UndefinedValue", "n = :undefined", "Invalid ConditionExpression: An expression attribute value used in expression is not defined; attribute value: :undefined"},
	{"UnknownFunction", "foo(n)", "Invalid ConditionExpression: Invalid function name; function: foo"},
	{"FunctionOfUpdates", "list_append(n, m) = :n", "Invalid ConditionExpression: The function is not allowed in a condition expression; function: list_append"},
	{"SizeAlone", "size(n)", "Invalid ConditionExpression: The function is not allowed to be used this way in an expression; function: size"},
	{"FunctionCompared", "attribute_exists(n) = :n", "Invalid ConditionExpression: The function is not allowed to be used this way in an expression; function: attribute_exists"},
	{"OperandCount", "size(n, m) > :n", "Invalid ConditionExpression: Incorrect number of operands for operator or function; operator or function: size, number of operands: 2"},
	{"PathNeeded", "attribute_exists(:n)", "Invalid ConditionExpression: Operator or function requires a document path; operator or function: attribute_exists"},
	{"OperandType", "begins_with(a, :n)", "Invalid ConditionExpression: Incorrect operand type for operator or function; operator or function: begins_with, operand type: N"},
	{"ComparedType", "a < :m", "Invalid ConditionExpression: Incorrect operand type for operator or function; operator or function: <, operand type: M"},
	{"TypeName", "attribute_type(a, :s)", "Invalid ConditionExpression: Invalid attribute type name found; type: x"},
	{"BetweenOrder", "a BETWEEN :two AND :n", "Invalid ConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}"},
	{"BetweenTypes", "a BETWEEN :n AND :s", "Invalid ConditionExpression: The BETWEEN operator requires same data type for lower and upper bounds"},
	{"SameOperandTwice", "a = a", "Invalid ConditionExpression: The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [a]"},
	{"RedundantParentheses", "((a = :n))", "Invalid ConditionExpression: The expression has redundant parentheses;"},
	{"ListIndex", "a[99999999999] = :n", "Invalid ConditionExpression: List index is not within the allowable range; index: [99999999999]"},
	{"In101Operands", "n IN (:n" + strings.Repeat(", :n", 100) + ")", "Invalid ConditionExpression: The IN operator is provided with too many operands; number of operands: 101"},
	{"301Operators", "n = :n" + strings.Repeat(" OR n = :n", 150), "Invalid ConditionExpression: The expression contains too many operators; operator count: 301"},
	{"Over4KB", "n = :n OR " + strings.Repeat("n", 4090) + " = :n", "Invalid ConditionExpression: Expression size has exceeded the maximum allowed size; expression size: 4105"},
}

// updateRefusals likewise; :l is a list.
var updateRefusals = []struct{ name, expression, begin string }{
	{"ReservedWord", "SET status = :n", "Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: status"},
	{"Empty", "", "Invalid UpdateExpression: The expression can not be empty;"},
	{"Syntax", "SET a = :n + :n + :n", `Invalid UpdateExpression: Syntax error; token: "+", near: ":n + :n"`},
	{"NoSection", "a = :n", `Invalid UpdateExpression: Syntax error; token: "a", near: "a ="`},
	{"SectionTwice", "SET a = :n SET b = :n", `Invalid UpdateExpression: The "SET" section can only be used once in an update expression;`},
	{"Overlap", "SET a = :n, a.b = :n", "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a, b]"},
	{"OverlapAcrossSections", "SET a.b = :n REMOVE a", "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a]"},
	{"Conflict", "SET a.b = :n, a[0] = :n", "Invalid UpdateExpression: Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a, [0]]"},
	{"AddString", "ADD a :s", "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, operand type: STRING"},
	{"DeleteNumber", "DELETE a :n", "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER"},
	{"PlusString", "SET a = :s + :n", "Invalid UpdateExpression: Incorrect operand type for operator or function; operator or function: +, operand type: S"},
	{"AppendNumber", "SET a = list_append(:l, :n)", "Invalid UpdateExpression: Incorrect operand type for operator or function; operator or function: list_append, operand type: N"},
	{"FunctionOfConditions", "SET a = size(b)", "Invalid UpdateExpression: The function is not allowed in an update expression; function: size"},
	{"PathNeeded", "SET a = if_not_exists(:n, :n)", "Invalid UpdateExpression: Operator or function requires a document path; operator or function: if_not_exists"},
	{"UndefinedValue", "SET a = :undefined", "Invalid UpdateExpression: An expression attribute value used in expression is not defined; attribute value: :undefined"},
}

// valuesIn gives the placeholders of an expression their values.
func valuesIn(expression string) attributes {
	values := attributes{}
	for name, v := range it(":n", 1, ":two", 2, ":s", "x", ":m", doc{}, ":l", list{}) {
		if containsWord(expression, name) {
			values[name] = v
		}
	}
	return values
}

var expressionClauses = func() (clauses []clause) {
	for _, r := range conditionRefusals {
		clauses = append(clauses, clause{"Condition/Err" + r.name, func(w *world) {
			w.refusesCondition(r.condition, valuesIn(r.condition), r.begin)
		}})
	}
	for _, r := range updateRefusals {
		clauses = append(clauses, clause{"Update/Err" + r.name, func(w *world) {
			w.refusesUpdate(r.expression, valuesIn(r.expression), r.begin)
		}})
	}
	return append(clauses, placeholderClauses...)
}()

var placeholderClauses = []clause{
	{"Placeholders/ErrUnusedValue", func(w *world) {
		w.refusesUpdate("SET a = :a", it(":a", 1, ":unused", 1), "Value provided in ExpressionAttributeValues unused in expressions: keys: {:unused}")
	}},
	{"Placeholders/ErrUnusedName", func(w *world) {
		err := w.tryCondition("a = :a", it(":a", 1), map[string]string{"#unused": "x"})
		w.invalid(err, "Value provided in ExpressionAttributeNames unused in expressions: keys: {#unused}")
	}},
	{"Placeholders/ErrSyntax", func(w *world) {
		w.invalid(w.tryCondition("a = :a", it(":a", 1, "b", 1), nil), `ExpressionAttributeValues contains invalid key: Syntax error; key: "b"`)
		w.invalid(w.tryCondition("a = :a", it(":a", 1), map[string]string{"b": "x"}), `ExpressionAttributeNames contains invalid key: Syntax error; key: "b"`)
	}},
	{"Placeholders/ErrInvalidValue", func(w *world) {
		w.refusesUpdate("SET a = :a", it(":a", num("x")), "ExpressionAttributeValues contains invalid value: The parameter cannot be converted to a numeric value: x for key :a")
	}},
	{"Placeholders/ErrEmptySetValue", func(w *world) {
		w.refusesUpdate("SET a = :a", it(":a", strs{}), "ExpressionAttributeValues contains invalid value: One or more parameter values were invalid: An string set  may not be empty for key :a")
	}},
	{"Placeholders/ErrWithoutExpression", func(w *world) {
		_, err := w.DB.PutItem(w.ctx, &dynamodb.PutItemInput{TableName: w.table(), Item: at("a", "b"), ExpressionAttributeNames: map[string]string{"#a": "a"}})
		w.invalid(err, "ExpressionAttributeNames can only be specified when using expressions")
		_, err = w.DB.UpdateItem(w.ctx, &dynamodb.UpdateItemInput{TableName: w.table(), Key: at("a", "b"), ExpressionAttributeValues: it(":a", 1)})
		w.invalid(err, "ExpressionAttributeValues can only be specified when using expressions: UpdateExpression and ConditionExpression are null")
	}},
	{"Placeholders/UsedByEitherExpression", func(w *world) {
		_, err := w.DB.UpdateItem(w.ctx, &dynamodb.UpdateItemInput{
			TableName: w.table(), Key: at("a", "b"), UpdateExpression: aws.String("SET a = :a"), ConditionExpression: aws.String("attribute_not_exists(#b) OR b = :b"),
			ExpressionAttributeNames: map[string]string{"#b": "b"}, ExpressionAttributeValues: it(":a", 1, ":b", 2),
		})
		w.must(err)
	}},
	{"Projection/ErrOverlap", func(w *world) {
		_, err := w.DB.GetItem(w.ctx, &dynamodb.GetItemInput{TableName: w.table(), Key: at("a", "b"), ProjectionExpression: aws.String("m, m.a")})
		w.invalid(err, "Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [m], path two: [m, a]")
	}},
	{"Projection/ErrSyntax", func(w *world) {
		_, err := w.DB.GetItem(w.ctx, &dynamodb.GetItemInput{TableName: w.table(), Key: at("a", "b"), ProjectionExpression: aws.String("l[0] m")})
		w.invalid(err, `Invalid ProjectionExpression: Syntax error; token: "m", near: "] m"`)
	}},
}

func units(f *float64) string { return fmt.Sprint(aws.ToFloat64(f)) }

var capacityClauses = []clause{
	{"Capacity/Reads", func(w *world) {
		w.put(at("a", "b", "v", text(5000)))
		get := func(consistent bool, sk string) string {
			o, err := w.DB.GetItem(w.ctx, &dynamodb.GetItemInput{TableName: w.table(), Key: at("a", sk), ConsistentRead: &consistent, ReturnConsumedCapacity: "TOTAL"})
			w.must(err)
			return units(o.ConsumedCapacity.CapacityUnits)
		}
		w.want(get(true, "b")+" "+get(false, "b")+" "+get(true, "none")+" "+get(false, "none"), "2 1 1 0.5")
	}},
	{"Capacity/Writes", func(w *world) {
		put := func(size int) string {
			o, err := w.DB.PutItem(w.ctx, &dynamodb.PutItemInput{TableName: w.table(), Item: at("a", "b", "v", text(size)), ReturnConsumedCapacity: "TOTAL"})
			w.must(err)
			return units(o.ConsumedCapacity.CapacityUnits)
		}
		// The larger of the old and the new item counts.
		w.want(put(10)+" "+put(3000)+" "+put(10)+" "+put(10), "1 3 3 1")
	}},
	{"Capacity/IndexWrites", func(w *world) {
		put := func(pairs ...any) string {
			o, err := w.DB.PutItem(w.ctx, &dynamodb.PutItemInput{TableName: w.table(), Item: at("a", "b", pairs...), ReturnConsumedCapacity: "INDEXES"})
			w.must(err)
			c := o.ConsumedCapacity
			return fmt.Sprintf("%s=%s+%s+%s", units(c.CapacityUnits), units(c.Table.CapacityUnits),
				units(c.GlobalSecondaryIndexes["GSI"].CapacityUnits), units(c.GlobalSecondaryIndexes["THIN"].CapacityUnits))
		}
		w.want(put("G", "g", "H", 1), "3=1+1+1")         // into both
		w.want(put("G", "g", "H", 2), "3=1+2+0")         // moves in GSI, THIN shows no H
		w.want(put("G", "g", "H", 2, "x", 1), "2=1+1+0") // THIN shows no x
		w.want(put("G", "h", "H", 2, "x", 1), "5=1+2+2") // moves in both
		w.want(put("x", 1), "3=1+1+1")                   // out of both
		w.want(put("x", 2), "1=1+0+0")                   // was in neither
	}},
	{"Capacity/Query", func(w *world) {
		for i := range 10 {
			w.put(at("p", fmt.Sprint(i), "v", text(1000), "G", "g", "H", i))
		}
		in := w.queryInput("PK = :p", it(":p", "p"))
		in.ReturnConsumedCapacity, in.ConsistentRead = "TOTAL", aws.Bool(true)
		o, err := w.DB.Query(w.ctx, in)
		w.must(err)
		w.want(units(o.ConsumedCapacity.CapacityUnits), "3") // the sum of sizes is rounded, not each
		in = w.queryInput("G = :g", it(":g", "g"))
		in.ReturnConsumedCapacity, in.IndexName = "INDEXES", aws.String("GSI")
		o, err = w.DB.Query(w.ctx, in)
		w.must(err)
		w.want(units(o.ConsumedCapacity.Table.CapacityUnits)+" "+units(o.ConsumedCapacity.GlobalSecondaryIndexes["GSI"].CapacityUnits), "0 1.5")
	}},
	{"Capacity/EmptyQuery", func(w *world) {
		in := w.queryInput("PK = :p", it(":p", "none"))
		in.ReturnConsumedCapacity = "TOTAL"
		o, err := w.DB.Query(w.ctx, in)
		w.must(err)
		w.want(units(o.ConsumedCapacity.CapacityUnits), "0.5")
	}},
	{"Capacity/TransactionsCostTwice", func(w *world) {
		in := &dynamodb.TransactWriteItemsInput{ClientRequestToken: w.token(), ReturnConsumedCapacity: "INDEXES", TransactItems: []types.TransactWriteItem{
			w.putting(at("a", "x", "v", text(1500), "G", "g"), ""),
			{ConditionCheck: &types.ConditionCheck{TableName: w.table(), Key: at("a", "y"), ConditionExpression: aws.String("attribute_not_exists(PK)")}},
		}}
		o, err := w.DB.TransactWriteItems(w.ctx, in)
		w.must(err)
		c := o.ConsumedCapacity[0]
		w.want(units(c.Table.CapacityUnits)+" "+units(c.GlobalSecondaryIndexes["THIN"].CapacityUnits)+" "+units(c.WriteCapacityUnits), "6 1 7")
		o, err = w.DB.TransactWriteItems(w.ctx, in)
		w.must(err)
		w.want(units(o.ConsumedCapacity[0].ReadCapacityUnits), "4")
		g, err := w.DB.TransactGetItems(w.ctx, &dynamodb.TransactGetItemsInput{ReturnConsumedCapacity: "TOTAL", TransactItems: []types.TransactGetItem{
			{Get: &types.Get{TableName: w.table(), Key: at("a", "x")}}, {Get: &types.Get{TableName: w.table(), Key: at("a", "none")}},
		}})
		w.must(err)
		w.want(units(g.ConsumedCapacity[0].CapacityUnits), "4")
	}},
	{"Capacity/Batches", func(w *world) {
		wo, err := w.DB.BatchWriteItem(w.ctx, &dynamodb.BatchWriteItemInput{ReturnConsumedCapacity: "TOTAL", RequestItems: map[string][]types.WriteRequest{*w.table(): {
			{PutRequest: &types.PutRequest{Item: at("a", "x", "v", text(1500))}}, {DeleteRequest: &types.DeleteRequest{Key: at("a", "y")}},
		}}})
		w.must(err)
		ro, err := w.DB.BatchGetItem(w.ctx, &dynamodb.BatchGetItemInput{ReturnConsumedCapacity: "TOTAL", RequestItems: map[string]types.KeysAndAttributes{*w.table(): {
			Keys: []attributes{at("a", "x"), at("a", "y")},
		}}})
		w.must(err)
		w.want(units(wo.ConsumedCapacity[0].CapacityUnits)+" "+units(ro.ConsumedCapacity[0].CapacityUnits), "3 1")
	}},
}
