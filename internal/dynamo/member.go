package dynamo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tidings/internal/chat"
)

// AddMembers adds users to the group chat; those who are members already are
// passed over, and nobody new gives no entry. ErrIdempotencyMismatch,
// ErrGroupNotFound, ErrNotOwner, ErrTooManyConversations, ErrGroupFull,
// ErrJoinedTooOften.
func (s *Store) AddMembers(ctx context.Context, user chat.UserID, log chat.LogID, members []chat.UserRef, idem chat.Idempotency) (chat.Answer, error) {
	if a, err := s.replay(ctx, user, idem); a != nil || err != nil {
		return deref(a), err
	}
	g, err := s.groupChange(ctx, user, log)
	if err != nil {
		return chat.Answer{}, err
	}
	if _, err := g.owner(); err != nil {
		return chat.Answer{}, err
	}
	was := map[chat.UserID]chat.Membership{}
	joining := func() []chat.UserRef {
		return slices.DeleteFunc(slices.Clone(members), func(u chat.UserRef) bool { return was[u.ID].Intervals.Open() })
	}
	var added []chat.UserRef
	g.also = func(ctx context.Context) (err error) {
		was, err = s.membershipsOf(ctx, log, ids(members))
		return err
	}
	if err := g.also(ctx); err != nil {
		return chat.Answer{}, err
	}
	if err := s.mayJoin(ctx, user, ids(joining())); err != nil {
		return chat.Answer{}, err
	}
	g.prepare = func() error {
		if added = joining(); len(added) == 0 {
			return errSettled
		}
		if g.head.Group.MemberCount+len(added) > chat.MaxGroupMembers {
			return chat.ErrGroupFull
		}
		g.draft = chat.Entry{Kind: chat.KindMembersAdded, By: user, Adds: ids(added)}
		return nil
	}
	g.body = func(h *chat.Head) (any, error) {
		state := *h.Group
		state.MemberCount += len(added)
		h.Group = &state
		return chat.GroupBody{Group: state, Members: added}, nil
	}
	a, err := s.commitKeyed(ctx, g, idem, statusOK, func() ([]write, error) {
		right, err := g.owner()
		if err != nil {
			return nil, err
		}
		ws := []write{right}
		for _, u := range added {
			m := was[u.ID]
			joins, err := s.join(m, chat.Membership{Log: log, User: u.ID, Role: chat.RoleMember, ReadCount: g.after.Count}, g.after.Seq)
			if err != nil {
				return nil, err
			}
			ws = append(ws, joins...)
		}
		return ws, nil
	})
	if err == nil && a.Entry.Seq == 0 {
		return s.remember(ctx, user, idem, record{status: statusOK})
	}
	return a, err
}

// join are the writes of both sides of a membership that begins at seq, where was
// is what the user's side held.
func (s *Store) join(was, m chat.Membership, seq int64) ([]write, error) {
	if len(was.Intervals) >= chat.MaxIntervals {
		return nil, chat.ErrJoinedTooOften
	}
	m.Intervals = append(slices.Clone(was.Intervals), chat.Interval{From: seq})
	cond, values := absent, item(nil)
	if len(was.Intervals) > 0 {
		cond, values = "iv = :was", item{":was": str(was.Intervals.String())}
	}
	current := chat.Membership{Log: m.Log, User: m.User, Role: m.Role, Intervals: m.Intervals[len(m.Intervals)-1:]}
	return []write{
		{op: s.put(membershipItem(m), cond, values), failed: lostRace},
		{op: s.put(memberItem(current), "", nil)},
	}, nil
}

