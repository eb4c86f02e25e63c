package dynamo

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"tidings/internal/chat"
)

// CreateGroup makes a group chat with its first entry, which adds its members, and
// both sides of each membership: one transaction. The first member is the owner.
func (s *Store) CreateGroup(ctx context.Context, log chat.LogID, name string, members []chat.UserRef, idem chat.Idempotency) (chat.Answer, error) {
	owner := members[0].ID
	if a, err := s.replay(ctx, owner, idem); a != nil || err != nil {
		return deref(a), err
	}
	if err := s.mayJoin(ctx, owner, ids(members)); err != nil {
		return chat.Answer{}, err
	}
	a := chat.Answer{Status: statusCreated}
	var done *record
	err := s.commit(ctx, change{build: func(now time.Time) ([]write, error) {
		h := chat.Head{Log: log, Group: &chat.GroupState{Name: name, OwnerID: owner, MemberCount: len(members)}}
		first := newAppender(s, h, chat.Entry{Kind: chat.KindCreated, By: owner, Adds: ids(members)}, chat.GroupBody{Group: *h.Group, Members: members})
		if _, err := first.writes(now); err != nil {
			return nil, err
		}
		a.Entry = first.entry
		ws := []write{
			s.keep(owner, idem, record{status: statusCreated, log: log, seq: first.entry.Seq}, now, func(was record) { done = &was }),
			// The id is new, so the head can only be there from an attempt of this request.
			{op: s.put(headItem(first.after), absent, nil), failed: func(item) error { return errSettled }},
			{op: s.put(entryItem(first.entry), "", nil)},
		}
		for i, u := range members {
			m := chat.Membership{Log: log, User: u.ID, Role: chat.RoleMember, Intervals: chat.Intervals{{From: first.entry.Seq}}}
			if i == 0 {
				m.Role = chat.RoleOwner
			}
			ws = append(ws, write{op: s.put(membershipItem(m), "", nil)}, write{op: s.put(memberItem(m), "", nil)})
		}
		return ws, nil
	}})
	if err != nil {
		return chat.Answer{}, err
	}
	return s.settled(ctx, done, a)
}

// groupChange is a change of a group chat by one of its members.
type groupChange struct {
	s    *Store
	user chat.UserID
	log  chat.LogID
	mine chat.Membership
	*appender

	also    func(context.Context) error // reads what else the change rests on
	prepare func() error                // fills the draft from what was read
}

// groupChange reads the group chat and the user's membership; ErrGroupNotFound.
func (s *Store) groupChange(ctx context.Context, user chat.UserID, log chat.LogID) (*groupChange, error) {
	g := &groupChange{s: s, user: user, log: log, appender: &appender{s: s, head: chat.Head{Log: log}}}
	return g, g.refresh(ctx)
}

func (g *groupChange) refresh(ctx context.Context) error {
	got, err := g.s.getAll(ctx, headKey(g.log), membershipKey(g.user, g.log))
	if err != nil {
		return err
	}
	if got[headKey(g.log)] == nil {
		return chat.ErrGroupNotFound
	}
	if g.head, err = decodeHead(got[headKey(g.log)]); err != nil {
		return err
	}
	if g.mine, err = decodeMembership(got[membershipKey(g.user, g.log)]); err != nil {
		return err
	}
	if g.head.Deleted > 0 || !g.mine.Intervals.Open() {
		return chat.ErrGroupNotFound
	}
	if g.also == nil {
		return nil
	}
	return g.also(ctx)
}

// owner is the right of the group chat's owner, checked in the transaction too.
func (g *groupChange) owner() (write, error) {
	if g.mine.Role != chat.RoleOwner {
		return write{}, chat.ErrNotOwner
	}
	check := types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &g.s.table, Key: membershipKey(g.user, g.log).item(),
		ConditionExpression:       aws.String("attribute_exists(since) AND #role = :owner"),
		ExpressionAttributeNames:  map[string]string{"#role": "role"},
		ExpressionAttributeValues: item{":owner": str(chat.RoleOwner)},
	}}
	return write{op: check, failed: lostRace}, nil // read again: no member or no owner any more
}

// RenameGroup gives the group chat another name. The same name changes nothing and
// gives no entry. ErrGroupNotFound, ErrNotOwner.
func (s *Store) RenameGroup(ctx context.Context, user chat.UserID, log chat.LogID, name string) (chat.Entry, error) {
	return s.changeGroup(ctx, user, log, chat.KindRenamed, func(h *chat.Head, g *chat.GroupState) error {
		if g.Name == name {
			return errSettled
		}
		g.Name = name
		return nil
	})
}

