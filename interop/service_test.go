package interop

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// service is the whole of Tidings in a process of its own, on free ports and with
// data of its own.
type service struct {
	url string
}

// mustStart starts bin/tidings, or the program that TIDINGS_BIN names.
func mustStart(t *testing.T) service {
	t.Helper()
	bin := cmp.Or(os.Getenv("TIDINGS_BIN"), "../bin/tidings")
	cmd := exec.Command(bin)
	cmd.Env = append(os.Environ(), "PORT=0", "AWS_PORT=0", "DATA="+t.TempDir(), "RATE_LIMITS=off")
	out, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s (make bin/tidings): %v", bin, err)
	}
	found := make(chan string, 1)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		defer close(found)
		where := regexp.MustCompile(`Tidings runs on (http://\S+)`)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if m := where.FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1]
			}
			if strings.Contains(lines.Text(), "level=ERROR") {
				t.Log(lines.Text())
			}
		}
	}()
	ended := make(chan error, 1)
	go func() {
		ended <- cmd.Wait()
		_ = w.Close()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := <-ended; err != nil {
			t.Errorf("the service ended with %v", err)
		}
		<-drained
	})
	u, ok := <-found
	if !ok {
		t.Fatalf("%s has ended without a word of where it runs", bin)
	}
	return service{u}
}

func (s service) host(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// person is a user who is logged in.
type person struct {
	service service
	id      int64
	token   string
}

func (s service) mustRegister(t *testing.T, name string) person {
	t.Helper()
	var answer struct {
		User  struct{ ID int64 }
		Token string
	}
	p := person{service: s}
	p.mustPost(t, "/api/auth/register", map[string]any{"username": name, "password": "correct horse"}, &answer)
	p.id, p.token = answer.User.ID, answer.Token
	return p
}

// mustOpen opens the conversation with somebody and gives its id.
func (p person) mustOpen(t *testing.T, other person) string {
	t.Helper()
	var answer struct {
		Conversation struct{ ID string }
	}
	p.mustPost(t, "/api/conversations", map[string]any{"userId": other.id}, &answer)
	return answer.Conversation.ID
}

// mustSay posts a message and gives the ids of the events that its receiver gets.
func (p person) mustSay(t *testing.T, conversation, content string) []string {
	t.Helper()
	var answer struct {
		Message struct{ Seq int64 }
	}
	p.mustPost(t, "/api/conversations/"+conversation+"/messages", map[string]any{"content": content}, &answer)
	ids := make([]string, 3) // message, notification, conversation_update
	for i := range ids {
		ids[i] = fmt.Sprintf("c:%s/%d/%d", conversation, answer.Message.Seq, i+1)
	}
	return ids
}

func (p person) mustPost(t *testing.T, path string, body, answer any) {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.service.url+path, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err = io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("POST %s: %s %s", path, resp.Status, b)
	}
	if err := json.Unmarshal(b, answer); err != nil {
		t.Fatalf("POST %s: %v", path, err)
	}
}
