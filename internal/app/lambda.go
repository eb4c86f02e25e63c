package app

import (
	"context"
	"io"
	"log/slog"
	"net/http"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"tidings/internal/bus"
	"tidings/internal/httpapi"
	"tidings/internal/lambdahttp"
)

// Lambda runs one area of the API as a function. It does not return while the
// function lives.
func Lambda(area func(*httpapi.API) http.Handler) {
	Main(func(ctx context.Context, getenv func(string) string, _, stderr io.Writer) error {
		c, err := ReadConfig(getenv)
		if err != nil {
			return err
		}
		cfg, err := LoadAWS(ctx)
		if err != nil {
			return err
		}
		s, err := New(cfg, c, Options{Log: slog.New(slog.NewJSONHandler(stderr, nil))})
		if err != nil {
			return err
		}
		lambda.StartWithOptions(lambdahttp.Handler(area(s.API)), lambda.WithContext(ctx))
		return nil
	})
}

// OpenTopic is all that the relay needs: TOPIC_ARN and CELLS.
func OpenTopic(ctx context.Context, getenv func(string) string) (*bus.Topic, error) {
	e := NewEnv(getenv)
	t := &bus.Topic{ARN: e.Required("TOPIC_ARN"), Cells: e.Number("CELLS", 1, 1, 256)}
	if err := e.Err(); err != nil {
		return nil, err
	}
	cfg, err := LoadAWS(ctx)
	if err != nil {
		return nil, err
	}
	t.Client = sns.NewFromConfig(cfg)
	return t, nil
}

// OpenJanitor is all that the janitor needs: TOPIC_ARN.
func OpenJanitor(ctx context.Context, getenv func(string) string) (*bus.Janitor, error) {
	e := NewEnv(getenv)
	topic := e.Required("TOPIC_ARN")
	if err := e.Err(); err != nil {
		return nil, err
	}
	cfg, err := LoadAWS(ctx)
	if err != nil {
		return nil, err
	}
	return &bus.Janitor{SQS: sqs.NewFromConfig(cfg), SNS: sns.NewFromConfig(cfg), TopicARN: topic}, nil
}
