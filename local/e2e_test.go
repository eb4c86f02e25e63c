package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tidings/internal/chat"
	"tidings/local/aws"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// o is a JSON object whose members stand in the order they are given.
type o []any // name, value, name, value …

func (o o) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i := 0; i < len(o); i += 2 {
		k, err := json.Marshal(o[i])
		if err != nil {
			return nil, err
		}
		v, err := json.Marshal(o[i+1])
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, k...), ':'), v...)
	}
	return append(b, '}'), nil
}

// Alice writes to Bob, who reads it and answers; Carol listens and hears nothing.
// Every frame is checked to the byte, for each of them.
func TestFramesOfAConversation(t *testing.T) { onEach(t, testFrames) }

func testFrames(t *testing.T, url string) {
	alice, bob, carol := newPerson(t, url, "alice"), newPerson(t, url, "bob"), newPerson(t, url, "carol")
	for _, p := range []*person{alice, bob, carol} {
		p.listen()
	}
	members := []chat.UserRef{alice.ref, bob.ref}
	id := alice.open(bob)
	event := func(seq int64, part int) string { return chat.EventID(chat.ConversationLog(id), seq, part) }
	var list struct{ Conversations []chat.Conversation }
	bob.must(200, &list, "GET", "/api/conversations", "")
	updated := list.Conversations[0].UpdatedAt

	created := o{"conversation", o{"id", id, "seq", 1, "members", members, "lastMessage", nil, "messageCount", 0, "updatedAt", updated}, "change", "created"}
	alice.expect("conversation_update", event(1, 3), created)
	bob.expect("conversation_update", event(1, 3), created)

	text := "hello <Bob> & \"all\" \u2028 ✓ 😀\nsecond line"
	m := alice.say(id, text)
	if m.Content != text || m.Seq != 2 || m.Sender != alice.ref {
		t.Fatalf("message %+v", m)
	}
	last := o{"id", m.ID, "seq", m.Seq, "sender", alice.ref, "preview", text, "createdAt", m.CreatedAt}
	conv := o{"id", id, "seq", m.Seq, "members", members, "lastMessage", last, "messageCount", 1, "updatedAt", m.CreatedAt}
	bob.expect("message", event(2, 1), o{"conversationId", id, "message", m})
	bob.expect("notification", event(2, 2), o{
		"id", "c:" + id + "/2", "seq", 2, "kind", "message", "actor", alice.ref, "conversationId", id,
		"messageId", m.ID, "preview", text, "createdAt", m.CreatedAt, "read", false,
	})
	bob.expect("conversation_update", event(2, 3), o{"conversation", conv, "change", "message"})
	alice.expect("conversation_update", event(2, 3), o{"conversation", conv, "change", "message", "message", m})

	bob.must(204, nil, "POST", "/api/conversations/"+id+"/read", fmt.Sprintf(`{"messageId":%q}`, m.ID))
	bob.expect("read", fmt.Sprintf("u:%d/1/1", bob.ref.ID), o{"seq", 1, "conversationId", id, "messageId", m.ID, "readCount", 1})
	alice.expect("receipt", "", o{"conversationId", id, "userId", bob.ref.ID, "messageId", m.ID, "readCount", 1})

	bob.must(202, nil, "POST", "/api/conversations/"+id+"/typing", "")
	alice.expect("typing", "", o{"conversationId", id, "user", bob.ref})

	// Carol's first event is the first that is hers.
	with := carol.open(alice)
	if f := carol.nextFrame(); f.EventID != "c:"+with+"/1/3" {
		t.Errorf("carol got %s %s", f.EventID, f.Data)
	}
	alice.nextFrame()
	alice.must(404, nil, "GET", "/api/conversations/"+chat.ConversationID(bob.ref.ID, carol.ref.ID), "")
	carol.must(404, nil, "GET", "/api/conversations/"+id+"/messages", "")
	carol.must(404, nil, "POST", "/api/conversations/"+id+"/messages", `{"content":"let me in"}`)

	// What came by events is what the lists say.
	bob.say(id, "answer")
	bob.must(200, &list, "GET", "/api/conversations", "")
	if c := list.Conversations[0]; c.Seq != 3 || c.MessageCount != 2 || c.UnreadCount != 0 || c.LastMessage.Preview != "answer" {
		t.Errorf("bob's list: %+v %+v", c, c.ConversationView)
	}
	alice.must(200, &list, "GET", "/api/conversations", "")
	i := slices.IndexFunc(list.Conversations, func(c chat.Conversation) bool { return c.ID == id })
	if c := list.Conversations[i]; c.ReadCount != 1 || c.UnreadCount != 1 {
		t.Errorf("alice's list: %+v", c.ConversationView)
	}
}

