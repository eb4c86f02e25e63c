package events_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"tidings/events"
)

func ExampleEmitter_Emit() {
	ctx := context.Background()
	aws := mustStart("alice") // in a service: config.LoadDefaultConfig(ctx)
	defer aws.stop()
	emitter, err := events.New(aws.config(), events.Config{Table: aws.table, TopicARN: aws.topic, Cells: 1, Caller: "shop"})
	if err != nil {
		fmt.Println(err)
		return
	}

	for range 2 { // a retry, after an answer that was lost
		err = emitter.Emit(ctx, 1, "order_shipped", map[string]any{"orderId": 17}, events.Key("order-17-shipped"))
		fmt.Println("error:", err)
	}
	fmt.Println("alice has", aws.events(1))

	err = emitter.Emit(ctx, 1, "message", "from nobody")
	fmt.Println(events.Code(err))
	// Output:
	// error: <nil>
	// error: <nil>
	// alice has [order_shipped {"orderId":17}]
	// validation_failed
}

func ExampleEmitter_EmitToMany() {
	ctx := context.Background()
	aws := mustStart("alice", "bob")
	defer aws.stop()
	emitter, err := events.New(aws.config(), events.Config{Table: aws.table, TopicARN: aws.topic, Cells: 1, Caller: "shop"})
	if err != nil {
		fmt.Println(err)
		return
	}

	err = emitter.EmitToMany(ctx, []int64{1, 2, 3}, "sale_begins", nil, events.Key("sale-2026"))
	var failed events.Failures
	if errors.As(err, &failed) {
		for _, f := range failed {
			fmt.Println(f.UserID, events.Code(f.Err), errors.Is(f.Err, events.ErrUserNotFound))
		}
	}
	fmt.Println("alice has", aws.events(1), "and bob has", aws.events(2))
	// Output:
	// 3 user_not_found true
	// alice has [sale_begins null] and bob has [sale_begins null]
}

func ExampleReadConfig() {
	os.Setenv("TABLE_NAME", "tidings")
	os.Setenv("EMIT_CALLER", "shop")
	_, err := events.ReadConfig(os.Getenv)
	fmt.Println(strings.ReplaceAll(err.Error(), "\n", "; "))
	// Output: TOPIC_ARN: is not set
}
