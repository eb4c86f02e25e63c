package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A list fetched after ready + the events since ready = the list fetched later, for
// every row of the emission matrix and everybody in it: with lists fetched before the
// row's first request, and after each of its requests.
func TestStateAndEventsJoin(t *testing.T) { onEach(t, testJoin) }

func testJoin(t *testing.T, url string) {
	for _, row := range matrix {
		t.Run(row.name, func(sub *testing.T) {
			c := newCast(t, url)
			c.prepare(row.given)
			var js [4]join
			for i, p := range c.people {
				js[i].person = p.tab(c.streams[i][2].token) // the device's: a log-out doesn't end it
				js[i].listen()
				js[i].clients = append(js[i].clients, newClient(js[i].person))
			}
			for _, request := range row.does {
				c.do(request)
				for i := range js {
					js[i].clients = append(js[i].clients, newClient(js[i].person))
				}
			}
			for i := range js {
				js[i].createGroup("marker")
				js[i].check(sub)
			}
		})
	}
}

// join is somebody's stream and the clients on it, with lists fetched at various times
// since its ready.
type join struct {
	*person
	clients []*client
}

// check waits until all clients show what the lists say now. Nobody changes anything
// any more.
func (j *join) check(t *testing.T) {
	t.Helper()
	want := j.fetch()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for i, c := range j.clients {
		for !j.equal(c, want) {
			j.mu.Lock()
			more, behind := j.more, c.applied < len(j.events)
			j.mu.Unlock()
			if behind {
				continue
			}
			select {
			case <-more:
			case <-ctx.Done():
				t.Errorf("%s, whose lists were fetched for the %dth time:%s", j.ref.Username, i+1, j.differences(c, want))
				return
			}
		}
	}
}

// equal applies what has come since and compares.
func (j *join) equal(c *client, want map[string]obj) bool {
	j.mu.Lock()
	events := j.events[c.applied:]
	c.applied += len(events)
	j.mu.Unlock()
	for _, e := range events {
		if e.Name != "message" {
			j.t.Errorf("%s got %+v", j.ref.Username, e)
			continue
		}
		c.apply(j.t, e.Data)
	}
	return reflect.DeepEqual(current(c.shown()), current(want))
}

// current leaves out the last message of a group chat where it is of an earlier time of
// membership. A list shows it to those who left and came back before anything else was
// said, but no event of their joining tells it: delete this when lists show none either.
func current(shown map[string]obj) map[string]obj {
	out := maps.Clone(shown)
	groups := []any{}
	for _, g := range items(shown["/api/groupchats"], "groupChats") {
		if last, ok := g["lastMessage"].(obj); ok && num(last, "seq") < num(g, "memberSeq") {
			g = maps.Clone(g)
			delete(g, "lastMessage")
		}
		groups = append(groups, g)
	}
	out["/api/groupchats"] = obj{"groupChats": groups}
	bell := maps.Clone(shown[lists[2]])
	notifications := []any{}
	for _, n := range items(bell, "notifications") {
		if n["kind"] == "custom" { // a list tells its time, the event does not
			n = maps.Clone(n)
			delete(n, "createdAt")
		}
		notifications = append(notifications, n)
	}
	bell["notifications"] = notifications
	out[lists[2]] = bell
	return out
}

// differences are the listed things that one side has alone, with the events about them.
func (j *join) differences(c *client, want map[string]obj) string {
	var b strings.Builder
	j.mu.Lock()
	defer j.mu.Unlock()
	shown, want := current(c.shown()), current(want)
	only := func(whose string, these, others []string) {
		for _, thing := range these {
			if slices.Contains(others, thing) {
				continue
			}
			fmt.Fprintf(&b, "\n%s %s", whose, thing)
			for _, e := range j.events {
				if id := regexp.MustCompile(`[0-9a-f]+-[0-9a-f-]+`).FindString(thing); id != "" && strings.Contains(e.Data, id) {
					fmt.Fprintf(&b, "\n         %s", e.Data)
				}
			}
		}
	}
	for _, path := range lists {
		only("client", things(shown[path]), things(want[path]))
		only("list  ", things(want[path]), things(shown[path]))
	}
	return b.String()
}

// things are the members of an answer, those of lists one by one.
func things(answer obj) []string {
	var out []string
	add := func(name string, v any) {
		text, _ := json.Marshal(v) // was read from JSON
		out = append(out, name+" "+string(text))
	}
	for name, v := range answer {
		list, ok := v.([]any)
		if !ok {
			add(name, v)
		}
		for i, v := range list {
			add(fmt.Sprintf("%s[%d]", name, i), v)
		}
	}
	return out
}

