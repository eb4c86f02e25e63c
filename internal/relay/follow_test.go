package relay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// follow is a follower at work in a bubble of fake time.
type follow struct {
	*testing.T
	streams *fakeStreams
	out     *outbox
	save    FileCheckpoint
	log     bytes.Buffer // looked at when the follower stands still
	stop    func()
}

func newFollow(t *testing.T) *follow {
	t.Helper()
	f := &follow{
		T: t, streams: &fakeStreams{shards: []*fakeShard{{id: "a"}}}, out: newOutbox(),
		save: FileCheckpoint(filepath.Join(t.TempDir(), "checkpoint")),
	}
	return f
}

func (f *follow) start(changed func() <-chan struct{}) {
	ctx, cancel := context.WithCancel(f.Context())
	ended := make(chan error, 1)
	fo := &Follower{
		Relay: &Relay{Publisher: f.out}, Streams: f.streams, StreamARN: "arn", Checkpoint: f.save,
		Changed: changed, Log: slog.New(slog.NewTextHandler(&f.log, nil)),
	}
	go func() { ended <- fo.Run(ctx) }()
	f.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			f.Errorf("Run: %v", err)
		}
	})
	f.Cleanup(f.stop)
}

// want checks the seqs that were hinted, in order.
func (f *follow) want(seqs ...int64) {
	f.Helper()
	synctest.Wait()
	var got []int64
	for _, h := range f.out.hints() {
		if h.Log != "c:1-2" {
			f.Errorf("hint of %s", h.Log)
		}
		got = append(got, h.Seq)
	}
	if fmt.Sprint(got) != fmt.Sprint(seqs) {
		f.Errorf("hinted %v, want %v", got, seqs)
	}
}

func (f *follow) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// TestFollow: every record is handled, whatever befalls the reading.
func TestFollow(t *testing.T) {
	for _, tc := range []struct {
		name string
		run  func(f *follow)
	}{
		{"FromTheOldestOn", fromTheOldestOn},
		{"FromTheCheckpointOn", fromTheCheckpointOn},
		{"WokenByAChange", wokenByAChange},
		{"PublishFailsThenRecovers", publishFailsThenRecovers},
		{"StreamFailsThenRecovers", streamFailsThenRecovers},
		{"IteratorExpired", iteratorExpired},
		{"TrimmedGoesOnAtTheOldest", trimmedGoesOnAtTheOldest},
		{"ClosedShardThenItsChild", closedShardThenItsChild},
		{"ChildWaitsForItsParent", childWaits},
		{"AnotherStreamStartsAnew", anotherStreamStartsAnew},
		{"DamagedCheckpointStartsAnew", damagedCheckpoint},
		{"IdleStreamReadRarely", idleStreamReadRarely},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { tc.run(newFollow(t)) })
		})
	}
}

func fromTheOldestOn(f *follow) {
	for seq := range int64(7) {
		f.streams.put("a", seq+1)
	}
	f.start(nil)
	f.want(1, 2, 3, 4, 5, 6, 7)
	f.streams.put("a", 8)
	f.pass(pollEvery + gatherFor)
	f.want(1, 2, 3, 4, 5, 6, 7, 8)
}

func fromTheCheckpointOn(f *follow) {
	f.streams.put("a", 1)
	f.start(nil)
	f.want(1)
	f.stop()
	f.streams.put("a", 2)
	f.start(nil)
	f.want(1, 2)
}

func wokenByAChange(f *follow) {
	var mu sync.Mutex
	next := make(chan struct{})
	f.start(func() <-chan struct{} {
		mu.Lock()
		defer mu.Unlock()
		return next
	})
	synctest.Wait()
	began := time.Now()
	f.streams.put("a", 1)
	mu.Lock()
	close(next)
	next = make(chan struct{})
	mu.Unlock()
	f.pass(gatherFor)
	f.want(1)
	if d := time.Since(began); d != gatherFor {
		f.Errorf("after %v", d)
	}
}

