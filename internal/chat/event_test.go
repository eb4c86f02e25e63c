package chat

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	alice = UserRef{ID: 1, Username: "alice", DisplayName: "Alice"}
	bob   = UserRef{ID: 2, Username: "bob", DisplayName: "Bob"}
)

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The frames of each kind of entry are a contract with clients: golden files.
func TestEntryEvents(t *testing.T) {
	both := []UserRef{alice, bob}
	for name, e := range map[string]Entry{
		"message":         {Log: "c:1-2", Seq: 17, TS: 1_700_000_000_123, Kind: KindMessage, By: 1, N: 9, Body: mustJSON(t, MessageBody{Sender: alice, Content: "héllo <b>\n", Members: both})},
		"created":         {Log: "c:1-2", Seq: 1, TS: 1_700_000_000_000, Kind: KindCreated, By: 2, Adds: []UserID{1, 2}, Body: mustJSON(t, CreatedBody{Members: both})},
		"read":            {Log: "u:1", Seq: 4, TS: 1_700_000_000_000, Kind: KindRead, By: 1, Body: mustJSON(t, ReadBody{Log: "c:1-2", Message: 17, ReadCount: 9})},
		"session_revoked": {Log: "u:1", Seq: 5, Kind: KindSessionRevoked, By: 1, Body: mustJSON(t, SessionRevokedBody{Session: "x"})},
		"unknown":         {Log: "c:1-2", Seq: 5, Kind: "from_the_future", By: 1, Body: []byte(`{}`)},
	} {
		t.Run(name, func(t *testing.T) {
			evs, err := e.Events()
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			for _, user := range []UserRef{alice, bob} {
				for _, ev := range evs {
					if ev.To.Includes(user.ID, e.By) {
						out.WriteString(user.Username + " " + EventID(e.Log, e.Seq, ev.Part) + " " + ev.Type + " " + string(ev.Data) + "\n")
					}
				}
			}
			golden(t, "event_"+name+".txt", out.Bytes())
		})
	}
	t.Run("ErrDamagedBody", func(t *testing.T) {
		if _, err := (Entry{Log: "c:1-2", Seq: 1, Kind: KindMessage, Body: []byte(`{`)}).Events(); err == nil {
			t.Error("a damaged body made events")
		}
	})
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}
