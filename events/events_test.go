package events_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.uber.org/goleak"

	"tidings/events"
	"tidings/internal/bus"
	"tidings/internal/chat"
	"tidings/internal/dynamo"
	"tidings/local/aws"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stack is a table with users and a topic, in the embedded AWS.
type stack struct {
	*aws.Server
	store        *dynamo.Store
	table, topic string
}

// mustStart panics where it fails, so that examples are short.
func mustStart(users ...string) *stack {
	ctx := context.Background()
	s := &stack{Server: must(aws.New(aws.Options{})), table: "tidings"}
	s.store = dynamo.New(s.config(), s.table, dynamo.Limits{}, nil)
	if err := s.store.CreateTable(ctx); err != nil {
		panic(err)
	}
	topic := must(sns.NewFromConfig(s.config()).CreateTopic(ctx, &sns.CreateTopicInput{Name: awssdk.String("tidings")}))
	s.topic = awssdk.ToString(topic.TopicArn)
	for _, name := range users {
		must(s.store.CreateUser(ctx, chat.User{UserRef: chat.UserRef{Username: name, DisplayName: name}, Created: time.Now()}))
	}
	return s
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (s *stack) config() awssdk.Config { return s.Config() }

func (s *stack) stop() { _ = s.Close() }

// events are those in the user's log: type and data of each.
func (s *stack) events(user chat.UserID) []string {
	var out []string
	for _, e := range must(s.store.Entries(context.Background(), chat.UserLog(user), 0, 1000)) {
		for _, ev := range must(e.Events()) {
			out = append(out, ev.Type+" "+string(ev.Data()))
		}
	}
	return out
}

func (s *stack) mustEmitter(t *testing.T) *events.Emitter {
	t.Helper()
	e, err := events.New(s.config(), events.Config{Table: s.table, TopicARN: s.topic, Cells: 1, Caller: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// What is emitted reaches the streamers at once, without the relay.
func TestEmitPublishes(t *testing.T) {
	s := mustStart("alice")
	defer s.stop()
	q, err := bus.OpenQueue(t.Context(), bus.QueueConfig{
		SQS: sqs.NewFromConfig(s.config()), SNS: sns.NewFromConfig(s.config()), TopicARN: s.topic, Instance: "i-1",
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.mustEmitter(t).Emit(t.Context(), 1, "order_shipped", struct{ OrderID int }{17}); err != nil {
		t.Fatal(err)
	}
	ms, err := q.Receive(t.Context()) // a long poll, which the message ends
	if err != nil || len(ms) != 1 {
		t.Fatalf("%d messages, %v", len(ms), err)
	}
	got, err := bus.Decode(ms[0].Body)
	if err != nil || got.Entry == nil || got.Entry.Kind != chat.KindCustom || string(got.Entry.Body) != `{"type":"order_shipped","data":{"OrderID":17}}` {
		t.Errorf("%s: %v", ms[0].Body, err)
	}
}

func TestEmitErrors(t *testing.T) {
	s := mustStart("alice")
	defer s.stop()
	e := s.mustEmitter(t)
	if err := e.Emit(t.Context(), 1, "t", 1, events.Key("k")); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		err, want error
		code      string
	}{
		"ErrUserNotFound": {e.Emit(t.Context(), 2, "t", 1), events.ErrUserNotFound, "user_not_found"},
		"ErrKeyUsed":      {e.Emit(t.Context(), 1, "t", 2, events.Key("k")), events.ErrKeyUsed, "idempotency_mismatch"},
		"ErrTooLarge":     {e.Emit(t.Context(), 1, "t", strings.Repeat("x", 64<<10)), events.ErrTooLarge, "entry_too_large"},
		"ErrReserved":     {e.Emit(t.Context(), 1, "reset", 1), nil, "validation_failed"},
		"ErrKeyShape":     {e.Emit(t.Context(), 1, "t", 1, events.Key("two\nlines")), nil, "validation_failed"},
		"ErrKeyEmpty":     {e.Emit(t.Context(), 1, "t", 1, events.Key("")), nil, "validation_failed"},
		"ErrData":         {e.Emit(t.Context(), 1, "t", func() {}), nil, ""},
	} {
		var unsupported *json.UnsupportedTypeError
		if c.err == nil || c.want != nil && !errors.Is(c.err, c.want) || events.Code(c.err) != c.code || c.code == "" && !errors.As(c.err, &unsupported) {
			t.Errorf("%s: %v", name, c.err)
		}
	}
	crowd := make([]int64, 10_001) // more than it may reach in any 10 s
	for i := range crowd {
		crowd[i] = int64(i + 1)
	}
	if err := e.EmitToMany(t.Context(), crowd, "t", 1); events.Code(err) != "validation_failed" {
		t.Errorf("to too many: %v", err)
	}
	err := e.EmitToMany(t.Context(), []int64{1, 8, 9}, "t", 1)
	if !errors.Is(err, events.ErrUserNotFound) || !strings.Contains(fmt.Sprint(err), "user 8") || !strings.Contains(fmt.Sprint(err), "1 more") {
		t.Errorf("%v", err)
	}
}

func TestConfig(t *testing.T) {
	good := map[string]string{"TABLE_NAME": "t", "TOPIC_ARN": "arn", "EMIT_CALLER": "shop"}
	for name, c := range map[string]struct {
		set   map[string]string
		wrong []string
	}{
		"OK":           {nil, nil},
		"OKCells":      {map[string]string{"CELLS": "256"}, nil},
		"ErrAllAtOnce": {map[string]string{"TABLE_NAME": "", "TOPIC_ARN": "", "CELLS": "257", "EMIT_CALLER": "Shop#1"}, []string{"TABLE_NAME", "TOPIC_ARN", "CELLS", "EMIT_CALLER"}},
		"ErrNoNumber":  {map[string]string{"CELLS": "x"}, []string{`CELLS: "x" is no number`}},
	} {
		_, err := events.ReadConfig(func(k string) string {
			if v, ok := c.set[k]; ok {
				return v
			}
			return good[k]
		})
		if (err == nil) != (c.wrong == nil) {
			t.Errorf("%s: %v", name, err)
		}
		for _, w := range c.wrong {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: nothing of %s in %v", name, w, err)
			}
		}
	}
	if _, err := events.New(awssdk.Config{}, events.Config{}); err == nil {
		t.Error("an empty configuration was taken")
	}
}
