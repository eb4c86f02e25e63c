package aws

import (
	"encoding/json"
	"net/http"
	"strings"

	"tidings/local/aws/wire"
)

const dynamoNamespace = "com.amazonaws.dynamodb.v20120810"

// writes are the operations whose answer a fault may withhold; with the reads below
// they are those that the throughput of a table bounds.
var writes = map[string]bool{
	"PutItem": true, "UpdateItem": true, "DeleteItem": true, "BatchWriteItem": true, "TransactWriteItems": true,
}

var reads = map[string]bool{
	"GetItem": true, "BatchGetItem": true, "Query": true, "Scan": true, "TransactGetItems": true,
}

// serveDynamo puts the faults of DynamoDB around ddb.
func (s *Server) serveDynamo(w http.ResponseWriter, target, operation string, body []byte) {
	isWrite := writes[operation]
	if (isWrite || reads[operation]) && s.faults.draw(throttle) {
		wire.WriteError(w, dynamoNamespace, wire.Errorf("ProvisionedThroughputExceededException",
			"The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API."))
		return
	}
	if operation == "TransactWriteItems" && s.faults.draw(conflict) {
		writeConflict(w, body)
		return
	}
	if !isWrite || !s.faults.on(timeoutAfterCommit) {
		s.ddb.Serve(w, target, body)
		return
	}
	answer := &recorder{header: http.Header{}}
	s.ddb.Serve(answer, target, body)
	if answer.status == http.StatusOK && s.faults.draw(timeoutAfterCommit) {
		panic(http.ErrAbortHandler)
	}
	answer.sendTo(w)
}

// writeConflict refuses a transaction as if another one held its first item.
func writeConflict(w http.ResponseWriter, body []byte) {
	var in struct{ TransactItems []json.RawMessage }
	_ = json.Unmarshal(body, &in) // a body that can't be read has no items, and is refused all the same
	var codes []string
	var reasons []map[string]any
	for i := range max(len(in.TransactItems), 1) {
		if i == 0 {
			codes = append(codes, "TransactionConflict")
			reasons = append(reasons, map[string]any{"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"})
			continue
		}
		codes = append(codes, "None")
		reasons = append(reasons, map[string]any{"Code": "None"})
	}
	e := wire.Errorf("TransactionCanceledException", "Transaction cancelled, please refer cancellation reasons for specific reasons ["+strings.Join(codes, ", ")+"]")
	e.Fields = map[string]any{"CancellationReasons": reasons}
	wire.WriteError(w, dynamoNamespace, e)
}