// membershipsOf reads the memberships of users in one log; none is the zero one.
func (s *Store) membershipsOf(ctx context.Context, log chat.LogID, users []chat.UserID) (map[chat.UserID]chat.Membership, error) {
	keys := make([]key, len(users))
	for i, u := range users {
		keys[i] = membershipKey(u, log)
	}
	got, err := s.getAll(ctx, keys...)
	if err != nil {
		return nil, err
	}
	out := make(map[chat.UserID]chat.Membership, len(got))
	for i, u := range users {
		if out[u], err = decodeMembership(got[keys[i]]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// RemoveMember ends a membership: the owner removes others, anybody leaves. An
// owner who leaves hands over to the longest member; the last one out deletes.
// ErrGroupNotFound, ErrNotOwner, ErrMemberNotFound, ErrOwnerStays.
func (s *Store) RemoveMember(ctx context.Context, user chat.UserID, log chat.LogID, target chat.UserRef) (chat.Entry, error) {
	g, err := s.groupChange(ctx, user, log)
	if err != nil {
		return chat.Entry{}, err
	}
	var leaver chat.Membership
	var heir chat.UserID
	g.also = func(ctx context.Context) (err error) {
		if leaver, err = s.Membership(ctx, target.ID, log); err != nil {
			return err
		}
		heir = 0
		if g.head.Group.OwnerID != target.ID || g.head.Group.MemberCount == 1 || g.head.Group.MemberCount > chat.MaxHandover {
			return nil
		}
		heir, err = s.longestMember(ctx, log, target.ID)
		return err
	}
	if err := g.also(ctx); err != nil {
		return chat.Entry{}, err
	}
	g.prepare = func() error {
		switch owns := g.head.Group.OwnerID == target.ID; {
		case target.ID != user && g.mine.Role != chat.RoleOwner:
			return chat.ErrNotOwner
		case !leaver.Intervals.Open():
			return chat.ErrMemberNotFound
		case owns && heir == 0 && g.head.Group.MemberCount > 1:
			return chat.ErrOwnerStays
		}
		g.draft = chat.Entry{Kind: chat.KindMemberRemoved, By: user, Removes: []chat.UserID{target.ID}}
		if g.head.Group.MemberCount == 1 {
			g.draft.Kind = chat.KindDeleted
		}
		return nil
	}
	g.body = func(h *chat.Head) (any, error) {
		state := *h.Group
		state.MemberCount--
		if heir != 0 {
			state.OwnerID = heir
		}
		if g.draft.Kind == chat.KindDeleted {
			h.Deleted = h.Seq
		}
		h.Group = &state
		return chat.GroupBody{Group: state, Member: &target}, nil
	}
	err = s.commitGroup(ctx, g, func() ([]write, error) {
		ws := s.leave(leaver, g.after.Seq, g.after.TS)
		if target.ID != user {
			right, err := g.owner()
			return append([]write{right}, ws...), err
		}
		if heir != 0 {
			ws = append(ws, s.setRole(log, heir, chat.RoleOwner)...)
		}
		return ws, nil
	})
	return g.entry, err
}

// leave are the writes of both sides of a membership that ends with the entry at
// seq, of time ts. The user's side stays as a tombstone.
func (s *Store) leave(m chat.Membership, seq, ts int64) []write {
	return []write{
		{op: s.end(m, seq, ts), failed: lostRace},
		{op: types.TransactWriteItem{Delete: &types.Delete{TableName: &s.table, Key: memberKey(m.Log, m.User).item()}}},
	}
}

// end makes a tombstone, which is kept for as long as the entry that ended the
// membership: so its ttl tells that entry's time too.
func (s *Store) end(m chat.Membership, seq, ts int64) types.TransactWriteItem {
	closed := slices.Clone(m.Intervals)
	closed[len(closed)-1].To = seq
	op := s.update(membershipKey(m.User, m.Log), "SET iv = :iv, #ttl = :ttl REMOVE since", "iv = :was AND #role = :role", item{
		":iv": str(closed.String()), ":was": str(m.Intervals.String()), ":role": str(m.Role), ":ttl": num(time.UnixMilli(ts).Add(entryLifetime).Unix()),
	})
	op.Update.ExpressionAttributeNames = map[string]string{"#ttl": "ttl", "#role": "role"}
	return op
}

// closeMembership makes a tombstone of a membership in a group chat whose last entry
// deleted it. Somebody else may have done so.
func (s *Store) closeMembership(ctx context.Context, m chat.Membership, deleted chat.Head) error {
	u := s.end(m, deleted.Deleted, deleted.TS).Update
	_, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: u.TableName, Key: u.Key, UpdateExpression: u.UpdateExpression, ConditionExpression: u.ConditionExpression,
		ExpressionAttributeNames: u.ExpressionAttributeNames, ExpressionAttributeValues: u.ExpressionAttributeValues,
	})
	var changed *types.ConditionalCheckFailedException
	if err != nil && !errors.As(err, &changed) {
		return fmt.Errorf("close membership: %w", err)
	}
	return nil
}

// SetOwner hands the group chat over to another member. ErrGroupNotFound,
// ErrNotOwner, ErrMemberNotFound.
func (s *Store) SetOwner(ctx context.Context, user chat.UserID, log chat.LogID, heir chat.UserID) (chat.Entry, error) {
	g, err := s.groupChange(ctx, user, log)
	if err != nil {
		return chat.Entry{}, err
	}
	var next chat.Membership
	g.also = func(ctx context.Context) (err error) {
		next, err = s.Membership(ctx, heir, log)
		return err
	}
	if err := g.also(ctx); err != nil {
		return chat.Entry{}, err
	}
	g.draft = chat.Entry{Kind: chat.KindOwnerChanged, By: user}
	g.prepare = func() error {
		switch {
		case g.mine.Role != chat.RoleOwner:
			return chat.ErrNotOwner
		case !next.Intervals.Open():
			return chat.ErrMemberNotFound
		case heir == user:
			return errSettled
		}
		return nil
	}
	g.body = func(h *chat.Head) (any, error) {
		state := *h.Group
		state.OwnerID = heir
		h.Group = &state
		return chat.GroupBody{Group: state}, nil
	}
	err = s.commitGroup(ctx, g, func() ([]write, error) {
		return append(s.setRole(log, user, chat.RoleMember), s.setRole(log, heir, chat.RoleOwner)...), nil
	})
	return g.entry, err
}

// setRole are the writes of a member's role on both sides.
func (s *Store) setRole(log chat.LogID, user chat.UserID, role string) []write {
	names := map[string]string{"#role": "role"}
	mine := s.update(membershipKey(user, log), "SET #role = :role", "attribute_exists(since) AND #role <> :role", item{":role": str(role)})
	theirs := s.update(memberKey(log, user), "SET #role = :role", "attribute_exists(PK)", item{":role": str(role)})
	mine.Update.ExpressionAttributeNames, theirs.Update.ExpressionAttributeNames = names, names
	return []write{{op: mine, failed: lostRace}, {op: theirs, failed: lostRace}}
}

// longestMember is who has been a member for longest, but for one.
func (s *Store) longestMember(ctx context.Context, log chat.LogID, but chat.UserID) (chat.UserID, error) {
	all, _, err := s.Members(ctx, log, 0, chat.MaxHandover+1)
	if err != nil {
		return 0, err
	}
	all = slices.DeleteFunc(all, func(m chat.Membership) bool { return m.User == but })
	if len(all) == 0 {
		return 0, fmt.Errorf("%s: no member is left to take over", log)
	}
	return slices.MinFunc(all, func(a, b chat.Membership) int {
		return cmp.Or(cmp.Compare(a.Intervals[0].From, b.Intervals[0].From), cmp.Compare(a.User, b.User))
	}).User, nil
}

// Members reads a page of the log's members, after a user (0: from the first), in
// the order of their ids as text. more says whether there are others.
func (s *Store) Members(ctx context.Context, log chat.LogID, after chat.UserID, limit int) (members []chat.Membership, more bool, err error) {
	from := membershipPrefix
	if after > 0 {
		from = memberKey(log, after).sk + " " // the next key: a space sorts before every digit
	}
	err = s.pages(ctx, query{pk: logPK(log), from: from, to: membershipPrefix + "~", limit: limit + 1}, func(items []item) (bool, error) {
		for _, it := range items {
			r := reader{it: it}
			m := chat.Membership{Log: log, Role: r.str("role")}
			m.Intervals, err = chat.ParseIntervals(r.str("iv"))
			id, ok := chat.ParseUserID(r.str("SK")[len(membershipPrefix):])
			if err != nil || !ok || r.err != nil || len(m.Intervals) == 0 {
				return false, fmt.Errorf("member item %s/%s is damaged: %w", logPK(log), text(it["SK"]), errors.Join(err, r.err))
			}
			m.User = id
			members = append(members, m)
		}
		return len(members) <= limit, nil
	})
	if err != nil {
		return nil, false, fmt.Errorf("read members: %w", err)
	}
	more = len(members) > limit
	return members[:min(len(members), limit)], more, nil
}
