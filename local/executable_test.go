package main

import (
	"bytes"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// process is one of the real executables, running.
type process struct {
	cmd    *exec.Cmd
	out    *output
	url    string // of REST and the stream, or the stream alone
	awsURL string // of the embedded AWS, if it has one
	ended  chan struct{}
	err    error // of its end; read after ended
}

// output is what a process writes. where tells in it where the process is.
type output struct {
	where *regexp.Regexp
	found chan []string // the first match

	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
	told bool         // guarded by mu
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(b)
	if !o.told {
		if m := o.where.FindStringSubmatch(o.text.String()); m != nil {
			o.told = true
			o.found <- m
		}
	}
	return len(b), nil
}

// String is the end of the output.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	const most = 8 << 10
	return string(o.text.Bytes()[max(0, o.text.Len()-most):])
}

func mustBuild(t *testing.T, pkg string, flags ...string) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "main")
	if out, err := exec.Command("go", slices.Concat([]string{"build", "-o", bin}, flags, []string{pkg})...).CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, out)
	}
	return bin
}

// mustExecute starts an executable and waits until it has said where it is.
func mustExecute(t *testing.T, where *regexp.Regexp, bin string, env ...string) (*process, []string) {
	t.Helper()
	p := &process{cmd: exec.Command(bin), out: &output{where: where, found: make(chan []string, 1)}, ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("process %d, %v:\n%s", p.cmd.Process.Pid, p.err, p.out)
		}
	})
	select {
	case m := <-p.out.found:
		return p, m
	case <-p.ended:
		t.Fatalf("ended before it said where it is: %v", p.err)
	case <-time.After(patience):
		t.Fatal("does not say where it is")
	}
	return nil, nil
}

var systemStarted = regexp.MustCompile(`Tidings runs on (\S+) \(AWS on (\S+)\)`)

// mustRun starts a `make run`, on free ports unless env says otherwise.
func mustRun(t *testing.T, bin, data string, env ...string) *process {
	t.Helper()
	p, at := mustExecute(t, systemStarted, bin, append([]string{"PORT=0", "AWS_PORT=0", "DATA=" + data, "AWS_ENDPOINT_URL="}, env...)...)
	p.url, p.awsURL = at[1], at[2]
	return p
}

var streamerStarted = regexp.MustCompile(`"msg":"streamer started".*"address":"[^"]*:(\d+)"`)

// mustStream starts a streamer beside a system with that data and AWS.
func mustStream(t *testing.T, bin, data, awsURL string, env ...string) *process {
	t.Helper()
	key, err := os.ReadFile(filepath.Join(data, "session.key"))
	if err != nil {
		t.Fatal(err)
	}
	p, at := mustExecute(t, streamerStarted, bin, append([]string{
		"PORT=0", "METRICS_PORT=0", "TABLE_NAME=tidings", "TOPIC_ARN=arn:aws:sns:us-east-1:000000000000:tidings",
		"SESSION_KEYS=" + strings.TrimSpace(string(key)), "AWS_ENDPOINT_URL=" + awsURL, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x",
	}, env...)...)
	p.url = "http://127.0.0.1:" + at[1]
	return p
}

// kill is kill -9: nothing is flushed or said goodbye to.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
}

// quietPort is a port that can be listened on again after its owner was killed: it
// lies below those that Linux gives to connections, of which there are many here.
func quietPort(t *testing.T) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(20_000 + rand.IntN(12_000))
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return ""
}

// eventually waits for a condition that nothing announces, and says whether it came true.
func eventually(within time.Duration, holds func() bool) bool {
	for end := time.Now().Add(within); time.Now().Before(end); {
		if holds() {
			return true
		}
		next := time.NewTimer(10 * time.Millisecond)
		<-next.C
	}
	return false
}

// addr is where the process listens.
func (p *process) addr() string { return strings.TrimPrefix(p.url, "http://") }

// answers says whether the page is answered with 200.
func (p *process) answers(path string) bool {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Second}
	resp, err := client.Get(p.url + path)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}