// A log-out ends the streams of that session, and of no other.
func TestLogoutEndsTheStream(t *testing.T) { onEach(t, testLogout) }

func testLogout(t *testing.T, url string) {
	alice := newPerson(t, url, "alice")
	var again struct{ Token string }
	alice.must(200, &again, "POST", "/api/auth/login", fmt.Sprintf(`{"username":%q,"password":"correct horse"}`, alice.ref.Username))
	other := &person{t: t, url: url, client: alice.client, token: again.Token, ref: alice.ref, more: make(chan struct{})}
	alice.listen()
	other.listen()
	alice.must(204, nil, "POST", "/api/auth/logout", "")
	if e := alice.next(); e.Name != "revoked" || e.Data != `{"reason":"logout"}` {
		t.Errorf("alice got %+v", e)
	}
	if e := alice.next(); e.Name != "closed" {
		t.Errorf("alice got %+v", e)
	}
	alice.must(401, nil, "GET", "/api/conversations", "")
	alice.must(401, nil, "GET", "/api/events", "")
	bob := newPerson(t, url, "bob")
	bob.say(bob.open(alice), "still there?")
	if f := other.nextFrame(); f.Type != "conversation_update" {
		t.Errorf("the other session got %+v", f)
	}
	other.must(200, nil, "GET", "/api/auth/session", "")
}

// faults are the switches of the embedded AWS, each in its turn and all at once.
var faults = map[string]aws.FaultConfig{
	"None":               {},
	"Duplicate":          {Duplicate: 0.5},
	"Delay":              {Delay: 0.5, MaxDelay: 300 * time.Millisecond},
	"Reorder":            {Reorder: 0.5},
	"DropRedeliver":      {DropRedeliver: 0.3, RedeliverAfter: 300 * time.Millisecond},
	"PublishFail":        {PublishFail: 0.5},
	"Throttle":           {Throttle: 0.1},
	"Conflict":           {Conflict: 0.3},
	"TimeoutAfterCommit": {TimeoutAfterCommit: 0.2},
	"All": {
		Duplicate: 0.2, Delay: 0.2, MaxDelay: 300 * time.Millisecond, Reorder: 0.2, DropRedeliver: 0.1,
		RedeliverAfter: 300 * time.Millisecond, PublishFail: 0.2, Throttle: 0.05, Conflict: 0.1, TimeoutAfterCommit: 0.1,
	},
}

// Whatever SNS, SQS and the table do on the way: both members see every message
// once and in order, on two streams each, and a stranger sees none.
func TestDeliveryUnderFaults(t *testing.T) {
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			sys := mustStart(t, nil)
			alice, bob, carol := newPerson(t, sys.URL, "alice"), newPerson(t, sys.URL, "bob"), newPerson(t, sys.URL, "carol")
			id := alice.open(bob)
			tab := func(p *person) *person {
				return &person{t: t, url: p.url, client: p.client, token: p.token, ref: p.ref, more: make(chan struct{})}
			}
			streams := []*person{alice, tab(alice), bob, tab(bob), carol}
			for _, p := range streams {
				p.listen()
			}
			f.Seed = 1
			sys.AWS.Faults().Set(f)
			const each = 40
			var wg sync.WaitGroup
			for _, p := range []*person{alice, bob} {
				wg.Go(func() {
					for i := range each {
						sendUntilTaken(p, id, fmt.Sprintf("%d of %s", i, p.ref.Username), strconv.Itoa(i), faulty)
					}
				})
			}
			wg.Wait()
			for _, p := range streams[:4] {
				checkMessages(p, id, 2, 2*each)
			}
			injected := sys.AWS.Faults().Counts()
			sys.AWS.Faults().Set(aws.FaultConfig{})
			with := carol.open(alice)
			if got := carol.nextFrame(); got.EventID != "c:"+with+"/1/3" {
				t.Errorf("carol got %s", got.EventID)
			}
			if name != "None" && len(injected) == 0 {
				t.Error("no fault was injected")
			}
			t.Logf("%d messages to 4 streams, injected %v", 2*each, injected)
		})
	}
}

