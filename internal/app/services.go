package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"tidings/internal/bus"
	"tidings/internal/chat"
	"tidings/internal/dynamo"
	"tidings/internal/httpapi"
	"tidings/internal/ops"
	"tidings/internal/session"
	"tidings/internal/telemetry"
)

// Services are the parts that the executables are made of.
type Services struct {
	Store         *dynamo.Store
	Topic         *bus.Topic
	Authenticator *session.Authenticator
	API           *httpapi.API
}

// Options are what tests and the local system choose besides the Config.
type Options struct {
	Passwords *session.Passwords // nil: session.NewPasswords()
	Now       func() time.Time   // nil: time.Now. The clock of whatever writes; a streamer's hub has the machine's own
	Log       *slog.Logger
	Metrics   *telemetry.EMF // nil: none
}

// New wires the services on top of an AWS configuration.
func New(cfg aws.Config, c Config, o Options) (*Services, error) {
	tokens, err := session.NewTokens(c.SessionKeys...)
	if err != nil {
		return nil, fmt.Errorf("session keys: %w", err)
	}
	if o.Passwords == nil {
		o.Passwords = session.NewPasswords()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Services{
		Store:         dynamo.New(cfg, c.Table, c.Limits(), o.Now),
		Topic:         &bus.Topic{Client: sns.NewFromConfig(cfg), ARN: c.TopicARN, Cells: c.Cells, Now: o.Now},
		Authenticator: &session.Authenticator{Tokens: tokens, Now: o.Now},
	}
	if len(c.NextAuthSecrets) > 0 {
		users := &chat.Identities{Store: s.Store, Users: s.Store, Now: o.Now, Numeric: c.NextAuthNumericSub}
		if s.Authenticator.NextAuth, err = session.NewNextAuth(users, c.NextAuthSecrets...); err != nil {
			return nil, err
		}
	}
	accounts := &chat.Accounts{
		Users: s.Store, Sessions: s.Store, Hasher: o.Passwords, Bus: s.Topic, Now: o.Now, Log: o.Log,
	}
	if c.RateLimits {
		accounts.Attempts = s.Store
	}
	messages := &chat.Messages{Store: s.Store, Views: s.Store, Users: s.Store, Bus: s.Topic, Log: o.Log}
	var contacts chat.Contacts
	if c.FriendsOnly {
		contacts.Friends = s.Store
	}
	s.API = &httpapi.API{
		Accounts:       accounts,
		Conversations:  &chat.Conversations{Store: s.Store, Users: s.Store, Bus: s.Topic, Log: o.Log, Contacts: contacts},
		Messages:       messages,
		Groups:         &chat.Groups{Store: s.Store, Members: s.Store, Views: s.Store, Users: s.Store, Bus: s.Topic, Now: o.Now, Log: o.Log, Contacts: contacts},
		Friends:        &chat.Friends{Store: s.Store, Users: s.Store, Bus: s.Topic, Log: o.Log},
		Notifications:  &chat.Notifications{Store: s.Store, Views: s.Store, Messages: messages, Bus: s.Topic, Log: o.Log},
		Emissions:      &chat.Emissions{Store: s.Store, Bus: s.Topic, Log: o.Log},
		APIKeys:        c.EmitKeys,
		Operations:     &chat.Operations{Store: s.Store, Peers: ops.NewPeers(), Now: o.Now, Log: o.Log},
		Deliveries:     &chat.Deliveries{Store: s.Store, Now: o.Now},
		Admins:         c.Admins,
		Authenticator:  s.Authenticator,
		AllowedOrigins: c.AllowedOrigins,
		Log:            o.Log,
		Metrics:        o.Metrics,
	}
	return s, nil
}

// Main is the shape of every executable: a context that ends with SIGINT or
// SIGTERM, and one function that can be tested.
func Main(run func(ctx context.Context, getenv func(string) string, stdout, stderr io.Writer) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Getenv, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}
