package ddb

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tidings/local/aws/wire"
)

// Limits of GetRecords, AWS.
const (
	maxRecords      = 1000
	maxRecordsBytes = 1 << 20
	iteratorLife    = 15 * time.Minute
)

// epoch is a time on the wire: seconds, with milliseconds as a fraction.
func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

type listStreamsInput struct {
	TableName               string
	ExclusiveStartStreamArn string
	Limit                   *int
}

// listStreams lists the streams of deleted tables too, as long as they can be read.
func (s *Service) listStreams(in *listStreamsInput) ([]byte, error) {
	limit := 100
	if in.Limit != nil {
		limit = *in.Limit
	}
	if limit < 1 || limit > 100 {
		return nil, constraint(limit, "limit", "have value between 1 and 100")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trimStreams(s.now())
	arns := slices.Sorted(maps.Keys(s.streams))
	arns = slices.DeleteFunc(arns, func(arn string) bool { return in.TableName != "" && s.streams[arn].Table != in.TableName })
	arns = arns[start(arns, in.ExclusiveStartStreamArn):]
	out := map[string]any{}
	if len(arns) > limit {
		arns = arns[:limit]
		out["LastEvaluatedStreamArn"] = arns[limit-1]
	}
	list := []any{}
	for _, arn := range arns {
		st := s.streams[arn]
		list = append(list, map[string]string{"StreamArn": st.ARN, "TableName": st.Table, "StreamLabel": st.Label})
	}
	out["Streams"] = list
	return describe(out)
}

// stream finds a stream, its retention applied.
func (s *Service) stream(arn string) (*stream, error) {
	s.trimStreams(s.now())
	if arn == "" {
		return nil, constraint(nil, "streamArn", "not be null")
	}
	st := s.streams[arn]
	if st == nil {
		return nil, notFound("Requested resource not found: Stream: %s not found", arn)
	}
	return st, nil
}

type describeStreamInput struct{ StreamArn, ExclusiveStartShardId string }

// describeStream shows the one shard. It is closed, that is it has an ending sequence
// number, once the stream was disabled: readers then finish it and stop.
func (s *Service) describeStream(in *describeStreamInput) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.stream(in.StreamArn)
	if err != nil {
		return nil, err
	}
	status := "ENABLED"
	sequence := map[string]string{"StartingSequenceNumber": sequenceText(st.First)}
	if !st.enabled() {
		status = "DISABLED"
		sequence["EndingSequenceNumber"] = sequenceText(st.Last)
	}
	shards := []any{}
	if in.ExclusiveStartShardId == "" {
		shards = append(shards, map[string]any{"ShardId": st.shardID(), "SequenceNumberRange": sequence})
	}
	return describe(map[string]any{"StreamDescription": map[string]any{
		"StreamArn": st.ARN, "StreamLabel": st.Label, "StreamStatus": status, "StreamViewType": st.View,
		"CreationRequestDateTime": epoch(st.Created), "TableName": st.Table, "KeySchema": st.KeyList, "Shards": shards,
	}})
}

type shardIteratorInput struct {
	StreamArn, ShardId, ShardIteratorType string
	SequenceNumber                        *string
}

// getShardIterator turns a place in the stream into text. TRIM_HORIZON and LATEST are
// resolved now and not when the iterator is used, as on AWS.
func (s *Service) getShardIterator(in *shardIteratorInput) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.stream(in.StreamArn)
	if err != nil {
		return nil, err
	}
	if in.ShardId != st.shardID() {
		return nil, notFound("Requested resource not found: Shard does not exist")
	}
	from, err := s.position(st, in)
	if err != nil {
		return nil, err
	}
	return describe(map[string]string{"ShardIterator": iterator{st.ARN, from, s.now()}.String()})
}

// position is the first sequence number that the iterator shall give.
func (s *Service) position(st *stream, in *shardIteratorInput) (uint64, error) {
	switch in.ShardIteratorType {
	case "TRIM_HORIZON", "LATEST":
		if in.SequenceNumber != nil {
			return 0, invalidParameter("SequenceNumber should not be passed for this iterator type")
		}
		if in.ShardIteratorType == "LATEST" {
			return s.seq + 1, nil
		}
		return max(st.First, st.Trimmed+1), nil
	case "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER":
	default:
		return 0, constraint(in.ShardIteratorType, "shardIteratorType", "satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_SEQUENCE_NUMBER, TRIM_HORIZON]")
	}
	if in.SequenceNumber == nil {
		return 0, invalidParameter("Invalid SequenceNumber")
	}
	seq, ok := parseSequence(*in.SequenceNumber)
	if !ok {
		return 0, invalidParameter("Invalid SequenceNumber")
	}
	if in.ShardIteratorType == "AFTER_SEQUENCE_NUMBER" {
		seq++
	}
	switch {
	case seq <= st.Trimmed:
		return 0, trimmed()
	case seq < st.First, seq > s.seq+1:
		return 0, invalid("Invalid SequenceNumber for the shard")
	}
	return seq, nil
}

