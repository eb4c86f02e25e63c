package bus

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	// leaseMargin is how long after the end of its lease a queue counts as abandoned.
	// The clocks of streamers and janitor differ by less.
	leaseMargin = time.Minute
	// unleased is how long a queue without a readable lease is left alone. A streamer
	// creates its queue with one and renews it every 30 s, so somebody is at work on it
	// by hand, or was.
	unleased = time.Hour
	// secondLook is after how long a queue that wasn't found is looked for again: SQS
	// takes up to a second to show a new one.
	secondLook = 5 * time.Second
)

// Janitor removes what streamers left behind that died without removing it: their
// queues and subscriptions. It touches only queues whose name has DefaultPrefix and
// whose policy lets the topic send to them, and subscriptions of the topic. Several
// may sweep at once.
type Janitor struct {
	SQS      *sqs.Client
	SNS      *sns.Client
	TopicARN string
	Now      func() time.Time // nil: time.Now
}

// Swept counts what a sweep removed, and the queues that it left.
type Swept struct {
	Queues        int
	Subscriptions int
	Kept          int
}

// Sweep looks at every queue and every subscription once. What fails doesn't keep it
// from the rest; the error tells of all that failed, and the next sweep tries again.
func (j *Janitor) Sweep(ctx context.Context) (Swept, error) {
	prefix, err := siblingARN(j.TopicARN, "sqs", DefaultPrefix)
	if err != nil {
		return Swept{}, fmt.Errorf("sweep: %w", err)
	}
	// A queue is deleted before its subscription: should its streamer live after all,
	// it finds the queue gone and drains, and doesn't wait at one that gets no more.
	swept, queues, errs := j.sweepQueues(ctx)
	pages := sns.NewListSubscriptionsByTopicPaginator(j.SNS, &sns.ListSubscriptionsByTopicInput{TopicArn: &j.TopicARN})
	var lost []subscription // those whose queue nobody has seen
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			errs = append(errs, fmt.Errorf("list subscriptions: %w", err))
			break
		}
		for _, s := range page.Subscriptions {
			name, ours := strings.CutPrefix(aws.ToString(s.Endpoint), prefix)
			sub := subscription{arn: aws.ToString(s.SubscriptionArn), queue: DefaultPrefix + name}
			switch left, known := queues[sub.queue]; {
			case !ours || aws.ToString(s.Protocol) != "sqs" || left:
			case known:
				errs = append(errs, j.unsubscribe(ctx, sub, &swept))
			default:
				lost = append(lost, sub)
			}
		}
	}
	errs = append(errs, j.sweepLost(ctx, lost, &swept))
	return swept, errors.Join(errs...)
}

// subscription is one whose endpoint is a streamer's queue beside the topic.
type subscription struct{ arn, queue string }

func (j *Janitor) unsubscribe(ctx context.Context, s subscription, swept *Swept) error {
	if _, err := j.SNS.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: &s.arn}); err != nil {
		return fmt.Errorf("unsubscribe queue %s: %w", s.queue, err)
	}
	swept.Subscriptions++
	return nil
}

// sweepLost deletes subscriptions whose queue doesn't exist: it wasn't listed, and is
// looked for twice. It may have been made since.
func (j *Janitor) sweepLost(ctx context.Context, subs []subscription, swept *Swept) error {
	subs, err := j.withoutQueue(ctx, subs)
	if len(subs) == 0 {
		return err
	}
	select {
	case <-ctx.Done():
		return errors.Join(err, ctx.Err())
	case <-time.After(secondLook):
	}
	subs, again := j.withoutQueue(ctx, subs)
	errs := []error{err, again}
	for _, s := range subs {
		errs = append(errs, j.unsubscribe(ctx, s, swept))
	}
	return errors.Join(errs...)
}

func (j *Janitor) withoutQueue(ctx context.Context, subs []subscription) (out []subscription, err error) {
	var errs []error
	for _, s := range subs {
		_, err := j.SQS.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &s.queue})
		switch {
		case err == nil:
		case errors.Is(queueError(err), ErrQueueGone):
			out = append(out, s)
		default:
			errs = append(errs, fmt.Errorf("look for queue %s: %w", s.queue, err))
		}
	}
	return out, errors.Join(errs...)
}

// sweepQueues deletes the abandoned queues. It gives the names of those that it has
// seen, with whether it left them.
func (j *Janitor) sweepQueues(ctx context.Context) (swept Swept, left map[string]bool, errs []error) {
	left = map[string]bool{}
	pages := sqs.NewListQueuesPaginator(j.SQS, &sqs.ListQueuesInput{
		QueueNamePrefix: aws.String(DefaultPrefix), MaxResults: aws.Int32(1000), // SQS pages only for those who ask
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return swept, left, append(errs, fmt.Errorf("list queues: %w", err))
		}
		for _, url := range page.QueueUrls {
			name := path.Base(url)
			deleted, err := j.sweepQueue(ctx, url)
			switch {
			case errors.Is(err, ErrQueueGone): // SQS lists a deleted queue for a while
				continue
			case err != nil:
				errs = append(errs, fmt.Errorf("queue %s: %w", name, err))
			case deleted:
				swept.Queues++
			}
			if left[name] = !deleted; !deleted {
				swept.Kept++
			}
		}
	}
	return swept, left, errs
}

// sweepQueue deletes the queue if it is abandoned.
func (j *Janitor) sweepQueue(ctx context.Context, url string) (deleted bool, err error) {
	const policy, created = types.QueueAttributeNamePolicy, types.QueueAttributeNameCreatedTimestamp
	about, err := j.SQS.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{policy, created},
	})
	if err != nil {
		return false, fmt.Errorf("read attributes: %w", queueError(err))
	}
	if !strings.Contains(about.Attributes[string(policy)], strconv.Quote(j.TopicARN)) {
		return false, nil // another stack's, or no streamer's at all
	}
	since, err := strconv.ParseInt(about.Attributes[string(created)], 10, 64)
	if err != nil {
		return false, fmt.Errorf("read attributes: %s: %w", created, err)
	}
	// Last, so that a renewal up to now counts.
	tags, err := j.SQS.ListQueueTags(ctx, &sqs.ListQueueTagsInput{QueueUrl: &url})
	if err != nil {
		return false, fmt.Errorf("read tags: %w", queueError(err))
	}
	if !j.abandoned(tags.Tags[LeaseTag], time.Unix(since, 0)) {
		return false, nil
	}
	if _, err := j.SQS.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &url}); err != nil {
		return false, fmt.Errorf("delete: %w", queueError(err))
	}
	return true, nil
}

// abandoned says whether nobody owns a queue with that lease any more.
func (j *Janitor) abandoned(lease string, created time.Time) bool {
	now := time.Now
	if j.Now != nil {
		now = j.Now
	}
	until, err := time.Parse(time.RFC3339, lease)
	if err != nil {
		until = created.Add(unleased - leaseMargin)
	}
	return now().Sub(until) > leaseMargin
}
