package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"tidings/bench/backend"
	"tidings/internal/chat"
	"tidings/internal/chattest"
)

// person is somebody with an open conversation on the screen.
type person struct {
	backend.Person
	service      *service
	conversation string // with the other one of the pair
	client       *http.Client
	wire         *wire
}

// wire counts what goes over connections.
type wire struct{ requests, bytes atomic.Int64 }

type countedConn struct {
	net.Conn
	wire *wire
}

func (c countedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.wire.bytes.Add(int64(n))
	return n, err
}

func (c countedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.wire.bytes.Add(int64(n))
	return n, err
}

// register makes pairs of people with a conversation and a few messages. Each has
// connections of their own, as a browser has.
func register(ctx context.Context, b *backend.Backend, s *service, n int) ([]*person, error) {
	people := make([]*person, n&^1)
	w := &wire{}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i := 0; i < len(people); i += 2 {
		g.Go(func() error {
			var ids [2]chat.UserID
			for k := range 2 {
				p, err := b.Register(ctx, fmt.Sprintf("user-%d", i+k))
				if err != nil {
					return err
				}
				transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
					c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
					return countedConn{c, w}, err
				}, DisableCompression: true}
				people[i+k] = &person{Person: p, service: s, client: &http.Client{Transport: transport}, wire: w}
				ids[k] = p.ID
			}
			c, _, err := b.Services.API.Conversations.Open(ctx, ids[0], ids[1], chattest.Fresh())
			if err != nil {
				return err
			}
			people[i].conversation, people[i+1].conversation = c.ID, c.ID
			for range 10 {
				if err := people[i].say(ctx, "How was your day?"); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return people, g.Wait()
}

// request sends one request and decodes what comes back into out, if not nil.
func (p *person) request(ctx context.Context, method, path, body string, out any) error {
	p.wire.requests.Add(1)
	r, err := http.NewRequestWithContext(ctx, method, p.service.url+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+p.Token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := p.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %d %s", method, path, resp.StatusCode, b)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(b, out)
}

func (p *person) get(ctx context.Context, path string, out any) error {
	return p.request(ctx, http.MethodGet, path, "", out)
}

func (p *person) say(ctx context.Context, content string) error {
	return p.request(ctx, http.MethodPost, "/api/conversations/"+p.conversation+"/messages", fmt.Sprintf(`{"content":%q}`, content), nil)
}

// messages gives what is new in the conversation since the message with that id, at
// most 100.
func (p *person) messages(ctx context.Context, after int64) ([]chat.Message, error) {
	var page struct{ Messages []chat.Message }
	err := p.get(ctx, fmt.Sprintf("/api/conversations/%s/messages?after=%d&limit=100", p.conversation, max(1, after)), &page) // 1 is the conversation's beginning
	return page.Messages, err
}

func (p *person) lists(ctx context.Context) error {
	if err := p.get(ctx, "/api/conversations", nil); err != nil {
		return err
	}
	return p.get(ctx, "/api/groupchats", nil)
}

func (p *person) notifications(ctx context.Context) error {
	return p.get(ctx, "/api/notifications?limit=20", nil)
}

// now is a message's content that tells when it was written.
func now() string { return fmt.Sprint(time.Now().UnixNano()) }
