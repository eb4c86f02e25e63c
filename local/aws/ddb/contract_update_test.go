package ddb_test

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

var updateClauses = []clause{
	{"UpdateItem/CreatesTheItem", func(w *world) {
		w.update("SET x = :x", it(":x", 1), "x:1")
		w.want(show(w.get("a", "b")), `PK:"a" SK:"b" x:1`)
	}},
	{"UpdateItem/WithoutExpressionCreatesTheKey", func(w *world) {
		_, err := w.DB.UpdateItem(w.ctx, &dynamodb.UpdateItemInput{TableName: w.table(), Key: at("a", "b")})
		w.must(err)
		w.want(show(w.get("a", "b")), `PK:"a" SK:"b"`)
	}},
	{"UpdateItem/AllSections", func(w *world) {
		w.put(at("a", "b", "gone", 1, "n", 5, "s", strs{"x", "y"}))
		w.update("set v = :v remove gone add n :n delete s :s", it(":v", "w", ":n", 2, ":s", strs{"x"}), `n:7 s:SS[y] v:"w"`)
	}},
	{"UpdateItem/CountsFromNothing", func(w *world) {
		for _, want := range []string{"c:1 l:[true]", "c:2 l:[true true]"} {
			w.update("SET c = if_not_exists(c, :z) + :o, l = list_append(if_not_exists(l, :e), :x)", it(":z", 0, ":o", 1, ":e", list{}, ":x", list{true}), want)
		}
	}},
	{"UpdateItem/RightSidesSeeTheOldItem", func(w *world) {
		w.put(at("a", "b", "x", 1, "y", 2))
		w.update("SET x = y, y = x", nil, "x:2 y:1")
	}},
	{"UpdateItem/Subtracts", func(w *world) {
		w.put(at("a", "b", "x", num("1.5"), "y", 2))
		w.update("SET x = x - y", nil, "x:-0.5 y:2")
	}},
	{"UpdateItem/NestedPaths", func(w *world) {
		w.put(at("a", "b", "m", doc{"x": doc{"y": 1}}, "l", list{list{1, 2}, 3}))
		w.update("SET m.x.z = :v, l[0][1] = :v REMOVE m.x.y", it(":v", "v"), `l:[[1 "v"] 3] m:{x:{z:"v"}}`)
	}},
	{"UpdateItem/ListIndexesBeyondTheEndAppend", func(w *world) {
		w.put(at("a", "b", "l", list{0, 1}))
		w.update("SET l[9] = :nine, l[7] = :seven, l[0] = :zero", it(":nine", 9, ":seven", 7, ":zero", "z"), `l:["z" 1 7 9]`)
	}},
	{"UpdateItem/RemovedElementsCloseUp", func(w *world) {
		w.put(at("a", "b", "l", list{0, 1, 2, 3}))
		w.update("REMOVE l[0], l[2], l[8]", nil, "l:[1 3]")
	}},
	{"UpdateItem/AddsToNothing", func(w *world) {
		w.update("ADD n :n, s :s", it(":n", num("-2.50"), ":s", nums{"1"}), "n:-2.5 s:NS[1]")
	}},
	{"UpdateItem/AddsToSetsNumerically", func(w *world) {
		w.put(at("a", "b", "s", nums{"1", "10"}))
		w.update("ADD s :s", it(":s", nums{"1.00", "2"}), "s:NS[1 10 2]")
	}},
	{"UpdateItem/EmptiedSetIsGone", func(w *world) {
		w.put(at("a", "b", "s", strs{"x"}))
		w.update("DELETE s :s", it(":s", strs{"x", "y"}), "")
	}},
	{"UpdateItem/DeletesFromNothing", func(w *world) {
		w.update("DELETE s :s", it(":s", strs{"x"}), "")
	}},
	{"UpdateItem/38DigitSums", func(w *world) {
		w.put(at("a", "b", "n", num("99999999999999999999999999999999999998")))
		w.update("ADD n :n", it(":n", 1), "n:99999999999999999999999999999999999999")
		w.refusesUpdate("ADD n :n", it(":n", num("0.1")), "Attempting to store more than 38 significant digits in a Number")
	}},
	{"UpdateItem/ErrSumOverflows", func(w *world) {
		w.refusesUpdate("SET n = :a + :a", it(":a", num("9.9E125")), "Number overflow. Attempting to store a number with magnitude larger than supported range")
	}},
	{"UpdateItem/ReturnsUpdatedFragments", func(w *world) {
		w.put(at("a", "b", "m", doc{"x": 1, "y": 2}, "n", 1, "o", 1))
		const expression = "SET m.x = :v, n = :v, fresh = :v REMOVE o"
		got, err := w.tryUpdate(expression, it(":v", 7), types.ReturnValueUpdatedNew)
		w.must(err)
		w.want(show(got), "fresh:7 m:{x:7} n:7")
		got, err = w.tryUpdate(expression, it(":v", 8), types.ReturnValueUpdatedOld)
		w.must(err)
		w.want(show(got), "fresh:7 m:{x:7} n:7")
	}},
	{"UpdateItem/ReturnsOldAndNew", func(w *world) {
		got, err := w.tryUpdate("SET n = :v", it(":v", 1), types.ReturnValueAllOld)
		w.must(err)
		w.want(show(got), "")
		got, err = w.tryUpdate("SET n = :v", it(":v", 2), types.ReturnValueAllOld)
		w.must(err)
		w.want(show(got), `PK:"a" SK:"b" n:1`)
	}},
	{"UpdateItem/ConditionSeesTheOldItem", func(w *world) {
		w.put(at("a", "b", "n", 1))
		in := &dynamodb.UpdateItemInput{
			TableName: w.table(), Key: at("a", "b"), UpdateExpression: aws.String("SET n = n + :o"),
			ConditionExpression: aws.String("n = :o"), ExpressionAttributeValues: it(":o", 1),
		}
		_, err := w.DB.UpdateItem(w.ctx, in)
		w.must(err)
		_, err = w.DB.UpdateItem(w.ctx, in)
		w.refused(err, "ConditionalCheckFailedException", "The conditional request failed")
	}},
	{"UpdateItem/ErrInvalidPath", func(w *world) {
		w.put(at("a", "b", "s", "text", "m", doc{}))
		for _, path := range []string{"absent.x", "s.x", "s[0]", "m[0]", "m.x.y"} {
			w.refusesUpdate("SET "+path+" = :v", it(":v", 1), "The document path provided in the update expression is invalid for update")
		}
	}},
	{"UpdateItem/ErrNoSuchAttribute", func(w *world) {
		w.refusesUpdate("SET x = y + :v", it(":v", 1), "The provided expression refers to an attribute that does not exist in the item")
	}},
	{"UpdateItem/ErrOperandType", func(w *world) {
		w.put(at("a", "b", "s", "text"))
		for _, e := range []string{"SET x = s + :n", "ADD s :n", "SET x = list_append(s, s)"} {
			values := it(":n", 1)
			if e[:3] == "SET" && e[8] == 'l' {
				values = nil
			}
			w.refusesUpdate(e, values, "An operand in the update expression has an incorrect data type")
		}
	}},
	{"UpdateItem/ErrKeyAttribute", func(w *world) {
		for _, e := range []string{"SET PK = :v", "SET SK = :v", "ADD PK :v"} {
			w.refusesUpdate(e, it(":v", 1), "One or more parameter values were invalid: Cannot update attribute ")
		}
		w.refusesUpdate("REMOVE SK", nil, "One or more parameter values were invalid: Cannot update attribute SK. This attribute is part of the key")
	}},
	{"UpdateItem/ErrIndexKeyType", func(w *world) {
		w.refusesUpdate("SET G = :v", it(":v", 1), "One or more parameter values were invalid: ")
	}},
	{"UpdateItem/ErrItemTooLarge", func(w *world) {
		w.put(at("a", "b", "x", text(200<<10), "y", text(100<<10)))
		w.refusesUpdate("SET z = :v", it(":v", text(101<<10)), "Item size to update has exceeded the maximum allowed size")
	}},
}