// sendUntilTaken sends the message with the same key until it is taken, as long as again
// allows for what came instead. It gives the message, and how often it was sent.
func sendUntilTaken(p *person, conversation, content, key string, again func(status int, err error) bool) (m chat.Message, sent int) {
	body := fmt.Sprintf(`{"content":%q}`, content)
	for sent := 1; sent <= 50; sent++ {
		status, answer, err := p.call(http.MethodPost, "/api/conversations/"+conversation+"/messages", body, "Idempotency-Key", key)
		var out struct{ Message chat.Message }
		switch {
		case err == nil && status == http.StatusCreated:
			if err := json.Unmarshal([]byte(answer), &out); err != nil {
				p.t.Error(err)
			}
			return out.Message, sent
		case !again(status, err):
			p.t.Errorf("send: %d %s %v", status, answer, err)
			return chat.Message{}, sent
		}
	}
	p.t.Error("not taken in 50 tries")
	return chat.Message{}, 50
}

// faulty is what may come instead of an answer where faults are injected: a 5xx or a
// broken line.
func faulty(status int, err error) bool { return err != nil || status >= 500 }

// busy is what may come from a service that has too much to do.
func busy(status int, err error) bool {
	return err == nil && (status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable)
}

// checkMessages reads the frames of n messages from seq on: all of them, once, in
// order, the author's and the others' as they should be.
func checkMessages(p *person, id string, from, n int) {
	p.t.Helper()
	for seq := from; seq < from+n; seq++ {
		for _, part := range []int{1, 2, 3} {
			f := p.nextFrame()
			want := fmt.Sprintf("c:%s/%d/%d", id, seq, part)
			var own struct{ Message *chat.Message }
			if f.Type == "conversation_update" && json.Unmarshal(f.Data, &own) == nil && own.Message != nil {
				want = fmt.Sprintf("c:%s/%d/3", id, seq) // mine: no message and no notification
				part = 3
			}
			if f.EventID != want {
				p.t.Fatalf("%s got %s, want %s", p.ref.Username, f.EventID, want)
			}
			if part == 3 {
				break
			}
		}
	}
}

// Fifty senders at once in one conversation: each message is taken, once, and the log
// has no hole. A machine that is busy with other things, too, may refuse some at first.
func TestContention(t *testing.T) {
	sys := mustStart(t, nil) // rate limits off
	const senders, each = 50, 20
	alice, bob := newPerson(t, sys.URL, "alice"), newPerson(t, sys.URL, "bob")
	id := alice.open(bob)
	bob.listen()
	start := time.Now()
	var wg sync.WaitGroup
	var mu sync.Mutex
	taken := map[int64]bool{}
	var slowest time.Duration
	refused := 0
	for s := range senders {
		p := []*person{alice, bob}[s%2]
		wg.Go(func() {
			for i := range each {
				asked := time.Now()
				content := fmt.Sprintf("%d/%d", s, i)
				m, sent := sendUntilTaken(p, id, content, content, busy)
				mu.Lock()
				taken[m.Seq] = true
				slowest = max(slowest, time.Since(asked))
				refused += sent - 1
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	for seq := int64(2); seq <= senders*each+1; seq++ {
		if !taken[seq] {
			t.Fatalf("nobody was answered message %d", seq)
		}
	}
	if refused > senders*each/4 { // with nothing else on the machine it is none
		t.Errorf("%d refusals for %d messages", refused, senders*each)
	}
	checkMessages(bob, id, 2, senders*each)
	fmt.Printf("contention: %d messages of %d senders in one log in %v: %.0f a second, the slowest answer after %v, %d refused at first\n",
		senders*each, senders, took.Round(time.Millisecond), senders*each/took.Seconds(), slowest.Round(time.Millisecond), refused)
}
