package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"tidings/internal/chat"
	"tidings/internal/chattest"
)

// withStreamer starts a system and, beside it, the streamer's own executable, which
// reaches the system's AWS through a port. own is the streamer's queue.
func withStreamer(t *testing.T, env ...string) (sys *System, p *process, queues *sqs.Client, own string) {
	t.Helper()
	data := t.TempDir()
	sys = mustStart(t, func(c *Config) { c.Data = data })
	queues = sqs.NewFromConfig(sys.AWS.Config())
	before := listQueues(t, queues)
	p = mustStream(t, mustBuild(t, "tidings/streamer"), data, sys.AWSURL, env...)
	added := slices.DeleteFunc(listQueues(t, queues), func(q string) bool { return slices.Contains(before, q) })
	if len(added) != 1 {
		t.Fatalf("the streamer has the queues %q", added)
	}
	return sys, p, queues, added[0]
}

func listQueues(t *testing.T, c *sqs.Client) []string {
	t.Helper()
	out, err := c.ListQueues(t.Context(), &sqs.ListQueuesInput{})
	if err != nil {
		t.Fatal(err)
	}
	return out.QueueUrls
}

// The streamer's own executable holds streams, tells them when it goes, and leaves no
// queue behind.
func TestStreamerProcess(t *testing.T) {
	sys, p, queues, own := withStreamer(t, "DRAIN_SECONDS=0", "METRICS=emf", "METRICS_STAGE=test")
	alice, bob := newPerson(t, sys.URL, "alice"), newPerson(t, sys.URL, "bob")
	bob.url = p.url
	bob.listen()
	id := alice.open(bob)
	if f := bob.nextFrame(); f.EventID != chat.EventID(chat.ConversationLog(id), 1, 3) {
		t.Errorf("bob got %s", f.EventID)
	}
	for i := range 20 {
		alice.say(id, fmt.Sprint(i))
	}
	checkMessages(bob, id, 2, 20)

	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if e := bob.next(); e.Name != "reconnect" {
		t.Errorf("bob got %+v", e)
	}
	if <-p.ended; p.err != nil {
		t.Errorf("ended with %v", p.err)
	}
	if slices.Contains(listQueues(t, queues), own) {
		t.Errorf("%s is still there", own)
	}
	for _, measured := range []string{`"_aws":{"Timestamp":`, `"Stage":"test"`, `"tidings_streamer_hop_seconds_commit_to_write":[`} {
		if !strings.Contains(p.out.String(), measured) {
			t.Errorf("it took leave without %s", measured)
		}
	}
}

// leaving is when a stream was told to reconnect, and whether it had got a message
// before.
type leaving struct {
	at      time.Time
	message bool
	err     error
}

// SIGTERM sends a hundred streams away one after the other over the drain time. Those
// that are still there go on to get what happens; new ones are sent on at once.
func TestStreamerDrains(t *testing.T) {
	const (
		people, each = 5, 20
		drain        = 3 * time.Second
	)
	sys, p, queues, own := withStreamer(t, "DRAIN_SECONDS=3")
	owner := newPerson(t, sys.URL, "owner")
	members := make([]*person, people)
	for i := range members {
		members[i] = newPerson(t, sys.URL, "member")
	}
	g := owner.createGroup("drained", members...)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	open := func(m *person) *chattest.Stream {
		s, err := chattest.OpenStream(ctx, m.client, p.url+"/api/events", http.Header{"Authorization": {"Bearer " + m.token}})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	left := make([]leaving, people*each)
	var streams sync.WaitGroup
	for i := range left {
		s := open(members[i%people])
		if _, err := s.Await("ready"); err != nil {
			t.Fatal(err)
		}
		streams.Go(func() {
			defer s.Close()
			left[i] = awaitLeaving(s, g.event(2, 1))
			if _, err := s.Next(); err == nil {
				t.Errorf("stream %d goes on after its goodbye", i)
			}
		})
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if !eventually(drain/2, func() bool {
		resp, err := owner.client.Get(p.url + "/readyz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusServiceUnavailable
	}) {
		t.Error("a load balancer is not told")
	}
	owner.must(201, nil, "POST", g.path()+"/messages", `{"content":"still there?"}`)
	sent := time.Now()
	late := open(owner)
	if _, err := late.Await("reconnect"); err != nil {
		t.Errorf("a stream that came late: %v", err)
	}
	late.Close()
	streams.Wait()

	checkEvenly(t, left, sent, drain)
	if <-p.ended; p.err != nil {
		t.Errorf("ended with %v", p.err)
	}
	if slices.Contains(listQueues(t, queues), own) {
		t.Errorf("%s is still there", own)
	}
}

// awaitLeaving reads a stream until it is told to reconnect.
func awaitLeaving(s *chattest.Stream, message string) (l leaving) {
	for l.err == nil && l.at.IsZero() {
		e, err := s.Next()
		l.err = err
		l.message = l.message || strings.Contains(e.Data, `"eventId":"`+message+`"`)
		if e.Name == "reconnect" {
			l.at = time.Now()
		}
	}
	return l
}

// checkEvenly checks that the streams were sent away at an even rate over the drain
// time, and that none missed the message that was sent while it was there.
func checkEvenly(t *testing.T, left []leaving, sent time.Time, drain time.Duration) {
	t.Helper()
	slices.SortFunc(left, func(a, b leaving) int { return a.at.Compare(b.at) })
	for _, l := range left {
		if l.err != nil {
			t.Errorf("ended without a goodbye: %v", l.err)
		}
		if l.at.After(sent.Add(time.Second)) && !l.message {
			t.Error("a stream that was there for another second did not get the message")
		}
	}
	first, last := left[0].at, left[len(left)-1].at
	took, half := last.Sub(first), left[len(left)/2].at.Sub(first)
	if took < drain*2/3 || took > drain*3/2 || half < took/4 || half > took*3/4 {
		t.Errorf("%d streams were sent away within %v, half of them within %v: want an even rate over %v", len(left), took, half, drain)
	}
	t.Logf("%d streams within %v, half of them within %v", len(left), took, half)
}

// A streamer whose queue was deleted can't know what it misses: it sends its streams to
// others and ends with an error, so that it is replaced.
func TestStreamerWithoutQueue(t *testing.T) {
	sys, p, queues, own := withStreamer(t, "DRAIN_SECONDS=0")
	bob := newPerson(t, sys.URL, "bob")
	bob.url = p.url
	bob.listen()
	if _, err := queues.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: aws.String(own)}); err != nil {
		t.Fatal(err)
	}
	if e := bob.next(); e.Name != "reconnect" {
		t.Errorf("bob got %+v", e)
	}
	if e := bob.next(); e.Name != "closed" {
		t.Errorf("bob got %+v", e)
	}
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Fatal("goes on")
	}
	if p.err == nil || !strings.Contains(p.out.String(), "queue is gone") {
		t.Errorf("ended with %v:\n%s", p.err, p.out)
	}
}
