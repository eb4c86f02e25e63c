// Package journal keeps the state of one service on disk: a snapshot and the log of
// what was done since. Files of generation g are NAME.snap.g and NAME.log.g; both
// are a row of frames (length, CRC-32C, record), and a snapshot ends with a frame
// that tells how many came before it.
//
// Append returns after write(2): a record that was acknowledged survives the death
// of the process, kill -9 included. It does not promise to survive a power loss;
// only Close and Compact call fsync.
package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// ErrClosed refuses an Append after Close.
var ErrClosed = errors.New("journal is closed")

// file is what the log needs of *os.File; a test puts a disk that is full in its place.
type file interface {
	io.Writer
	Truncate(size int64) error
	Sync() error
	Close() error
}

// Log is the journal of one service.
type Log struct {
	dir, name string
	after     func(step string) // called after each step of Compact; tests copy the folder

	compact sync.Mutex // one compaction at a time

	mu     sync.Mutex
	gen    uint64
	f      file
	size   int64 // good bytes in the log of this generation
	snap   int64 // bytes of this generation's snapshot
	torn   int64 // bytes that Open cut off the log's end
	broken error // set when the log can't be written any more
	buf    []byte
}

// Open restores what dir holds under name, calling replay with each record in the
// order in which it was written (the slice is replay's to keep), and opens the log
// for more. A last record that was cut off by a kill is removed; damage anywhere
// else is an error that names file and offset. The caller holds dir's Lock.
func Open(dir, name string, replay func(record []byte) error) (*Log, error) {
	l := &Log{dir: dir, name: name, after: func(string) {}}
	gen, err := l.newest()
	if err != nil {
		return nil, err
	}
	l.gen = gen
	if gen > 0 {
		if l.snap, err = readSnapshot(l.path("snap", gen), replay); err != nil {
			return nil, err
		}
	}
	if l.size, l.torn, err = restoreLog(l.path("log", gen), replay); err != nil {
		return nil, err
	}
	if l.f, err = openAppend(l.path("log", gen)); err != nil {
		return nil, err
	}
	if err := l.removeOthers(gen); err != nil {
		l.f.Close()
		return nil, err
	}
	return l, nil
}

// Torn says how many bytes Open cut off the end of which file, and where: a record
// that was being written at the time of a kill was never acknowledged, but damage to
// the last one looks the same.
func (l *Log) Torn() (path string, offset, bytes int64) {
	return l.path("log", l.gen), l.size, l.torn
}

func (l *Log) path(kind string, gen uint64) string {
	return filepath.Join(l.dir, fmt.Sprintf("%s.%s.%d", l.name, kind, gen))
}

func openAppend(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	return f, nil
}

// Append adds one record of 1 to MaxRecord bytes. After an error nothing of it is in
// the log, and the log takes further records, unless even cutting off the rest of the
// failed write was impossible: then every later call fails with that reason.
func (l *Log) Append(record []byte) error {
	if err := checkRecord(record); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return l.broken
	}
	l.buf = appendFrame(l.buf[:0], record)
	n, err := l.f.Write(l.buf)
	if err == nil {
		l.size += int64(n)
		return nil
	}
	err = fmt.Errorf("append to %s: %w", l.path("log", l.gen), err)
	if n > 0 {
		if terr := l.f.Truncate(l.size); terr != nil {
			l.broken = fmt.Errorf("%s takes no more records: %w; and cutting off the rest of that write: %w", l.path("log", l.gen), err, terr)
		}
	}
	return err
}

// Grown reports whether the log is worth a Compact: at least floor bytes, and larger
// than the snapshot before it, so that the cost of writing the state again stays in
// proportion to what was written.
func (l *Log) Grown(floor int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broken == nil && l.size >= floor && l.size > l.snap
}

// Empty reports whether nothing was appended since the last snapshot.
func (l *Log) Empty() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.size == 0
}

// Close flushes the log to the disk and closes it. Calls after it fail with ErrClosed.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if errors.Is(l.broken, ErrClosed) {
		return nil
	}
	l.broken = fmt.Errorf("%s: %w", l.name, ErrClosed)
	if err := errors.Join(l.f.Sync(), l.f.Close()); err != nil {
		return fmt.Errorf("close log: %w", err)
	}
	return nil
}
