package aws

import (
	"errors"
	"fmt"
	"log/slog"

	"tidings/local/aws/journal"
)

// compactFloor is the size that a log must have before it is worth a snapshot, in bytes.
const compactFloor = 8 << 20

// service is what the store needs of a part of the server.
type service interface {
	Replay(record []byte) error
	Snapshot(put func(record []byte) error) error
}

// store is the data folder: one journal per service. Without a folder it keeps nothing.
type store struct {
	logger *slog.Logger
	lock   *journal.Lock
	kept   []*kept
}

// kept is one service with its journal.
type kept struct {
	name    string
	service service
	log     *journal.Log // nil: memory only
}

func (st *store) add(name string) *kept {
	k := &kept{name: name}
	st.kept = append(st.kept, k)
	return k
}

func (k *kept) append(record []byte) error {
	if k.log == nil {
		return nil
	}
	return k.log.Append(record)
}

// open locks the folder and restores every service from it.
func (st *store) open(dir string) error {
	lock, err := journal.Acquire(dir)
	if err != nil {
		return err
	}
	st.lock = lock
	for _, k := range st.kept {
		log, err := journal.Open(dir, k.name, k.service.Replay)
		if err != nil {
			return errors.Join(fmt.Errorf("restore %s: %w", k.name, err), st.release())
		}
		k.log = log
		if path, offset, bytes := log.Torn(); bytes > 0 {
			st.logger.Warn("cut off a last record that was not whole", "file", path, "offset", offset, "bytes", bytes)
		}
	}
	return nil
}

// compact writes a snapshot of each service whose log due asks for.
func (st *store) compact(due func(*journal.Log) bool) error {
	var errs []error
	for _, k := range st.kept {
		if k.log == nil || !due(k.log) {
			continue
		}
		if err := k.log.Compact(k.service.Snapshot); err != nil {
			errs = append(errs, fmt.Errorf("snapshot of %s: %w", k.name, err))
		}
	}
	return errors.Join(errs...)
}

func grown(l *journal.Log) bool { return l.Grown(compactFloor) }

func written(l *journal.Log) bool { return !l.Empty() }

// close writes a last snapshot and gives the folder up. What a snapshot that failed
// would have held is in the logs.
func (st *store) close() error {
	if st.lock == nil {
		return nil
	}
	return errors.Join(st.compact(written), st.release())
}

func (st *store) release() error {
	var errs []error
	for _, k := range st.kept {
		if k.log != nil {
			errs = append(errs, k.log.Close())
		}
	}
	return errors.Join(append(errs, st.lock.Release())...)
}
