package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"tidings/internal/chat"
)

// demoPassword is that of the users which every local system starts with.
const demoPassword = "correct horse"

// makeDemoUsers registers alice, bob and carol, as 1, 2 and 3 in a new table.
func makeDemoUsers(ctx context.Context, a *chat.Accounts) error {
	for _, name := range []string{"alice", "bob", "carol"} {
		_, err := a.Users.UserByName(ctx, name)
		if errors.Is(err, chat.ErrUserNotFound) {
			_, _, err = a.Register(ctx, chat.Registration{Username: name, Password: demoPassword})
		}
		if err != nil {
			return fmt.Errorf("make demo user %s: %w", name, err)
		}
	}
	return nil
}

// printTour says how to try what has just been started.
func printTour(w io.Writer, url string, s *System) {
	fmt.Fprintf(w, `Tidings runs on %[1]s (AWS on %[2]s).
There are three users: alice, bob and carol, with the password %[3]q.

In a browser it is an app, if npm was there to build it. Or listen as bob:
  curl -s -c bob.jar -H 'Content-Type: application/json' %[1]s/api/auth/login -d '{"username":"bob","password":%[3]q}'
  curl -N -b bob.jar %[1]s/api/events

Write to him as alice, in another terminal:
  curl -s -c alice.jar -H 'Content-Type: application/json' %[1]s/api/auth/login -d '{"username":"alice","password":%[3]q}'
  curl -s -b alice.jar -H 'Content-Type: application/json' %[1]s/api/conversations -d '{"userId":2}'
  curl -s -b alice.jar -H 'Content-Type: application/json' %[1]s/api/conversations/1-2/messages -d '{"content":"hello"}'

Tell him something as a service of your own would:
  curl -s -H "Authorization: Bearer $(cat %[4]s)" -H 'Content-Type: application/json' %[1]s/api/events/emit -d '{"userId":2,"type":"order_shipped","data":{"orderId":17}}'

Look around: %[1]s/docs, %[1]s/readyz, %[1]s/metrics, or into the table:
  AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x aws --endpoint-url %[2]s dynamodb scan --table-name tidings
`, url, s.AWSURL, demoPassword, filepath.Join(s.Data, emitKeyFile))
}
