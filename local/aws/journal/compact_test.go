package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestCompact(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		dir := t.TempDir()
		l, s := mustOpen(t, dir)
		for g := range 3 {
			record := fmt.Sprint("record ", g)
			mustAppend(t, l, record)
			s.records = append(s.records, record)
			if err := l.Compact(s.snapshot); err != nil {
				t.Fatal(err)
			}
			if !l.Empty() {
				t.Error("the new log has something in it")
			}
		}
		mustAppend(t, l, "tail")
		wantReopened(t, dir, "record 0", "record 1", "record 2", "tail")
		files, _ := os.ReadDir(dir)
		if len(files) != 2 {
			t.Errorf("%d files are left, want snapshot and log", len(files))
		}
	})
	// Appends that come while the snapshot is written belong to the new log.
	t.Run("KeepsWhatIsAppendedMeanwhile", func(t *testing.T) {
		dir := t.TempDir()
		l, _ := mustOpen(t, dir)
		mustAppend(t, l, "before")
		err := l.Compact(func(put func([]byte) error) error {
			if err := put([]byte("state: before")); err != nil {
				return err
			}
			mustAppend(t, l, "meanwhile 1", "meanwhile 2")
			return put([]byte("state: more"))
		})
		if err != nil {
			t.Fatal(err)
		}
		mustAppend(t, l, "after")
		wantReopened(t, dir, "state: before", "state: more", "meanwhile 1", "meanwhile 2", "after")
	})
	t.Run("FailedSnapshotLeavesTheLog", func(t *testing.T) {
		dir := t.TempDir()
		l, _ := mustOpen(t, dir)
		mustAppend(t, l, "one")
		boom := errors.New("boom")
		if err := l.Compact(func(func([]byte) error) error { return boom }); !errors.Is(err, boom) {
			t.Fatalf("got %v", err)
		}
		if err := l.Compact(func(func([]byte) error) error { return nil }); err == nil {
			t.Fatal("took a snapshot without a record")
		}
		mustAppend(t, l, "two")
		wantReopened(t, dir, "one", "two")
	})
}

// Every step may be the last one. The folder is copied after each, as a kill would
// leave it, and opened.
func TestCompactKilledAtEachStep(t *testing.T) {
	dir := t.TempDir()
	l, s := mustOpen(t, dir)
	mustAppend(t, l, "a", "b")
	s.records = []string{"a", "b"}
	var steps []string
	copies := map[string]string{}
	l.after = func(step string) {
		steps = append(steps, step)
		copies[step] = copyDir(t, dir)
	}
	for range 2 { // the second time there is an old snapshot too
		err := l.Compact(func(put func([]byte) error) error {
			if err := s.snapshot(put); err != nil {
				return err
			}
			copies["snapshot half written"] = copyDir(t, dir)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(copies) != 6 {
			t.Fatalf("steps %v", steps)
		}
		for step, dir := range copies {
			t.Log(step)
			wantReopened(t, dir, s.records...)
			// And what is written after the restart stays in order.
			l, _ := mustOpen(t, dir)
			mustAppend(t, l, "later")
			wantReopened(t, dir, append(slices.Clone(s.records), "later")...)
		}
		clear(copies)
		mustAppend(t, l, "c")
		s.records = append(s.records, "c")
	}
}

// A snapshot that was cut anywhere is noticed.
func TestOpenDamagedSnapshot(t *testing.T) {
	dir := t.TempDir()
	l, s := mustOpen(t, dir)
	s.records = []string{"a", "b"}
	if err := l.Compact(s.snapshot); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "t.snap.1")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole { // the end frame notices
		if err := os.WriteFile(path, whole[:n], 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, "t", (&state{}).replay); err == nil || !strings.Contains(err.Error(), "t.snap.1 is damaged at offset") {
			t.Fatalf("%d of %d bytes: %v", n, len(whole), err)
		}
	}
}

// Appends and compactions at the same time lose and double nothing.
func TestCompactConcurrent(t *testing.T) {
	dir := t.TempDir()
	l, _ := mustOpen(t, dir)
	var mu sync.Mutex // the service's lock
	var s state
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 300 {
				mu.Lock()
				record := fmt.Sprint(w, ":", i)
				if err := l.Append([]byte(record)); err != nil {
					t.Error(err)
				}
				s.records = append(s.records, record)
				mu.Unlock()
			}
		})
	}
	for range 20 {
		err := l.Compact(func(put func([]byte) error) error {
			mu.Lock()
			defer mu.Unlock()
			if err := put([]byte("begin")); err != nil {
				return err
			}
			return s.snapshot(put)
		})
		if err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	wantReopened(t, dir, append([]string{"begin"}, s.records...)...)
}

func copyDir(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}
