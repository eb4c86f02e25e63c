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

	climbers = GroupState{Name: "Climbers", OwnerID: 1, MemberCount: 2}
)

const aGroup LogID = "g:01890a5d-ac96-774b-bcce-b302099a8057"

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
		"message":               {Log: "c:1-2", Seq: 17, TS: 1_700_000_000_123, Kind: KindMessage, By: 1, N: 9, Body: mustJSON(t, MessageBody{Sender: alice, Content: "héllo <b>\n", Members: both})},
		"created":               {Log: "c:1-2", Seq: 1, TS: 1_700_000_000_000, Kind: KindCreated, By: 2, Adds: []UserID{1, 2}, Body: mustJSON(t, CreatedBody{Members: both})},
		"read":                  {Log: "u:1", Seq: 4, TS: 1_700_000_000_000, Kind: KindRead, By: 1, Body: mustJSON(t, ReadBody{Log: "c:1-2", Message: 17, ReadCount: 9})},
		"session_revoked":       {Log: "u:1", Seq: 5, Kind: KindSessionRevoked, By: 1, Body: mustJSON(t, SessionRevokedBody{Session: "x"})},
		"group_message":         {Log: aGroup, Seq: 17, TS: 1_700_000_000_123, Kind: KindMessage, By: 1, N: 9, Body: mustJSON(t, MessageBody{Sender: alice, Content: "hi", Group: &climbers})},
		"group_created":         {Log: aGroup, Seq: 1, TS: 1_700_000_000_000, Kind: KindCreated, By: 1, Adds: []UserID{1, 2}, Body: mustJSON(t, GroupBody{Group: climbers, Members: both})},
		"members_added":         {Log: aGroup, Seq: 5, TS: 1_700_000_000_000, Kind: KindMembersAdded, By: 1, N: 3, Adds: []UserID{2}, Body: mustJSON(t, GroupBody{Group: climbers, Members: both[1:]})},
		"member_removed":        {Log: aGroup, Seq: 6, TS: 1_700_000_000_000, Kind: KindMemberRemoved, By: 1, N: 3, Removes: []UserID{2}, Body: mustJSON(t, GroupBody{Group: climbers, Member: &bob})},
		"renamed":               {Log: aGroup, Seq: 7, TS: 1_700_000_000_000, Kind: KindRenamed, By: 1, N: 3, Body: mustJSON(t, GroupBody{Group: climbers})},
		"owner_changed":         {Log: aGroup, Seq: 8, TS: 1_700_000_000_000, Kind: KindOwnerChanged, By: 1, N: 3, Body: mustJSON(t, GroupBody{Group: climbers})},
		"deleted":               {Log: aGroup, Seq: 9, TS: 1_700_000_000_000, Kind: KindDeleted, By: 1, N: 3, Body: mustJSON(t, GroupBody{Group: climbers})},
		"friend_request":        {Log: "u:2", Seq: 5, TS: 1_700_000_000_000, Kind: KindFriendRequest, By: 1, Body: mustJSON(t, FriendBody{Change: FriendRequested, User: alice, RequestID: "1-2"})},
		"friend_accepted":       {Log: "u:1", Seq: 7, TS: 1_700_000_000_000, Kind: KindFriendAccepted, By: 2, Body: mustJSON(t, FriendBody{Change: FriendAccepted, User: bob, RequestID: "1-2"})},
		"friends_changed":       {Log: "u:2", Seq: 6, TS: 1_700_000_000_000, Kind: KindFriendsChanged, By: 2, Body: mustJSON(t, FriendBody{Change: FriendAccepted, User: alice, RequestID: "1-2"})},
		"unfriended":            {Log: "u:2", Seq: 8, TS: 1_700_000_000_000, Kind: KindFriendsChanged, By: 1, Body: mustJSON(t, FriendBody{Change: FriendUnfriended, User: alice})},
		"notification_read":     {Log: "u:1", Seq: 9, TS: 1_700_000_000_000, Kind: KindNotificationRead, By: 1, Body: mustJSON(t, NotificationReadBody{IDs: []string{"u:1/7"}})},
		"notification_read_all": {Log: "u:1", Seq: 9, TS: 1_700_000_000_000, Kind: KindNotificationRead, By: 1, Body: mustJSON(t, NotificationReadBody{All: true, Reads: []ReadBody{{Log: "c:1-2", Message: 17, ReadCount: 9}, {Log: "g:x", Message: 4, ReadCount: 2}}})},
		"unknown":               {Log: "c:1-2", Seq: 5, Kind: "from_the_future", By: 1, Body: []byte(`{}`)},
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
						out.WriteString(user.Username + " " + EventID(e.Log, e.Seq, ev.Part) + " " + ev.Type + " " + string(ev.Data()) + "\n")
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
