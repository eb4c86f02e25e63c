package ddb

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const tableT = `{"TableName":"tab","BillingMode":"PAY_PER_REQUEST",
	"AttributeDefinitions":[{"AttributeName":"PK","AttributeType":"S"},{"AttributeName":"SK","AttributeType":"S"},{"AttributeName":"G","AttributeType":"S"},{"AttributeName":"n","AttributeType":"N"}],
	"KeySchema":[{"AttributeName":"PK","KeyType":"HASH"},{"AttributeName":"SK","KeyType":"RANGE"}],
	"GlobalSecondaryIndexes":[{"IndexName":"GSI","KeySchema":[{"AttributeName":"G","KeyType":"HASH"},{"AttributeName":"n","KeyType":"RANGE"}],"Projection":{"ProjectionType":"ALL"}}],
	"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"}}`

// tb is what both *testing.T and *rapid.T are.
type tb interface {
	Fatalf(format string, args ...any)
}

// send makes a request; the operation may go without its service.
func send(s *Service, operation, body string) (status int, answer map[string]any) {
	if !strings.Contains(operation, ".") {
		operation = targetTables + "." + operation
	}
	rec := httptest.NewRecorder()
	s.Serve(rec, operation, []byte(body))
	if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil {
		panic(err)
	}
	return rec.Code, answer
}

func mustSend(t tb, s *Service, operation, body string) map[string]any {
	status, answer := send(s, operation, body)
	if status != http.StatusOK {
		t.Fatalf("%s %s: %v", operation, body, answer)
	}
	return answer
}

// dump is the whole state, as bytes that are equal for equal states.
func dump(t tb, s *Service) string {
	s.mu.Lock()
	s.tokens.forget(s.now())
	s.trimStreams(s.now())
	s.mu.Unlock()
	var b bytes.Buffer
	err := s.Snapshot(func(record []byte) error {
		fmt.Fprintf(&b, "%q\n", record)
		return nil
	})
	if err != nil {
		t.Fatalf("%v", err)
	}
	for _, tab := range s.tables {
		fmt.Fprintln(&b, tab.bytes, tab.rows.Len(), tab.expiry.Keys(), tab.stream != nil)
		for _, x := range tab.indexes {
			fmt.Fprintf(&b, "%d %q\n", x.bytes, x.entries.Keys())
		}
	}
	return b.String()
}

// clock is a time that tests move.
type clock struct{ time.Time }

func newClock() *clock { return &clock{time.Date(2030, 1, 2, 3, 4, 5, 678_900_000, time.UTC)} }

func (c *clock) now() time.Time { return c.Time }

func (c *clock) pass(d time.Duration) { c.Time = c.Add(d) }

// randomWrite does something to the table "tab", or to the service.
func randomWrite(t *rapid.T, s *Service, c *clock) {
	key := func() string {
		return fmt.Sprintf(`"PK":{"S":"p%d"},"SK":{"S":"s%d"}`, rapid.IntRange(0, 1).Draw(t, "p"), rapid.IntRange(0, 3).Draw(t, "s"))
	}
	n := rapid.IntRange(-2, 2).Draw(t, "n")
	value := rapid.SampledFrom([]string{
		`{"S":"ü"}`, `{"N":"-1.5e-7"}`, `{"B":"AAH/"}`, `{"BOOL":true}`, `{"NULL":true}`, `{"SS":["b","a"]}`, `{"NS":["1","-2"]}`, `{"BS":["AA=="]}`,
		`{"L":[{"M":{"x":{"L":[]}}},{"S":""}]}`, `{"M":{}}`,
	}).Draw(t, "value")
	put := func() string {
		return fmt.Sprintf(`{"TableName":"tab","Item":{%s,"G":{"S":"g%d"},"n":{"N":"%d"},"v":%s,"ttl":{"N":"%d"}}}`, key(), n&1, n, value, c.Unix()+int64(rapid.IntRange(-10, 100).Draw(t, "ttl")))
	}
	update := func() string {
		return fmt.Sprintf(`{"TableName":"tab","Key":{%s},"UpdateExpression":"SET v = :v ADD c :n","ExpressionAttributeValues":{":v":%s,":n":{"N":"%d"}}}`, key(), value, n)
	}
	remove := func() string { return fmt.Sprintf(`{"TableName":"tab","Key":{%s}}`, key()) }
	switch rapid.IntRange(0, 9).Draw(t, "what") {
	case 0, 1:
		send(s, "PutItem", put())
	case 2, 3:
		send(s, "UpdateItem", update())
	case 4:
		send(s, "DeleteItem", remove())
	case 5, 6: // is refused now and then, for two writes of one item
		send(s, "TransactWriteItems", fmt.Sprintf(`{"ClientRequestToken":"%d","TransactItems":[{"Put":%s},{"Update":%s},{"Delete":%s}]}`,
			rapid.IntRange(0, 99).Draw(t, "token"), put(), update(), remove()))
	case 7:
		on := rapid.Bool().Draw(t, "on")
		send(s, "UpdateTimeToLive", fmt.Sprintf(`{"TableName":"tab","TimeToLiveSpecification":{"AttributeName":"ttl","Enabled":%v}}`, on))
	case 8:
		spec := rapid.SampledFrom([]string{`{"StreamEnabled":false}`, `{"StreamEnabled":true,"StreamViewType":"NEW_IMAGE"}`}).Draw(t, "stream")
		send(s, "UpdateTable", `{"TableName":"tab","StreamSpecification":`+spec+`}`)
		if n == 2 {
			send(s, "DeleteTable", `{"TableName":"tab"}`)
			send(s, "CreateTable", tableT)
		}
	default:
		c.pass(time.Duration(rapid.IntRange(0, 5).Draw(t, "seconds")) * time.Second)
		s.Expire()
	}
}

