package ddb

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// What depends on the clock: TTL, tokens, iterators and the retention of streams.

const keyPS = `"PK":{"S":"p"},"SK":{"S":"s"}`

func putN(t *testing.T, s *Service, sk string, n any) {
	t.Helper()
	mustSend(t, s, "PutItem", fmt.Sprintf(`{"TableName":"tab","Item":{"PK":{"S":"p"},"SK":{"S":"%s"},"n":{"N":"%v"}}}`, sk, n))
}

func newTimed(t *testing.T) (*Service, *clock) {
	c := newClock()
	s := New(Options{Now: c.now})
	mustSend(t, s, "CreateTable", tableT)
	return s, c
}

// iteratorAt opens the only shard of the only stream.
func iteratorAt(t *testing.T, s *Service, kind, sequence string) string {
	t.Helper()
	var st *stream
	for _, st = range s.streams {
	}
	if sequence != "" {
		sequence = `,"SequenceNumber":"` + sequence + `"`
	}
	answer := mustSend(t, s, targetStreams+".GetShardIterator", fmt.Sprintf(`{"StreamArn":"%s","ShardId":"%s","ShardIteratorType":"%s"%s}`, st.ARN, st.shardID(), kind, sequence))
	return answer["ShardIterator"].(string)
}

func records(t *testing.T, s *Service, iterator string) (list []map[string]any, next string) {
	t.Helper()
	answer := mustSend(t, s, targetStreams+".GetRecords", `{"ShardIterator":"`+iterator+`"}`)
	for _, r := range answer["Records"].([]any) {
		list = append(list, r.(map[string]any))
	}
	next, _ = answer["NextShardIterator"].(string)
	return list, next
}

func sequenceOf(record map[string]any) string {
	return record["dynamodb"].(map[string]any)["SequenceNumber"].(string)
}

func wantCode(t *testing.T, code string, answer map[string]any) {
	t.Helper()
	if kind, _ := answer["__type"].(string); !strings.HasSuffix(kind, "#"+code) {
		t.Errorf("got %v, want %s", answer, code)
	}
}

func TestExpire(t *testing.T) {
	s, c := newTimed(t)
	mustSend(t, s, "UpdateTimeToLive", `{"TableName":"tab","TimeToLiveSpecification":{"AttributeName":"n","Enabled":true}}`)
	now := c.Unix()
	for sk, n := range map[string]any{
		"due": now - 1, "fraction": fmt.Sprint(now-1, ".75"), "now": now, "soon": now + 1, "later": now + 100, "ancient": now - 6*365*24*3600, "negative": -5, "huge": "1e100",
	} {
		putN(t, s, sk, strings.ReplaceAll(fmt.Sprint(n), " ", ""))
	}
	from := iteratorAt(t, s, "LATEST", "")
	if n := s.Expire(); n != 3 {
		t.Errorf("%d expired", n)
	}
	c.pass(time.Second)
	if n := s.Expire(); n != 1 {
		t.Errorf("%d expired a second later", n)
	}
	list, _ := records(t, s, from)
	if len(list) != 4 {
		t.Fatalf("%d records", len(list))
	}
	for _, r := range list {
		if id, _ := r["userIdentity"].(map[string]any); r["eventName"] != "REMOVE" || id["PrincipalId"] != "dynamodb.amazonaws.com" || id["Type"] != "Service" {
			t.Errorf("record %v", r)
		}
	}
	if n := mustSend(t, s, "Scan", `{"TableName":"tab","Select":"COUNT"}`)["Count"]; n != 4.0 {
		t.Errorf("%v left", n)
	}
}

func TestExpire_ManyInBatches(t *testing.T) {
	s, c := newTimed(t)
	for i := range 3*expireBatch + 7 {
		putN(t, s, fmt.Sprint(i), c.Unix()-5)
	}
	mustSend(t, s, "UpdateTimeToLive", `{"TableName":"tab","TimeToLiveSpecification":{"AttributeName":"n","Enabled":true}}`)
	if n := s.Expire(); n != 3*expireBatch+7 {
		t.Errorf("%d expired", n)
	}
	if n := s.Expire(); n != 0 {
		t.Errorf("%d more", n)
	}
}

func TestTokenLastsTenMinutes(t *testing.T) {
	s, c := newTimed(t)
	add := func(n int) (int, map[string]any) {
		return send(s, "TransactWriteItems", fmt.Sprintf(`{"ClientRequestToken":"tok","TransactItems":[{"Update":{"TableName":"tab","Key":{%s},"UpdateExpression":"ADD n :n","ExpressionAttributeValues":{":n":{"N":"%d"}}}}]}`, keyPS, n))
	}
	value := func() any {
		return mustSend(t, s, "GetItem", `{"TableName":"tab","Key":{`+keyPS+`}}`)["Item"].(map[string]any)["n"].(map[string]any)["N"]
	}
	add(1)
	c.pass(tokenLife - time.Second)
	s.Expire()
	add(1)
	if value() != "1" {
		t.Errorf("n = %v within ten minutes", value())
	}
	_, answer := add(2)
	wantCode(t, "IdempotentParameterMismatchException", answer)
	c.pass(2 * time.Second)
	s.Expire()
	if len(s.tokens.byID) != 0 || len(s.tokens.order) != 0 {
		t.Error("the token is still kept")
	}
	add(2)
	if value() != "3" {
		t.Errorf("n = %v after ten minutes", value())
	}
}

