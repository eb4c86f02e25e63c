package bus

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"tidings/local/aws"
)

// ward is a topic with the queues that a janitor looks after, in fake time.
type ward struct {
	*world
	*Janitor
	wire *hooks
}

// hooks is a transport that is interrupted before requests of an operation.
type hooks struct {
	next   http.RoundTripper
	before map[string]func() error // by operation of SQS or action of SNS
}

func (h *hooks) RoundTrip(r *http.Request) (*http.Response, error) {
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if do := h.before[op]; do != nil {
		if err := do(); err != nil {
			return nil, err
		}
	}
	return h.next.RoundTrip(r)
}

// once has do called before the next request of the operation.
func (h *hooks) once(op string, do func()) {
	h.before[op] = func() error { delete(h.before, op); do(); return nil }
}

func openWard(t *testing.T) *ward {
	t.Helper()
	srv, err := aws.New(aws.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = srv.Close() })
	wire := &hooks{next: srv.Client().Transport, before: map[string]func() error{}}
	cfg := srv.Config()
	w := &world{T: t, sqs: sqs.NewFromConfig(cfg), sns: sns.NewFromConfig(cfg)}
	out, err := w.sns.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: awssdk.String("tidings")})
	if err != nil {
		t.Fatal(err)
	}
	w.topic = &Topic{Client: w.sns, ARN: *out.TopicArn}
	cfg.HTTPClient, cfg.RetryMaxAttempts = &http.Client{Transport: wire}, 1
	return &ward{w, &Janitor{SQS: sqs.NewFromConfig(cfg), SNS: sns.NewFromConfig(cfg), TopicARN: w.topic.ARN}, wire}
}

func (w *ward) mustSweep(want Swept) {
	w.Helper()
	if got, err := w.Sweep(w.Context()); err != nil || got != want {
		w.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

// mustHave checks which queues and which subscriptions of the topic there are, by the
// queues' names.
func (w *ward) mustHave(queues, subscriptions []string) {
	w.Helper()
	list, err := w.sqs.ListQueues(w.Context(), &sqs.ListQueuesInput{})
	if err != nil {
		w.Fatal(err)
	}
	var names []string
	for _, url := range list.QueueUrls {
		names = append(names, url[strings.LastIndexByte(url, '/')+1:])
	}
	subs, err := w.sns.ListSubscriptionsByTopic(w.Context(), &sns.ListSubscriptionsByTopicInput{TopicArn: &w.TopicARN})
	if err != nil {
		w.Fatal(err)
	}
	var subscribed []string
	for _, s := range subs.Subscriptions {
		subscribed = append(subscribed, (*s.Endpoint)[strings.LastIndexByte(*s.Endpoint, ':')+1:])
	}
	slices.Sort(subscribed)
	if !slices.Equal(names, queues) || !slices.Equal(subscribed, subscriptions) {
		w.Errorf("queues %v, subscriptions %v, want %v and %v", names, subscribed, queues, subscriptions)
	}
}

// both are the same names as queues and as subscriptions.
func (w *ward) mustHaveBoth(names ...string) {
	w.Helper()
	for i := range names {
		names[i] = DefaultPrefix + names[i]
	}
	w.mustHave(names, names)
}

func (w *ward) mustCreate(name, policy string, tags map[string]string) {
	w.Helper()
	in := &sqs.CreateQueueInput{QueueName: &name, Tags: tags}
	if policy != "" {
		in.Attributes = map[string]string{"Policy": policy}
	}
	if _, err := w.sqs.CreateQueue(w.Context(), in); err != nil {
		w.Fatal(err)
	}
}

// policyOf is that of a streamer's queue of that name.
func (w *ward) policyOf(name, topic string) string {
	w.Helper()
	arn, err := siblingARN(w.TopicARN, "sqs", name)
	if err != nil {
		w.Fatal(err)
	}
	return queuePolicy(arn, topic)
}

func (w *ward) mustSubscribe(queue string) {
	w.Helper()
	arn, err := siblingARN(w.TopicARN, "sqs", queue)
	if err != nil {
		w.Fatal(err)
	}
	if _, err := w.sns.Subscribe(w.Context(), &sns.SubscribeInput{TopicArn: &w.TopicARN, Protocol: awssdk.String("sqs"), Endpoint: &arn}); err != nil {
		w.Fatal(err)
	}
}

func (w *ward) mustDelete(q *Queue) {
	w.Helper()
	if _, err := w.sqs.DeleteQueue(w.Context(), &sqs.DeleteQueueInput{QueueUrl: &q.url}); err != nil {
		w.Fatal(err)
	}
}

func TestJanitor(t *testing.T) {
	for name, story := range map[string]func(*ward){
		"Nothing":             func(w *ward) { w.mustSweep(Swept{}) },
		"Dead":                janitorDead,
		"JustEnded":           janitorJustEnded,
		"NoLease":             janitorNoLease,
		"UnreadableLease":     janitorUnreadableLease,
		"ForeignQueues":       janitorForeignQueues,
		"RenewedMeanwhile":    janitorRenewedMeanwhile,
		"DeletedByHand":       janitorDeletedByHand,
		"NewQueueNotShownYet": janitorNewQueueNotShownYet,
		"AnotherJanitor":      janitorAnotherJanitor,
		"ManyPages":           janitorManyPages,
		"ErrOneQueue":         janitorErrOneQueue,
		"ErrSubscriptions":    janitorErrSubscriptions,
		"ErrNoTopic":          janitorErrNoTopic,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { story(openWard(t)) })
		})
	}
}

