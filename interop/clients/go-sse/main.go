// Command go-sse listens with the Go package github.com/tmaxmax/go-sse.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/tmaxmax/go-sse"
)

func main() {
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends when whoever started this has enough
		stop()
	}()
	if err := run(ctx, os.Getenv, os.Stdout); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, getenv func(string) string, stdout io.Writer) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, getenv("TIDINGS_EVENTS"), http.NoBody)
	if err != nil {
		return err
	}
	r.AddCookie(&http.Cookie{Name: "tidings.session", Value: getenv("TIDINGS_TOKEN")})
	c := sse.NewConnection(r)
	out := json.NewEncoder(stdout)
	c.SubscribeToAll(func(e sse.Event) {
		if err := out.Encode(map[string]string{"id": e.LastEventID, "event": cmp.Or(e.Type, "message"), "data": e.Data}); err != nil {
			panic(err) // nobody listens any more
		}
	})
	return c.Connect()
}
