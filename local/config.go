package main

import (
	"cmp"
	"time"

	"tidings/internal/app"
	"tidings/internal/chat"
	"tidings/internal/session"
	"tidings/internal/telemetry"
)

// Config is what `make run` is told by its environment.
type Config struct {
	// Port serves REST, the stream and what an operator looks at. PORT, default
	// 8080; 0 takes a free one.
	Port int
	// Data is the folder of everything that is kept. DATA, default .tidings.
	Data string
	// AWSPort is where the embedded AWS listens for the aws CLI and for probes.
	// AWS_PORT, default 4566 as with other emulators; 0 takes a free one.
	AWSPort int
	// Web is the folder of the built web app, which need not be there. WEB, default
	// web/dist.
	Web string
	// Streamers is how many streamers there are behind the port; a new stream gets to
	// another one than the last. STREAMERS, 1 (default) to 9.
	Streamers int
	// Drain is over how long a stop sends the streams away, so that they are told one
	// after the other. DRAIN, in seconds, 0 to 110, default 1.
	Drain time.Duration
	// RateLimits holds users to the limits of production. RATE_LIMITS, on
	// (default) or off.
	RateLimits bool
	// Admins is as in app.Config. ADMINS, default 1: alice, where the table is new.
	Admins []chat.UserID
	// FriendsOnly is as in app.Config. CONTACTS.
	FriendsOnly bool
	// AllowedOrigins, NextAuthSecrets and NextAuthNumericSub are as in app.Config.
	AllowedOrigins     []string
	NextAuthSecrets    []string
	NextAuthNumericSub bool
	// Endpoint is another AWS to run on, such as LocalStack, instead of the
	// embedded one. AWS_ENDPOINT_URL, with the SDK's own variables beside it.
	Endpoint string

	// Telemetry is as in app.Config; the log is text. METRICS=emf shows what the functions
	// would write in Lambda.
	Telemetry app.Telemetry
	// Metrics are where it does.
	Metrics *telemetry.EMF

	// Passwords may make hashing cheap in tests.
	Passwords *session.Passwords
}

func readConfig(getenv func(string) string) (Config, error) {
	e := app.NewEnv(getenv)
	c := Config{
		Port:        e.Number("PORT", 8080, 0, 65535),
		Data:        getenv("DATA"),
		Web:         cmp.Or(getenv("WEB"), "web/dist"),
		AWSPort:     e.Number("AWS_PORT", 4566, 0, 65535),
		Streamers:   e.Number("STREAMERS", 1, 1, 9),
		Drain:       time.Duration(e.Number("DRAIN", 1, 0, 110)) * time.Second,
		RateLimits:  e.OnOff("RATE_LIMITS", true),
		FriendsOnly: e.FriendsOnly(),
		Endpoint:    getenv("AWS_ENDPOINT_URL"),
		Telemetry:   e.Telemetry(),
	}
	if c.Admins = e.Admins(); c.Admins == nil {
		c.Admins = []chat.UserID{1}
	}
	c.AllowedOrigins = e.AllowedOrigins()
	c.NextAuthSecrets, c.NextAuthNumericSub = e.NextAuth()
	if c.Data == "" {
		c.Data = ".tidings"
	}
	return c, e.Err()
}
