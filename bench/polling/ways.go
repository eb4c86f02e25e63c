package main

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"tidings/internal/chat"
	"tidings/internal/chattest"
)

// How often an app asks that has no events: for the messages of the conversation on
// the screen, for the lists beside it, for the bell.
const (
	everyMessages      = 1500 * time.Millisecond
	everyLists         = 3 * time.Second
	everyNotifications = 30 * time.Second
)

// poll asks again and again. A round that takes longer than its time is followed by
// the next at once: a slow service is asked less often.
func poll(ctx context.Context, p *person, begun func(), seen func(string)) error {
	last := int64(0)
	if err := p.news(ctx, &last, func(string) {}); err != nil {
		return err
	}
	begun()
	messages, lists, bell := after(everyMessages), after(everyLists), after(everyNotifications)
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-messages.C:
			messages.Reset(everyMessages)
			err = p.news(ctx, &last, seen)
		case <-lists.C:
			lists.Reset(everyLists)
			err = p.lists(ctx)
		case <-bell.C:
			bell.Reset(everyNotifications)
			err = p.notifications(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// after is a timer whose first time is drawn, since people don't come all at once.
func after(d time.Duration) *time.Timer { return time.NewTimer(rand.N(d)) }

// news asks for the messages after the last, and goes on from there.
func (p *person) news(ctx context.Context, last *int64, seen func(string)) error {
	ms, err := p.messages(ctx, *last)
	if err != nil {
		return err
	}
	for _, m := range ms {
		if *last, err = strconv.ParseInt(m.ID, 10, 64); err != nil {
			return err
		}
		if m.Sender.ID != p.ID {
			seen(m.Content)
		}
	}
	return nil
}

// listen opens a stream, asks once for what the page shows, and takes events.
func listen(ctx context.Context, p *person, begun func(), seen func(string)) error {
	p.wire.requests.Add(1)
	s, err := chattest.OpenStream(ctx, p.client, p.service.url+"/api/events", http.Header{"Authorization": {"Bearer " + p.Token}})
	if err != nil {
		return err
	}
	defer s.Close()
	if _, err := s.Await("ready"); err != nil {
		return err
	}
	if _, err := p.messages(ctx, 0); err != nil {
		return err
	}
	if err := p.lists(ctx); err != nil {
		return err
	}
	if err := p.notifications(ctx); err != nil {
		return err
	}
	begun()
	for {
		e, err := s.Next()
		if err != nil {
			return err
		}
		var frame struct {
			Type string
			Data struct{ Message chat.Message }
		}
		if e.Name == "message" && json.Unmarshal([]byte(e.Data), &frame) == nil && frame.Type == "message" {
			seen(frame.Data.Message.Content)
		}
	}
}
