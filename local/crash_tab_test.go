package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tidings/internal/session"
)

// tab is somebody's EventSource in the crash test, and all that it got.
type tab struct {
	name    string
	p       *person
	es      eventSource
	reloads bool // now and then, which makes a new EventSource from the position that the page has kept
	began   time.Time

	mu      sync.Mutex
	got     []arrival        // guarded by mu
	seqs    map[int64]string // guarded by mu: changes of the members of the group chat
	readies int              // guarded by mu
	resets  int              // guarded by mu
	kept    string           // guarded by mu: the position of the last event
	odd     []string         // guarded by mu: what should never come
	story   []string         // guarded by mu: of its connections
	ended   error            // guarded by mu
}

// arrival is an event and on which connection it came.
type arrival struct {
	id         string
	connection int
}

func newTab(name string, p *person, url string, literal, reloads bool) *tab {
	one := &tab{name: name, p: p, reloads: reloads, seqs: map[int64]string{}, began: time.Now()}
	one.es = eventSource{
		url: url, literal: literal, header: http.Header{"Cookie": {session.CookieName + "=" + p.token}},
		client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}},
		opened: one.opened, dispatch: one.take,
	}
	return one
}

func (one *tab) run(ctx context.Context) {
	stream := one.es.url
	for ctx.Err() == nil {
		page, leave := ctx, context.CancelFunc(func() {})
		if one.reloads {
			page, leave = context.WithTimeout(ctx, rand.N(10*time.Second))
		}
		err := one.es.run(page)
		leave()
		if err != nil {
			one.mu.Lock()
			one.ended = err
			one.mu.Unlock()
			return
		}
		one.es.url, one.es.lastEventID = one.from(stream), ""
	}
}

// from is where a new EventSource begins: where the page was.
func (one *tab) from(stream string) string {
	one.mu.Lock()
	defer one.mu.Unlock()
	if one.kept == "" {
		return stream
	}
	return stream + "?lastEventId=" + url.QueryEscape(one.kept)
}

// connected is on how many connections it was told where it begins.
func (one *tab) connected() int {
	one.mu.Lock()
	defer one.mu.Unlock()
	return one.readies
}

func (one *tab) count() int {
	one.mu.Lock()
	defer one.mu.Unlock()
	return len(one.got)
}

func (one *tab) changes() map[int64]string {
	one.mu.Lock()
	defer one.mu.Unlock()
	out := make(map[int64]string, len(one.seqs))
	for seq, change := range one.seqs {
		out[seq] = change
	}
	return out
}

func (one *tab) opened(position string) {
	one.mu.Lock()
	defer one.mu.Unlock()
	if position == "" {
		position = one.es.url // as it began
	}
	one.tell("a connection from %s", position)
}

// tell adds to the story; mu must be held.
func (one *tab) tell(format string, args ...any) {
	one.story = append(one.story, fmt.Sprintf("%6.2fs, event %d: ", time.Since(one.began).Seconds(), len(one.got))+fmt.Sprintf(format, args...))
}

func (one *tab) take(e sourceEvent) {
	bad := contract().Frame(e.Type, e.Data)
	one.mu.Lock()
	defer one.mu.Unlock()
	if bad != nil {
		one.odd = append(one.odd, fmt.Sprintf("not as documented: %v", bad))
	}
	one.kept = e.LastEventID
	switch e.Type {
	case "ready":
		one.readies++
		one.tell("ready %s", e.Data)
	case "reset":
		one.resets++
		one.tell("reset %s", e.Data)
	case "reconnect":
		one.tell("reconnect %s", e.Data)
	case "heartbeat":
	case "message":
		one.takeFrame(e)
	default:
		one.odd = append(one.odd, e.Type+" "+e.Data)
	}
}

func (one *tab) takeFrame(e sourceEvent) {
	var f struct {
		frame
		Data struct{ Change string }
	}
	switch err := json.Unmarshal([]byte(e.Data), &f); {
	case err != nil || f.UserID != one.p.ref.ID || e.LastEventID == "":
		one.odd = append(one.odd, fmt.Sprintf("%+v %v", e, err))
		return
	case f.Data.Change == "members_added" || f.Data.Change == "member_removed":
		at := strings.Split(f.EventID, "/")
		seq, _ := strconv.ParseInt(at[1], 10, 64) // one that isn't a number is not as expected either
		one.seqs[seq] = f.Data.Change
	}
	one.got = append(one.got, arrival{f.EventID, one.readies})
}

// verdict is what was wrong with what a tab got.
type verdict struct {
	events, lost, doubled, foreign, disorder, resets int
	odd                                              int
	details                                          []string
}

func (v *verdict) add(o verdict) {
	v.events += o.events
	v.lost += o.lost
	v.doubled += o.doubled
	v.resets += o.resets
}

func (v *verdict) wrong() bool {
	return v.lost+v.doubled+v.foreign+v.disorder+v.resets+v.odd > 0
}

// judge compares what came with what must have come, by log and in its order.
func (one *tab) judge(want map[string][]string) verdict {
	one.mu.Lock()
	defer one.mu.Unlock()
	v := verdict{resets: one.resets, odd: len(one.odd), details: slices.Clone(one.odd)}
	if one.ended != nil {
		v.odd++
		v.details = append(v.details, one.ended.Error())
	}
	got := map[string][]string{}
	times := map[string][]int{}
	for _, a := range one.got {
		log, _, _ := strings.Cut(a.id, "/")
		if len(times[a.id]) == 0 {
			got[log] = append(got[log], a.id)
		}
		times[a.id] = append(times[a.id], a.connection)
	}
	note := func(format string, args ...any) { v.details = append(v.details, fmt.Sprintf(format, args...)) }
	wanted := map[string]bool{}
	for log, ids := range want {
		v.events += len(ids)
		var present []string
		for i, id := range ids {
			wanted[id] = true
			if len(times[id]) == 0 {
				v.lost++
				note("lost %s, after %s", id, ids[max(0, i-1)])
				continue
			}
			present = append(present, id)
		}
		theirs := slices.DeleteFunc(got[log], func(id string) bool { return !slices.Contains(ids, id) })
		if !slices.Equal(theirs, present) {
			v.disorder++
			note("out of order: %q\nwant %q", theirs, present)
		}
	}
	for id, connections := range times {
		if len(connections) > 1 {
			v.doubled += len(connections) - 1
			note("doubled %s: on connections %v", id, connections)
		}
		if !wanted[id] {
			v.foreign++
			note("foreign %s: on connections %v", id, connections)
		}
	}
	if len(v.details) > 20 {
		v.details = append(v.details[:20], fmt.Sprint("and ", len(v.details)-20, " more"))
	}
	v.details = append(v.details, one.story...)
	return v
}
