package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"tidings/internal/chattest"
	"tidings/internal/telemetry"
	"tidings/local/aws"
)

// kept is what is written to it.
type kept struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

func (k *kept) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.b.Write(p)
}

func (k *kept) String() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.b.String()
}

// Nothing that somebody wrote, and nothing that opens a door, stands in the logs or the
// metrics of a system at its chattiest, whose AWS fails and whose clients err.
func TestLogsTellNothingPrivate(t *testing.T) {
	const secret = "zanzibar" // in everything that people write
	var log, metrics kept
	sys := mustStartLogging(t, telemetry.NewLog(&log, slog.LevelDebug), func(c *Config) {
		c.Metrics = telemetry.NewEMF(&metrics, "")
	})
	alice, bob := newPerson(t, sys.URL, "alice-"+secret), newPerson(t, sys.URL, "bob-"+secret)
	alice.listen()
	bob.listen()
	id := alice.open(bob)
	group := alice.createGroup("Group "+secret, bob)
	if err := sys.AWS.Faults().Set(aws.FaultConfig{Duplicate: 1, PublishFail: 0.5, Conflict: 0.3}); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		alice.say(id, "Message "+secret)
		bob.must(204, nil, http.MethodPost, "/api/conversations/"+id+"/read", `{"messageId":"2"}`)
		alice.must(202, nil, http.MethodPost, "/api/conversations/"+id+"/typing", "")
	}
	alice.must(200, nil, http.MethodPatch, "/api/groupchats/"+group.ID, `{"name":"New `+secret+`"}`)
	alice.must(201, nil, http.MethodPost, "/api/friends/request", `{"username":"`+bob.ref.Username+`"}`, "Idempotency-Key", "key-"+secret)
	for _, c := range []struct {
		status                     int
		method, path, body, header string
	}{
		{401, "POST", "/api/auth/login", `{"username":"` + alice.ref.Username + `","password":"wrong ` + secret + `"}`, ""},
		{422, "POST", "/api/conversations/" + id + "/messages", `{"content":"` + secret + strings.Repeat("x", 4001) + `"}`, ""},
		{400, "POST", "/api/conversations/" + id + "/messages", `{"content":"` + secret, ""},
		{404, "GET", "/api/" + secret, "", ""},
		{200, "GET", "/api/users?query=" + secret, "", ""},
		{401, "GET", "/api/friends", "", "Bearer " + secret},
		{404, "GET", "/api/friends", "", "X-Request-Id"},
	} {
		header := []string{"X-Odd", secret, "Cookie", "other=" + secret}
		if strings.HasPrefix(c.header, "Bearer") {
			header = append(header, "Authorization", c.header)
		}
		if c.header == "X-Request-Id" {
			c.status, header = 200, append(header, "X-Request-Id", "{"+secret+"}")
		}
		alice.must(c.status, nil, c.method, c.path, c.body, header...)
	}
	for _, query := range []string{"?lastEventId=" + secret, "?access_token=" + secret} {
		s, err := chattest.OpenStream(t.Context(), bob.client, sys.URL+"/api/events"+query, http.Header{"Authorization": {"Bearer " + bob.token}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Await("ready"); err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
	alice.must(204, nil, http.MethodPost, "/api/auth/logout", "")
	for alice.next().Name != "closed" {
	}

	logged, measured := log.String(), metrics.String()
	for _, must := range []string{`"msg":"publish entry"`, `"msg":"request"`, `"requestId":"`, `"route":"POST /api/conversations/{id}/messages"`} {
		if !strings.Contains(logged, must) {
			t.Errorf("the log tells nothing of %s", must)
		}
	}
	if strings.Count(measured, "\n") < 30 || !strings.Contains(measured, `"PublishFailures":1`) || !strings.Contains(measured, `"EntriesHinted":`) {
		t.Errorf("the metrics are %s", measured)
	}
	for _, private := range []string{secret, alice.token, bob.token, "correct horse", "tidings.session", "Bearer"} {
		if strings.Contains(logged, private) || strings.Contains(measured, private) {
			t.Errorf("%q stands there", private)
			for line := range strings.Lines(logged + measured) {
				if strings.Contains(line, private) {
					t.Log(line)
				}
			}
		}
	}
}
