// Package app is the wiring that the executables share: configuration and the
// composition of services. It holds no logic.
package app

import (
	"tidings/internal/chat"
	"tidings/internal/dynamo"
	"tidings/internal/session"
)

// Config is what the functions and the streamer are told by their environment.
// Region, credentials and AWS_ENDPOINT_URL are read by the AWS SDK itself.
type Config struct {
	// Table is the name of the DynamoDB table. TABLE_NAME.
	Table string
	// TopicARN is the SNS topic that entries are published to. TOPIC_ARN.
	TopicARN string
	// SessionKeys sign session tokens: the first signs, all verify, so that a key
	// can be replaced without logging anybody out. At least 32 bytes each.
	// SESSION_KEYS, base64, separated by commas.
	SessionKeys [][]byte
	// EmitKeys are those of the services that may emit events, each known by its hash; a
	// service may have several, so that one can be replaced. None: nobody may.
	// EMIT_KEYS, each "<caller>:<SHA-256 of the key in hex>", separated by commas.
	EmitKeys []session.APIKey
	// Admins are the users who may ask what operators ask. ADMINS, user ids separated by
	// commas; none: nobody may.
	Admins []chat.UserID
	// NextAuthSecrets are those of the Next.js app whose sessions are accepted besides
	// our own; none: no such app. NEXTAUTH_SECRET and AUTH_SECRET, which the app has
	// too, each one secret or several separated by commas.
	NextAuthSecrets []string
	// NextAuthNumericSub says that the app's user ids are numbers and are the ids of
	// users here too. NEXTAUTH_NUMERIC_SUB, on or off (default).
	NextAuthNumericSub bool
	// AllowedOrigins may write besides the origin that serves the API, as
	// "https://app.example.org". ALLOWED_ORIGINS, separated by commas.
	AllowedOrigins []string
	// Cells is the number of cells that streamers are divided into, 1 to 256.
	// CELLS, default 1.
	Cells int
	// FriendsOnly lets users open conversations with friends and add friends to group
	// chats alone. CONTACTS, anyone (default) or friends.
	FriendsOnly bool
	// Telemetry is how the executable tells of itself.
	Telemetry Telemetry
	// RateLimits says whether users are held to the rates of dynamo.DefaultLimits.
	// RATE_LIMITS, on (default) or off.
	RateLimits bool
}

// ReadConfig reads a Config and reports all that is wrong with it at once.
func ReadConfig(getenv func(string) string) (Config, error) {
	e := NewEnv(getenv)
	c := Config{
		Table:          e.Required("TABLE_NAME"),
		TopicARN:       e.Required("TOPIC_ARN"),
		SessionKeys:    e.keys("SESSION_KEYS"),
		EmitKeys:       e.emitKeys("EMIT_KEYS"),
		Admins:         e.Admins(),
		AllowedOrigins: e.AllowedOrigins(),
		Cells:          e.Number("CELLS", 1, 1, 256),
		FriendsOnly:    e.FriendsOnly(),
		RateLimits:     e.OnOff("RATE_LIMITS", true),
		Telemetry:      e.Telemetry(),
	}
	c.NextAuthSecrets, c.NextAuthNumericSub = e.NextAuth()
	return c, e.Err()
}

// Limits are the limits that the configuration asks for.
func (c Config) Limits() dynamo.Limits {
	if !c.RateLimits {
		return dynamo.Limits{Memberships: dynamo.DefaultLimits.Memberships}
	}
	return dynamo.DefaultLimits
}
