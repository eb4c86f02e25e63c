package dynamo_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"tidings/internal/chat"
	"tidings/internal/chattest"
	"tidings/internal/dynamo"
	"tidings/local/aws"
)

const climbers = chat.LogID("g:01890a5d-ac96-774b-bcce-b302099a8057")

// mustGroup makes a group chat of n users, the first of them the owner.
func (w *world) mustGroup(n int) []chat.UserRef {
	w.Helper()
	var us []chat.UserRef
	for i := range n {
		us = append(us, w.MustUser(fmt.Sprint("user-", i+1)))
	}
	if _, err := w.CreateGroup(w.Context(), climbers, "climbers", us, chattest.Fresh()); err != nil {
		w.Fatal(err)
	}
	return us
}

func (w *world) mustIntervals(u chat.UserRef) string {
	w.Helper()
	m, err := w.Membership(w.Context(), u.ID, climbers)
	if err != nil {
		w.Fatal(err)
	}
	return m.Intervals.String()
}

func TestCreateGroup(t *testing.T) {
	w := newWorld(t, dynamo.Limits{})
	us := []chat.UserRef{w.MustUser("ann"), w.MustUser("ben")}
	first, err := w.CreateGroup(t.Context(), climbers, "climbers", us, chattest.Given("k", "h"))
	if err != nil || first.Status != 201 || first.Entry.Seq != 1 || !slices.Equal(first.Entry.Adds, []chat.UserID{1, 2}) {
		t.Fatalf("%+v, %v", first, err)
	}
	again, err := w.CreateGroup(t.Context(), "g:another", "climbers", us, chattest.Given("k", "h"))
	if err != nil || !again.Replayed || again.Entry.Log != climbers {
		t.Errorf("same key: %+v, %v", again, err)
	}
	if _, err := w.CreateGroup(t.Context(), climbers, "x", us, chattest.Given("k", "other")); !errors.Is(err, chat.ErrIdempotencyMismatch) {
		t.Errorf("same key, other request: %v", err)
	}
	if w.mustIntervals(us[0]) != "1-" || w.mustIntervals(us[1]) != "1-" {
		t.Error("members without an open membership")
	}
}

func TestAddMembers(t *testing.T) {
	w := newWorld(t, dynamo.Limits{})
	us := w.mustGroup(2)
	cat := w.MustUser("cat")
	w.MustSend(climbers, 1, "before")
	a, err := w.AddMembers(t.Context(), 1, climbers, []chat.UserRef{cat, us[1]}, chattest.Given("k", "h"))
	if err != nil || a.Entry.Seq != 3 || !slices.Equal(a.Entry.Adds, []chat.UserID{cat.ID}) {
		t.Fatalf("%+v, %v", a, err)
	}
	if again, err := w.AddMembers(t.Context(), 1, climbers, []chat.UserRef{cat, us[1]}, chattest.Given("k", "h")); err != nil || !again.Replayed || again.Entry.Seq != 3 {
		t.Errorf("same key: %+v, %v", again, err)
	}
	m, err := w.Membership(t.Context(), cat.ID, climbers)
	if err != nil || m.Intervals.String() != "3-" || m.ReadCount != 1 {
		t.Errorf("a joiner starts at the count of that moment: %+v, %v", m, err)
	}
	if a, err := w.AddMembers(t.Context(), 1, climbers, []chat.UserRef{cat}, chattest.Fresh()); err != nil || a.Entry.Seq != 0 {
		t.Errorf("a member already: %+v, %v", a, err)
	}
	if _, err := w.AddMembers(t.Context(), 2, climbers, []chat.UserRef{cat}, chattest.Fresh()); !errors.Is(err, chat.ErrNotOwner) {
		t.Errorf("not the owner: %v", err)
	}
	if _, err := w.AddMembers(t.Context(), 9, climbers, []chat.UserRef{cat}, chattest.Fresh()); !errors.Is(err, chat.ErrGroupNotFound) {
		t.Errorf("a stranger: %v", err)
	}
	if h := w.mustHead(climbers); h.Group.MemberCount != 3 || len(h.Shards) != 3 {
		t.Errorf("head %+v", h)
	}
}

