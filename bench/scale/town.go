package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	"golang.org/x/sync/errgroup"

	"tidings/bench/backend"
	"tidings/internal/chat"
	"tidings/internal/chattest"
)

// town is people with ten chats each: that of everybody, one of 20, one with its owner
// alone and seven 1:1. The chats belong to owners who are not connected: each may be in
// some 2,000 of them.
type town struct {
	b      *backend.Backend
	users  int
	people []backend.Person
	owners []backend.Person // of perOwner people and their chats
}

const (
	groupSize = 20   // the generator's default
	perOwner  = 1000 // users; two chats each at most
	talks     = 7    // 1:1
	workers   = 8
)

func (t *town) chats() int {
	return 1 + (t.users+groupSize-1)/groupSize + t.users + t.users*talks/2
}

// build fills the table and writes the people's session tokens, one a line.
func (t *town) build(ctx context.Context, tokens string) error {
	t.people = make([]backend.Person, t.users)
	t.owners = make([]backend.Person, (t.users+perOwner-1)/perOwner)
	if err := each(ctx, len(t.owners), func(ctx context.Context, i int) (err error) {
		t.owners[i], err = t.b.Register(ctx, fmt.Sprintf("owner-%d", i))
		return err
	}); err != nil {
		return err
	}
	if err := each(ctx, t.users, func(ctx context.Context, i int) (err error) {
		t.people[i], err = t.b.Register(ctx, fmt.Sprintf("user-%d", i))
		return err
	}); err != nil {
		return err
	}
	if err := t.gather(ctx); err != nil {
		return err
	}
	if err := each(ctx, t.users, t.acquaint); err != nil {
		return err
	}
	f, err := os.Create(tokens)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	for _, p := range t.people {
		fmt.Fprintln(w, p.Token) // Flush says whether it failed
	}
	return w.Flush()
}

// each does the same for 0 to n-1, several at once.
func each(ctx context.Context, n int, do func(context.Context, int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(workers)
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error { return do(ctx, i) })
	}
	return g.Wait()
}

// gather makes the chat of everybody. It belongs to one of them: a group chat has room
// for 100,000.
func (t *town) gather(ctx context.Context) error {
	owner := t.people[0]
	if _, err := t.b.Services.Store.CreateGroup(ctx, chat.GroupLog("all"), "all", []chat.UserRef{owner.UserRef}, chattest.Fresh()); err != nil {
		return err
	}
	for i := 1; i < t.users; i += chat.MaxAdded {
		var some []chat.UserRef
		for _, p := range t.people[i:min(t.users, i+chat.MaxAdded)] {
			some = append(some, p.UserRef)
		}
		if _, err := t.b.Services.Store.AddMembers(ctx, owner.ID, chat.GroupLog("all"), some, chattest.Fresh()); err != nil {
			return err
		}
	}
	return nil
}

// acquaint makes the chats that user i is the first of.
func (t *town) acquaint(ctx context.Context, i int) error {
	store, owner := t.b.Services.Store, t.owners[i/perOwner].UserRef
	me := t.people[i].UserRef
	if _, err := store.CreateGroup(ctx, alone(i), "alone", []chat.UserRef{owner, me}, chattest.Fresh()); err != nil {
		return err
	}
	if i%groupSize == 0 {
		members := []chat.UserRef{owner}
		for _, p := range t.people[i:min(t.users, i+groupSize)] {
			members = append(members, p.UserRef)
		}
		if _, err := store.CreateGroup(ctx, circle(i), "circle", members, chattest.Fresh()); err != nil {
			return err
		}
	}
	for k := range talks {
		other := i ^ 1<<k // so that it is mutual
		if other < i || other >= t.users {
			continue
		}
		if _, err := store.CreateConversation(ctx, me.ID, []chat.UserRef{me, t.people[other].UserRef}, chattest.Fresh()); err != nil {
			return err
		}
	}
	return nil
}

// The generator's names.
func alone(i int) chat.LogID  { return chat.GroupLog(fmt.Sprintf("u%07d", i)) }
func circle(i int) chat.LogID { return chat.GroupLog(fmt.Sprintf("g%07d", i/groupSize)) }

// serve answers POST /pub?t=CHAT, which gives the chat the body as its name: one frame
// for each member, by the whole path.
func (t *town) serve() (addr string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() { _ = http.Serve(l, http.HandlerFunc(t.publish)) }() // until the process ends
	return l.Addr().String(), nil
}

func (t *town) publish(w http.ResponseWriter, r *http.Request) {
	name, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	to := r.URL.Query().Get("t")
	owner := t.people[0]
	if to != "all" {
		var i int
		if _, err := fmt.Sscanf(to[1:], "%d", &i); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if to[0] == 'g' {
			i *= groupSize
		}
		owner = t.owners[i/perOwner]
	}
	if _, err := t.b.Services.API.Groups.Rename(r.Context(), owner.ID, chat.GroupLog(to), string(name)); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
