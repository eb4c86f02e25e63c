package ddb_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// shard finds the open shard of the table's stream, or the only one there is.
func (w *world) shard() (arn, shard *string) {
	ls, err := w.Streams.ListStreams(w.ctx, &dynamodbstreams.ListStreamsInput{TableName: w.table()})
	w.must(err)
	if len(ls.Streams) == 0 {
		w.fail("no stream")
	}
	arn = ls.Streams[len(ls.Streams)-1].StreamArn
	ds, err := w.Streams.DescribeStream(w.ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: arn})
	w.must(err)
	for _, s := range ds.StreamDescription.Shards {
		if shard == nil || s.SequenceNumberRange.EndingSequenceNumber == nil {
			shard = s.ShardId
		}
	}
	if shard == nil {
		w.fail("no shard")
	}
	return arn, shard
}

func (w *world) iterator(kind streamtypes.ShardIteratorType, sequence *string) *string {
	arn, shard := w.shard()
	o, err := w.Streams.GetShardIterator(w.ctx, &dynamodbstreams.GetShardIteratorInput{StreamArn: arn, ShardId: shard, ShardIteratorType: kind, SequenceNumber: sequence})
	w.must(err)
	return o.ShardIterator
}

// records reads until there are n, or nothing came for a second.
func (w *world) records(iterator *string, n int) []streamtypes.Record {
	var got []streamtypes.Record
	for quiet := 0; len(got) < n && iterator != nil && quiet < 20; quiet++ {
		o, err := w.Streams.GetRecords(w.ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: iterator})
		w.must(err)
		if len(o.Records) > 0 {
			quiet = 0
		} else {
			<-time.After(50 * time.Millisecond)
		}
		got = append(got, o.Records...)
		iterator = o.NextShardIterator
	}
	if len(got) < n {
		w.fail("%d records, want %d", len(got), n)
	}
	return got
}

// showStream writes an image, whose values are of a type of their own.
func showStream(m map[string]streamtypes.AttributeValue) string {
	plain := attributes{}
	for name, v := range m {
		switch x := v.(type) {
		case *streamtypes.AttributeValueMemberS:
			plain[name] = av(x.Value)
		case *streamtypes.AttributeValueMemberN:
			plain[name] = av(num(x.Value))
		}
	}
	return show(plain)
}

func (w *world) latest() *string { return w.iterator(streamtypes.ShardIteratorTypeLatest, nil) }

// What a stream records of the writes.
var recordClauses = []clause{
	{"Stream/InsertModifyRemoveWithImages", func(w *world) {
		w.table()
		from := w.latest()
		w.put(at("a", "b", "n", 1))
		w.update("SET n = :n", it(":n", 2), "n:2")
		_, err := w.DB.DeleteItem(w.ctx, &dynamodb.DeleteItemInput{TableName: w.table(), Key: at("a", "b")})
		w.must(err)
		got := w.records(from, 3)
		w.want(eventNames(got), "INSERT MODIFY REMOVE")
		var images []string
		for _, r := range got {
			images = append(images, showStream(r.Dynamodb.Keys), showStream(r.Dynamodb.OldImage), showStream(r.Dynamodb.NewImage))
		}
		const key = `PK:"a" SK:"b"`
		w.want(strings.Join(images, "|"), strings.Join([]string{key, "", key + " n:1", key, key + " n:1", key + " n:2", key, key + " n:2", ""}, "|"))
		d := got[0].Dynamodb
		if d.SequenceNumber == nil || d.ApproximateCreationDateTime == nil || aws.ToInt64(d.SizeBytes) < 10 || got[0].UserIdentity != nil || got[0].EventID == nil {
			w.fail("%+v", got[0])
		}
	}},
	{"Stream/NoRecordForNoChange", func(w *world) {
		w.put(at("a", "b", "n", num("1.0")))
		from := w.latest()
		w.put(at("a", "b", "n", num("1.00")))
		w.update("SET n = :n REMOVE x", it(":n", 1), "n:1")
		_, err := w.DB.DeleteItem(w.ctx, &dynamodb.DeleteItemInput{TableName: w.table(), Key: at("a", "none")})
		w.must(err)
		w.put(at("a", "last"))
		w.want(eventNames(w.records(from, 1)), "INSERT")
	}},
	{"Stream/TransactionsTogetherInOrder", func(w *world) {
		w.table()
		from := w.latest()
		var items []types.TransactWriteItem
		for i := range 5 {
			items = append(items, w.putting(at("a", fmt.Sprint(i)), ""))
		}
		w.must(w.transact(items...))
		var got []string
		for _, r := range w.records(from, 5) {
			got = append(got, showStream(r.Dynamodb.Keys))
		}
		w.want(strings.Join(got, " "), `PK:"a" SK:"0" PK:"a" SK:"1" PK:"a" SK:"2" PK:"a" SK:"3" PK:"a" SK:"4"`)
	}},
	{"Stream/NothingOfACancelledTransaction", func(w *world) {
		w.table()
		from := w.latest()
		w.cancelled(w.transact(w.putting(at("a", "x"), ""), w.putting(at("a", "y"), "attribute_exists(PK)")), "None ConditionalCheckFailed")
		w.put(at("a", "z"))
		w.want(showStream(w.records(from, 1)[0].Dynamodb.Keys), `PK:"a" SK:"z"`)
	}},
	{"Stream/ViewTypes", func(w *world) {
		for view, want := range map[types.StreamViewType]string{
			types.StreamViewTypeKeysOnly:        "|",
			types.StreamViewTypeNewImage:        `|PK:"a" SK:"b" n:2`,
			types.StreamViewTypeOldImage:        `PK:"a" SK:"b" n:1|`,
			types.StreamViewTypeNewAndOldImages: `PK:"a" SK:"b" n:1|PK:"a" SK:"b" n:2`,
		} {
			def := w.definition(w.name())
			def.StreamSpecification.StreamViewType = view
			w.cached = w.create(def)
			w.put(at("a", "b", "n", 1))
			w.put(at("a", "b", "n", 2))
			d := w.records(w.iterator(streamtypes.ShardIteratorTypeTrimHorizon, nil), 2)[1].Dynamodb
			w.want(showStream(d.OldImage)+"|"+showStream(d.NewImage), want)
		}
	}},
}

