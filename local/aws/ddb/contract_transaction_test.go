package ddb_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func (w *world) transact(items ...types.TransactWriteItem) error {
	_, err := w.DB.TransactWriteItems(w.ctx, &dynamodb.TransactWriteItemsInput{TransactItems: items})
	return err
}

// token is one that no other clause uses.
func (w *world) token() *string {
	token := strings.TrimPrefix(*w.table(), "contract-")
	return &token
}

// putting is a member of a transaction; without a condition if that is "".
func (w *world) putting(item attributes, condition string) types.TransactWriteItem {
	p := &types.Put{TableName: w.table(), Item: item}
	if condition != "" {
		p.ConditionExpression = &condition
		p.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	}
	return types.TransactWriteItem{Put: p}
}

func (w *world) updating(pk, sk, expression string, values attributes) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{TableName: w.table(), Key: at(pk, sk), UpdateExpression: &expression, ExpressionAttributeValues: values}}
}

// cancelled wants a cancellation with these codes, and returns the reasons.
func (w *world) cancelled(err error, codes string) []types.CancellationReason {
	var c *types.TransactionCanceledException
	if !errors.As(err, &c) {
		w.fail("%v", err)
	}
	var got []string
	for _, r := range c.CancellationReasons {
		got = append(got, aws.ToString(r.Code))
	}
	w.want(strings.Join(got, " "), codes)
	want := "Transaction cancelled, please refer cancellation reasons for specific reasons [" + strings.ReplaceAll(codes, " ", ", ") + "]"
	w.want(c.ErrorMessage(), want)
	return c.CancellationReasons
}

