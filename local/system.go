package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"tidings/internal/app"
	"tidings/internal/relay"
	"tidings/internal/session"
	embedded "tidings/local/aws"
)

// name is that of the table and of the topic.
const name = "tidings"

// System is everything in one process.
type System struct {
	URL    string           // of REST and the stream
	AWSURL string           // of the AWS it stands on
	AWS    *embedded.Server // nil when it stands on another one
	Data   string           // the folder of everything that is kept

	ctx    context.Context // ends when the system shall stop, with the cause
	cancel context.CancelCauseFunc
	tasks  sync.WaitGroup // of the streamers, the relay and the janitor, which end with ctx

	// Ports and the AWS outlive the tasks, which take leave through them.
	serving     context.Context
	stopServing context.CancelFunc
	servers     sync.WaitGroup
	closeIdle   func() // connections to another AWS
}

// Start starts the system; it stops when ctx ends. The caller must Wait.
func Start(ctx context.Context, c Config, log *slog.Logger) (_ *System, err error) {
	s := &System{Data: c.Data}
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	s.serving, s.stopServing = context.WithCancel(context.WithoutCancel(ctx))
	defer func() {
		if err != nil {
			s.cancel(err)
			_ = s.Wait() // says the same
		}
	}()
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, fmt.Errorf("DATA: %w", err)
	}
	cfg, err := s.startAWS(c, log)
	if err != nil {
		return nil, err
	}
	services, err := s.open(c, cfg, log)
	if err != nil {
		return nil, err
	}
	streamers, err := s.openStreamers(services, c, cfg, log)
	if err != nil {
		return nil, err
	}
	if err := s.follow(services, cfg, filepath.Join(c.Data, "relay.json"), log); err != nil {
		return nil, err
	}
	s.sweep(services, cfg, sweepEvery, log)
	if err := makeDemoUsers(s.ctx, services.API.Accounts); err != nil {
		return nil, err
	}
	web, err := loadWebApp(c.Web)
	if err != nil {
		return nil, err
	}
	addr, err := s.listen("PORT", c.Port, routes(services, streamers, web, s))
	if err != nil {
		return nil, err
	}
	s.URL = "http://localhost:" + addr
	return s, nil
}

// Wait waits until everything has stopped, and says why if it wasn't asked to.
func (s *System) Wait() error {
	<-s.ctx.Done()
	s.tasks.Wait()
	s.stopServing()
	s.servers.Wait()
	err := context.Cause(s.ctx)
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	if s.AWS != nil {
		err = errors.Join(err, s.AWS.Close())
	}
	if s.closeIdle != nil {
		s.closeIdle()
	}
	return err
}

// run runs a task. When one ends, all do.
func (s *System) run(part string, f func(context.Context) error) {
	s.tasks.Go(func() { s.ended(part, f(s.ctx)) })
}

func (s *System) ended(part string, err error) {
	if err == nil || s.ctx.Err() != nil {
		err = context.Canceled
	} else {
		err = fmt.Errorf("%s: %w", part, err)
	}
	s.cancel(err)
}

// startAWS starts the embedded AWS, or takes the one at AWS_ENDPOINT_URL.
func (s *System) startAWS(c Config, log *slog.Logger) (aws.Config, error) {
	if c.Endpoint != "" {
		s.AWSURL = c.Endpoint
		cfg, err := app.LoadAWS(s.ctx, config.WithDefaultRegion("us-east-1"), config.WithBaseEndpoint(c.Endpoint))
		if client, ok := cfg.HTTPClient.(*app.Client); ok {
			s.closeIdle = client.CloseIdleConnections
		}
		return cfg, err
	}
	srv, err := embedded.New(embedded.Options{Dir: filepath.Join(c.Data, "aws"), Logger: log})
	if err != nil {
		return aws.Config{}, fmt.Errorf("embedded AWS: %w", err)
	}
	s.AWS = srv
	addr, err := s.listen("AWS_PORT", c.AWSPort, noBrowsers(srv))
	if err != nil {
		return aws.Config{}, err
	}
	s.servers.Go(func() { s.ended("embedded AWS", srv.Run(s.serving)) })
	s.AWSURL = "http://127.0.0.1:" + addr
	return srv.Config(), nil
}

// open makes the table and the topic, if they are not there, and the services on them.
func (s *System) open(c Config, cfg aws.Config, log *slog.Logger) (*app.Services, error) {
	topic, err := sns.NewFromConfig(cfg).CreateTopic(s.ctx, &sns.CreateTopicInput{Name: aws.String(name)})
	if err != nil {
		return nil, fmt.Errorf("create topic: %w", err)
	}
	key, err := sessionKey(c.Data)
	if err != nil {
		return nil, err
	}
	emit, err := emitKey(c.Data)
	if err != nil {
		return nil, err
	}
	services, err := app.New(cfg, app.Config{
		Table: name, TopicARN: aws.ToString(topic.TopicArn), SessionKeys: [][]byte{key}, EmitKeys: []session.APIKey{emit}, Cells: 1, RateLimits: c.RateLimits, FriendsOnly: c.FriendsOnly,
		Admins: c.Admins, AllowedOrigins: c.AllowedOrigins, NextAuthSecrets: c.NextAuthSecrets, NextAuthNumericSub: c.NextAuthNumericSub,
	}, app.Options{Passwords: c.Passwords, Log: log, Metrics: c.Metrics})
	if err != nil {
		return nil, err
	}
	return services, services.Store.CreateTable(s.ctx)
}

// follow runs the relay on the table's stream.
func (s *System) follow(services *app.Services, cfg aws.Config, checkpoint string, log *slog.Logger) error {
	arn, err := services.Store.StreamARN(s.ctx)
	if err != nil {
		return err
	}
	f := &relay.Follower{
		Relay: &relay.Relay{Publisher: services.Topic, Metrics: services.API.Metrics}, Streams: dynamodbstreams.NewFromConfig(cfg), StreamARN: arn,
		Checkpoint: relay.FileCheckpoint(checkpoint), Log: log,
	}
	if s.AWS != nil {
		f.Changed = s.AWS.DynamoChanged
	}
	s.run("relay", f.Run)
	return nil
}

// listen serves h on a port of the loopback address until the system stops, and
// gives the port.
func (s *System) listen(variable string, port int, h http.Handler) (string, error) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return "", fmt.Errorf("%s: %w", variable, err)
	}
	srv := &http.Server{Handler: h, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10}
	s.servers.Go(func() { s.ended(variable, srv.Serve(l)) })
	s.servers.Go(func() {
		<-s.serving.Done()
		// What is under way may end; a long poll from outside may take too long.
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if srv.Shutdown(ctx) != nil {
			_ = srv.Close()
		}
	})
	_, addr, err := net.SplitHostPort(l.Addr().String())
	return addr, err
}