func TestMaxAdded(t *testing.T) {
	w := newWorld(t, dynamo.Limits{})
	w.mustGroup(1)
	var us []chat.UserRef
	for i := range chat.MaxAdded {
		us = append(us, w.MustUser(fmt.Sprint("more-", i)))
	}
	if a, err := w.AddMembers(t.Context(), 1, climbers, us, chattest.Fresh()); err != nil || len(a.Entry.Adds) != chat.MaxAdded {
		t.Errorf("%d adds, %v", len(a.Entry.Adds), err)
	}
}

// Users who may have two memberships: each who would get a third is refused, and they
// alone. The owner who adds others gets none.
func TestTooManyConversations(t *testing.T) {
	w := newWorld(t, dynamo.Limits{Memberships: 2})
	us := w.mustGroup(2) // one of both
	ann, ben, cat := us[0], us[1], w.MustUser("cat")
	w.MustConversation(ann, ben) // the second of both
	refused := func(err error, want string) {
		t.Helper()
		var e *chat.Error
		if !errors.As(err, &e) || e.Code != chat.ErrTooManyConversations.Code || !strings.HasPrefix(e.Message, want) {
			t.Errorf("%v, want %s…", err, want)
		}
	}
	create := func(log chat.LogID, members ...chat.UserRef) error {
		_, err := w.CreateGroup(t.Context(), log, "x", members, chattest.Fresh())
		return err
	}
	add := func(who ...chat.UserRef) error {
		_, err := w.AddMembers(t.Context(), 1, climbers, who, chattest.Fresh())
		return err
	}
	refused(create("g:1", ann, cat), "You are ")
	refused(create("g:1", cat, ben), "User 2 is ")
	if err := add(cat, ben); err != nil { // ben, who has two, is there already
		t.Errorf("cat's first: %v", err)
	}
	if err := create("g:1", cat); err != nil {
		t.Errorf("cat's second: %v", err)
	}
	refused(create("g:2", cat), "You are ")
	if _, err := w.RemoveMember(t.Context(), 1, climbers, cat); err != nil {
		t.Fatal(err)
	}
	dan := w.MustUser("dan")
	if err := create("g:2", cat); err != nil {
		t.Errorf("cat's second again, after a tombstone: %v", err)
	}
	refused(add(dan, cat), "User 3 is ")
	if ms, err := w.Memberships(t.Context(), dan.ID); err != nil || len(ms) != 0 {
		t.Errorf("dan, who was named with cat, is a member: %+v, %v", ms, err)
	}
	// A deleted group chat counts until its member looks at the list.
	if _, err := w.DeleteGroup(t.Context(), 3, "g:2"); err != nil {
		t.Fatal(err)
	}
	refused(add(cat), "User 3 is ")
	if _, err := w.Conversations(t.Context(), 3, chat.GroupPrefix); err != nil {
		t.Fatal(err)
	}
	if err := add(cat); err != nil {
		t.Errorf("after the list: %v", err)
	}
}