// A journal cut behind any record gives the state as it was then; so does a snapshot
// and what came after it.
func TestReplay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newClock()
		var records [][]byte
		var states []string // after so many records
		s := New(Options{Now: c.now, Append: func(record []byte) error {
			records = append(records, record)
			return nil
		}})
		note := func() {
			for len(states) <= len(records) {
				states = append(states, "")
			}
			states[len(records)] = dump(t, s)
		}
		note()
		mustSend(t, s, "CreateTable", tableT)
		note()
		var snapshot [][]byte
		snapshotAt := 0
		for i := range rapid.IntRange(1, 40).Draw(t, "writes") {
			randomWrite(t, s, c)
			note()
			if i == 10 {
				snapshotAt = len(records)
				_ = s.Snapshot(func(record []byte) error { snapshot = append(snapshot, bytes.Clone(record)); return nil })
			}
		}
		cut := rapid.IntRange(0, len(records)).Draw(t, "cut")
		check := func(what string, records [][]byte, want string) {
			again := New(Options{Now: c.now})
			for _, r := range records {
				if err := again.Replay(r); err != nil {
					t.Fatalf("%s: %v", what, err)
				}
			}
			if got := dump(t, again); want != "" && got != want {
				t.Fatalf("%s: got\n%s\nwant\n%s", what, got, want)
			}
		}
		check("journal", records[:cut], states[cut])
		check("whole journal", records, dump(t, s))
		if snapshot != nil {
			check("snapshot", snapshot, states[snapshotAt])
			check("snapshot and journal", append(snapshot, records[snapshotAt:]...), dump(t, s))
		}
	})
}

// Damaged records are refused, whichever byte is missing or wrong, without a panic.
func TestReplay_ErrDamaged(t *testing.T) {
	c := newClock()
	var records [][]byte
	s := New(Options{Now: c.now, Append: func(record []byte) error { records = append(records, record); return nil }})
	mustSend(t, s, "CreateTable", tableT)
	mustSend(t, s, "TransactWriteItems", `{"ClientRequestToken":"x","TransactItems":[{"Put":{"TableName":"tab","Item":{"PK":{"S":"p"},"SK":{"S":"s"},"l":{"L":[{"SS":["a"]}]}}}}]}`)
	_ = s.Snapshot(func(record []byte) error { records = append(records, record); return nil })
	for i, r := range records {
		for n := range r {
			again := New(Options{Now: c.now})
			for _, before := range records[:i] {
				if err := again.Replay(before); err != nil {
					t.Fatal(err)
				}
			}
			if err := again.Replay(r[:n]); err == nil {
				t.Fatalf("record %d (%c) is accepted with %d of its %d bytes", i, r[0], n, len(r))
			}
			flipped := bytes.Clone(r)
			flipped[n] ^= 0xFF
			_ = again.Replay(flipped) // may mean something else, must not panic
		}
	}
}

func TestAppendFails(t *testing.T) {
	var fail error
	s := New(Options{Append: func([]byte) error { return fail }})
	mustSend(t, s, "CreateTable", tableT)
	mustSend(t, s, "PutItem", `{"TableName":"tab","Item":{"PK":{"S":"p"},"SK":{"S":"s"}}}`)
	before := dump(t, s)
	fail = errors.New("disk full")
	for operation, body := range map[string]string{
		"PutItem":            `{"TableName":"tab","Item":{"PK":{"S":"p"},"SK":{"S":"t"}}}`,
		"DeleteItem":         `{"TableName":"tab","Key":{"PK":{"S":"p"},"SK":{"S":"s"}}}`,
		"TransactWriteItems": `{"ClientRequestToken":"x","TransactItems":[{"Delete":{"TableName":"tab","Key":{"PK":{"S":"p"},"SK":{"S":"s"}}}}]}`,
		"UpdateTable":        `{"TableName":"tab","StreamSpecification":{"StreamEnabled":false}}`,
		"DeleteTable":        `{"TableName":"tab"}`,
	} {
		status, answer := send(s, operation, body)
		if status != http.StatusInternalServerError || !strings.HasSuffix(answer["__type"].(string), "#InternalServerError") {
			t.Errorf("%s: %d %v", operation, status, answer)
		}
	}
	if after := dump(t, s); after != before {
		t.Errorf("got\n%s\nwant\n%s", after, before)
	}
}

// A write that changes nothing is not worth a record on disk.
func TestNoRecordForNoChange(t *testing.T) {
	n := 0
	s := New(Options{Append: func([]byte) error { n++; return nil }})
	mustSend(t, s, "CreateTable", tableT)
	for range 3 {
		mustSend(t, s, "PutItem", `{"TableName":"tab","Item":{"PK":{"S":"p"},"SK":{"S":"s"},"n":{"N":"1.0"}}}`)
	}
	if n != 2 {
		t.Errorf("%d records", n)
	}
}
