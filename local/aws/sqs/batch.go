package sqs

import (
	"fmt"
	"net/http"
	"regexp"

	"tidings/local/aws/wire"
)

// maxEntries is AWS's limit of entries in a batch.
const maxEntries = 10

var entryID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// batchOutput is the answer to each of the three batch operations.
type batchOutput[T any] struct {
	Successful []T           `json:"Successful"`
	Failed     []failedEntry `json:"Failed,omitempty"`
}

type failedEntry struct {
	Id          string
	Code        string
	Message     string
	SenderFault bool
}

func (o *batchOutput[T]) fail(id string, err error) {
	e := asRefusal(err)
	o.Failed = append(o.Failed, failedEntry{Id: id, Code: queryCode(e.Code), Message: e.Message, SenderFault: e.Status < http.StatusInternalServerError})
}

// validateBatch refuses what fails a batch as a whole.
func validateBatch[T any](entries []T, id func(T) string, kind string) error {
	if len(entries) == 0 {
		return wire.Errorf("EmptyBatchRequest", "There should be at least one "+kind+" in the request.")
	}
	if len(entries) > maxEntries {
		return wire.Errorf("TooManyEntriesInBatchRequest", fmt.Sprintf("Maximum number of entries per request are %d. You have sent %d.", maxEntries, len(entries)))
	}
	seen := map[string]bool{}
	for _, e := range entries {
		if !entryID.MatchString(id(e)) {
			return wire.Errorf("InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		}
		if seen[id(e)] {
			return wire.Errorf("BatchEntryIdsNotDistinct", "Id "+id(e)+" repeated.")
		}
		seen[id(e)] = true
	}
	return nil
}

func errBatchTooLong(size int) error {
	return wire.Errorf("BatchRequestTooLong", fmt.Sprintf("Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxMessageSize, size))
}
