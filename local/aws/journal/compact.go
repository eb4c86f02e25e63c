package journal

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// Compact writes the whole state as the snapshot of a new generation and starts that
// generation's log. snapshot is the service's: it must make its first put while it
// holds the lock under which it also calls Append, and put only the state of that
// moment; what is appended later is copied into the new log. It calls put at least once.
//
// Order of steps, each of which may be the last one: the snapshot is written under a
// temporary name and flushed; the new log is written and flushed; the snapshot gets
// its name, which is the moment at which the new generation counts; the old files go.
func (l *Log) Compact(snapshot func(put func(record []byte) error) error) error {
	l.compact.Lock()
	defer l.compact.Unlock()
	l.mu.Lock()
	next, broken := l.gen+1, l.broken
	l.mu.Unlock()
	if broken != nil {
		return broken
	}
	mark, size, err := l.writeSnapshot(l.path("tmp", next), snapshot)
	if err != nil {
		_ = os.Remove(l.path("tmp", next)) // Open removes it otherwise
		return fmt.Errorf("write snapshot: %w", err)
	}
	l.after("snapshot written")
	if err := l.turn(next, mark, size); err != nil {
		return fmt.Errorf("start generation %d: %w", next, err)
	}
	for _, kind := range []string{"log", "snap"} {
		if err := os.Remove(l.path(kind, next-1)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove generation %d: %w", next-1, err)
		}
		l.after("old " + kind + " removed")
	}
	return nil
}

// writeSnapshot fills path and returns the log's size at the first put.
func (l *Log) writeSnapshot(path string, snapshot func(put func([]byte) error) error) (mark, size int64, err error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	var buf []byte
	count := uint64(0)
	write := func(record []byte) error {
		if err := checkRecord(record); err != nil {
			return err
		}
		buf = appendFrame(buf[:0], record)
		size += int64(len(buf))
		_, err := w.Write(buf)
		return err
	}
	put := func(record []byte) error {
		if count == 0 {
			l.mu.Lock()
			mark = l.size
			l.mu.Unlock()
		}
		count++
		return write(record)
	}
	if err := snapshot(put); err != nil {
		return 0, 0, err
	}
	if count == 0 {
		return 0, 0, errors.New("snapshot put no record")
	}
	if err := write(binary.LittleEndian.AppendUint64([]byte(snapshotEnd), count)); err != nil {
		return 0, 0, err
	}
	return mark, size, errors.Join(w.Flush(), f.Sync())
}

// turn makes generation next the one that counts. Appends wait meanwhile, so the tail
// of the old log, from mark on, is whole when it is copied.
func (l *Log) turn(next uint64, mark, snap int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return l.broken
	}
	size, err := copyTail(l.path("log", l.gen), l.path("log", next), mark, l.size)
	if err != nil {
		return err
	}
	f, err := openAppend(l.path("log", next))
	if err != nil {
		return err
	}
	l.after("log started")
	if err := os.Rename(l.path("tmp", next), l.path("snap", next)); err != nil {
		f.Close()
		return err
	}
	// From here on the new generation counts, whatever fails: writing to the old log
	// would be lost at the next start.
	old := l.f
	l.f, l.gen, l.size, l.snap = f, next, size, snap
	l.after("snapshot renamed")
	_ = old.Close() // it is read by nobody any more
	return syncDir(l.dir)
}

func copyTail(from, to string, mark, end int64) (int64, error) {
	src, err := os.Open(from)
	if err != nil {
		return 0, err
	}
	defer src.Close()
	dst, err := os.Create(to)
	if err != nil {
		return 0, err
	}
	defer dst.Close()
	n, err := io.Copy(dst, io.NewSectionReader(src, mark, end-mark))
	if err == nil && n != end-mark {
		err = io.ErrUnexpectedEOF
	}
	return n, errors.Join(err, dst.Sync())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
