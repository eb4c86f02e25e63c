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

func run(ctx context.Context, getenv func(string) string, stdout, _ io.Writer) error {
	r, err := app.OpenRelay(ctx, getenv, stdout)
	if err != nil {
		return err
	}
	lambda.StartWithOptions(func(ctx context.Context, e events.DynamoDBEvent) error {
		return r.Handle(ctx, relay.FromLambda(e))
	}, lambda.WithContext(ctx))
	return nil
}
