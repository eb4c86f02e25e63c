package aws_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"tidings/local/aws"
	"tidings/local/aws/journal"
)

// fill puts something into each service.
func fill(t *testing.T, s *aws.Server) (topic, url string) {
	t.Helper()
	w := newWorld(s)
	topic, url = mustSubscribed(t, w)
	mustPublish(t, w, topic, numbered(5)...)
	if _, err := w.some(t.Context(), url); err != nil { // one stays in flight
		t.Fatal(err)
	}
	if err := put(t, mustTable(t, s.Config()), "kept"); err != nil {
		t.Fatal(err)
	}
	if _, err := ssm.NewFromConfig(s.Config()).PutParameter(t.Context(), &ssm.PutParameterInput{Name: ptr("/p"), Value: ptr("v"), Type: ssmtypes.ParameterTypeSecureString}); err != nil {
		t.Fatal(err)
	}
	if _, err := secretsmanager.NewFromConfig(s.Config()).CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: ptr("n"), SecretString: ptr("s")}); err != nil {
		t.Fatal(err)
	}
	return topic, url
}

// some receives what is there and keeps it in flight.
func (w *world) some(ctx context.Context, url string) (string, error) {
	ms, err := w.receive(ctx, url, 0, 3600)
	if err != nil || len(ms) == 0 {
		return "", fmt.Errorf("%d messages, %v", len(ms), err)
	}
	return *ms[0].Body, nil
}

// wantFilled checks what fill put in, all messages visible again, and that the
// subscription still delivers.
func wantFilled(t *testing.T, s *aws.Server, topic, url string) {
	t.Helper()
	w := newWorld(s)
	mustPublish(t, w, topic, "5")
	if got, err := w.drain(t.Context(), url, 6); err != nil || strings.Join(got, "") != "012345" {
		t.Errorf("messages %v, %v", got, err)
	}
	d := dynamodb.NewFromConfig(s.Config())
	if !has(t, d, "kept") {
		t.Error("the item is gone")
	}
	p, err := ssm.NewFromConfig(s.Config()).GetParameter(t.Context(), &ssm.GetParameterInput{Name: ptr("/p"), WithDecryption: ptr(true)})
	if err != nil || *p.Parameter.Value != "v" {
		t.Errorf("parameter: %v", err)
	}
	sec, err := secretsmanager.NewFromConfig(s.Config()).GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: ptr("n")})
	if err != nil || *sec.SecretString != "s" {
		t.Errorf("secret: %v", err)
	}
}

func TestRestart(t *testing.T) {
	t.Run("AfterClose", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "data")
		s := mustServer(t, aws.Options{Dir: dir})
		topic, url := fill(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		wantFilled(t, mustServer(t, aws.Options{Dir: dir}), topic, url)
	})
	// A kill leaves the files as they are at some moment: a copy of them.
	t.Run("AfterAKill", func(t *testing.T) {
		dir, killed := t.TempDir(), t.TempDir()
		s := mustServer(t, aws.Options{Dir: dir})
		topic, url := fill(t, s)
		if err := os.CopyFS(killed, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		wantFilled(t, mustServer(t, aws.Options{Dir: killed}), topic, url)
	})
	t.Run("AfterRunEnded", func(t *testing.T) {
		dir, copied := t.TempDir(), t.TempDir()
		s := mustServer(t, aws.Options{Dir: dir})
		topic, url := fill(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if snapshots, _ := filepath.Glob(filepath.Join(dir, "*.snap.*")); len(snapshots) != 4 {
			t.Errorf("snapshots %v", snapshots)
		}
		if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		wantFilled(t, mustServer(t, aws.Options{Dir: copied}), topic, url)
	})
	t.Run("ErrFolderInUse", func(t *testing.T) {
		dir := t.TempDir()
		s := mustServer(t, aws.Options{Dir: dir})
		if _, err := aws.New(aws.Options{Dir: dir}); !errors.Is(err, journal.ErrLocked) {
			t.Errorf("got %v", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		mustServer(t, aws.Options{Dir: dir})
	})
	t.Run("ErrDamagedNamesTheFile", func(t *testing.T) {
		dir := t.TempDir()
		s := mustServer(t, aws.Options{Dir: dir})
		fill(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "sqs.snap.1")
		if err := os.WriteFile(path, []byte("nonsense"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := aws.New(aws.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("ErrWriteAfterClose", func(t *testing.T) {
		s := mustServer(t, aws.Options{Dir: t.TempDir()})
		w := newWorld(s)
		_, url := mustSubscribed(t, w)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := w.send(t.Context(), url, "x"); err == nil {
			t.Error("a message was taken that nothing keeps")
		}
	})
}

func TestRun(t *testing.T) {
	// Each second: an item past its TTL goes, and its stream record wakes who waits.
	synctest.Test(t, func(t *testing.T) {
		s := mustServer(t, aws.Options{})
		d := mustTable(t, s.Config())
		_, err := d.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
			TableName: ptr("tbl"), TimeToLiveSpecification: &ddbtypes.TimeToLiveSpecification{AttributeName: ptr("ttl"), Enabled: ptr(true)},
		})
		if err != nil {
			t.Fatal(err)
		}
		it := item("a")
		it["ttl"] = &ddbtypes.AttributeValueMemberN{Value: fmt.Sprint(time.Now().Add(10 * time.Second).Unix())}
		if _, err := d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: ptr("tbl"), Item: it}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		time.Sleep(9 * time.Second)
		before := has(t, d, "a")
		time.Sleep(3 * time.Second)
		if after := has(t, d, "a"); !before || after {
			t.Errorf("there before its time: %v, after: %v", before, after)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// A log that grew is replaced by a snapshot while the server runs, and requests go on.
func TestRunCompacts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, killed := t.TempDir(), t.TempDir()
		s := mustServer(t, aws.Options{Dir: dir})
		w := newWorld(s)
		_, url := mustSubscribed(t, w)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		const messages = 30
		for range messages {
			if err := w.send(t.Context(), url, strings.Repeat("x", 1<<20)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(300 * time.Millisecond)
		}
		if err := os.CopyFS(killed, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		if snapshots, _ := filepath.Glob(filepath.Join(killed, "sqs.snap.*")); len(snapshots) != 1 {
			t.Errorf("snapshots %v", snapshots)
		}
		got, err := newWorld(mustServer(t, aws.Options{Dir: killed})).drain(t.Context(), url, messages)
		if err != nil || len(got) != messages {
			t.Errorf("%d of %d messages, %v", len(got), messages, err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
