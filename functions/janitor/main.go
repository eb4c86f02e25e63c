// Command janitor is the scheduled Lambda function that removes the queues of dead
// streamers. A sweep that fails in part is reported as failed; the next one goes on.
package main

import (
	"context"
	"io"

	"github.com/aws/aws-lambda-go/lambda"

	"tidings/internal/app"
)

func main() { app.Main(run) }

func run(ctx context.Context, getenv func(string) string, _, stderr io.Writer) error {
	janitor, log, err := app.OpenJanitor(ctx, getenv, stderr)
	if err != nil {
		return err
	}
	lambda.StartWithOptions(func(ctx context.Context) error {
		swept, err := janitor.Sweep(ctx)
		log.InfoContext(ctx, "swept", "queues", swept.Queues, "subscriptions", swept.Subscriptions, "kept", swept.Kept)
		return err
	}, lambda.WithContext(ctx))
	return nil
}
