package aws

import (
	"context"
	"time"
)

// expireEvery is the pause between looks for messages past their retention, which is
// at least a minute long.
const expireEvery = 10

// Run does the housekeeping until ctx ends: each second items past their TTL are
// deleted and logs that grew are replaced by a snapshot; messages past their retention
// go. It returns after a last snapshot, with the error of that one.
func (s *Server) Run(ctx context.Context) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return s.store.compact(written)
		case <-ticker.C:
		}
		if gone := s.ddb.Expire(); gone > 0 {
			s.log.Debug("items expired", "count", gone)
		}
		if n%expireEvery == 0 {
			if gone := s.sqs.Expire(); gone > 0 {
				s.log.Debug("messages expired", "count", gone)
			}
		}
		if err := s.store.compact(grown); err != nil {
			s.log.Error("snapshot failed, the log goes on", "err", err)
		}
	}
}