// The same on a random walk over all that can be done, with everything on the way to
// the streams at fault: lists fetched every few steps, streams opened later on, and in
// the end all clients show what the lists say. WALK_SEED repeats a walk.
func TestStateAndEventsJoinOnARandomWalk(t *testing.T) {
	seed, err := strconv.ParseUint(os.Getenv("WALK_SEED"), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("WALK_SEED=%d", seed)
	sys := mustStart(t, nil)
	f := faults["All"]
	f.Seed, f.Throttle, f.Conflict, f.TimeoutAfterCommit = seed, 0, 0, 0 // of requests: a step is done or refused
	if err := sys.AWS.Faults().Set(f); err != nil {
		t.Fatal(err)
	}
	w := &walk{cast: newCast(t, sys.URL), rng: rand.New(rand.NewPCG(seed, 0))}
	const steps, every = 300, 20
	for i := range steps {
		if i%(steps/3) == 0 {
			for _, p := range w.people {
				w.joins = append(w.joins, &join{person: p.tab(p.token)})
				w.joins[len(w.joins)-1].listen()
			}
		}
		if i%every == 0 {
			for _, j := range w.joins {
				j.clients = append(j.clients, newClient(j.person))
			}
		}
		w.step()
	}
	for _, j := range w.joins {
		j.check(t)
	}
	if t.Failed() {
		t.Logf("the walk:\n%s", strings.Join(w.done, "\n"))
	}
}

// walk is a random walk of a cast.
type walk struct {
	*cast
	rng   *rand.Rand
	joins []*join
	done  []string
}

// pick gives one of the things, nil if there are none.
func (w *walk) pick(things []obj) obj {
	if len(things) == 0 {
		return nil
	}
	return things[w.rng.IntN(len(things))]
}

// step does one thing, mostly one that can be done.
func (w *walk) step() {
	who, other := w.people[w.rng.IntN(4)], w.people[w.rng.IntN(4)].ref.ID.String()
	have := who.fetch()
	group := w.pick(items(have[lists[1]], "groupChats"))
	at, inGroup := group, "/api/groupchats/"+text(group, "id")
	place := inGroup
	if group == nil || w.rng.IntN(2) == 0 {
		at = w.pick(items(have[lists[0]], "conversations"))
		place = "/api/conversations/" + text(at, "id")
	}
	note := text(w.pick(items(have[lists[2]], "notifications")), "id")
	in, out := text(w.pick(items(have[lists[4]], "incoming")), "id"), text(w.pick(items(have[lists[4]], "outgoing")), "id")
	choices := []struct {
		weight             int
		can                bool
		method, path, body string
	}{
		{4, true, "POST", "/api/conversations", `{"userId":` + other + `}`},
		{20, at != nil, "POST", place + "/messages", fmt.Sprintf(`{"content":"message %d"}`, len(w.done))},
		{12, at != nil, "POST", place + "/read", fmt.Sprintf(`{"messageId":"%d"}`, 1+w.rng.IntN(1+int(num(at, "seq"))))},
		{2, true, "POST", "/api/groupchats", `{"name":"g","memberIds":[` + other + `]}`},
		{3, group != nil, "PATCH", inGroup, fmt.Sprintf(`{"name":"name %d"}`, len(w.done))},
		{3, group != nil, "PATCH", inGroup, `{"ownerId":` + other + `}`},
		{12, group != nil, "POST", inGroup + "/members", `{"userIds":[` + other + `]}`},
		{9, group != nil, "DELETE", inGroup + "/members/" + other, ""},
		{1, group != nil, "DELETE", inGroup, ""},
		{8, true, "POST", "/api/friends/request", `{"userId":` + other + `}`},
		{5, in != "", "PUT", "/api/friends/request/" + in, `{"action":"accept"}`},
		{2, in != "", "PUT", "/api/friends/request/" + in, `{"action":"decline"}`},
		{4, out != "", "DELETE", "/api/friends/request/" + out, ""},
		{6, true, "DELETE", "/api/friends/" + other, ""},
		{6, note != "", "PUT", "/api/notifications/" + note, `{"read":true}`},
		{1, true, "POST", "/api/notifications/read-all", ""},
	}
	n := w.rng.IntN(98)
	for _, c := range choices {
		if n -= c.weight; n < 0 && c.can {
			w.send(who, c.method, c.path, c.body)
			return
		}
	}
}

func (w *walk) send(who *person, method, path, body string) {
	status, answer, err := who.call(method, path, body)
	if err != nil || status >= 500 {
		w.t.Errorf("%s %s: %d %s %v", method, path, status, answer, err)
	}
	w.done = append(w.done, fmt.Sprintf("%d: %s %s %s %s", status, who.ref.Username, method, path, body))
}
