package main

import (
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"tidings/internal/app"
	"tidings/internal/chat"
)

func TestReadConfig(t *testing.T) {
	for _, c := range []struct {
		name  string
		env   map[string]string
		want  Config
		wrong []string // what the error must speak of, all of it
	}{
		{name: "OK", want: Config{Port: 8080, Data: ".tidings", Web: "web/dist", AWSPort: 4566, Streamers: 1, Drain: time.Second, RateLimits: true, Admins: []chat.UserID{1}, Telemetry: app.Telemetry{Traces: "none"}}},
		{
			name: "OKEverything",
			env: map[string]string{
				"PORT": "0", "DATA": "/d", "WEB": "/w", "ALLOWED_ORIGINS": "http://b:2", "AWS_PORT": "1", "STREAMERS": "9", "DRAIN": "0", "RATE_LIMITS": "off", "CONTACTS": "friends", "ADMINS": "7,8",
				"NEXTAUTH_SECRET": "s", "NEXTAUTH_NUMERIC_SUB": "on", "AWS_ENDPOINT_URL": "http://a:1", "LOG_LEVEL": "warn", "METRICS": "emf", "OTEL_TRACES_EXPORTER": "console",
			},
			want: Config{
				Port: 0, Data: "/d", Web: "/w", AWSPort: 1, Streamers: 9, FriendsOnly: true, Admins: []chat.UserID{7, 8}, AllowedOrigins: []string{"http://b:2"},
				NextAuthSecrets: []string{"s"}, NextAuthNumericSub: true, Endpoint: "http://a:1",
				Telemetry: app.Telemetry{LogLevel: slog.LevelWarn, EMF: true, Traces: "console"},
			},
		},
		{
			name:  "ErrAllAtOnce",
			env:   map[string]string{"PORT": "x", "AWS_PORT": "65536", "STREAMERS": "0", "DRAIN": "111", "RATE_LIMITS": "maybe", "CONTACTS": "me", "METRICS": "on"},
			wrong: []string{"PORT: \"x\"", "AWS_PORT", "STREAMERS: \"0\" is not a whole number from 1 to 9", "DRAIN", "RATE_LIMITS", "CONTACTS", "METRICS"},
		},
		{name: "ErrTooManyStreamers", env: map[string]string{"STREAMERS": "10"}, wrong: []string{"STREAMERS"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := readConfig(func(k string) string { return c.env[k] })
			if c.wrong == nil && (err != nil || !reflect.DeepEqual(got, c.want)) {
				t.Errorf("%+v %v\nwant %+v", got, err, c.want)
			}
			for _, w := range c.wrong {
				if err == nil || !strings.Contains(err.Error(), w) {
					t.Errorf("nothing of %q in: %v", w, err)
				}
			}
		})
	}
}