// How a stream is read, and where it ends.
var readerClauses = []clause{
	{"Stream/ResumesAtAndAfter", func(w *world) {
		for i := range 4 {
			w.put(at("a", fmt.Sprint(i)))
		}
		all := w.records(w.iterator(streamtypes.ShardIteratorTypeTrimHorizon, nil), 4)
		second := all[1].Dynamodb.SequenceNumber
		w.want(showStream(w.records(w.iterator(streamtypes.ShardIteratorTypeAtSequenceNumber, second), 3)[0].Dynamodb.Keys), `PK:"a" SK:"1"`)
		w.want(showStream(w.records(w.iterator(streamtypes.ShardIteratorTypeAfterSequenceNumber, second), 2)[0].Dynamodb.Keys), `PK:"a" SK:"2"`)
		if *all[0].Dynamodb.SequenceNumber >= *second {
			w.fail("sequence numbers do not rise")
		}
	}},
	{"Stream/GetRecordsLimit", func(w *world) {
		for i := range 3 {
			w.put(at("a", fmt.Sprint(i)))
		}
		in := &dynamodbstreams.GetRecordsInput{ShardIterator: w.iterator(streamtypes.ShardIteratorTypeTrimHorizon, nil), Limit: aws.Int32(2)}
		o, err := w.Streams.GetRecords(w.ctx, in)
		w.must(err)
		w.want(eventNames(o.Records), "INSERT INSERT")
		in.ShardIterator = o.NextShardIterator
		o, err = w.Streams.GetRecords(w.ctx, in)
		w.must(err)
		w.want(eventNames(o.Records), "INSERT")
		in.Limit = aws.Int32(1001)
		_, err = w.Streams.GetRecords(w.ctx, in)
		w.invalid(err, "")
	}},
	{"Stream/DisabledOneEnds", func(w *world) {
		w.put(at("a", "b"))
		from := w.iterator(streamtypes.ShardIteratorTypeTrimHorizon, nil)
		_, err := w.DB.UpdateTable(w.ctx, &dynamodb.UpdateTableInput{TableName: w.table(), StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(false)}})
		w.must(err)
		w.put(at("a", "c"))
		var got []streamtypes.Record
		for range 20 {
			o, err := w.Streams.GetRecords(w.ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: from})
			w.must(err)
			got = append(got, o.Records...)
			if from = o.NextShardIterator; from == nil {
				break
			}
		}
		if from != nil {
			w.fail("the shard does not end")
		}
		w.want(eventNames(got), "INSERT")
	}},
	{"Stream/ErrUnknown", func(w *world) {
		arn, shard := w.shard()
		_, err := w.Streams.DescribeStream(w.ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: aws.String(strings.Replace(*arn, "contract-", "contract-no-", 1))})
		w.refused(err, "ResourceNotFoundException", "Requested resource not found: Stream: ")
		_, err = w.Streams.GetShardIterator(w.ctx, &dynamodbstreams.GetShardIteratorInput{StreamArn: arn, ShardId: shard, ShardIteratorType: streamtypes.ShardIteratorTypeAtSequenceNumber})
		w.invalid(err, "One or more parameter values were invalid: ")
		_, err = w.Streams.GetRecords(w.ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: aws.String("no iterator")})
		w.invalid(err, "Invalid ShardIterator")
	}},
}
