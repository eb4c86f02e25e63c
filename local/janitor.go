package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"tidings/internal/app"
	"tidings/internal/bus"
)

// sweepEvery is how often functions/janitor runs in the cloud. The first sweep comes
// after that time too: by then the streamers have renewed the leases of the queues that
// they took over.
const sweepEvery = 5 * time.Minute

// sweep removes what killed streamers left behind: on another AWS each start has queues
// of its own, on the embedded one there may have been more streamers than now.
func (s *System) sweep(services *app.Services, cfg aws.Config, every time.Duration, log *slog.Logger) {
	j := &bus.Janitor{SQS: sqs.NewFromConfig(cfg), SNS: sns.NewFromConfig(cfg), TopicARN: services.Topic.ARN}
	s.run("janitor", func(ctx context.Context) error {
		t := time.NewTicker(every)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-t.C:
			}
			swept, err := j.Sweep(ctx)
			if err != nil && ctx.Err() == nil {
				log.WarnContext(ctx, "sweep queues", "error", err) // the next sweep tries again
			}
			if swept.Queues+swept.Subscriptions > 0 {
				log.InfoContext(ctx, "swept", "queues", swept.Queues, "subscriptions", swept.Subscriptions, "kept", swept.Kept)
			}
		}
	})
}