// Of three streamers one renews its lease, one dies and one stops as it should.
func janitorDead(w *ward) {
	live, _, stops := w.open("live", 0), w.open("dead", 0), w.open("stops", 0)
	if err := stops.Close(w.Context()); err != nil {
		w.Fatal(err)
	}
	for range 20 {
		time.Sleep(30 * time.Second)
		if err := live.Renew(w.Context()); err != nil {
			w.Fatal(err)
		}
	}
	w.mustSweep(Swept{Queues: 1, Subscriptions: 1, Kept: 1})
	w.mustHaveBoth("live")
	w.mustSweep(Swept{Kept: 1})
}

// A streamer whose lease has ended, by the janitor's clock, may be about to renew it.
func janitorJustEnded(w *ward) {
	w.open("late", 0)
	time.Sleep(LeaseTime + leaseMargin)
	w.mustSweep(Swept{Kept: 1})
	time.Sleep(time.Second)
	w.mustSweep(Swept{Queues: 1, Subscriptions: 1})
	w.mustHaveBoth()
}

func janitorNoLease(w *ward) {
	name := DefaultPrefix + "untagged"
	w.mustCreate(name, w.policyOf(name, w.TopicARN), nil)
	w.mustSubscribe(name)
	janitorLeavesAnHour(w)
}

func janitorUnreadableLease(w *ward) {
	q := w.open("odd", 0)
	if _, err := w.sqs.TagQueue(w.Context(), &sqs.TagQueueInput{QueueUrl: &q.url, Tags: map[string]string{LeaseTag: "for ever"}}); err != nil {
		w.Fatal(err)
	}
	janitorLeavesAnHour(w)
}

// janitorLeavesAnHour tells of one queue without a lease.
func janitorLeavesAnHour(w *ward) {
	time.Sleep(time.Hour)
	w.mustSweep(Swept{Kept: 1})
	time.Sleep(time.Second)
	w.mustSweep(Swept{Queues: 1, Subscriptions: 1})
	w.mustHaveBoth()
}

// What isn't a streamer's of this topic is nobody's to touch here, however old.
func janitorForeignQueues(w *ward) {
	const mine, letters, other = DefaultPrefix + "x", DefaultPrefix + "dead-letters", "orders"
	expired := map[string]string{LeaseTag: leaseUntil(time.Now()), InstanceTag: "x"}
	w.mustCreate(mine, w.policyOf(mine, w.TopicARN+"-staging"), expired) // another stack's streamer
	w.mustCreate(letters, "", nil)
	w.mustCreate(other, w.policyOf(other, w.TopicARN), expired)
	w.mustSubscribe(letters)
	w.mustSubscribe("orders")
	w.mustSubscribe("orders-of-old") // whose queue isn't there
	time.Sleep(24 * time.Hour)
	w.mustSweep(Swept{Kept: 2})
	w.mustHave([]string{other, letters, mine}, []string{"orders", "orders-of-old", letters})
}

