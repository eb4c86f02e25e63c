package app

import (
	"context"
	"io"
	"log/slog"
	"net/http"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"tidings/internal/bus"
	"tidings/internal/httpapi"
	"tidings/internal/lambdahttp"
	"tidings/internal/relay"
)

// Lambda runs one area of the API as a function. It does not return while the
// function lives.
func Lambda(area func(*httpapi.API) http.Handler) {
	Main(func(ctx context.Context, getenv func(string) string, stdout, stderr io.Writer) error {
		c, err := ReadConfig(getenv)
		if err != nil {
			return err
		}
		cfg, err := LoadAWS(ctx)
		if err != nil {
			return err
		}
		log := c.Telemetry.Log(stderr)
		tracing, err := c.Telemetry.Trace(ctx, "tidings-functions", stderr, log)
		if err != nil {
			return err
		}
		s, err := New(cfg, c, Options{Log: log, Metrics: c.Telemetry.Metrics(stdout)})
		if err != nil {
			return err
		}
		fn := lambdahttp.Handler(area(s.API))
		lambda.StartWithOptions(func(ctx context.Context, e events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
			defer tracing.Flush(ctx)
			return fn(ctx, e)
		}, lambda.WithContext(ctx))
		return nil
	})
}

// OpenRelay is all that the relay needs: TOPIC_ARN and CELLS.
func OpenRelay(ctx context.Context, getenv func(string) string, stdout io.Writer) (*relay.Relay, error) {
	e := NewEnv(getenv)
	t, tel := &bus.Topic{ARN: e.Required("TOPIC_ARN"), Cells: e.Number("CELLS", 1, 1, 256)}, e.Telemetry()
	if err := e.Err(); err != nil {
		return nil, err
	}
	cfg, err := LoadAWS(ctx)
	if err != nil {
		return nil, err
	}
	t.Client = sns.NewFromConfig(cfg)
	return &relay.Relay{Publisher: t, Metrics: tel.Metrics(stdout)}, nil
}

// OpenJanitor is all that the janitor needs: TOPIC_ARN.
func OpenJanitor(ctx context.Context, getenv func(string) string, stderr io.Writer) (*bus.Janitor, *slog.Logger, error) {
	e := NewEnv(getenv)
	topic, tel := e.Required("TOPIC_ARN"), e.Telemetry()
	if err := e.Err(); err != nil {
		return nil, nil, err
	}
	cfg, err := LoadAWS(ctx)
	if err != nil {
		return nil, nil, err
	}
	return &bus.Janitor{SQS: sqs.NewFromConfig(cfg), SNS: sns.NewFromConfig(cfg), TopicARN: topic}, tel.Log(stderr), nil
}
