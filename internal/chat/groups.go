package chat

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"
)

// Groups is the service of group chats.
type Groups struct {
	Store   GroupStore
	Members MemberStore
	Views   ConversationStore
	Users   UserStore
	Bus     Publisher
	Now     func() time.Time
	Log     *slog.Logger

	Contacts Contacts
}

// Create makes a group chat of the user, who owns it, and others.
func (g *Groups) Create(ctx context.Context, user UserID, name string, others []UserID, idem Idempotency) (GroupChat, error) {
	name, err := CleanGroupName(name)
	if err != nil {
		return GroupChat{}, err
	}
	members, err := g.people(ctx, "memberIds", append([]UserID{user}, others...), 1)
	if err != nil {
		return GroupChat{}, err
	}
	if err := g.Contacts.check(ctx, user, members); err != nil {
		return GroupChat{}, err
	}
	a, err := g.Store.CreateGroup(ctx, GroupLog(NewGroupID(g.Now())), name, members, idem)
	if err != nil {
		return GroupChat{}, fmt.Errorf("create group chat: %w", err)
	}
	if !a.Replayed {
		publish(ctx, g.Bus, g.Log, a.Entry)
	}
	return entryView(a.Entry)
}

// entryView is the group chat as its first entry made it, as its owner sees it.
func entryView(e Entry) (GroupChat, error) {
	b, err := e.Group()
	if err != nil {
		return GroupChat{}, err
	}
	h := Head{Log: e.Log, Seq: e.Seq, TS: e.TS, Count: e.N, Group: &b.Group}
	return viewGroup(h, Membership{Intervals: Intervals{{From: e.Seq}}}), nil
}

// people reads the profiles of users, without repetitions and in the order they are
// given. skip of them were not named in the field.
func (g *Groups) people(ctx context.Context, field string, ids []UserID, skip int) ([]UserRef, error) {
	if len(ids)-skip > MaxAdded {
		return nil, Invalid(Field(field, "too_many", "At most %d users a request.", MaxAdded))
	}
	us, err := g.Users.Users(ctx, ids...)
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	var out []UserRef
	var bad []FieldError
	for i, id := range ids {
		switch u, ok := us[id]; {
		case !ok:
			bad = append(bad, Field(field+"["+strconv.Itoa(i-skip)+"]", "user_not_found", "There is no such user."))
		case !slices.Contains(out, u.UserRef):
			out = append(out, u.UserRef)
		}
	}
	if len(bad) > 0 {
		return nil, Invalid(bad...)
	}
	return out, nil
}

// List gives the user's group chats, the newest change first.
func (g *Groups) List(ctx context.Context, user UserID) ([]GroupChat, error) {
	views, err := g.Views.Conversations(ctx, user, GroupPrefix)
	if err != nil {
		return nil, fmt.Errorf("list group chats: %w", err)
	}
	out := make([]GroupChat, 0, len(views))
	for _, v := range views {
		out = append(out, viewGroup(v.Head, v.Membership))
	}
	slices.SortFunc(out, func(a, b GroupChat) int {
		return cmp.Or(-cmp.Compare(a.UpdatedAt, b.UpdatedAt), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

// Get gives one group chat of the user; ErrGroupNotFound.
func (g *Groups) Get(ctx context.Context, user UserID, log LogID) (GroupChat, error) {
	v, err := g.Views.View(ctx, user, log)
	if err != nil {
		return GroupChat{}, fmt.Errorf("read group chat: %w", err)
	}
	return viewGroup(v.Head, v.Membership), nil
}

// Rename gives the group chat another name; the owner may.
func (g *Groups) Rename(ctx context.Context, user UserID, log LogID, name string) (GroupChat, error) {
	name, err := CleanGroupName(name)
	if err != nil {
		return GroupChat{}, err
	}
	e, err := g.Store.RenameGroup(ctx, user, log, name)
	return g.changed(ctx, user, log, e, err)
}

// SetOwner hands the group chat over to another member; the owner may.
func (g *Groups) SetOwner(ctx context.Context, user UserID, log LogID, heir UserID) (GroupChat, error) {
	e, err := g.Store.SetOwner(ctx, user, log, heir)
	return g.changed(ctx, user, log, e, err)
}

// Delete ends the group chat for all; the owner may.
func (g *Groups) Delete(ctx context.Context, user UserID, log LogID) error {
	e, err := g.Store.DeleteGroup(ctx, user, log)
	return g.told(ctx, e, err)
}

// Add adds users to the group chat; the owner may. Those who are members already
// are passed over.
func (g *Groups) Add(ctx context.Context, user UserID, log LogID, ids []UserID, idem Idempotency) (GroupChat, error) {
	if len(ids) == 0 {
		return GroupChat{}, Invalid(Field("userIds", "required", "At least one user."))
	}
	members, err := g.people(ctx, "userIds", ids, 0)
	if err != nil {
		return GroupChat{}, err
	}
	if err := g.Contacts.check(ctx, user, members); err != nil {
		return GroupChat{}, err
	}
	a, err := g.Members.AddMembers(ctx, user, log, members, idem)
	if a.Replayed {
		a.Entry = Entry{} // told already
	}
	return g.changed(ctx, user, log, a.Entry, err)
}

// Remove removes a member (the owner may) or lets the user leave.
func (g *Groups) Remove(ctx context.Context, user UserID, log LogID, target UserID) error {
	us, err := g.Users.Users(ctx, target)
	if err != nil {
		return fmt.Errorf("read user: %w", err)
	}
	u, ok := us[target]
	if !ok {
		u.ID = target // no member either, but whether one may know is asked first
	}
	e, err := g.Members.RemoveMember(ctx, user, log, u.UserRef)
	return g.told(ctx, e, err)
}

// changed tells the entry and gives the group chat as it is now.
func (g *Groups) changed(ctx context.Context, user UserID, log LogID, e Entry, err error) (GroupChat, error) {
	if err := g.told(ctx, e, err); err != nil {
		return GroupChat{}, err
	}
	return g.Get(ctx, user, log)
}

func (g *Groups) told(ctx context.Context, e Entry, err error) error {
	if err != nil {
		return fmt.Errorf("change group chat: %w", err)
	}
	if e.Seq > 0 {
		publish(ctx, g.Bus, g.Log, e)
	}
	return nil
}

// MemberPage is a page of a group chat's members.
type MemberPage struct {
	Members []GroupMember
	More    bool
}

// ListMembers gives a page of the members after a user's id, in the order of the
// ids as text; ErrGroupNotFound.
func (g *Groups) ListMembers(ctx context.Context, user UserID, log LogID, after UserID, limit int) (MemberPage, error) {
	ms, more, err := g.Members.Members(ctx, log, after, limit)
	if err != nil {
		return MemberPage{}, fmt.Errorf("read members: %w", err)
	}
	if _, err := g.Views.View(ctx, user, log); err != nil { // after the data
		return MemberPage{}, fmt.Errorf("read group chat: %w", err)
	}
	ids := make([]UserID, len(ms))
	for i, m := range ms {
		ids[i] = m.User
	}
	us, err := g.Users.Users(ctx, ids...)
	if err != nil {
		return MemberPage{}, fmt.Errorf("read users: %w", err)
	}
	p := MemberPage{Members: make([]GroupMember, 0, len(ms)), More: more}
	for _, m := range ms {
		p.Members = append(p.Members, GroupMember{UserRef: us[m.User].UserRef, Role: m.Role, JoinedSeq: m.Intervals.Last()})
	}
	return p, nil
}
