package chat

import (
	"errors"
	"strconv"
	"strings"
)

// MaxIntervals bounds how often one user can join one log, so that the
// membership item stays small.
const MaxIntervals = 50

// MaxMemberships bounds the open memberships of one user: 1:1 conversations and group
// chats together. A stream tracks all of them, and a cursor names those that move.
const MaxMemberships = 2000

// Interval is a time of membership in positions of the log: From is the first
// entry for the member, To the last, 0 while it is open.
type Interval struct{ From, To int64 }

// Intervals are a member's times in a log, ascending; only the last may be open.
type Intervals []Interval

// Contains says whether the entry at seq is for the member.
func (iv Intervals) Contains(seq int64) bool {
	for _, i := range iv {
		if seq >= i.From && (i.To == 0 || seq <= i.To) {
			return true
		}
	}
	return false
}

// Within is what of the intervals lies from one position to another, both included
// and none of it open.
func (iv Intervals) Within(from, to int64) Intervals {
	var out Intervals
	for _, i := range iv {
		end := i.To
		if end == 0 {
			end = to
		}
		if i.From, i.To = max(i.From, from), min(end, to); i.From <= i.To {
			out = append(out, i)
		}
	}
	return out
}

// Open says whether the membership goes on.
func (iv Intervals) Open() bool { return len(iv) > 0 && iv[len(iv)-1].To == 0 }

// Last is the position of the newest change of membership, by which joins and
// leaves compare.
func (iv Intervals) Last() int64 {
	if len(iv) == 0 {
		return 0
	}
	i := iv[len(iv)-1]
	return max(i.From, i.To)
}

// String is the stored form: "5-17 20-".
func (iv Intervals) String() string {
	var b strings.Builder
	for k, i := range iv {
		if k > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.FormatInt(i.From, 10))
		b.WriteByte('-')
		if i.To != 0 {
			b.WriteString(strconv.FormatInt(i.To, 10))
		}
	}
	return b.String()
}

// ParseIntervals reads the stored form.
func ParseIntervals(s string) (Intervals, error) {
	var out Intervals
	for part := range strings.FieldsSeq(s) {
		from, to, ok := strings.Cut(part, "-")
		if !ok {
			return nil, errors.New("parse intervals: no hyphen in " + strconv.Quote(part))
		}
		var i Interval
		var err error
		if i.From, err = strconv.ParseInt(from, 10, 64); err != nil {
			return nil, err
		}
		if to != "" {
			if i.To, err = strconv.ParseInt(to, 10, 64); err != nil {
				return nil, err
			}
		}
		out = append(out, i)
	}
	return out, nil
}

// Membership is one user's belonging to one log. It stays as a tombstone after
// the user left.
type Membership struct {
	Log       LogID
	User      UserID
	Role      string
	Intervals Intervals
	ReadCount int64 // messages of the log that the user has read
	LeftAt    int64 // Unix ms: not before the entry that ended the membership; 0 while it is open
}
