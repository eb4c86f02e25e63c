package sqs

import (
	"errors"
	"fmt"
	"net/http"

	"tidings/local/aws/wire"
)

// queryCodes are the codes of the older Query protocol, which AWS still sends in a
// header (the awsQueryError trait of the service model) and in the failed entries of a
// batch. Codes that are missing here are the same in both.
var queryCodes = map[string]string{
	"BatchEntryIdsNotDistinct":       "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
	"BatchRequestTooLong":            "AWS.SimpleQueueService.BatchRequestTooLong",
	"EmptyBatchRequest":              "AWS.SimpleQueueService.EmptyBatchRequest",
	"InvalidBatchEntryId":            "AWS.SimpleQueueService.InvalidBatchEntryId",
	"MessageNotInflight":             "AWS.SimpleQueueService.MessageNotInflight",
	"PurgeQueueInProgress":           "AWS.SimpleQueueService.PurgeQueueInProgress",
	"QueueDoesNotExist":              "AWS.SimpleQueueService.NonExistentQueue",
	"QueueNameExists":                "QueueAlreadyExists",
	"TooManyEntriesInBatchRequest":   "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
	"UnsupportedOperation":           "AWS.SimpleQueueService.UnsupportedOperation",
	"InvalidParameterValueException": "InvalidParameterValue",
	"MissingParameterException":      "MissingParameter",
}

// unmodelled are codes that the SQS model lacks; AWS answers them in the name of the
// framework.
var unmodelled = map[string]bool{
	"InvalidParameterValueException": true,
	"MissingParameterException":      true,
	"SerializationException":         true,
	"InternalFailure":                true,
}

var statuses = map[string]int{
	"ReceiptHandleIsInvalid": http.StatusNotFound,
	"OverLimit":              http.StatusForbidden,
	"PurgeQueueInProgress":   http.StatusForbidden,
}

func queryCode(code string) string {
	if q, ok := queryCodes[code]; ok {
		return q
	}
	return code
}

// refuse answers with err; what is not a refusal is a failure of ours, such as a disk
// that is full.
func refuse(w http.ResponseWriter, err error) {
	e := asRefusal(err)
	namespace := "com.amazonaws.sqs"
	if unmodelled[e.Code] {
		namespace = "com.amazon.coral.service"
	}
	fault := "Sender"
	if e.Status >= http.StatusInternalServerError {
		fault = "Receiver"
	}
	w.Header().Set("X-Amzn-Query-Error", queryCode(e.Code)+";"+fault)
	wire.WriteError(w, namespace, e)
}

func asRefusal(err error) *wire.Error {
	e, ok := errors.AsType[*wire.Error](err)
	if !ok {
		return &wire.Error{Status: http.StatusInternalServerError, Code: "InternalFailure", Message: err.Error()}
	}
	if e.Status == 0 {
		e.Status = statuses[e.Code] // 0: the usual 400
	}
	return e
}

func errNoQueue() error {
	return wire.Errorf("QueueDoesNotExist", "The specified queue does not exist.")
}

func errMissing(parameter string) error {
	return wire.Errorf("MissingParameterException", "The request must contain the parameter "+parameter+".")
}

func errInvalid(format string, args ...any) error {
	return wire.Errorf("InvalidParameterValueException", fmt.Sprintf(format, args...))
}

// errRange is AWS's wording for a number out of its range.
func errRange(value int, parameter, reason string) error {
	return errInvalid("Value %d for parameter %s is invalid. Reason: %s", value, parameter, reason)
}