func TestRemoveMember(t *testing.T) {
	w := newWorld(t, dynamo.Limits{})
	us := w.mustGroup(3)
	remove := func(by chat.UserID, who chat.UserRef) (chat.Entry, error) {
		return w.RemoveMember(t.Context(), by, climbers, who)
	}
	if _, err := remove(2, us[2]); !errors.Is(err, chat.ErrNotOwner) {
		t.Errorf("not the owner: %v", err)
	}
	e, err := remove(1, us[1])
	if err != nil || e.Seq != 2 || !slices.Equal(e.Removes, []chat.UserID{2}) || w.mustIntervals(us[1]) != "1-2" {
		t.Fatalf("%+v, %v", e, err)
	}
	if _, err := remove(1, us[1]); !errors.Is(err, chat.ErrMemberNotFound) {
		t.Errorf("gone already: %v", err)
	}
	if _, err := w.AppendMessage(t.Context(), chat.Draft{Log: climbers, By: 2, Content: "x"}, chattest.Fresh()); !errors.Is(err, chat.ErrGroupNotFound) {
		t.Errorf("writes after the removal: %v", err)
	}
	if _, err := w.AddMembers(t.Context(), 1, climbers, us[1:2], chattest.Fresh()); err != nil || w.mustIntervals(us[1]) != "1-2 3-" {
		t.Errorf("rejoined: %s, %v", w.mustIntervals(us[1]), err)
	}
	// The owner leaves: user 3 has been there since entry 1, user 2 since entry 3.
	if _, err := remove(1, us[0]); err != nil || w.mustHead(climbers).Group.OwnerID != 3 {
		t.Errorf("owner %d, %v", w.mustHead(climbers).Group.OwnerID, err)
	}
	if _, err := remove(3, us[1]); err != nil {
		t.Errorf("the heir has no right: %v", err)
	}
	if e, err := remove(3, us[2]); err != nil || e.Kind != chat.KindDeleted || w.mustHead(climbers).Deleted != e.Seq {
		t.Errorf("the last one out: %+v, %v", e, err)
	}
}

