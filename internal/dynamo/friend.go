package dynamo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"tidings/internal/chat"
)

// What stands between two users is kept on both sides, and each side is the mirror of
// the other: FRIEND# at both; FREQ# at the receiver of an open request and FREQOUT# at
// its sender, which stays as a tombstone (declined, ttl) for a day after a decline.
const (
	friendPrefix   = "FRIEND#"
	incomingPrefix = "FREQ#"
	outgoingPrefix = "FREQOUT#"
)

func friendKey(u, other chat.UserID) key  { return key{userPK(u), friendPrefix + other.String()} }
func incomingKey(u, from chat.UserID) key { return key{userPK(u), incomingPrefix + from.String()} }
func outgoingKey(u, to chat.UserID) key   { return key{userPK(u), outgoingPrefix + to.String()} }
func requestRateKey(u chat.UserID) key    { return key{userPK(u), "RATE#FREQ"} }

// side is one of those items. Its seq is also its version: each change of the item
// writes the position of another entry.
type side struct {
	there    bool
	user     chat.UserRef // the other
	seq, ts  int64        // of the entry in the own log
	told     int64        // time of the request's entry in the receiver's log, which its notification is kept by
	declined bool
	until    time.Time // of a declined one: when it may be made again
}

func decodeSide(it item) (side, error) {
	if it == nil {
		return side{}, nil
	}
	r := reader{it: it}
	s := side{
		there: true, seq: r.int("seq"), ts: r.int("ts"), told: r.int("told"),
		declined: r.int("declined") > 0, until: time.Unix(r.int("ttl"), 0),
	}
	r.json("user", &s.user)
	return s, r.err
}

// open says whether it is an open request.
func (s side) open() bool { return s.there && !s.declined }

// barred says whether it is a request that was declined too short a time ago.
func (s side) barred(now time.Time) bool { return s.declined && now.Before(s.until) }

func (s side) item(k key) item {
	it := k.item()
	it["user"], it["seq"], it["ts"] = jsonText(s.user), num(s.seq), num(s.ts)
	if s.told > 0 {
		it["told"] = num(s.told)
	}
	if s.declined {
		it["declined"], it["ttl"] = num(1), num(s.until.Unix())
	}
	return it
}

// as is the condition that the item is as it was read.
func (s side) as() (cond string, values item) {
	if !s.there {
		return absent, nil
	}
	return "seq = :was", item{":was": num(s.seq)}
}

// Friends reads a page of friends, after one of them (0: from the first), in the
// order of their ids as text.
func (s *Store) Friends(ctx context.Context, user, after chat.UserID, limit int) (friends []chat.Friend, more bool, err error) {
	from := friendPrefix
	if after > 0 {
		from = friendKey(user, after).sk + " " // the next key: a space sorts before every digit
	}
	sides, err := s.sides(ctx, query{pk: userPK(user), from: from, to: friendPrefix + "~", limit: limit + 1}, limit+1)
	if err != nil {
		return nil, false, fmt.Errorf("read friends: %w", err)
	}
	more = len(sides) > limit
	friends = make([]chat.Friend, 0, len(sides))
	for _, f := range sides[:min(len(sides), limit)] {
		friends = append(friends, chat.Friend{User: f.user, Seq: f.seq, Since: chat.Millis(f.ts)})
	}
	return friends, more, nil
}

// Strangers are those of the others who are no friends of the user.
func (s *Store) Strangers(ctx context.Context, user chat.UserID, others []chat.UserID) ([]chat.UserID, error) {
	keys := make([]key, len(others))
	for i, o := range others {
		keys[i] = friendKey(user, o)
	}
	got, err := s.getAll(ctx, keys...)
	if err != nil {
		return nil, fmt.Errorf("read friends: %w", err)
	}
	var out []chat.UserID
	for i, o := range others {
		if got[keys[i]] == nil {
			out = append(out, o)
		}
	}
	return out, nil
}

// FriendRequests reads the open requests of both directions.
func (s *Store) FriendRequests(ctx context.Context, user chat.UserRef) (incoming, outgoing []chat.FriendRequest, err error) {
	in, err := s.requests(ctx, user.ID, incomingPrefix, chat.MaxRequests)
	if err != nil {
		return nil, nil, err
	}
	out, err := s.requests(ctx, user.ID, outgoingPrefix, chat.MaxRequests)
	if err != nil {
		return nil, nil, err
	}
	incoming, outgoing = make([]chat.FriendRequest, 0, len(in)), make([]chat.FriendRequest, 0, len(out))
	for _, r := range in {
		incoming = append(incoming, request(r, r.user, user))
	}
	for _, r := range out {
		outgoing = append(outgoing, request(r, user, r.user))
	}
	return incoming, outgoing, nil
}

func request(s side, from, to chat.UserRef) chat.FriendRequest {
	return chat.FriendRequest{ID: chat.RequestID(from.ID, to.ID), Seq: s.seq, From: from, To: to, CreatedAt: chat.Millis(s.ts)}
}

// requests reads at most so many open requests of one direction, the newest first.
func (s *Store) requests(ctx context.Context, user chat.UserID, prefix string, most int) ([]side, error) {
	sides, err := s.sides(ctx, query{pk: userPK(user), from: prefix, to: prefix + "~"}, most)
	if err != nil {
		return nil, fmt.Errorf("read friend requests: %w", err)
	}
	slices.SortFunc(sides, func(a, b side) int { return -cmp.Compare(a.seq, b.seq) })
	return sides, nil
}

// sides reads items until it has so many that are no tombstones.
func (s *Store) sides(ctx context.Context, q query, most int) ([]side, error) {
	var out []side
	err := s.pages(ctx, q, func(items []item) (bool, error) {
		for _, it := range items {
			one, err := decodeSide(it)
			if err != nil {
				return false, err
			}
			if !one.declined {
				out = append(out, one)
			}
		}
		return len(out) < most, nil
	})
	return out[:min(len(out), most)], err
}
