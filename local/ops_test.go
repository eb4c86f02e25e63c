package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tidings/internal/chat"
)

// connections is what an admin is told.
type connections struct {
	Connections int
	Instances   []chat.Instance
	Listeners   chat.UserListeners
}

// Three streamers in this process and one of its own: whoever is asked counts the
// streams of all, names those of one user, and says who did not answer. The one of its own is linked as for
// the image, whose build sees no repository, and says its version all the same.
func TestOpsConnections(t *testing.T) {
	data := t.TempDir()
	sys := mustStart(t, func(c *Config) {
		c.Data, c.Streamers, c.Admins = data, 3, []chat.UserID{4} // after the three of the demo
	})
	admin := newPerson(t, sys.URL, "admin")
	if admin.ref.ID != 4 {
		t.Fatalf("the admin is user %d", admin.ref.ID)
	}
	p := mustStream(t, mustBuild(t, "tidings/streamer", imageFlags(t, "0123abcd4567")), data, sys.AWSURL, "ADMINS=4")
	bob := newPerson(t, sys.URL, "bob")
	for range 4 {
		bob.tab(bob.token).listen()
	}
	outside := bob.tab(bob.token)
	outside.url = p.url
	outside.listen()

	for _, url := range []string{sys.URL, p.url} { // any of them
		asked := admin.tab(admin.token)
		asked.url = url
		var got connections
		if !eventually(patience, func() bool { // until all have announced what they hold
			got = connections{}
			asked.must(200, &got, "GET", fmt.Sprintf("/api/ops/connections?userId=%d", bob.ref.ID), "")
			return len(got.Instances) == 4 && got.Connections == 5
		}) {
			t.Fatalf("%s: %+v", url, got)
		}
		if !slices.ContainsFunc(got.Instances, func(i chat.Instance) bool { return i.Version == "0123abcd4567" }) {
			t.Errorf("%s: nobody has the image's version: %+v", url, got.Instances)
		}
		if l := got.Listeners; l.Connections != 5 || len(l.Instances) != 4 || len(l.Unanswered) != 0 || l.UserID != bob.ref.ID {
			t.Errorf("%s: %+v", url, l)
		}
		asked.must(200, &got, "GET", fmt.Sprintf("/api/ops/connections?userId=%d", admin.ref.ID), "")
		if l := got.Listeners; l.Connections != 0 || len(l.Instances) != 0 {
			t.Errorf("%s: of who has no stream: %+v", url, l)
		}
	}
	bob.must(403, nil, "GET", "/api/ops/connections", "")

	// Killed, it is listed until its word is old; that it doesn't answer is said.
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.ended
	var got connections
	admin.must(200, &got, "GET", fmt.Sprintf("/api/ops/connections?userId=%d", bob.ref.ID), "")
	if l := got.Listeners; l.Connections != 4 || len(l.Unanswered) != 1 {
		t.Errorf("%+v", l)
	}
}

// imageFlags are those that the image's streamer is linked with.
func imageFlags(t *testing.T, version string) string {
	t.Helper()
	dockerfile, err := os.ReadFile("../streamer/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	flags := regexp.MustCompile(`-ldflags="(.*?)"`).FindSubmatch(dockerfile)
	if flags == nil {
		t.Fatal("the image is linked without flags")
	}
	return "-ldflags=" + strings.ReplaceAll(string(flags[1]), "$VERSION", version)
}
