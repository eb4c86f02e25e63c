package ddb

import (
	"encoding/binary"
	"strconv"
	"strings"
	"time"
)

// ttlWindow: AWS does not delete what expired more than five years ago, since such a
// time is rather a mistake.
const ttlWindow = 5 * 365 * 24 * time.Hour

// expireBatch bounds how long Expire holds the lock.
const expireBatch = 100

// expiryKey orders rows by the time at which they expire; ok is false for those that
// never do: the attribute is missing, no number, or negative.
func (t *table) expiryKey(r *row) (key string, ok bool) {
	if t.def.TTL == "" {
		return "", false
	}
	v := r.item[t.def.TTL]
	if v.kind != kindN {
		return "", false
	}
	whole, _, _ := strings.Cut(v.str, ".")
	seconds, err := strconv.ParseUint(whole, 10, 63)
	if err != nil {
		return "", false
	}
	return expiryTime(seconds) + r.key, true
}

func expiryTime(seconds uint64) string {
	return string(binary.BigEndian.AppendUint64(nil, seconds))
}

func (t *table) expiryAdd(r *row) {
	if key, ok := t.expiryKey(r); ok {
		t.expiry.Set(key, r)
	}
}

func (t *table) expiryRemove(r *row) {
	if key, ok := t.expiryKey(r); ok {
		t.expiry.Delete(key)
	}
}

// indexExpiry begins anew, after the attribute that holds the expiry has changed.
func (t *table) indexExpiry() {
	t.expiry.Clear()
	t.rows.Scan(func(_ string, r *row) bool {
		t.expiryAdd(r)
		return true
	})
}

// Expire deletes the items whose time to live has passed, and forgets what else is
// over. A stream shows these deletions as done by the service, like AWS's, which
// come within days; calling it each second makes them come within seconds. It
// returns how many items it deleted.
func (s *Service) Expire() int {
	total := 0
	for {
		n := s.expireSome()
		total += n
		if n < expireBatch {
			return total
		}
	}
}

func (s *Service) expireSome() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.tokens.forget(now)
	s.trimStreams(now)
	var changes []change
	oldest := expiryTime(uint64(max(0, now.Add(-ttlWindow).Unix())))
	end := expiryTime(uint64(max(0, now.Unix()) + 1))
	for _, t := range s.tables {
		t.expiry.Ascend(oldest, func(key string, r *row) bool {
			if key >= end || len(changes) == expireBatch {
				return false
			}
			changes = append(changes, change{table: t, old: r})
			return true
		})
	}
	if s.commit(changes, nil, true) != nil {
		return 0 // the next call tries again
	}
	return len(changes)
}
