package dynamo

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tidings/internal/chat"
)

// membershipItem is the user's side of a membership that is open. "since" is there
// only while it is: it is what the right to write is checked by.
func membershipItem(m chat.Membership) item {
	it := membershipKey(m.User, m.Log).item()
	it["role"], it["iv"], it["readn"] = str(m.Role), str(m.Intervals.String()), num(m.ReadCount)
	if m.Intervals.Open() {
		it["since"] = num(m.Intervals[len(m.Intervals)-1].From)
	}
	return it
}

// memberItem is the log's side of it: the list of members.
func memberItem(m chat.Membership) item {
	it := memberKey(m.Log, m.User).item()
	it["role"], it["iv"] = str(m.Role), str(m.Intervals.String())
	return it
}

func decodeMembership(it item) (chat.Membership, error) {
	if it == nil {
		return chat.Membership{}, nil
	}
	r := reader{it: it}
	m := chat.Membership{Role: r.str("role"), ReadCount: r.int("readn")}
	iv, err := chat.ParseIntervals(r.str("iv"))
	if err != nil {
		r.fail("iv", "list of intervals")
	}
	m.Intervals = iv
	pk, sk := r.str("PK"), r.str("SK")
	id, ok := chat.ParseUserID(pk[min(len(pk), len("U#")):])
	if !ok || len(sk) <= len(membershipPrefix) {
		r.fail("PK", "key of a membership")
		return m, r.err
	}
	m.User, m.Log = id, chat.LogID(sk[len(membershipPrefix):])
	if ttl := r.int("ttl"); ttl > 0 {
		m.LeftAt = time.Unix(ttl, 0).Add(-entryLifetime).UnixMilli() + 999 // the ttl is cut to its second
	}
	return m, r.err
}

// Memberships reads all the user's memberships strongly, tombstones too.
func (s *Store) Memberships(ctx context.Context, user chat.UserID) ([]chat.Membership, error) {
	return s.memberships(ctx, user, "")
}

func (s *Store) memberships(ctx context.Context, user chat.UserID, logPrefix string) ([]chat.Membership, error) {
	var out []chat.Membership
	from := membershipPrefix + logPrefix
	err := s.pages(ctx, query{pk: userPK(user), from: from, to: from + "~"}, func(items []item) (bool, error) {
		for _, it := range items {
			m, err := decodeMembership(it)
			if err != nil {
				return false, err
			}
			out = append(out, m)
		}
		return true, nil
	})
	if err != nil {
		return nil, fmt.Errorf("read memberships: %w", err)
	}
	return out, nil
}

// Membership reads one membership strongly; without one, its intervals are empty.
func (s *Store) Membership(ctx context.Context, user chat.UserID, log chat.LogID) (chat.Membership, error) {
	it, err := s.get(ctx, membershipKey(user, log))
	if err != nil {
		return chat.Membership{}, fmt.Errorf("read membership: %w", err)
	}
	return decodeMembership(it)
}

// mayJoin refuses by's request to make users members of a log if one of them has as
// many open memberships as one can have. It counts all users at once.
func (s *Store) mayJoin(ctx context.Context, by chat.UserID, users []chat.UserID) error {
	if s.limits.Memberships == 0 {
		return nil
	}
	refusals := make([]error, len(users))
	var wg sync.WaitGroup
	for i, u := range users {
		wg.Go(func() {
			switch n, err := s.countMemberships(ctx, u); {
			case err != nil:
				refusals[i] = fmt.Errorf("count memberships: %w", err)
			case n < s.limits.Memberships:
			case u == by:
				refusals[i] = chat.ErrTooManyConversations
			default:
				refusals[i] = chat.TooManyConversations(u)
			}
		})
	}
	wg.Wait()
	return cmp.Or(refusals...) // the first user's
}

// countMemberships counts the user's open memberships, at least up to the limit. It
// reads what may be a moment old, at half the price. Those in group chats that were
// deleted count until the user lists their group chats.
func (s *Store) countMemberships(ctx context.Context, user chat.UserID) (n int, err error) {
	in := &dynamodb.QueryInput{
		TableName: &s.table, Select: types.SelectCount,
		KeyConditionExpression: aws.String("PK = :pk AND begins_with(SK, :prefix)"), FilterExpression: aws.String("attribute_exists(since)"),
		ExpressionAttributeValues: item{":pk": str(userPK(user)), ":prefix": str(membershipPrefix)},
	}
	for {
		o, err := s.db.Query(ctx, in)
		if err != nil {
			return 0, fmt.Errorf("query %s: %w", userPK(user), busy(err))
		}
		n += int(o.Count)
		if n >= s.limits.Memberships || o.LastEvaluatedKey == nil {
			return n, nil
		}
		in.ExclusiveStartKey = o.LastEvaluatedKey
	}
}

// right is the right to write in a log with its rate window, as last seen: one
// Update of the membership that also moves the read position.
type right struct {
	s      *Store
	user   chat.UserID
	log    chat.LogID
	window int64 // number of the window in the item
	used   int64 // messages in it
}

// learn takes the membership as it is: an error is a refusal.
func (r *right) learn(it item) error {
	m, err := decodeMembership(it)
	if err != nil {
		return err
	}
	if !m.Intervals.Open() {
		return chat.NotFoundIn(r.log)
	}
	rd := reader{it: it}
	r.window, r.used = rd.int("rw"), rd.int("rc")
	return rd.err
}

// check refuses what is past the rate, for the membership as last seen.
func (r *right) check(now time.Time) error {
	l := r.s.limits
	if l.Messages == 0 || r.used < int64(l.Messages) || r.current(now) > r.window {
		return nil
	}
	end := time.UnixMilli((r.window + 1) * l.Window.Milliseconds())
	return chat.RateLimited(end.Sub(now))
}

// current is the number of the window at now; never before the item's own, since
// clocks differ.
func (r *right) current(now time.Time) int64 {
	return max(r.window, now.UnixMilli()/r.s.limits.Window.Milliseconds())
}

// use is the write that uses the right once, after which the user has read count
// messages.
func (r *right) use(now time.Time, count int64) write {
	k, l := membershipKey(r.user, r.log), r.s.limits
	values := item{":read": num(count)}
	expr, cond := "SET readn = :read", "attribute_exists(since)"
	if l.Messages > 0 {
		w := r.current(now)
		values[":w"] = num(w)
		if w == r.window {
			expr += ", rc = rc + :one"
			cond += " AND rw = :w AND rc < :max"
			values[":one"], values[":max"] = num(1), num(l.Messages)
		} else {
			expr += ", rw = :w, rc = :one"
			cond += " AND (attribute_not_exists(rw) OR rw < :w)"
			values[":one"] = num(1)
		}
	}
	return write{op: r.s.update(k, expr, cond, values), failed: func(it item) error {
		if err := r.learn(it); err != nil {
			return err
		}
		return r.check(now)
	}}
}
