// Command relay is the Lambda function behind the table's stream: it publishes a
// hint of every committed entry. The stream's event source retries a failed batch.
package main

import (
	"context"
	"io"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"tidings/internal/app"
	"tidings/internal/relay"
)

func main() { app.Main(run) }

func run(ctx context.Context, getenv func(string) string, _, _ io.Writer) error {
	topic, err := app.OpenTopic(ctx, getenv)
	if err != nil {
		return err
	}
	r := &relay.Relay{Publisher: topic}
	lambda.StartWithOptions(func(ctx context.Context, e events.DynamoDBEvent) error {
		return r.Handle(ctx, relay.FromLambda(e))
	}, lambda.WithContext(ctx))
	return nil
}
