package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tidings/internal/chat"
)

// talk is what people say and do in the crash test, and so what their streams must tell.
type talk struct {
	t                *testing.T
	owner, guest     *person // of the group chat; the guest comes and goes
	others, stranger []*person
	group            string // its log
	members          map[string][]*person
	tabs             []*tab
	stop             context.CancelFunc // of the tabs
	reading          sync.WaitGroup

	posts atomic.Int64 // that were begun

	mu   sync.Mutex
	said map[string]map[int64]chat.UserID // guarded by mu: by log and seq, the authors of messages that were answered
}

const (
	silence = 1500 * time.Millisecond // the longest between two messages of somebody in a log
	// maxPosts is never reached in the time that the kills take on a machine that isn't
	// very slow. A tab that is cut again and again may have all the entries still to come,
	// and that must not be so many that it is told to fetch its lists instead.
	maxPosts = 900
)

// newTalk makes the people, three conversations and a group chat.
func newTalk(t *testing.T, url string) *talk {
	k := &talk{t: t, members: map[string][]*person{}, said: map[string]map[int64]chat.UserID{}}
	all := make([]*person, 7)
	for i, name := range []string{"ann", "ben", "cat", "dan", "eve", "guest", "stranger"} {
		all[i] = newPerson(t, url, name)
	}
	k.owner, k.others, k.guest, k.stranger = all[0], all[1:5], all[5], all[6:]
	for _, pair := range [][2]*person{{all[0], all[1]}, {all[0], all[2]}, {all[3], all[4]}} {
		k.members["c:"+pair[0].open(pair[1])] = pair[:]
	}
	k.group = "g:" + k.owner.createGroup("crashing", k.others...).ID
	k.members[k.group] = all[:5]
	for log := range k.members {
		k.said[log] = map[int64]chat.UserID{}
	}
	return k
}

// listen opens everybody's tabs, those of some on two devices, and waits until each
// has its position. Every other one takes the standard literally, and every third is
// reloaded again and again.
func (k *talk) listen(url string) []*tab {
	k.t.Helper()
	ctx, cancel := context.WithCancel(k.t.Context())
	k.stop = cancel
	k.t.Cleanup(k.close)
	people := slices.Concat([]*person{k.owner, k.owner, k.guest, k.guest}, k.others, k.others[:1], k.stranger)
	for i, p := range people {
		one := newTab(fmt.Sprintf("%s (tab %d)", p.ref.Username, i), p, url, i%2 == 0, i%3 == 2)
		k.tabs = append(k.tabs, one)
		k.reading.Go(func() { one.run(ctx) })
	}
	for _, one := range k.tabs {
		if !eventually(patience, func() bool { return one.connected() > 0 }) {
			k.t.Fatalf("%s gets no stream: %v", one.name, one.ended)
		}
	}
	return k.tabs
}

func (k *talk) close() {
	k.stop()
	k.reading.Wait()
}

// write has everybody write and the guest come and go, until the returned function
// is called. What was begun then is brought to its end.
func (k *talk) write() (done func()) {
	ctx, stop := context.WithCancel(k.t.Context())
	var writers sync.WaitGroup
	for log, members := range k.members {
		for _, p := range members {
			writers.Go(func() {
				for i := 0; pausing(ctx, silence) && k.posts.Add(1) < maxPosts; i++ {
					k.say(log, p, fmt.Sprintf("%d of %s", i, p.ref.Username))
				}
			})
		}
	}
	writers.Go(func() {
		path := "/api/groupchats/" + chat.LogID(k.group).ID() + "/members"
		for i := 0; pausing(ctx, 2*silence) && k.posts.Add(1) < maxPosts; i++ {
			if i%2 == 0 {
				k.insist(k.owner, "POST", path, fmt.Sprintf(`{"userIds":[%d]}`, k.guest.ref.ID), fmt.Sprint("invite ", i), 200)
			} else {
				k.insist(k.owner, "DELETE", path+"/"+k.guest.ref.ID.String(), "", "", 204, 404) // 404: an earlier try had done it
			}
		}
	})
	return func() {
		stop()
		writers.Wait()
	}
}

// lastWords are a message in each log, behind all that came before.
func (k *talk) lastWords() {
	for log, members := range k.members {
		k.say(log, members[0], "last words")
	}
}

// say posts a message until it is answered, and notes it.
func (k *talk) say(log string, p *person, text string) {
	path := "/api/conversations/"
	if log == k.group {
		path = "/api/groupchats/"
	}
	answer := k.insist(p, "POST", path+chat.LogID(log).ID()+"/messages", fmt.Sprintf(`{"content":%q}`, text), log+" "+text, http.StatusCreated)
	var out struct{ Message chat.Message }
	if err := json.Unmarshal([]byte(answer), &out); err != nil {
		k.t.Errorf("%s: %v", answer, err)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, twice := k.said[log][out.Message.Seq]; twice || out.Message.Content != text {
		k.t.Errorf("%s was answered with message %d, %q", text, out.Message.Seq, out.Message.Content)
	}
	k.said[log][out.Message.Seq] = p.ref.ID
}

// insist sends a request until its answer is final, as a client does whose server is
// gone for a while: with the same Idempotency-Key.
func (k *talk) insist(p *person, method, path, body, key string, want ...int) (answer string) {
	var header []string
	if key != "" {
		header = []string{"Idempotency-Key", key}
	}
	for end := time.Now().Add(patience); time.Now().Before(end); {
		status, answer, err := p.call(method, path, body, header...)
		switch {
		case err == nil && slices.Contains(want, status):
			return answer
		case err == nil && status < 500 && status != http.StatusTooManyRequests:
			k.t.Errorf("%s %s: %d %s", method, path, status, answer)
			return ""
		}
		pausing(context.Background(), 200*time.Millisecond)
	}
	k.t.Errorf("%s %s: no final answer in %v", method, path, patience)
	return ""
}

// pausing lets some time pass, as people do, and says whether ctx goes on.
func pausing(ctx context.Context, most time.Duration) bool {
	t := time.NewTimer(rand.N(most))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// told says whether everybody has as many events as they must get in all.
func (k *talk) told(tabs []*tab) bool {
	for _, one := range tabs {
		n := 0
		for _, events := range k.expected(one) {
			n += len(events)
		}
		if one.count() < n {
			return false
		}
	}
	return true
}

// expected are the ids of the events that a tab must get, by log and in their order.
// When the guest came and went in the group chat is known by the owner's first stream,
// which has no less to get than all of it.
func (k *talk) expected(one *tab) map[string][]string {
	k.mu.Lock()
	defer k.mu.Unlock()
	changes := k.tabs[0].changes()
	out := map[string][]string{}
	for log, members := range k.members {
		in := slices.Contains(members, one.p)
		last := int64(1 + len(k.said[log]))
		if log == k.group {
			last += int64(len(changes))
		}
		for seq := int64(2); seq <= last; seq++ { // the first was there before the streams
			author, message := k.said[log][seq]
			change := ""
			if log == k.group {
				change = changes[seq]
			}
			came := change == "members_added" && one.p == k.guest
			in = in || came
			switch {
			case !in:
			case message && author != one.p.ref.ID:
				out[log] = append(out[log], chat.EventID(chat.LogID(log), seq, 1), chat.EventID(chat.LogID(log), seq, 2), chat.EventID(chat.LogID(log), seq, 3))
			default: // also what nobody was answered, which is an error of its own
				out[log] = append(out[log], chat.EventID(chat.LogID(log), seq, 3))
			}
			if change == "member_removed" && one.p == k.guest {
				in = false
			}
		}
	}
	return out
}