// DeleteGroup ends the group chat and with it every membership. ErrGroupNotFound,
// ErrNotOwner.
func (s *Store) DeleteGroup(ctx context.Context, user chat.UserID, log chat.LogID) (chat.Entry, error) {
	return s.changeGroup(ctx, user, log, chat.KindDeleted, func(h *chat.Head, g *chat.GroupState) error {
		g.MemberCount, h.Deleted = 0, h.Seq
		return nil
	})
}

// changeGroup commits a change of the owner's that touches the head alone.
func (s *Store) changeGroup(ctx context.Context, user chat.UserID, log chat.LogID, kind chat.EntryKind, apply func(*chat.Head, *chat.GroupState) error) (chat.Entry, error) {
	g, err := s.groupChange(ctx, user, log)
	if err != nil {
		return chat.Entry{}, err
	}
	g.draft = chat.Entry{Kind: kind, By: user}
	g.prepare = func() error { // also for what would change nothing
		_, err := g.owner()
		return err
	}
	g.body = func(h *chat.Head) (any, error) {
		state := *h.Group
		h.Group = &state
		if err := apply(h, h.Group); err != nil {
			return nil, err
		}
		return chat.GroupBody{Group: state}, nil
	}
	err = s.commitGroup(ctx, g, func() ([]write, error) {
		right, err := g.owner()
		return []write{right}, err
	})
	return g.entry, err
}

// commitGroup commits a change without a client's key: an attempt after a lost
// answer is recognised by the record of its own key.
func (s *Store) commitGroup(ctx context.Context, g *groupChange, more func() ([]write, error)) error {
	_, err := s.commitKeyed(ctx, g, chat.Idempotency{Key: rand.Text()}, statusNoContent, more)
	return err
}

// commitKeyed commits the change of the group chat with its idempotency record
// first, then what more gives, then the head and the entry.
func (s *Store) commitKeyed(ctx context.Context, g *groupChange, idem chat.Idempotency, status int, more func() ([]write, error)) (chat.Answer, error) {
	var done *record
	// An attempt whose answer was lost may have been done, and then the change would
	// be refused for what it did itself: its record is looked at first.
	refresh := func(ctx context.Context) error {
		it, err := s.get(ctx, idemKey(g.user, idem))
		if err != nil {
			return err
		}
		if it == nil {
			return g.refresh(ctx)
		}
		rec, err := matching(it, idem)
		if err != nil {
			return err
		}
		done = &rec
		return errSettled
	}
	err := s.commit(ctx, change{refresh: refresh, build: func(now time.Time) ([]write, error) {
		g.entry = chat.Entry{} // of an attempt that failed: maybe there is nothing to change any more
		if g.prepare != nil {
			if err := g.prepare(); err != nil {
				return nil, err
			}
		}
		entry, err := g.writes(now)
		if err != nil {
			return nil, err
		}
		others, err := more()
		if err != nil {
			return nil, err
		}
		rec := record{status: status, log: g.entry.Log, seq: g.entry.Seq}
		ws := append([]write{s.keep(g.user, idem, rec, now, func(was record) { done = &was })}, others...)
		return append(ws, entry...), nil
	}})
	if err != nil {
		return chat.Answer{}, err
	}
	a, err := s.settled(ctx, done, chat.Answer{Entry: g.entry, Status: status})
	g.entry = a.Entry
	return a, err
}

func ids(us []chat.UserRef) []chat.UserID {
	out := make([]chat.UserID, len(us))
	for i, u := range us {
		out[i] = u.ID
	}
	return out
}

func deref(a *chat.Answer) chat.Answer {
	if a == nil {
		return chat.Answer{}
	}
	return *a
}

// replay is the answer of an earlier request with this key, nil without one.
func (s *Store) replay(ctx context.Context, user chat.UserID, idem chat.Idempotency) (*chat.Answer, error) {
	if !idem.Given {
		return nil, nil
	}
	it, err := s.get(ctx, idemKey(user, idem))
	if err != nil {
		return nil, err
	}
	rec, err := s.earlier(it, idem)
	if rec == nil || err != nil {
		return nil, err
	}
	a, err := s.answer(ctx, *rec)
	return &a, err
}