func TestMaxIntervals(t *testing.T) {
	w := newWorld(t, dynamo.Limits{})
	us := w.mustGroup(2)
	for range chat.MaxIntervals - 1 {
		if _, err := w.RemoveMember(t.Context(), 1, climbers, us[1]); err != nil {
			t.Fatal(err)
		}
		if _, err := w.AddMembers(t.Context(), 1, climbers, us[1:], chattest.Fresh()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.RemoveMember(t.Context(), 1, climbers, us[1]); err != nil {
		t.Fatal(err)
	}
	if _, err := w.AddMembers(t.Context(), 1, climbers, us[1:], chattest.Fresh()); !errors.Is(err, chat.ErrJoinedTooOften) {
		t.Errorf("joined %d times: %v", chat.MaxIntervals+1, err)
	}
}

func TestSetOwner(t *testing.T) {
	w := newWorld(t, dynamo.Limits{})
	w.mustGroup(2)
	if _, err := w.SetOwner(t.Context(), 2, climbers, 2); !errors.Is(err, chat.ErrNotOwner) {
		t.Errorf("not the owner: %v", err)
	}
	if _, err := w.SetOwner(t.Context(), 1, climbers, 9); !errors.Is(err, chat.ErrMemberNotFound) {
		t.Errorf("no member: %v", err)
	}
	if e, err := w.SetOwner(t.Context(), 1, climbers, 1); err != nil || e.Seq != 0 {
		t.Errorf("to oneself: %+v, %v", e, err)
	}
	if e, err := w.SetOwner(t.Context(), 1, climbers, 2); err != nil || e.Kind != chat.KindOwnerChanged {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err := w.RenameGroup(t.Context(), 1, climbers, "x"); !errors.Is(err, chat.ErrNotOwner) {
		t.Errorf("the owner before: %v", err)
	}
	if _, err := w.RenameGroup(t.Context(), 2, climbers, "x"); err != nil {
		t.Errorf("the owner now: %v", err)
	}
}

// Everything at once, with the table at its worst: what was answered is in the log
// once, the memberships and the count are what the log says, and no interval is
// without its entries.
func TestGroupUnderFaults(t *testing.T) {
	w := newWorld(t, dynamo.Limits{})
	us := w.mustGroup(4)
	if err := w.aws.Faults().Set(aws.FaultConfig{Seed: 5, TimeoutAfterCommit: 0.2, Conflict: 0.2, Throttle: 0.05}); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i, u := range us[1:] {
		wg.Go(func() {
			for n := range 5 {
				again(t, func() error { _, err := w.RemoveMember(t.Context(), u.ID, climbers, u); return err }, chat.ErrGroupNotFound)
				again(t, func() error {
					_, err := w.AddMembers(t.Context(), 1, climbers, []chat.UserRef{u}, chattest.Given(fmt.Sprint(i, "-", n), "h"))
					return err
				}, nil)
			}
		})
	}
	wg.Go(func() {
		for n := range 10 {
			again(t, func() error { _, err := w.RenameGroup(t.Context(), 1, climbers, fmt.Sprint("name ", n)); return err }, nil)
		}
	})
	wg.Wait()
	if err := w.aws.Faults().Set(aws.FaultConfig{}); err != nil {
		t.Fatal(err)
	}
	want := map[chat.UserID]chat.Intervals{}
	renamed := 0
	for i, e := range w.mustEntries(climbers) {
		if e.Seq != int64(i+1) {
			t.Fatalf("a hole at %d", i+1)
		}
		for _, u := range e.Adds {
			want[u] = append(want[u], chat.Interval{From: e.Seq})
		}
		for _, u := range e.Removes {
			want[u][len(want[u])-1].To = e.Seq
		}
		if e.Kind == chat.KindRenamed {
			renamed++
		}
	}
	count := 0
	for _, u := range us {
		if got := w.mustIntervals(u); got != want[u.ID].String() {
			t.Errorf("user %d has %s, the log says %s", u.ID, got, want[u.ID])
		}
		if want[u.ID].Open() {
			count++
		}
	}
	if h := w.mustHead(climbers); h.Group.MemberCount != count || renamed != 10 {
		t.Errorf("the head counts %d members, the log %d; %d of 10 new names", h.Group.MemberCount, count, renamed)
	}
}

// again repeats what the table was too busy for, as a client does. done is what is
// said of a change that an earlier try has made.
func again(t *testing.T, f func() error, done error) {
	t.Helper()
	for range 20 {
		err := f()
		var e *chat.Error
		if errors.As(err, &e) && (e.Kind == chat.KindUnavailable || e.Kind == chat.KindTooFast) {
			continue
		}
		if err != nil && (done == nil || !errors.Is(err, done)) {
			t.Error(err)
		}
		return
	}
	t.Error("too busy 20 times")
}

// A page holds as many messages as were asked for, however long the member was
// away between two of them.
func TestMessagesAcrossAnAbsence(t *testing.T) {
	w := newWorld(t, dynamo.Limits{})
	us := w.mustGroup(2)
	say := func(n int) {
		for range n {
			w.MustSend(climbers, 1, "x")
		}
	}
	say(3)                                                                     // 2 to 4
	if _, err := w.RemoveMember(t.Context(), 1, climbers, us[1]); err != nil { // 5
		t.Fatal(err)
	}
	say(30)                                                                                     // 6 to 35: not for user 2
	if _, err := w.AddMembers(t.Context(), 1, climbers, us[1:], chattest.Fresh()); err != nil { // 36
		t.Fatal(err)
	}
	if v, err := w.View(t.Context(), 2, climbers); err != nil || v.Head.Last != nil {
		t.Errorf("the list shows a message of another time: %+v, %v", v.Head.Last, err)
	}
	say(2) // 37, 38
	for _, c := range []struct {
		page         chat.Page
		want         []int64
		older, newer bool
	}{
		{chat.Page{Limit: 4}, []int64{3, 4, 37, 38}, true, false},
		{chat.Page{Limit: 5}, []int64{2, 3, 4, 37, 38}, false, false},
		{chat.Page{Before: 38, Limit: 2}, []int64{4, 37}, true, true},
		{chat.Page{Before: 20, Limit: 2}, []int64{3, 4}, true, true},
		{chat.Page{After: 3, Limit: 2}, []int64{4, 37}, true, true},
		{chat.Page{After: 4, Limit: 2}, []int64{37, 38}, true, false},
		{chat.Page{After: 10, Limit: 9}, []int64{37, 38}, true, false},
	} {
		p, err := w.Messages(t.Context(), 2, climbers, c.page)
		if err != nil {
			t.Fatal(err)
		}
		var got []int64
		for _, m := range p.Messages {
			got = append(got, m.Seq)
		}
		if !slices.Equal(got, c.want) || p.Older != c.older || p.Newer != c.newer {
			t.Errorf("%+v: %v, older %v, newer %v", c.page, got, p.Older, p.Newer)
		}
	}
}