func publishFailsThenRecovers(f *follow) {
	f.out.failing = 20
	for seq := range int64(5) {
		f.streams.put("a", seq+1)
	}
	f.start(nil)
	f.want()
	f.pass(2 * time.Minute)
	f.want(1, 2, 3, 4, 5)
}

func streamFailsThenRecovers(f *follow) {
	f.start(nil)
	f.pass(time.Second)
	f.streams.set(func() { f.streams.failing = errDown })
	f.streams.put("a", 1)
	f.pass(time.Minute)
	f.want()
	f.streams.set(func() { f.streams.failing = nil })
	f.pass(backoffTo)
	f.want(1)
}

func iteratorExpired(f *follow) {
	f.start(nil)
	f.streams.put("a", 1)
	f.pass(time.Second)
	f.streams.set(func() { f.streams.expired = 3 })
	f.streams.put("a", 2)
	f.pass(time.Second)
	f.want(1, 2)
}

func trimmedGoesOnAtTheOldest(f *follow) {
	f.streams.put("a", 1)
	f.start(nil)
	f.want(1)
	f.stop()
	for seq := range int64(6) {
		f.streams.put("a", seq+2)
	}
	f.streams.set(func() { f.streams.shards[0].first = 4 })
	f.start(nil)
	f.want(1, 5, 6, 7)
}

func closedShardThenItsChild(f *follow) {
	f.streams.put("a", 1)
	f.start(nil)
	f.want(1)
	f.streams.set(func() {
		// The child is listed first, and both have records.
		f.streams.shards = append([]*fakeShard{{id: "b", parent: "a"}}, f.streams.shards...)
	})
	f.streams.put("b", 6)
	for seq := range int64(4) {
		f.streams.put("a", seq+2)
	}
	f.streams.set(func() { f.streams.shard("a").closed = true })
	f.pass(time.Second)
	f.want(1, 2, 3, 4, 5, 6)
	f.stop()
	f.streams.set(func() { f.streams.shards = f.streams.shards[:1] }) // the closed one is gone
	f.streams.put("b", 7)
	f.start(nil)
	f.want(1, 2, 3, 4, 5, 6, 7)
}

// Both are there from the start, the child listed first and the parent of two pages:
// what happened to an item earlier is told earlier.
func childWaits(f *follow) {
	f.streams.shards = []*fakeShard{{id: "b", parent: "a"}, {id: "a", closed: true}}
	f.streams.put("b", streamPage+3)
	for seq := range int64(streamPage + 2) {
		f.streams.put("a", seq+1)
	}
	f.start(nil)
	f.pass(time.Second)
	f.want(1, 2, 3, 4, 5, 6)
}

func anotherStreamStartsAnew(f *follow) {
	if err := f.save.Save(f.Context(), Position{Stream: "old", Shards: map[string]ShardPosition{"a": {After: "0"}}}); err != nil {
		f.Fatal(err)
	}
	f.streams.put("a", 1)
	f.start(nil)
	f.want(1)
}

// A crash has left an empty file: the operator is told once, and what was handled
// before is handled again.
func damagedCheckpoint(f *follow) {
	f.streams.put("a", 1)
	f.start(nil)
	f.want(1)
	f.stop()
	if err := os.WriteFile(string(f.save), nil, 0o600); err != nil {
		f.Fatal(err)
	}
	f.streams.put("a", 2)
	f.start(nil)
	f.want(1, 1, 2)
	if n := strings.Count(f.log.String(), "level=ERROR"); n != 1 {
		f.Errorf("%d errors logged, want 1: %s", n, f.log.String())
	}
	f.stop()
	f.streams.put("a", 3)
	f.start(nil)
	f.want(1, 1, 2, 3)
}

func idleStreamReadRarely(f *follow) {
	f.start(nil)
	f.pass(10 * time.Second)
	if n := f.streams.reads; n > 45 {
		f.Errorf("%d reads in 10 s, DynamoDB allows 5 a second", n)
	}
}
