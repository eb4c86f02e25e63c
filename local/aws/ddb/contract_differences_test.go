package ddb_test

import "strings"

// What other emulators do differently from AWS, as measured with DynamoDB Local 2.6.1
// (Java 17) and MiniStack 1.5.33, which .ci/run installs and starts. A clause on a list
// must fail there; when it no longer does, the test says so.

// differ gives clauses, separated by white space, one reason.
func differ(reason, clauses string) map[string]string {
	m := map[string]string{}
	for _, name := range strings.Fields(clauses) {
		m[name] = reason
	}
	return m
}

func merge(lists ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, l := range lists {
		for name, reason := range l {
			if _, twice := all[name]; twice {
				panic(name + " is listed twice")
			}
			all[name] = reason
		}
	}
	return all
}

var localDifferences = merge(
	differ("its storage half refuses in words of its own", `
		CreateTable/ErrInUse CreateTable/ErrShortName CreateTable/ErrUndefinedKey CreateTable/ErrUnusedAttribute
		DescribeTable/ErrNotFound UpdateTable/ErrNothing GetItem/ErrKeySchema
		PutItem/ErrHashKeyTooLong PutItem/ErrIndexKeyType PutItem/ErrKeyType PutItem/ErrMissingKey
		PutItem/ErrRangeKeyTooLong PutItem/ErrReturnValues PutItem/ErrTableNotFound
		Query/ErrKeyCondition Query/ErrLimit Query/ErrStartKey Query/GSIErrConsistentRead Scan/ErrSegments
		Numbers/ErrNotANumber Numbers/ErrTooPrecise Placeholders/ErrInvalidValue
		TransactWriteItems/CancelledByKeyOfWrongType UpdateItem/38DigitSums`),
	differ("it gives numbers back as they were written", `Numbers/Normalised UpdateItem/AddsToNothing`),
	differ("it returns whole top-level attributes", `UpdateItem/ReturnsUpdatedFragments`),
	differ("it stores an index key of a wrong type", `UpdateItem/ErrIndexKeyType`),
	differ("an invalid update refuses the transaction instead of cancelling it", `TransactWriteItems/CancelledByInvalidUpdate`),
	differ("a query that finds nothing is free", `Capacity/EmptyQuery`),
	differ("it doubles a transaction's units twice, those of indexes too", `Capacity/TransactionsCostTwice`),
	differ("it rounds over the batch, and counts deletions of nothing double", `Capacity/Batches`),
	differ("it takes the sequence numbers of a cancelled transaction for trimmed records", `Stream/NothingOfACancelledTransaction`),
	differ("it supports the legacy parameters, as AWS does", `Legacy/ErrNotSupported`),
)

var ministackDifferences = merge(
	differ("refused in other words", `
		CreateTable/ErrUndefinedKey Numbers/ErrNotANumber Numbers/ErrOverflow Numbers/ErrTooPrecise Numbers/ErrUnderflow
		Sets/ErrDuplicate Sets/ErrNumericDuplicate Values/ErrNested33 PutItem/ErrHashKeyTooLong PutItem/ErrReturnValues
		Query/ErrLimit Query/ErrStartKey Stream/ErrUnknown
		Placeholders/ErrEmptySetValue Placeholders/ErrInvalidValue Placeholders/ErrSyntax Placeholders/ErrWithoutExpression
		Condition/ErrBetweenOrder Condition/ErrFunctionCompared Condition/ErrFunctionOfUpdates Condition/ErrOperandCount
		Condition/ErrPathNeeded Condition/ErrReservedWord Condition/ErrReservedWordNested Condition/ErrSizeAlone
		Update/ErrConflict Update/ErrOverlap Update/ErrOverlapAcrossSections Update/ErrFunctionOfConditions`),
	differ("it evaluates what AWS refuses", `
		Condition/Err301Operators Condition/ErrBetweenTypes Condition/ErrComparedType Condition/ErrIn101Operands
		Condition/ErrListIndex Condition/ErrOperandType Condition/ErrSameOperandTwice Condition/ErrTypeName Condition/ErrUnknownFunction
		Update/ErrAppendNumber Update/ErrPathNeeded Update/ErrPlusString Update/ErrSectionTwice Update/ErrSyntax
		UpdateItem/ErrOperandType UpdateItem/ErrInvalidPath Projection/ErrSyntax
		Query/ErrFilterOnKey Query/ErrKeyCondition Stream/GetRecordsLimit UpdateTimeToLive/Described`),
	differ("it changes lists action by action, so that indexes shift in between", `UpdateItem/ListIndexesBeyondTheEndAppend UpdateItem/RemovedElementsCloseUp`),
	differ("it compares numbers in sets as text", `UpdateItem/AddsToSetsNumerically`),
	differ("it rounds sums to 38 digits", `UpdateItem/38DigitSums`),
	differ("begins_with refuses, and size accepts, a number in the item", `Condition/Functions Condition/Size`),
	differ("it does not compute capacity", `Capacity/Batches Capacity/Query Capacity/Reads Capacity/TransactionsCostTwice`),
	differ("it returns more than 16 MB", `BatchGetItem/16MBLeavesKeysUnprocessed`),
	differ("its records have SizeBytes 0", `Stream/InsertModifyRemoveWithImages`),
	differ("it supports the legacy parameters, as AWS does", `Legacy/ErrNotSupported`),
	differ("it has ListBackups", `Operation/ErrUnknown`),
)
