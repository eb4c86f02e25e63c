package ddb

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Retention of stream records. 24 hours are AWS's. The other two bounds are ours: a
// program on a laptop must not fill the memory with images that nobody reads, and
// with both the memory of a stream stays within some 300 MB. Who reads later than
// that gets TrimmedDataAccessException, as after 24 hours.
const (
	streamRetention  = 24 * time.Hour
	maxStreamRecords = 200_000
	maxStreamBytes   = 256 << 20 // SizeBytes of the records together
)

// stream is the change log of one table from when its stream was enabled until it was
// disabled. It has one shard, and is guarded by the service's lock.
type stream struct {
	ARN      string
	Table    string
	Label    string
	View     string
	KeyList  []keyElement
	Created  time.Time
	Disabled time.Time // zero while enabled
	First    uint64    // sequence numbers below it were before the stream
	Last     uint64    // of the last record, once disabled
	Trimmed  uint64    // records up to it are gone

	records []streamRecord
	bytes   int
}

// streamRecord keeps the images that the view type asks for, and no others.
type streamRecord struct {
	seq       uint64
	at        time.Time
	event     string // INSERT, MODIFY or REMOVE
	service   bool   // by TTL and not by a client
	keys      item
	old, next item
}

func (r streamRecord) size() int { return r.keys.size() + r.old.size() + r.next.size() }

const (
	viewKeysOnly = "KEYS_ONLY"
	viewNew      = "NEW_IMAGE"
	viewOld      = "OLD_IMAGE"
	viewBoth     = "NEW_AND_OLD_IMAGES"
)

func (st *stream) enabled() bool { return st.Disabled.IsZero() }

func (st *stream) shardID() string {
	return fmt.Sprintf("shardId-%020d-00000001", st.Created.UnixMilli())
}

// record makes the record of a change.
func (st *stream) record(ch change, seq uint64, at time.Time, service bool) streamRecord {
	r := streamRecord{seq: seq, at: at, service: service}
	var old, next item
	switch {
	case ch.old == nil:
		r.event, next = "INSERT", ch.next.item
		r.keys = ch.table.keys.of(next)
	case ch.next == nil:
		r.event, old = "REMOVE", ch.old.item
		r.keys = ch.table.keys.of(old)
	default:
		r.event, old, next = "MODIFY", ch.old.item, ch.next.item
		r.keys = ch.table.keys.of(next)
	}
	if st.View == viewNew || st.View == viewBoth {
		r.next = next
	}
	if st.View == viewOld || st.View == viewBoth {
		r.old = old
	}
	return r
}

func (st *stream) append(r streamRecord) {
	st.records = append(st.records, r)
	st.bytes += r.size()
}

// trim drops what is no longer retained.
func (st *stream) trim(now time.Time) {
	horizon := now.Add(-streamRetention)
	n := 0
	for n < len(st.records) &&
		(len(st.records)-n > maxStreamRecords || st.bytes > maxStreamBytes || st.records[n].at.Before(horizon)) {
		st.bytes -= st.records[n].size()
		st.Trimmed = st.records[n].seq
		st.records[n] = streamRecord{} // the images go at once, the array when append outgrows it
		n++
	}
	st.records = st.records[n:]
}

// from returns the place of the first retained record with a sequence number ≥ seq.
func (st *stream) from(seq uint64) int {
	lo, hi := 0, len(st.records)
	for lo < hi {
		mid := (lo + hi) / 2
		if st.records[mid].seq < seq {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// Sequence numbers count the records of all tables. On the wire they have 21 digits,
// AWS's least, so that they compare as numbers and as text alike.
func sequenceText(seq uint64) string { return fmt.Sprintf("1%020d", seq) }

func parseSequence(text string) (uint64, bool) {
	digits, ok := strings.CutPrefix(text, "1")
	if !ok || len(digits) != 20 {
		return 0, false
	}
	seq, err := strconv.ParseUint(digits, 10, 64)
	return seq, err == nil
}

// openStream makes t's stream as its definition says, unless it is already there.
func (s *Service) openStream(t *table, at time.Time) {
	arn := s.tableARN(t.def.Name) + "/stream/" + t.def.Label
	if s.streams[arn] == nil {
		s.streams[arn] = &stream{
			ARN: arn, Table: t.def.Name, Label: t.def.Label, View: t.def.Stream,
			KeyList: t.def.Keys, Created: at, First: s.seq + 1,
		}
	}
	t.stream = s.streams[arn]
}

// closeStream ends t's stream, which can be read for another 24 hours.
func (s *Service) closeStream(t *table, at time.Time) {
	if t.stream == nil {
		return
	}
	t.stream.Disabled = at
	t.stream.Last = s.seq
	t.stream = nil
}

// trimStreams applies the retention to all streams.
func (s *Service) trimStreams(now time.Time) {
	for arn, st := range s.streams {
		st.trim(now)
		if !st.enabled() && now.Sub(st.Disabled) >= streamRetention {
			delete(s.streams, arn)
		}
	}
}

// newLabel is the time at which a stream was enabled, made unique for its table.
func (s *Service) newLabel(table string, at time.Time) string {
	for {
		label := at.UTC().Format("2006-01-02T15:04:05.000")
		if s.streams[s.tableARN(table)+"/stream/"+label] == nil {
			return label
		}
		at = at.Add(time.Millisecond)
	}
}