// trimmed tells a reader that it has lost records; what it does about that (start at
// TRIM_HORIZON, or stop) is its decision.
func trimmed() error {
	return wire.Errorf("TrimmedDataAccessException", "The operation attempted to read past the oldest stream record in a shard.")
}

// iterator is a place in a stream, and from when it is. Clients see it as text.
type iterator struct {
	arn    string
	from   uint64
	issued time.Time
}

func (i iterator) String() string {
	b := binary.BigEndian.AppendUint64(nil, i.from)
	b = binary.BigEndian.AppendUint64(b, uint64(i.issued.UnixMilli()))
	return i.arn + "|1|" + base64.RawURLEncoding.EncodeToString(b)
}

func parseIterator(text string) (i iterator, ok bool) {
	arn, rest, ok := strings.Cut(text, "|1|")
	b, err := base64.RawURLEncoding.DecodeString(rest)
	if !ok || err != nil || len(b) != 16 {
		return i, false
	}
	issued := time.UnixMilli(int64(binary.BigEndian.Uint64(b[8:])))
	return iterator{arn, binary.BigEndian.Uint64(b), issued}, true
}

type recordsInput struct {
	ShardIterator string
	Limit         *int
}

// getRecords answers at once, with nothing if there is nothing; who wants to wait uses
// Changed. A transaction's records were appended under one lock, so a reader never sees
// a part of them, unless its Limit ends the answer within.
func (s *Service) getRecords(in *recordsInput) ([]byte, error) {
	limit := maxRecords
	if in.Limit != nil {
		limit = *in.Limit
	}
	if limit < 1 {
		return nil, constraint(limit, "limit", "have value greater than or equal to 1")
	}
	if limit > maxRecords {
		return nil, constraint(limit, "limit", "have value less than or equal to 1000")
	}
	it, ok := parseIterator(in.ShardIterator)
	if !ok {
		return nil, invalid("Invalid ShardIterator")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	st, err := s.stream(it.arn)
	if err != nil {
		return nil, err
	}
	switch {
	case now.Sub(it.issued) > iteratorLife:
		return nil, wire.Errorf("ExpiredIteratorException", fmt.Sprintf(
			"Iterator expired. The iterator was created at time %s while right now it is %s which is further in the future than the tolerated delay of %d milliseconds.",
			it.issued.UTC().Format(time.ANSIC), now.UTC().Format(time.ANSIC), iteratorLife.Milliseconds()))
	case it.from <= st.Trimmed:
		return nil, trimmed()
	}
	a := newAnswer(1024)
	a.member("Records")
	a.b = append(a.b, '[')
	bytes := 0
	for i, r := range st.records[st.from(it.from):] {
		if i == limit || i > 0 && bytes+r.size() > maxRecordsBytes {
			break
		}
		bytes += r.size()
		a.b = appendComma(a.b, i)
		a.b = s.appendRecord(a.b, st, r)
		it.from = r.seq + 1
	}
	a.b = append(a.b, ']')
	if st.enabled() || it.from <= st.Last {
		a.text("NextShardIterator", iterator{it.arn, it.from, now}.String())
	}
	return a.done(), nil
}

// appendRecord writes a record as Lambda and the SDK know it. The event id must be the
// same each time the record is read, over restarts too, so it is made from the
// sequence number.
func (s *Service) appendRecord(b []byte, st *stream, r streamRecord) []byte {
	id := digest([]byte(st.ARN + sequenceText(r.seq)))
	out := answer{b: append(b, '{')}
	out.b = append(out.b, `"eventVersion":"1.1","eventSource":"aws:dynamodb"`...)
	out.text("eventID", hex.EncodeToString(id[:]))
	out.text("eventName", r.event)
	out.text("awsRegion", s.region)
	if r.service {
		out.b = append(out.b, `,"userIdentity":{"PrincipalId":"dynamodb.amazonaws.com","Type":"Service"}`...)
	}
	out.b = append(out.b, `,"dynamodb":{"StreamViewType":"`+st.View+`"`...)
	out.int("ApproximateCreationDateTime", int(r.at.Unix()))
	out.text("SequenceNumber", sequenceText(r.seq))
	out.int("SizeBytes", r.size())
	out.item("Keys", r.keys)
	if r.next != nil {
		out.item("NewImage", r.next)
	}
	if r.old != nil {
		out.item("OldImage", r.old)
	}
	return append(out.b, '}', '}')
}
