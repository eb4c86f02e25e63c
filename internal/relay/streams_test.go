package relay

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

func entryKey(seq int64) string { return fmt.Sprintf("E#%012d", seq) }

// fakeStreams is a stream whose troubles can be had at will: shards that close,
// iterators that expire, records that are trimmed.
type fakeStreams struct {
	mu      sync.Mutex
	shards  []*fakeShard
	expired int // so many reads find their iterator too old
	failing error
	reads   int
}

type fakeShard struct {
	id, parent string
	records    []types.Record
	first      int // records before it are trimmed
	closed     bool
}

const streamPage = 3

func (f *fakeStreams) shard(id string) *fakeShard {
	for _, s := range f.shards {
		if s.id == id {
			return s
		}
	}
	return nil
}

func (f *fakeStreams) DescribeStream(_ context.Context, in *dynamodbstreams.DescribeStreamInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.DescribeStreamOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failing != nil {
		return nil, f.failing
	}
	// One shard a page.
	i := 0
	for in.ExclusiveStartShardId != nil && f.shards[i].id != *in.ExclusiveStartShardId {
		i++
	}
	if in.ExclusiveStartShardId != nil {
		i++
	}
	d := &types.StreamDescription{Shards: []types.Shard{{ShardId: aws.String(f.shards[i].id), ParentShardId: aws.String(f.shards[i].parent)}}}
	if i < len(f.shards)-1 {
		d.LastEvaluatedShardId = aws.String(f.shards[i].id)
	}
	return &dynamodbstreams.DescribeStreamOutput{StreamDescription: d}, nil
}

func (f *fakeStreams) GetShardIterator(_ context.Context, in *dynamodbstreams.GetShardIteratorInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.shard(*in.ShardId)
	if s == nil {
		return nil, &types.ResourceNotFoundException{}
	}
	at := s.first
	if in.ShardIteratorType == types.ShardIteratorTypeAfterSequenceNumber {
		n, err := strconv.Atoi(*in.SequenceNumber)
		if err != nil {
			return nil, err
		}
		if at = n + 1; at < s.first {
			return nil, &types.TrimmedDataAccessException{}
		}
	}
	return &dynamodbstreams.GetShardIteratorOutput{ShardIterator: aws.String(fmt.Sprintf("%s %d", s.id, at))}, nil
}

func (f *fakeStreams) GetRecords(_ context.Context, in *dynamodbstreams.GetRecordsInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reads++
	if f.failing != nil {
		return nil, f.failing
	}
	if f.expired > 0 {
		f.expired--
		return nil, &types.ExpiredIteratorException{}
	}
	var id string
	var at int
	if _, err := fmt.Sscanf(*in.ShardIterator, "%s %d", &id, &at); err != nil {
		return nil, err
	}
	s := f.shard(id)
	if at < s.first {
		return nil, &types.TrimmedDataAccessException{}
	}
	to := min(len(s.records), at+streamPage)
	out := &dynamodbstreams.GetRecordsOutput{Records: s.records[at:to]}
	if to < len(s.records) || !s.closed {
		out.NextShardIterator = aws.String(fmt.Sprintf("%s %d", id, to))
	}
	return out, nil
}

// put appends an entry of the log to the shard.
func (f *fakeStreams) put(shard string, seq int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.shard(shard)
	str := func(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
	s.records = append(s.records, types.Record{EventName: types.OperationTypeInsert, Dynamodb: &types.StreamRecord{
		Keys:           map[string]types.AttributeValue{"PK": str("L#c:1-2"), "SK": str(entryKey(seq))},
		SequenceNumber: aws.String(strconv.Itoa(len(s.records))),
	}})
}

func (f *fakeStreams) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}
