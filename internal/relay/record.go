package relay

import (
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"tidings/internal/chat"
)

// FromLambda reads the records of a batch that Lambda took from the table's
// stream.
func FromLambda(e events.DynamoDBEvent) []Record {
	out := make([]Record, 0, len(e.Records))
	for _, r := range e.Records {
		item := r.Change.NewImage
		rec := Record{
			Insert: r.EventName == string(events.DynamoDBOperationTypeInsert),
			PK:     lambdaString(r.Change.Keys["PK"]),
			SK:     lambdaString(r.Change.Keys["SK"]),
		}
		if rec.Insert && isEntry(rec.PK, rec.SK) {
			rec.name()
			if v := item["ts"]; v.DataType() == events.DataTypeNumber {
				rec.at(v.Number())
			}
			if v := item["adds"]; v.DataType() == events.DataTypeList {
				for _, a := range v.List() {
					if a.DataType() == events.DataTypeNumber {
						rec.add(a.Number())
					}
				}
			}
			// Binary is also the type of an attribute that is absent.
			if v, ok := item["shards"]; ok && v.DataType() == events.DataTypeBinary {
				rec.Shards = chat.Shards(v.Binary())
			}
		}
		out = append(out, rec)
	}
	return out
}

func lambdaString(v events.DynamoDBAttributeValue) string {
	if v.DataType() != events.DataTypeString {
		return ""
	}
	return v.String()
}

// FromStream reads the records of the DynamoDB Streams API.
func FromStream(rs []types.Record) []Record {
	out := make([]Record, 0, len(rs))
	for _, r := range rs {
		rec := Record{Insert: r.EventName == types.OperationTypeInsert}
		if r.Dynamodb == nil {
			out = append(out, rec)
			continue
		}
		rec.PK, rec.SK = streamString(r.Dynamodb.Keys["PK"]), streamString(r.Dynamodb.Keys["SK"])
		if rec.Insert && isEntry(rec.PK, rec.SK) {
			rec.name()
			if v, ok := r.Dynamodb.NewImage["ts"].(*types.AttributeValueMemberN); ok {
				rec.at(v.Value)
			}
			if v, ok := r.Dynamodb.NewImage["adds"].(*types.AttributeValueMemberL); ok {
				for _, a := range v.Value {
					if n, ok := a.(*types.AttributeValueMemberN); ok {
						rec.add(n.Value)
					}
				}
			}
			if v, ok := r.Dynamodb.NewImage["shards"].(*types.AttributeValueMemberB); ok {
				rec.Shards = chat.Shards(v.Value)
			}
		}
		out = append(out, rec)
	}
	return out
}

func streamString(v types.AttributeValue) string {
	s, ok := v.(*types.AttributeValueMemberS)
	if !ok {
		return ""
	}
	return s.Value
}

// name takes log and seq from the keys, which are there whatever the stream's
// view type.
func (r *Record) name() {
	seq, err := strconv.ParseInt(strings.TrimPrefix(r.SK, entryPrefix), 10, 64)
	if err != nil {
		return // not an entry's key after all: Entry says no
	}
	r.Log, r.Seq = chat.LogID(strings.TrimPrefix(r.PK, logPrefix)), seq
}

func (r *Record) at(n string) { r.TS, _ = strconv.ParseInt(n, 10, 64) } // only measured: 0 will do

func (r *Record) add(n string) {
	if id, ok := chat.ParseUserID(n); ok {
		r.Adds = append(r.Adds, id)
	}
}
