package stream

import "slices"

// lag is a log in which a live stream is not where its hub is. Mostly it is behind, and
// pulls; it is ahead where the client's last instance was; or it stands within an entry,
// of which a former connection wrote the frames up to part. In all other logs of its
// user a stream is level: its position is the newest of the seat, and takes no memory.
type lag struct {
	pos  int64 // all up to here is written, or not theirs
	slot int32
	part uint8 // of the entry after pos; 0: nothing of it was written
}

// lagAt is the index of the slot's lag, -1 if the stream is level there.
func (s *Stream) lagAt(slot int32) int {
	for i := range s.lags {
		if s.lags[i].slot == slot {
			return i
		}
	}
	return -1
}

// pos is the stream's position in a log: all up to it is written, or not theirs.
func (s *Stream) pos(slot int32) int64 {
	if i := s.lagAt(slot); i >= 0 {
		return s.lags[i].pos
	}
	seq, _ := s.user.newest(slot)
	return seq
}

// move moves the position up. A level stream moves with its seat, and a lag is kept
// until endLag.
func (s *Stream) move(slot int32, pos int64) {
	if i := s.lagAt(slot); i >= 0 && pos > s.lags[i].pos {
		s.lags[i].pos, s.lags[i].part = pos, 0
	}
}

// stand fixes a position, with part > 0 within the entry after it.
func (s *Stream) stand(slot int32, pos int64, part uint8) {
	if newest, _ := s.user.newest(slot); pos != newest || part > 0 {
		s.lags = append(s.lags, lag{pos: pos, slot: slot, part: part})
	}
}

// endLag forgets a lag if the stream is level there now.
func (s *Stream) endLag(i int) (level bool) {
	l := s.lags[i]
	_, known := s.user.target(l.slot)
	newest, _ := s.user.newest(l.slot)
	if !known || l.pos != newest || l.part > 0 {
		return false
	}
	if s.lags = slices.Delete(s.lags, i, i+1); len(s.lags) == 0 {
		s.lags = nil
	}
	return true
}

// written is the last part of the entry after the position that a former connection
// wrote, 0 if none.
func (s *Stream) written(slot int32) uint8 {
	if i := s.lagAt(slot); i >= 0 {
		return s.lags[i].part
	}
	return 0
}

// behind says whether there is something to pull.
func (s *Stream) behind() bool {
	return slices.ContainsFunc(s.lags, func(l lag) bool {
		to, known := s.user.target(l.slot)
		return !known || l.pos < to
	})
}
