package ddb_test

import (
	"net/http"
	"strings"
	"testing"

	"tidings/local/aws/ddb"
)

// What the SDK can't be made to send.
func TestServe_Refusals(t *testing.T) {
	s := ddb.New(ddb.Options{})
	mustCall(t, s, "CreateTable", `{"TableName":"tab","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"k","AttributeType":"S"}],"KeySchema":[{"AttributeName":"k","KeyType":"HASH"}]}`)
	for _, c := range []struct{ name, target, body, code, message string }{
		{"UnknownOperation", "NoSuchThing", `{}`, "UnknownOperationException", ""},
		{"UnknownService", "Other_20120810.GetItem", `{}`, "UnknownOperationException", ""},
		{"NoJSON", "GetItem", `{"TableName"`, "SerializationException", ""},
		{"EmptyBody", "GetItem", ``, "SerializationException", ""},
		{"NumberForText", "GetItem", `{"TableName":1}`, "SerializationException", ""},
		{"NumberForN", "PutItem", `{"TableName":"tab","Item":{"k":{"S":"x"},"n":{"N":1}}}`, "SerializationException", "NUMBER_VALUE cannot be converted to String"},
		{"TextForValue", "PutItem", `{"TableName":"tab","Item":{"k":"x"}}`, "SerializationException", ""},
		{"NoBase64", "PutItem", `{"TableName":"tab","Item":{"k":{"S":"x"},"b":{"B":"#"}}}`, "SerializationException", ""},
		{"NoType", "PutItem", `{"TableName":"tab","Item":{"k":{}}}`, "ValidationException", "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"},
		{"UnknownType", "PutItem", `{"TableName":"tab","Item":{"k":{"X":"y"}}}`, "ValidationException", "Supplied AttributeValue is empty"},
		{"TwoTypes", "PutItem", `{"TableName":"tab","Item":{"k":{"S":"x","N":"1"}}}`, "ValidationException", "Supplied AttributeValue has more than one datatypes set"},
		{"FalseNull", "PutItem", `{"TableName":"tab","Item":{"k":{"S":"x"},"n":{"NULL":false}}}`, "ValidationException", "One or more parameter values were invalid: Null attribute value types must have the value of true"},
		{"NoTable", "GetItem", `{"Key":{"k":{"S":"x"}}}`, "ValidationException", "1 validation error detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null"},
		{"NoKey", "GetItem", `{"TableName":"tab"}`, "ValidationException", "1 validation error detected: Value null at 'key'"},
		{"LegacyQuery", "Query", `{"TableName":"tab","KeyConditions":{}}`, "ValidationException", "Legacy parameters are not supported"},
		{"NoKeyCondition", "Query", `{"TableName":"tab"}`, "ValidationException", "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."},
		{"LSI", "CreateTable", `{"TableName":"lsi","LocalSecondaryIndexes":[{}]}`, "ValidationException", "One or more parameter values were invalid: LocalSecondaryIndexes are not supported"},
		{"TwoOperations", "TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"tab","Item":{}},"Delete":{"TableName":"tab","Key":{}}}]}`, "ValidationException", "TransactItems can only contain one of Check, Put, Update or Delete"},
		{"EmptyBatch", "BatchWriteItem", `{"RequestItems":{}}`, "ValidationException", "1 validation error detected"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, answer := call(t, s, c.target, c.body)
			kind, _ := answer["__type"].(string)
			message, _ := answer["message"].(string)
			if status != http.StatusBadRequest || !strings.HasSuffix(kind, "#"+c.code) || !strings.HasPrefix(message, c.message) {
				t.Errorf("%d %v", status, answer)
			}
		})
	}
}

// White space, escapes and nulls in JSON mean nothing.
func TestServe_AnyJSON(t *testing.T) {
	s := ddb.New(ddb.Options{})
	mustCall(t, s, "CreateTable", `{"TableName":"tab","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"k","AttributeType":"S"}],"KeySchema":[{"AttributeName":"k","KeyType":"HASH"}]}`)
	mustCall(t, s, "PutItem", "{ \"TableName\" : \"tab\" ,\n\t\"Item\": { \"k\" : { \"S\" : \"a\\u00e9\\ud83d\\ude00\\n\" , \"N\": null } , \"l\" : { \"L\" : [ ] } , \"m\":{\"M\" : { } } } , \"ConditionExpression\": null }")
	answer := mustCall(t, s, "GetItem", `{"TableName":"tab","Key":{"k":{"S":"aé😀\n"}}}`)
	if len(answer["Item"].(map[string]any)) != 3 {
		t.Errorf("%v", answer)
	}
}

func TestServes(t *testing.T) {
	for target, want := range map[string]bool{
		"DynamoDB_20120810.Whatever": true, "DynamoDBStreams_20120810.GetRecords": true, "AmazonSQS.SendMessage": false, "": false,
	} {
		if ddb.Serves(target) != want {
			t.Errorf("Serves(%q) = %v", target, !want)
		}
	}
}
