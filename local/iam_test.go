package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/middleware"
	"go.yaml.in/yaml/v3"

	"tidings/internal/app"
	"tidings/internal/bus"
	"tidings/internal/chat"
	"tidings/internal/httpapi"
	"tidings/internal/lambdahttp"
	"tidings/internal/session"
	"tidings/internal/stream"
)

// byAWS are the calls that AWS itself makes under a role, in nobody's code here.
var byAWS = map[string][]string{
	"Relay": {
		"dynamodb:DescribeStream on StreamArn", "dynamodb:GetRecords on StreamArn", "dynamodb:GetShardIterator on StreamArn",
		"dynamodb:ListStreams on *", "sqs:SendMessage on RelayFailuresArn",
	},
}

// Each function and the streamer may do in AWS what they do, and nothing else: every
// mutation of the emission matrix, every list, streams, a sweep and a hint, each part
// with a recording client of its own, against infra/roles.yaml. That the calls are
// enough is shown where they are enforced, too: make test-ministack.
func TestRolesAllowWhatIsCalled(t *testing.T) {
	c := &calls{made: map[string]map[string]bool{}}
	sys := mustStart(t, nil)
	data := t.TempDir()
	if err := os.WriteFile(filepath.Join(data, emitKeyFile), []byte(testEmitKey), 0o600); err != nil {
		t.Fatal(err)
	}
	emit, err := emitKey(data)
	if err != nil {
		t.Fatal(err)
	}
	cfg, topic := sys.AWS.Config(), "arn:aws:sns:us-east-1:000000000000:"+name
	services := func(role string) *app.Services {
		s, err := app.New(c.of(role, cfg), app.Config{
			Table: name, TopicARN: topic, SessionKeys: [][]byte{make([]byte, 32)}, EmitKeys: []session.APIKey{emit}, Cells: 1, RateLimits: true, FriendsOnly: false,
		}, app.Options{Passwords: session.NewPasswords(session.WithCost(8, 1)), Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}

	site := httptest.NewServer(areas(t, services))
	defer site.Close()
	for _, row := range matrix {
		all := newCast(t, site.URL)
		all.prepare(row.given)
		for _, request := range row.does {
			all.do(request)
		}
	}
	readAll(t, site.URL)
	streamOnce(t, c.of("Streamer", cfg), services("Streamer"), site)
	janitor := c.of("Janitor", cfg)
	leaveBehind(t, cfg, topic)
	if swept, err := (&bus.Janitor{SQS: sqs.NewFromConfig(janitor), SNS: sns.NewFromConfig(janitor), TopicARN: topic}).Sweep(t.Context()); err != nil || swept.Queues != 1 || swept.Subscriptions != 2 {
		t.Errorf("swept %+v %v", swept, err)
	}
	relay := &bus.Topic{Client: sns.NewFromConfig(c.of("Relay", cfg)), ARN: topic}
	if err := relay.PublishHints(t.Context(), []bus.Hint{{Log: "c:1-2", Seq: 1}}); err != nil {
		t.Error(err)
	}
	c.compare(t, rolesAllow(t))
}

// areas serves the API as its Lambdas do, each with the services of its role.
func areas(t *testing.T, services func(role string) *app.Services) http.Handler {
	mux := http.NewServeMux()
	for role, area := range map[string]func(*httpapi.API) http.Handler{
		"Auth": (*httpapi.API).AuthHandler, "Conversations": (*httpapi.API).ConversationsHandler, "GroupChats": (*httpapi.API).GroupChatsHandler,
		"Friends": (*httpapi.API).FriendsHandler, "Notifications": (*httpapi.API).NotificationsHandler,
		"Events": (*httpapi.API).EventsHandler,
	} {
		s := services(role)
		pattern := "/api/" + strings.ToLower(role)
		mux.Handle(pattern, lambdahttp.Local(lambdahttp.Handler(area(s.API))))
		mux.Handle(pattern+"/", lambdahttp.Local(lambdahttp.Handler(area(s.API))))
		if role == "Auth" {
			mux.Handle("/api/users", lambdahttp.Local(lambdahttp.Handler(area(s.API))))
			mux.Handle("/api/users/", lambdahttp.Local(lambdahttp.Handler(area(s.API))))
		}
		seeStranger(t, role, s)
	}
	return mux
}

// seeStranger makes the account of somebody whom the app beside this service has
// logged in, as any part may that is asked first.
func seeStranger(t *testing.T, role string, s *app.Services) {
	for i, numeric := range []bool{false, true} {
		who := &chat.Identities{Store: s.Store, Users: s.Store, Now: time.Now, Numeric: numeric}
		subject := fmt.Sprint(1_000_000 + 10*len(role) + int(role[0]) + i)
		if _, err := who.User(t.Context(), chat.Identity{Issuer: "nextauth", Subject: subject, Name: "guest-" + strings.ToLower(role)}); err != nil {
			t.Fatal(err)
		}
	}
}

// readAll asks every route that reads.
func readAll(t *testing.T, url string) {
	c := newCast(t, url)
	c.prepare("conversation")
	c.prepare("group")
	paths := strings.NewReplacer("/users/{id}", "/users/{ann}", "/conversations/{id}", "/conversations/{c}", "/groupchats/{id}", "/groupchats/{g}")
	for _, rt := range httpapi.Routes() {
		if !rt.Writes() && !strings.HasPrefix(rt.Path, "/api/ops/") { // those are the streamer's
			c.do("ann " + rt.Method + " " + paths.Replace(rt.Path) + "?query=a")
		}
	}
	c.do("ann GET /api/notifications?unread=true")
}

// streamOnce runs a streamer for a stream that catches up, hears of a message and ends.
func streamOnce(t *testing.T, cfg aws.Config, s *app.Services, rest *httptest.Server) {
	seeStranger(t, "Streamer", s)
	one, err := s.OpenStreamer(t.Context(), cfg, app.StreamerConfig{Config: stream.Config{Instance: "roles", Drain: 1}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	one.Address = "127.0.0.1:9" // so it is announced
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := one.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	mux := http.NewServeMux()
	mux.Handle("/api/events", one.Events)
	mux.Handle("/", rest.Config.Handler)
	site := httptest.NewServer(mux)
	ann, ben := newPerson(t, site.URL, "ann"), newPerson(t, site.URL, "ben")
	id := ann.open(ben)
	ben.listen()
	ann.say(id, "one")
	ben.nextFrame()
	last := ben.next()
	ann.say(id, "two")
	ann.say(id, "three")
	again := ben.tab(ben.token)
	again.resume(last.ID)
	again.nextFrame()

	queue, err := bus.OpenQueue(t.Context(), bus.QueueConfig{SQS: sqs.NewFromConfig(cfg), SNS: sns.NewFromConfig(cfg), TopicARN: s.Topic.ARN, Instance: "lease"})
	if err != nil {
		t.Fatal(err)
	}
	if err := queue.Renew(t.Context()); err != nil { // every 30 s, and this test is over before
		t.Error(err)
	}
	if err := queue.Close(t.Context()); err != nil {
		t.Error(err)
	}
	stop()
	running.Wait()
	site.Close()
}

// leaveBehind makes what a streamer leaves that was killed: a queue with its
// subscription, and a subscription alone.
func leaveBehind(t *testing.T, cfg aws.Config, topic string) {
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"*","Condition":{"ArnEquals":{"aws:SourceArn":%q}}}]}`, topic)
	if _, err := sqs.NewFromConfig(cfg).CreateQueue(t.Context(), &sqs.CreateQueueInput{
		QueueName: aws.String(bus.DefaultPrefix + "dead"), Attributes: map[string]string{"Policy": policy},
		Tags: map[string]string{bus.LeaseTag: time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)},
	}); err != nil {
		t.Fatal(err)
	}
	for _, queue := range []string{"dead", "long-gone"} {
		if _, err := sns.NewFromConfig(cfg).Subscribe(t.Context(), &sns.SubscribeInput{
			TopicArn: &topic, Protocol: aws.String("sqs"), Endpoint: aws.String("arn:aws:sqs:us-east-1:000000000000:" + bus.DefaultPrefix + queue),
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// calls are those that were made, by role, as "dynamodb:Query on TableArn".
type calls struct {
	mu   sync.Mutex
	made map[string]map[string]bool
}

// of gives a configuration whose calls are written down as the role's.
func (c *calls) of(role string, cfg aws.Config) aws.Config {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made[role] == nil {
		c.made[role] = map[string]bool{}
	}
	cfg = cfg.Copy()
	cfg.APIOptions = append(slices.Clone(cfg.APIOptions), func(s *middleware.Stack) error {
		return s.Initialize.Add(middleware.InitializeMiddlewareFunc("Record", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			c.mu.Lock()
			for _, call := range permissions(strings.ToLower(awsmiddleware.GetServiceID(ctx)), awsmiddleware.GetOperationName(ctx), in.Parameters) {
				c.made[role][call] = true
			}
			c.mu.Unlock()
			return next.HandleInitialize(ctx, in)
		}), middleware.After)
	})
	return cfg
}

// compare finds calls that no role allows, and what a role allows for nothing.
func (c *calls) compare(t *testing.T, allowed map[string]map[string]bool) {
	t.Helper()
	for role, made := range c.made {
		for _, call := range byAWS[role] {
			made[call] = true
		}
		for call := range made {
			if !allowed[role][call] {
				t.Errorf("%s calls %s, which its role does not allow", role, call)
			}
		}
		for call := range allowed[role] {
			if !made[call] {
				t.Errorf("the role of %s allows %s, which it never calls", role, call)
			}
		}
	}
	for role := range allowed {
		if _, ok := c.made[role]; !ok {
			t.Errorf("nobody plays %s", role)
		}
	}
}

// permissions are what a call asks for, by the service authorization reference.
func permissions(service, operation string, in any) []string {
	resource := map[string]string{"dynamodb": "TableArn", "sns": "TopicArn", "sqs": "tidings-streamer-*"}[service]
	switch in := in.(type) {
	case *dynamodb.TransactWriteItemsInput: // asks for what it is made of
		var out []string
		for _, w := range in.TransactItems {
			for name, there := range map[string]bool{"PutItem": w.Put != nil, "UpdateItem": w.Update != nil, "DeleteItem": w.Delete != nil, "ConditionCheckItem": w.ConditionCheck != nil} {
				if there {
					out = append(out, "dynamodb:"+name+" on TableArn")
				}
			}
		}
		return out
	case *dynamodb.QueryInput:
		if in.IndexName != nil {
			resource += "/index/" + *in.IndexName
		}
	case *sqs.DeleteMessageBatchInput:
		operation = "DeleteMessage"
	case *sqs.CreateQueueInput:
		return []string{"sqs:CreateQueue on " + resource, "sqs:TagQueue on " + resource} // its tags ask for their own
	case *sqs.ListQueuesInput, *sns.UnsubscribeInput:
		resource = "*"
	}
	return []string{service + ":" + operation + " on " + resource}
}

// rolesAllow reads infra/roles.yaml: what its roles allow but logs, which Lambda and
// ECS write.
func rolesAllow(t *testing.T) map[string]map[string]bool {
	b, err := os.ReadFile("../infra/roles.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]struct {
			Properties struct {
				Policies []struct {
					PolicyDocument struct {
						Statement []statement `yaml:"Statement"`
					} `yaml:"PolicyDocument"`
				} `yaml:"Policies"`
			} `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(b, &template); err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]bool{}
	for role, r := range template.Resources {
		if role == "StreamerExecution" {
			continue // of ECS itself
		}
		out[role] = map[string]bool{}
		for _, p := range r.Properties.Policies {
			for _, s := range p.PolicyDocument.Statement {
				maps.Copy(out[role], s.calls())
			}
		}
	}
	return out
}

type statement struct {
	Action   yaml.Node `yaml:"Action"`
	Resource yaml.Node `yaml:"Resource"`
}

// UnmarshalYAML takes a statement that depends on a condition as given.
func (s *statement) UnmarshalYAML(n *yaml.Node) error {
	if n.Tag == "!If" {
		n = n.Content[1]
	}
	type plain statement
	return n.Decode((*plain)(s))
}

func (s statement) calls() map[string]bool {
	actions := []*yaml.Node{&s.Action}
	if s.Action.Kind == yaml.SequenceNode {
		actions = s.Action.Content
	}
	resource := &s.Resource
	if resource.Kind == yaml.AliasNode {
		resource = resource.Alias
	}
	name := strings.NewReplacer("${", "", "}", "").Replace(resource.Value)
	if i := strings.LastIndexByte(name, ':'); i >= 0 {
		name = name[i+1:]
	}
	out := map[string]bool{}
	for _, a := range actions {
		if !strings.HasPrefix(a.Value, "logs:") {
			out[a.Value+" on "+name] = true
		}
	}
	return out
}
