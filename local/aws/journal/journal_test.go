package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// state is a service that remembers the records it was given.
type state struct{ records []string }

func (s *state) replay(b []byte) error {
	s.records = append(s.records, string(b))
	return nil
}

func (s *state) snapshot(put func([]byte) error) error {
	for _, r := range s.records {
		if err := put([]byte(r)); err != nil {
			return err
		}
	}
	return nil
}

// mustOpen opens the journal "t" in dir and returns what it restored.
func mustOpen(t *testing.T, dir string) (*Log, *state) {
	t.Helper()
	var s state
	l, err := Open(dir, "t", s.replay)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, &s
}

func mustAppend(t *testing.T, l *Log, records ...string) {
	t.Helper()
	for _, r := range records {
		if err := l.Append([]byte(r)); err != nil {
			t.Fatal(err)
		}
	}
}

// wantReopened closes nothing: it opens dir as after a kill, and compares.
func wantReopened(t *testing.T, dir string, want ...string) {
	t.Helper()
	l, s := mustOpen(t, dir)
	l.Close()
	if !slices.Equal(s.records, want) {
		t.Fatalf("restored %q, want %q", s.records, want)
	}
}

func TestAppend(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		dir := t.TempDir()
		l, _ := mustOpen(t, dir)
		mustAppend(t, l, "one", "two", strings.Repeat("x", 1<<20))
		wantReopened(t, dir, "one", "two", strings.Repeat("x", 1<<20))
	})
	t.Run("ErrRecordSize", func(t *testing.T) {
		l, _ := mustOpen(t, t.TempDir())
		for _, n := range []int{0, MaxRecord + 1} {
			if err := l.Append(make([]byte, n)); err == nil {
				t.Errorf("took a record of %d bytes", n)
			}
		}
	})
	t.Run("ErrClosed", func(t *testing.T) {
		l, _ := mustOpen(t, t.TempDir())
		l.Close()
		if err := l.Append([]byte("x")); !errors.Is(err, ErrClosed) {
			t.Errorf("got %v", err)
		}
	})
}

