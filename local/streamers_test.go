package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/prometheus/client_golang/prometheus"

	"tidings/internal/app"
	"tidings/internal/chat"
	"tidings/internal/stream"
)

// page is the body of what an operator looks at.
func (p *person) page(path string) string {
	resp, err := p.client.Get(p.url + path)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// Streams are handed to the instances in turn; each instance has all events, and the
// numbers of all stand on one page.
func TestStreamers(t *testing.T) {
	sys := mustStart(t, func(c *Config) { c.Streamers = 3 })
	alice, bob := newPerson(t, sys.URL, "alice"), newPerson(t, sys.URL, "bob")
	if !eventually(patience, func() bool { return strings.Contains(bob.page("/readyz"), `"status":"ready"`) }) {
		t.Fatal(bob.page("/readyz"))
	}
	tabs := make([]*person, 6)
	for i := range tabs {
		tabs[i] = bob.tab(bob.token)
		tabs[i].listen()
	}
	if got := bob.page("/readyz"); !strings.Contains(got, `"connections":6`) {
		t.Error(got)
	}
	metrics := bob.page("/metrics")
	for _, instance := range []string{"local-1", "local-2", "local-3"} {
		if want := fmt.Sprintf("tidings_streamer_connections{instance=%q} 2\n", instance); !strings.Contains(metrics, want) {
			t.Errorf("no %s in\n%s", want, metrics)
		}
	}
	declared := regexp.MustCompile(`(?m)^# TYPE \S+`).FindAllString(metrics, -1)
	slices.Sort(declared)
	if n := len(declared); n == 0 || len(slices.Compact(declared)) != n {
		t.Errorf("a metric is declared more than once:\n%s", metrics)
	}
	id := alice.open(bob)
	alice.say(id, "to all three")
	for i, tab := range tabs {
		if f := tab.nextFrame(); f.EventID != chat.EventID(chat.ConversationLog(id), 1, 3) {
			t.Errorf("stream %d got %s", i, f.EventID)
		}
		checkMessages(tab, id, 2, 1)
	}
}

// An instance that is not ready gets no stream while another is, and any gets it when
// none is: it tells the client when to come back, while an error would end an
// EventSource for good.
func TestStreamersSkipTheUnready(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	c := Config{Data: t.TempDir()}
	sys := mustStart(t, func(given *Config) { given.Data = c.Data })
	services, err := sys.open(c, sys.AWS.Config(), log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ready, err := services.OpenStreamer(ctx, sys.AWS.Config(), app.StreamerConfig{Config: stream.Config{Instance: "spare"}}, log)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- ready.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	if !eventually(patience, ready.Ready) {
		t.Fatal("not ready")
	}
	unready := &stream.Service{Hub: stream.NewHub(stream.Config{}, services.Store, services.Store, stream.NewMetrics(prometheus.NewRegistry()), log)}
	for name, c := range map[string]struct {
		all  []*stream.Service
		want string
	}{
		"AllReady":   {[]*stream.Service{ready.Service, ready.Service, ready.Service}, "012012"},
		"OneUnready": {[]*stream.Service{ready.Service, unready, ready.Service}, "022022"},
		"OneReady":   {[]*stream.Service{unready, unready, ready.Service}, "222222"},
		"NoneReady":  {[]*stream.Service{unready, unready}, "010101"},
	} {
		t.Run(name, func(t *testing.T) {
			served := ""
			s := &streamers{}
			for _, one := range c.all {
				s.all = append(s.all, &app.Streamer{Service: one})
			}
			for range 6 {
				served += fmt.Sprint(slices.Index(s.all, s.next()))
			}
			if served != c.want {
				t.Errorf("served by %s, want %s", served, c.want)
			}
		})
	}
}

// A start after a kill takes over the queues that the kill left behind: with names of
// its own it would leave three more behind each time.
func TestRestartTakesOverQueues(t *testing.T) {
	bin, data := mustBuild(t, "tidings/local"), t.TempDir()
	port := quietPort(t) // the queues' URLs have it
	var before []string
	for range 2 {
		p := mustRun(t, bin, data, "STREAMERS=3", "AWS_PORT="+port)
		got := listQueues(t, sqs.New(sqs.Options{
			Region: "us-east-1", BaseEndpoint: aws.String(p.awsURL), Credentials: credentials.NewStaticCredentialsProvider("x", "x", ""),
			HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		}))
		if len(got) != 3 || before != nil && !slices.Equal(got, before) {
			t.Errorf("queues %q, before the kill %q", got, before)
		}
		before = got
		p.kill()
	}
}