// The streamer comes to itself while the janitor looks at its queue.
func janitorRenewedMeanwhile(w *ward) {
	q := w.open("slow", 0)
	time.Sleep(time.Hour)
	w.wire.once("ListQueueTags", func() {
		if err := q.Renew(w.Context()); err != nil {
			w.Error(err)
		}
	})
	w.mustSweep(Swept{Kept: 1})
	w.mustHaveBoth("slow")
}

func janitorDeletedByHand(w *ward) {
	w.open("live", 0)
	w.mustDelete(w.open("gone", 0))
	start := time.Now()
	w.mustSweep(Swept{Subscriptions: 1, Kept: 1})
	if took := time.Since(start); took != secondLook {
		w.Errorf("took %v", took)
	}
	w.mustHaveBoth("live")
}

// A streamer starts during the sweep: its subscription is listed, its queue is not yet
// to be found.
func janitorNewQueueNotShownYet(w *ward) {
	name := DefaultPrefix + "new"
	w.mustSubscribe(name)
	time.AfterFunc(time.Second, func() { w.mustCreate(name, w.policyOf(name, w.TopicARN), nil) })
	w.mustSweep(Swept{})
	w.mustHaveBoth("new")
}

// Two sweep at once, and one is ahead.
func janitorAnotherJanitor(w *ward) {
	q := w.open("dead", 0)
	time.Sleep(time.Hour)
	w.wire.once("DeleteQueue", func() { w.mustDelete(q) })
	w.mustSweep(Swept{Subscriptions: 1})
	w.mustHaveBoth()
}

// More than SQS lists on one page (1,000), and SNS (100).
func janitorManyPages(w *ward) {
	for i := range 150 {
		w.open(fmt.Sprint("subscribed-", i), 0)
	}
	for i := range 900 {
		name := fmt.Sprint(DefaultPrefix, i)
		w.mustCreate(name, w.policyOf(name, w.TopicARN), map[string]string{LeaseTag: leaseUntil(time.Now())})
	}
	time.Sleep(time.Hour)
	w.open("live", 0)
	w.mustSweep(Swept{Queues: 1050, Subscriptions: 150, Kept: 1})
	w.mustHaveBoth("live")
}

// One queue can't be deleted: the others are, and the next sweep tries again.
func janitorErrOneQueue(w *ward) {
	w.open("a", 0)
	w.open("b", 0)
	w.open("c", 0)
	time.Sleep(time.Hour)
	down := errors.New("no way there")
	n := 0
	w.wire.before["DeleteQueue"] = func() error {
		if n++; n == 2 {
			return down
		}
		return nil
	}
	got, err := w.Sweep(w.Context())
	if want := (Swept{Queues: 2, Subscriptions: 2, Kept: 1}); got != want || !errors.Is(err, down) || !strings.Contains(err.Error(), DefaultPrefix+"b") {
		w.Errorf("%+v, %v, want %+v", got, err, want)
	}
	w.mustHaveBoth("b")
	w.mustSweep(Swept{Queues: 1, Subscriptions: 1})
}

// The queue is gone and its subscription is left: the next sweep finds it.
func janitorErrSubscriptions(w *ward) {
	w.open("dead", 0)
	time.Sleep(time.Hour)
	down := errors.New("no way there")
	w.wire.before[""] = func() error { return down } // SNS, which has no header for it
	if got, err := w.Sweep(w.Context()); got != (Swept{Queues: 1}) || !errors.Is(err, down) {
		w.Errorf("%+v, %v", got, err)
	}
	w.mustHave(nil, []string{DefaultPrefix + "dead"})
	delete(w.wire.before, "")
	w.mustSweep(Swept{Subscriptions: 1})
	w.mustHaveBoth()
}

func janitorErrNoTopic(w *ward) {
	w.open("dead", 0)
	time.Sleep(time.Hour)
	w.TopicARN = ""
	if got, err := w.Sweep(w.Context()); err == nil || got != (Swept{}) {
		w.Errorf("%+v, %v", got, err)
	}
	w.TopicARN = w.topic.ARN
	w.mustHaveBoth("dead")
}