func TestIteratorLastsFifteenMinutes(t *testing.T) {
	s, c := newTimed(t)
	from := iteratorAt(t, s, "TRIM_HORIZON", "")
	c.pass(iteratorLife - time.Second)
	records(t, s, from)
	c.pass(2 * time.Second)
	_, answer := send(s, targetStreams+".GetRecords", `{"ShardIterator":"`+from+`"}`)
	wantCode(t, "ExpiredIteratorException", answer)
}

func TestStreamKeeps24Hours(t *testing.T) {
	s, c := newTimed(t)
	putN(t, s, "old", 1)
	list, _ := records(t, s, iteratorAt(t, s, "TRIM_HORIZON", ""))
	old := sequenceOf(list[0])
	c.pass(streamRetention - time.Minute)
	putN(t, s, "new", 1)
	before := iteratorAt(t, s, "TRIM_HORIZON", "")
	c.pass(2 * time.Minute)
	_, answer := send(s, targetStreams+".GetRecords", `{"ShardIterator":"`+before+`"}`)
	wantCode(t, "TrimmedDataAccessException", answer)
	if list, _ := records(t, s, iteratorAt(t, s, "TRIM_HORIZON", "")); len(list) != 1 {
		t.Errorf("%d records", len(list))
	}
	if list, _ := records(t, s, iteratorAt(t, s, "AFTER_SEQUENCE_NUMBER", old)); len(list) != 1 {
		t.Errorf("%d records after the last one that is gone", len(list))
	}
	var st *stream
	for _, st = range s.streams {
	}
	_, answer = send(s, targetStreams+".GetShardIterator", fmt.Sprintf(`{"StreamArn":"%s","ShardId":"%s","ShardIteratorType":"AT_SEQUENCE_NUMBER","SequenceNumber":"%s"}`, st.ARN, st.shardID(), old))
	wantCode(t, "TrimmedDataAccessException", answer)
}

func TestStreamIsBounded(t *testing.T) {
	now := newClock().Time
	count := &stream{}
	for i := range maxStreamRecords + 10 {
		count.append(streamRecord{seq: uint64(i + 1), at: now, keys: item{"k": {kind: kindS}}})
	}
	count.trim(now)
	if len(count.records) != maxStreamRecords || count.Trimmed != 10 {
		t.Errorf("%d records, trimmed to %d", len(count.records), count.Trimmed)
	}
	size := &stream{}
	big := item{"k": {kind: kindS, str: strings.Repeat("x", maxItemSize)}}
	for i := range maxStreamBytes/maxItemSize + 10 {
		size.append(streamRecord{seq: uint64(i + 1), at: now, next: big})
	}
	size.trim(now)
	if size.bytes > maxStreamBytes || size.bytes < maxStreamBytes-2*maxItemSize || size.Trimmed == 0 {
		t.Errorf("%d bytes", size.bytes)
	}
}

func TestStreamOfDeletedTableLastsADay(t *testing.T) {
	s, c := newTimed(t)
	putN(t, s, "x", 1)
	mustSend(t, s, "DeleteTable", `{"TableName":"tab"}`)
	list, next := records(t, s, iteratorAt(t, s, "TRIM_HORIZON", ""))
	if len(list) != 1 || next != "" {
		t.Errorf("%d records, next %q", len(list), next)
	}
	c.pass(streamRetention)
	s.Expire()
	if len(s.streams) != 0 {
		t.Error("the stream is still there")
	}
}

// A relay that kept its checkpoint goes on after a restart, even if what it reads next
// was written before.
func TestStreamContinuesOverRestart(t *testing.T) {
	c := newClock()
	var journal [][]byte
	s := New(Options{Now: c.now, Append: func(r []byte) error { journal = append(journal, r); return nil }})
	mustSend(t, s, "CreateTable", tableT)
	for i := range 3 {
		putN(t, s, fmt.Sprint(i), i)
		putN(t, s, fmt.Sprint(i), i+10)
	}
	all, _ := records(t, s, iteratorAt(t, s, "TRIM_HORIZON", ""))
	again := New(Options{Now: c.now})
	for _, r := range journal {
		if err := again.Replay(r); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := records(t, again, iteratorAt(t, again, "TRIM_HORIZON", "")); fmt.Sprint(got) != fmt.Sprint(all) {
		t.Errorf("got  %v\nwant %v", got, all)
	}
	rest, next := records(t, again, iteratorAt(t, again, "AFTER_SEQUENCE_NUMBER", sequenceOf(all[3])))
	if len(rest) != 2 || sequenceOf(rest[0]) != sequenceOf(all[4]) {
		t.Errorf("rest %v", rest)
	}
	putN(t, again, "later", 1)
	if got, _ := records(t, again, next); len(got) != 1 || sequenceOf(got[0]) <= sequenceOf(all[5]) {
		t.Errorf("later %v", got)
	}
}

func TestChanged(t *testing.T) {
	s, _ := newTimed(t)
	woken := func(ch <-chan struct{}) bool {
		select {
		case <-ch:
			return true
		default:
			return false
		}
	}
	ch := s.Changed()
	mustSend(t, s, "GetItem", `{"TableName":"tab","Key":{`+keyPS+`}}`)
	if woken(ch) {
		t.Error("woken by a read")
	}
	putN(t, s, "s", 1)
	if !woken(ch) {
		t.Error("not woken by a write")
	}
	ch = s.Changed()
	putN(t, s, "s", "1.0")
	if woken(ch) {
		t.Error("woken by a write that changes nothing")
	}
}
