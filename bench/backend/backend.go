// Package backend is what measurements of the whole path stand on: an embedded AWS on a
// port, whose requests are counted, and the services to fill its table with people.
package backend

import (
	"context"
	"encoding/base64"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"os/exec"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"tidings/internal/app"
	"tidings/internal/chat"
	"tidings/internal/chattest"
	"tidings/internal/session"
	embedded "tidings/local/aws"
)

// name is that of the table and of the topic, as in the local system.
const name = "tidings"

// Backend is an embedded AWS in memory. What comes to it by its port is counted; the
// Services of this process go past the counter.
type Backend struct {
	URL      string
	Services *app.Services
	Units    *chattest.Capacity
	key      []byte // that session tokens are signed with
	topic    string
	server   http.Server
}

// Start starts the AWS, with an empty table and a topic.
func Start(ctx context.Context) (*Backend, error) {
	aws0, err := embedded.New(embedded.Options{})
	if err != nil {
		return nil, err
	}
	topic, err := sns.NewFromConfig(aws0.Config()).CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String(name)})
	if err != nil {
		return nil, err
	}
	b := &Backend{Units: &chattest.Capacity{Next: aws0.Client().Transport}, key: make([]byte, session.MinKey), topic: aws.ToString(topic.TopicArn)}
	b.Services, err = app.New(aws0.Config(), app.Config{Table: name, TopicARN: b.topic, SessionKeys: [][]byte{b.key}, Cells: 1}, app.Options{
		Passwords: session.NewPasswords(session.WithCost(8, 1)), // nobody logs in with them
		Log:       slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return nil, err
	}
	if err := b.Services.Store.CreateTable(ctx); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b.URL = "http://" + l.Addr().String()
	b.server.Handler = &httputil.ReverseProxy{
		Transport: b.Units,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", r.In.Host
		},
		ErrorLog: log.New(io.Discard, "", 0), // that a poller went away, at the end of a measurement
	}
	go func() { _ = b.server.Serve(l) }()
	go func() { _ = aws0.Run(ctx) }()
	return b, nil
}

// Close ends what others ask for by the port.
func (b *Backend) Close() { _ = b.server.Close() }

// Key is the signing key as SESSION_KEYS and the local system's session.key hold it.
func (b *Backend) Key() string { return base64.StdEncoding.EncodeToString(b.key) }

// Command is an executable of this project that stands on the backend, with more of an
// environment; what it logs is dropped. It is killed when ctx ends.
func (b *Backend) Command(ctx context.Context, path string, env ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, path)
	c.Env = append(os.Environ(),
		"AWS_ENDPOINT_URL="+b.URL, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x",
		"TABLE_NAME="+name, "TOPIC_ARN="+b.topic, "SESSION_KEYS="+b.Key(), "RATE_LIMITS=off")
	c.Env = append(c.Env, env...)
	return c
}

// Person is a user with a session.
type Person struct {
	chat.UserRef
	Token string
}

// Register makes an account and logs it in.
func (b *Backend) Register(ctx context.Context, username string) (Person, error) {
	u, s, err := b.Services.API.Accounts.Register(ctx, chat.Registration{Username: username, Password: "correct horse"})
	if err != nil {
		return Person{}, err
	}
	token, err := b.Services.Authenticator.Tokens.Sign(s)
	return Person{UserRef: u.UserRef, Token: token}, err
}

// Build builds the executable of a package into dir and gives its path.
func Build(ctx context.Context, dir, pkg string) (string, error) {
	bin := dir + "/" + pkg[strings.LastIndexByte(pkg, '/')+1:]
	c := exec.CommandContext(ctx, "go", "build", "-o", bin, pkg)
	c.Stderr = os.Stderr
	return bin, c.Run()
}
