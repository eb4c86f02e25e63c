package main

import (
	"cmp"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"tidings/internal/chat"
)

// cast are the people of a row, and what they have.
type cast struct {
	t       *testing.T
	people  [4]*person    // ann, ben, cat, dan
	streams [4][3]*person // of each: two tabs and a device
	vars    []string      // what stands for the braces in requests, for strings.NewReplacer
}

func newCast(t *testing.T, url string) *cast {
	c := &cast{t: t}
	for i, name := range []string{"ann", "ben", "cat", "dan"} {
		p := newPerson(t, url, name)
		c.people[i] = p
		c.streams[i] = [3]*person{p.tab(p.token), p.tab(p.token), p.device()}
		c.vars = append(c.vars, "{"+name+"}", p.ref.ID.String(), "{"+name+".name}", p.ref.Username)
	}
	return c
}

// tab is another stream of the same person.
func (p *person) tab(token string) *person {
	return &person{t: p.t, url: p.url, client: p.client, token: token, ref: p.ref, more: make(chan struct{})}
}

// device is the same person logged in once more.
func (p *person) device() *person {
	p.t.Helper()
	var out struct{ Token string }
	p.must(200, &out, "POST", "/api/auth/login", fmt.Sprintf(`{"username":%q,"password":"correct horse"}`, p.ref.Username))
	return p.tab(out.Token)
}

// prepare makes what a row needs.
func (c *cast) prepare(given string) {
	ann, ben, cat := c.people[0], c.people[1], c.people[2]
	switch given {
	case "":
	case "conversation":
		id := ann.open(ben)
		ben.say(id, "hello")
		c.vars = append(c.vars, "{c}", id)
	case "group":
		g := ann.createGroup("g", ben, cat)
		ben.must(201, nil, "POST", g.path()+"/messages", `{"content":"hello"}`)
		c.vars = append(c.vars, "{g}", g.ID)
	case "alone":
		c.vars = append(c.vars, "{g}", ann.createGroup("g").ID)
	case "request", "friends", "declined": // of ben to ann
		c.vars = append(c.vars, "{r}", ben.ref.ID.String()+"-"+ann.ref.ID.String(), "{n}", fmt.Sprintf("u:%d/1", ann.ref.ID))
		ben.must(201, nil, "POST", "/api/friends/request", fmt.Sprintf(`{"userId":%d}`, ann.ref.ID))
		if given == "friends" {
			c.do(`ann PUT /api/friends/request/{r} {"action":"accept"}`)
		}
		if given == "declined" {
			c.do(`ann PUT /api/friends/request/{r} {"action":"decline"}`)
		}
	default:
		c.t.Fatalf("nothing is called %q", given)
	}
}

func (c *cast) listen() {
	for _, streams := range c.streams {
		for _, p := range streams {
			p.listen()
		}
	}
}

// do sends one request, written as in the matrix.
func (c *cast) do(request string) {
	c.t.Helper()
	words := strings.SplitN(strings.NewReplacer(c.vars...).Replace(request), " ", 3)
	who, keyed := strings.CutSuffix(words[0], "*")
	status, err := strconv.Atoi(words[1])
	if err == nil {
		words = strings.SplitN(words[2], " ", 2)
		words = []string{who, words[0], words[1]}
	}
	path, body, _ := strings.Cut(words[2], " ")
	var header []string
	if keyed {
		header = []string{"Idempotency-Key", "the same"}
	}
	if who == "app" { // a service, which is none of the people
		who, header = "ann", append(header, "Authorization", "Bearer "+cmp.Or(os.Getenv("TIDINGS_EMIT_KEY"), testEmitKey))
	}
	for i, name := range []string{"ann", "ben", "cat", "dan"} {
		if name != who {
			continue
		}
		got, answer, err := c.people[i].call(words[1], path, body, header...)
		if err != nil || status == 0 && got/100 != 2 || status != 0 && got != status {
			c.t.Fatalf("%s: %d %s %v", request, got, answer, err)
		}
		return
	}
	c.t.Fatalf("nobody is called %q", who)
}

// mark lets everybody make a group chat of their own: it must be the next thing that
// their streams tell.
func (c *cast) mark(t *testing.T) {
	for i, p := range c.people {
		var out struct{ GroupChat chat.GroupChat }
		c.streams[i][2].must(201, &out, "POST", "/api/groupchats", `{"name":"marker"}`)
		for stream, s := range c.streams[i] {
			if s.ended() {
				continue
			}
			if e := s.next(); !strings.Contains(e.Data, `"eventId":"`+chat.EventID(chat.GroupLog(out.GroupChat.ID), 1, 3)+`"`) {
				t.Errorf("%s, stream %d, got more: %s %s", p.ref.Username, stream, e.Name, e.Data)
			}
		}
	}
}

// ended says whether the stream was closed and that has been read.
func (p *person) ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken > 0 && p.taken == len(p.events) && p.events[p.taken-1].Name == "closed"
}