var conditionClauses = []clause{
	{"Condition/Comparators", func(w *world) {
		w.put(at("a", "b", "n", 5, "s", "m", "b", []byte{5}))
		for c, want := range map[string]bool{
			"n = :five": true, "n <> :five": false, "n < :six": true, "n <= :five": true, "n > :five": false, "n >= :six": false,
			":six > n": true, "n = :s": false, "n <> :s": true, "n < :s": false, "s > :a": true, "s < :a": false,
		} {
			values := attributes{}
			for name, v := range it(":five", num("5.0"), ":six", 6, ":s", "5", ":a", "a") {
				if containsWord(c, name) {
					values[name] = v
				}
			}
			w.holds(want, c, values)
		}
	}},
	{"Condition/StringsOrderByUTF8", func(w *world) {
		w.put(at("a", "b", "s", "\uffee"))
		w.holds(true, "s < :s", it(":s", "😀")) // UTF-16 has it the other way round
	}},
	{"Condition/NumbersOrderNumerically", func(w *world) {
		w.put(at("a", "b", "n", num("-10.5")))
		w.holds(true, "n BETWEEN :a AND :b", it(":a", -11, ":b", num("-9.99")))
		w.holds(false, "n > :a", it(":a", num("-10.4")))
	}},
	{"Condition/MissingAttributes", func(w *world) {
		w.put(at("a", "b", "n", 1))
		w.holds(false, "x = :v", it(":v", 1))
		w.holds(true, "x <> :v", it(":v", 1))
		w.holds(true, "NOT x = :v", it(":v", 1))
		w.holds(false, "x < :v", it(":v", 1))
		w.holds(false, "x IN (:v)", it(":v", 1))
		w.holds(true, "attribute_not_exists(x) AND attribute_exists(n)", nil)
	}},
	{"Condition/OnNoItem", func(w *world) {
		w.holds(true, "attribute_not_exists(PK)", nil)
		w.holds(false, "n = :v", it(":v", 1))
	}},
	{"Condition/Precedence", func(w *world) {
		w.put(at("a", "b", "n", 1))
		w.holds(true, "n = :one OR n = :two AND n = :two", it(":one", 1, ":two", 2))
		w.holds(false, "(n = :one OR n = :two) AND n = :two", it(":one", 1, ":two", 2))
		w.holds(true, "NOT n = :two AND n = :one", it(":one", 1, ":two", 2))
		w.holds(true, "not (n = :two or n <> :one)", it(":one", 1, ":two", 2))
	}},
	{"Condition/Functions", func(w *world) {
		w.put(at("a", "b", "s", "hello", "n", 1, "b", []byte("xyz"), "ss", strs{"p", "q"}, "ns", nums{"1"}, "l", list{1, "x"}, "m", doc{"k": true}))
		w.holds(true, "begins_with(s, :v)", it(":v", "he"))
		w.holds(false, "begins_with(n, :v)", it(":v", "1"))
		w.holds(true, "begins_with(b, :v)", it(":v", []byte("xy")))
		w.holds(true, "contains(s, :v)", it(":v", "ell"))
		w.holds(true, "contains(ss, :v)", it(":v", "q"))
		w.holds(true, "contains(ns, :v)", it(":v", num("1.0")))
		w.holds(true, "contains(l, :v)", it(":v", "x"))
		w.holds(false, "contains(l, :v)", it(":v", "1"))
		w.holds(false, "contains(m, :v)", it(":v", "k"))
		w.holds(true, "attribute_type(m, :v)", it(":v", "M"))
		w.holds(false, "attribute_type(s, :v)", it(":v", "N"))
	}},
	{"Condition/Size", func(w *world) {
		w.put(at("a", "b", "s", "héllo", "b", []byte{1, 2}, "l", list{1, 2, 3}, "ss", strs{"p"}, "m", doc{"k": true}, "n", 1))
		for attribute, size := range map[string]int{"s": 5, "b": 2, "l": 3, "ss": 1, "m": 1} {
			w.holds(true, "size("+attribute+") = :v", it(":v", size))
		}
		w.holds(false, "size(n) >= :v", it(":v", 0))
	}},
	{"Condition/NestedAndIndexed", func(w *world) {
		w.put(at("a", "b", "m", doc{"l": list{doc{"x": 7}}}))
		w.holds(true, "m.l[0].x = :v", it(":v", 7))
		w.holds(false, "attribute_exists(m.l[1])", nil)
	}},
	{"Condition/InAndBetween", func(w *world) {
		w.put(at("a", "b", "n", 3, "lo", 1, "hi", 5))
		w.holds(true, "n IN (:a, :b)", it(":a", 1, ":b", 3))
		w.holds(true, "n BETWEEN lo AND hi", nil)
		w.holds(false, "n between hi and lo", nil)
	}},
	{"Condition/SetsAndDocumentsEqual", func(w *world) {
		w.put(at("a", "b", "s", nums{"1", "2"}, "m", doc{"x": list{1, nil}}))
		w.holds(true, "s = :v", it(":v", nums{"2.0", "1"}))
		w.holds(true, "m = :v", it(":v", doc{"x": list{num("1.0"), nil}}))
		w.holds(true, "m <> :v", it(":v", doc{"x": list{nil, 1}}))
	}},
	{"Condition/NamesWithDotsByPlaceholder", func(w *world) {
		w.put(at("a", "b", "a.b", 1, "status", 2))
		w.must(w.tryCondition("#d = :v AND attribute_exists(#s)", it(":v", 1), map[string]string{"#d": "a.b", "#s": "status"}))
	}},
}