var transactionClauses = []clause{
	{"TransactWriteItems/FourKinds", func(w *world) {
		w.put(at("a", "deleted"))
		w.put(at("a", "checked", "n", 5))
		w.put(at("a", "updated", "n", 5))
		w.must(w.transact(
			w.putting(at("a", "new", "n", 1), "attribute_not_exists(PK)"),
			w.updating("a", "updated", "SET n = n + :o", it(":o", 1)),
			types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{TableName: w.table(), Key: at("a", "checked"), ConditionExpression: aws.String("n = :n"), ExpressionAttributeValues: it(":n", 5)}},
			types.TransactWriteItem{Delete: &types.Delete{TableName: w.table(), Key: at("a", "deleted")}},
		))
		in := w.queryInput("PK = :p", it(":p", "a"))
		w.want(w.sorts(in), "checked new updated")
		w.want(show(w.get("a", "updated")), `PK:"a" SK:"updated" n:6`)
	}},
	{"TransactWriteItems/CancelledReasonsInOrder", func(w *world) {
		w.put(at("a", "has", "n", 7))
		err := w.transact(
			w.putting(at("a", "fresh"), ""),
			w.putting(at("a", "has"), "attribute_not_exists(PK)"),
			w.updating("a", "third", "SET n = :n", it(":n", 1)),
			w.putting(at("a", "none"), "attribute_exists(PK)"),
		)
		reasons := w.cancelled(err, "None ConditionalCheckFailed None ConditionalCheckFailed")
		w.want(show(reasons[1].Item), `PK:"a" SK:"has" n:7`)
		w.want(aws.ToString(reasons[1].Message), "The conditional request failed")
		w.want(show(reasons[3].Item), "")
		if w.get("a", "fresh") != nil || w.get("a", "third") != nil {
			w.fail("part of it was written")
		}
	}},
	{"TransactWriteItems/CancelledByInvalidUpdate", func(w *world) {
		err := w.transact(w.putting(at("a", "x"), ""), w.updating("a", "y", "SET n = m + :o", it(":o", 1)))
		reasons := w.cancelled(err, "None ValidationError")
		w.want(aws.ToString(reasons[1].Message), "The provided expression refers to an attribute that does not exist in the item")
	}},
	{"TransactWriteItems/CancelledByKeyOfWrongType", func(w *world) {
		err := w.transact(w.putting(at("a", "x"), ""), types.TransactWriteItem{Delete: &types.Delete{TableName: w.table(), Key: it("PK", "a", "SK", 1)}})
		reasons := w.cancelled(err, "None ValidationError")
		w.want(aws.ToString(reasons[1].Message), "The provided key element does not match the schema")
	}},
	{"TransactWriteItems/SameTokenOnce", func(w *world) {
		in := func(n int) *dynamodb.TransactWriteItemsInput {
			return &dynamodb.TransactWriteItemsInput{ClientRequestToken: w.token(), TransactItems: []types.TransactWriteItem{
				w.updating("a", "b", "ADD n :n, m :m", it(":n", n, ":m", 1)),
			}}
		}
		for range 3 {
			_, err := w.DB.TransactWriteItems(w.ctx, in(1))
			w.must(err)
		}
		w.want(show(w.get("a", "b")), `PK:"a" SK:"b" m:1 n:1`)
		_, err := w.DB.TransactWriteItems(w.ctx, in(2))
		w.refused(err, "IdempotentParameterMismatchException", "")
	}},
	{"TransactWriteItems/TokenOfACancelledOneMayBeTriedAgain", func(w *world) {
		in := &dynamodb.TransactWriteItemsInput{ClientRequestToken: w.token(), TransactItems: []types.TransactWriteItem{w.putting(at("a", "b", "n", 2), "attribute_exists(PK)")}}
		_, err := w.DB.TransactWriteItems(w.ctx, in)
		w.cancelled(err, "ConditionalCheckFailed")
		w.put(at("a", "b"))
		_, err = w.DB.TransactWriteItems(w.ctx, in)
		w.must(err)
		w.want(show(w.get("a", "b")), `PK:"a" SK:"b" n:2`)
	}},
	{"TransactWriteItems/ErrSameItemTwice", func(w *world) {
		w.invalid(w.transact(w.putting(at("a", "x"), ""), w.updating("a", "x", "SET n = :n", it(":n", 1))), "Transaction request cannot include multiple operations on one item")
	}},
	{"TransactWriteItems/100ItemsAndNotMore", func(w *world) {
		var items []types.TransactWriteItem
		for i := range 101 {
			items = append(items, w.putting(at("a", fmt.Sprint(i)), ""))
		}
		err := w.transact(items...)
		if err == nil {
			w.fail("101 accepted")
		}
		w.invalid(err, "")
		w.must(w.transact(items[:100]...))
	}},
	{"TransactWriteItems/Err4MB", func(w *world) {
		var items []types.TransactWriteItem
		for i := range 11 {
			items = append(items, w.putting(at("a", fmt.Sprint(i), "v", text(390<<10)), ""))
		}
		err := w.transact(items...)
		if err == nil {
			w.fail("accepted")
		}
		w.invalid(err, "")
	}},
	{"TransactWriteItems/ErrTableNotFound", func(w *world) {
		err := w.transact(types.TransactWriteItem{Put: &types.Put{TableName: aws.String("contract-none"), Item: at("a", "b")}})
		w.refused(err, "ResourceNotFoundException", "")
	}},
	{"TransactWriteItems/ErrExpressionIsNoCancellation", func(w *world) {
		w.invalid(w.transact(w.putting(at("a", "b"), "a =")), "Invalid ConditionExpression: Syntax error")
	}},
	{"TransactGetItems/InOrder", func(w *world) {
		w.put(at("a", "x", "n", 1, "m", 2))
		o, err := w.DB.TransactGetItems(w.ctx, &dynamodb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{
			{Get: &types.Get{TableName: w.table(), Key: at("a", "none")}},
			{Get: &types.Get{TableName: w.table(), Key: at("a", "x"), ProjectionExpression: aws.String("n")}},
		}})
		w.must(err)
		w.want(fmt.Sprint(len(o.Responses), show(o.Responses[0].Item), show(o.Responses[1].Item)), "2n:1")
	}},
	{"TransactGetItems/ErrSameItemTwice", func(w *world) {
		get := types.TransactGetItem{Get: &types.Get{TableName: w.table(), Key: at("a", "x")}}
		_, err := w.DB.TransactGetItems(w.ctx, &dynamodb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{get, get}})
		w.invalid(err, "Transaction request cannot include multiple operations on one item")
	}},
	// Twenty writers race for the next number. Those who win must be as many as the
	// number says afterwards.
	{"TransactWriteItems/RacesLoseNothing", func(w *world) {
		w.put(at("a", "b", "n", 0))
		var won atomic.Int64
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				o, err := w.DB.GetItem(w.ctx, &dynamodb.GetItemInput{TableName: w.table(), Key: at("a", "b"), ConsistentRead: aws.Bool(true)})
				if err != nil {
					return
				}
				up := w.updating("a", "b", "SET n = n + :o", it(":o", 1))
				up.Update.ConditionExpression = aws.String("n = :n")
				up.Update.ExpressionAttributeValues[":n"] = o.Item["n"]
				if w.transact(up) == nil {
					won.Add(1)
				}
			})
		}
		wg.Wait()
		w.want(showValue(w.get("a", "b")["n"]), fmt.Sprint(won.Load()))
	}},
}
