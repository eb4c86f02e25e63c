package journal

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// snapshotEnd opens the frame that closes a snapshot; the count of records follows.
const snapshotEnd = "journal: end of snapshot "

// newest is the generation that counts: that of the newest snapshot, 0 without one.
// A snapshot gets its name only when it is whole and flushed, and its log stands
// before that, so a file with the name is complete.
func (l *Log) newest() (uint64, error) {
	var newest uint64
	err := l.each(func(path, kind string, gen uint64) error {
		if kind == "snap" {
			newest = max(newest, gen)
		}
		return nil
	})
	return newest, err
}

// removeOthers deletes what a kill in the middle of a compaction left behind.
func (l *Log) removeOthers(gen uint64) error {
	return l.each(func(path, kind string, g uint64) error {
		if g == gen && kind != "tmp" {
			return nil
		}
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("remove old generation: %w", err)
		}
		return nil
	})
}

// each visits this journal's files in the folder.
func (l *Log) each(visit func(path, kind string, gen uint64) error) error {
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		return fmt.Errorf("read data folder: %w", err)
	}
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), l.name+".")
		kind, number, ok2 := strings.Cut(rest, ".")
		if !ok || !ok2 || (kind != "snap" && kind != "log" && kind != "tmp") {
			continue
		}
		gen, err := strconv.ParseUint(number, 10, 64)
		if err != nil {
			continue
		}
		if err := visit(l.path(kind, gen), kind, gen); err != nil {
			return err
		}
	}
	return nil
}

// readSnapshot replays a snapshot and returns its size. Any damage is an error: an
// older generation is gone or lacks what came later, so falling back would lose data
// in silence.
func readSnapshot(path string, replay func([]byte) error) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, fmt.Errorf("open snapshot: %w", err)
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<20)
	var at int64
	for count := uint64(0); ; count++ {
		record, size, err := readFrame(r)
		if errors.Is(err, io.EOF) || errors.Is(err, errBadFrame) {
			return 0, fmt.Errorf("snapshot %s is damaged at offset %d: remove the folder to start afresh", path, at)
		} else if err != nil {
			return 0, fmt.Errorf("read snapshot: %w", err)
		}
		if rest, ok := strings.CutPrefix(string(record[:min(len(record), len(snapshotEnd))]), snapshotEnd); ok && rest == "" {
			if len(record) != len(snapshotEnd)+8 || binary.LittleEndian.Uint64(record[len(snapshotEnd):]) != count {
				return 0, fmt.Errorf("snapshot %s is damaged at offset %d: wrong number of records", path, at)
			}
			return at + int64(size), nil
		}
		if err := replay(record); err != nil {
			return 0, fmt.Errorf("replay %s at offset %d: %w", path, at, err)
		}
		at += int64(size)
	}
}

// restoreLog replays a log, cuts off a torn last record and returns the good size and
// how much was cut off.
func restoreLog(path string, replay func([]byte) error) (size, torn int64, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return 0, 0, nil
	} else if err != nil {
		return 0, 0, fmt.Errorf("open log: %w", err)
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<20)
	var at int64
	for {
		record, length, err := readFrame(r)
		if errors.Is(err, io.EOF) {
			return at, 0, nil
		}
		if errors.Is(err, errBadFrame) {
			torn, err := cutTail(f, at)
			return at, torn, err
		}
		if err != nil {
			return 0, 0, fmt.Errorf("read log: %w", err)
		}
		if err := replay(record); err != nil {
			return 0, 0, fmt.Errorf("replay %s at offset %d: %w", path, at, err)
		}
		at += int64(length)
	}
}

// cutTail removes what stands from at to the end if it is one write that a kill cut
// short: not longer than one frame, and with no valid frame behind its start.
func cutTail(f *os.File, at int64) (torn int64, err error) {
	st, err := f.Stat()
	if err != nil {
		return 0, fmt.Errorf("read log: %w", err)
	}
	rest := st.Size() - at
	damaged := rest > MaxRecord+frameHeader
	if !damaged {
		tail := make([]byte, rest)
		if _, err := f.ReadAt(tail, at); err != nil {
			return 0, fmt.Errorf("read log: %w", err)
		}
		damaged = holdsFrame(tail)
	}
	if damaged {
		return 0, fmt.Errorf("log %s is damaged at offset %d, and valid data follows: nothing was changed", f.Name(), at)
	}
	if err := f.Truncate(at); err != nil {
		return 0, fmt.Errorf("cut off a torn record: %w", err)
	}
	return rest, nil
}