func TestOpen(t *testing.T) {
	// A kill in the middle of a write leaves any part of the last frame.
	t.Run("CutsTornLastRecord", func(t *testing.T) {
		whole := appendFrame(nil, []byte("second record"))
		for n := range len(whole) {
			dir := t.TempDir()
			mustWriteLog(t, dir, append(appendFrame(nil, []byte("first")), whole[:n]...))
			l, s := mustOpen(t, dir)
			if !slices.Equal(s.records, []string{"first"}) {
				t.Fatalf("%d bytes of the last frame: restored %q", n, s.records)
			}
			mustAppend(t, l, "third")
			wantReopened(t, dir, "first", "third")
		}
	})
	t.Run("CutsBadChecksumAtTheEnd", func(t *testing.T) {
		dir := t.TempDir()
		log := appendFrame(appendFrame(nil, []byte("first")), []byte("second"))
		log[len(log)-1] ^= 1
		mustWriteLog(t, dir, log)
		wantReopened(t, dir, "first")
	})
	t.Run("CutsZerosAtTheEnd", func(t *testing.T) {
		dir := t.TempDir()
		mustWriteLog(t, dir, append(appendFrame(nil, []byte("first")), make([]byte, 512)...))
		wantReopened(t, dir, "first")
	})
	// Damage before valid data is never cut off: each byte of the middle record in turn.
	t.Run("ErrDamagedWithDataAfter", func(t *testing.T) {
		first, second := appendFrame(nil, []byte("first")), appendFrame(nil, []byte("second"))
		for i := range second {
			log := slices.Concat(first, second, appendFrame(nil, []byte("third")))
			log[len(first)+i] ^= 0x41
			dir := t.TempDir()
			mustWriteLog(t, dir, log)
			_, err := Open(dir, "t", (&state{}).replay)
			if err == nil || !strings.Contains(err.Error(), "t.log.0") || !strings.Contains(err.Error(), fmt.Sprintf("offset %d", len(first))) {
				t.Fatalf("byte %d flipped: %v", i, err)
			}
			if after, _ := os.ReadFile(filepath.Join(dir, "t.log.0")); !slices.Equal(after, log) {
				t.Fatal("the damaged file was changed")
			}
		}
	})
	t.Run("ErrReplayNamesPlace", func(t *testing.T) {
		dir := t.TempDir()
		mustWriteLog(t, dir, appendFrame(appendFrame(nil, []byte("first")), []byte("second")))
		_, err := Open(dir, "t", func(b []byte) error {
			if string(b) == "second" {
				return errors.New("no such thing")
			}
			return nil
		})
		if err == nil || !strings.Contains(err.Error(), "offset 13: no such thing") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("IgnoresOtherJournals", func(t *testing.T) {
		dir := t.TempDir()
		l, _ := mustOpen(t, dir)
		mustAppend(t, l, "one")
		for _, name := range []string{"tt.log.7", "t.snap", "t.snap.x", "t.other.9"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("?"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		wantReopened(t, dir, "one")
	})
}

func mustWriteLog(t *testing.T, dir string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "t.log.0"), content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// fullDisk takes some bytes of a write and then fails, like a disk that is full.
type fullDisk struct {
	file
	room       int // bytes that still fit
	noTruncate bool
}

func (d *fullDisk) Write(b []byte) (int, error) {
	if len(b) <= d.room {
		d.room -= len(b)
		return d.file.Write(b)
	}
	n, _ := d.file.Write(b[:d.room])
	d.room = 0
	return n, syscall.ENOSPC
}

func (d *fullDisk) Truncate(size int64) error {
	if d.noTruncate {
		return syscall.EIO
	}
	return d.file.Truncate(size)
}

func TestFullDisk(t *testing.T) {
	t.Run("LogGoesOnAfterSpaceIsBack", func(t *testing.T) {
		dir := t.TempDir()
		l, _ := mustOpen(t, dir)
		disk := &fullDisk{file: l.f, room: 20}
		l.f = disk
		mustAppend(t, l, "first")
		if err := l.Append([]byte("does not fit")); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("got %v", err)
		}
		disk.room = 1 << 20
		mustAppend(t, l, "second")
		wantReopened(t, dir, "first", "second")
	})
	t.Run("ErrWhenItCannotCutOff", func(t *testing.T) {
		dir := t.TempDir()
		l, _ := mustOpen(t, dir)
		disk := &fullDisk{file: l.f, room: 20, noTruncate: true}
		l.f = disk
		mustAppend(t, l, "first")
		if err := l.Append([]byte("does not fit")); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("got %v", err)
		}
		disk.room = 1 << 20
		err := l.Append([]byte("second"))
		if !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), "takes no more records") {
			t.Fatalf("a log with a torn middle went on: %v", err)
		}
		if err := l.Compact((&state{records: []string{"first"}}).snapshot); err == nil {
			t.Fatal("compacted a broken log")
		}
		wantReopened(t, dir, "first")
	})
}

func TestLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made")
	lock, err := Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Acquire(dir)
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("second lock: %v", err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	again, err := Acquire(dir)
	if err != nil {
		t.Fatalf("after release: %v", err)
	}
	again.Release()
}

// Whoever opens a log whose last record is not whole is told what was cut off.
func TestTorn(t *testing.T) {
	dir := t.TempDir()
	l, _ := mustOpen(t, dir)
	mustAppend(t, l, "one", "two")
	path, size := l.path("log", 0), l.size
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, size-1); err != nil {
		t.Fatal(err)
	}
	again, _ := mustOpen(t, dir)
	if got, offset, bytes := again.Torn(); got != path || offset == 0 || bytes == 0 || offset+bytes != size-1 {
		t.Errorf("%s: %d bytes cut off at %d", got, bytes, offset)
	}
}
