package chat

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// How streamers are known.
const (
	// AnnounceEvery is how often a streamer says that it is there.
	AnnounceEvery = 10 * time.Second
	// announcedFor is how long that counts: three of them, and clocks.
	announcedFor = 40 * time.Second
	// peerTimeout is how long the others are waited for: who looks at a page waits no
	// longer, and an instance that takes longer is worth being named.
	peerTimeout = 2 * time.Second
)

// Instance is a streamer, as it says of itself.
type Instance struct {
	Name        string `json:"name"`
	Cell        int    `json:"cell"`
	Ready       bool   `json:"ready"` // it gets new streams
	Connections int    `json:"connections"`
	Version     string `json:"version"`
	Started     Millis `json:"started"`
	Updated     Millis `json:"updated"` // when it said so

	Address string `json:"-"` // host and port of its private port
}

// InstanceStore keeps which streamers there are.
type InstanceStore interface {
	Announce(ctx context.Context, i Instance) error
	// Withdraw forgets an instance, which may be gone already.
	Withdraw(ctx context.Context, name string) error
	// Instances reads those not forgotten, also what died without a word.
	Instances(ctx context.Context) ([]Instance, error)
}

// Peers asks other streamers over their private ports.
type Peers interface {
	// Listeners is how many streams the user has at the instance.
	Listeners(ctx context.Context, i Instance, user UserID) (int, error)
}

// Operations is the service of what operators ask.
type Operations struct {
	Store InstanceStore
	Peers Peers
	Now   func() time.Time
	Log   *slog.Logger
}

// UserListeners are the streams of one user.
type UserListeners struct {
	UserID      UserID              `json:"userId"`
	Connections int                 `json:"connections"`
	Instances   []InstanceListeners `json:"instances"`  // where there are any
	Unanswered  []string            `json:"unanswered"` // instances that did not answer in 2 s, so there may be more
}

// InstanceListeners are those at one instance.
type InstanceListeners struct {
	Name        string `json:"name"`
	Connections int    `json:"connections"`
}

// Instances are the streamers that said lately that they are there, by name.
func (o *Operations) Instances(ctx context.Context) ([]Instance, error) {
	all, err := o.Store.Instances(ctx)
	if err != nil {
		return nil, fmt.Errorf("read instances: %w", err)
	}
	oldest := Millis(o.Now().Add(-announcedFor).UnixMilli())
	live := slices.DeleteFunc(all, func(i Instance) bool { return i.Updated < oldest })
	slices.SortFunc(live, func(a, b Instance) int { return cmp.Compare(a.Name, b.Name) })
	return live, nil
}

// Listeners asks the instances, all at once, how many streams the user has.
func (o *Operations) Listeners(ctx context.Context, instances []Instance, user UserID) UserListeners {
	ctx, cancel := context.WithTimeout(ctx, peerTimeout)
	defer cancel()
	counts, errs := make([]int, len(instances)), make([]error, len(instances))
	var wg sync.WaitGroup
	for i, one := range instances {
		wg.Go(func() { counts[i], errs[i] = o.Peers.Listeners(ctx, one, user) })
	}
	wg.Wait()
	out := UserListeners{UserID: user, Instances: []InstanceListeners{}, Unanswered: []string{}}
	for i, one := range instances {
		switch {
		case errs[i] != nil:
			o.Log.WarnContext(ctx, "ask instance for listeners", "instance", one.Name, "error", errs[i])
			out.Unanswered = append(out.Unanswered, one.Name)
		case counts[i] > 0:
			out.Connections += counts[i]
			out.Instances = append(out.Instances, InstanceListeners{one.Name, counts[i]})
		}
	}
	return out
}
