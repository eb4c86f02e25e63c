package chat

import (
	"encoding/json"
	"strings"
	"time"
)

// LogID names a log: "c:<id>" a 1:1 conversation, "g:<id>" a group chat,
// "u:<id>" a user's own.
type LogID string

// The prefixes of log ids.
const (
	ConversationPrefix = "c:"
	GroupPrefix        = "g:"
	UserPrefix         = "u:"
)

// UserLog is the user's own log.
func UserLog(id UserID) LogID { return LogID(UserPrefix + id.String()) }

// ConversationLog is the log of a 1:1 conversation.
func ConversationLog(conversationID string) LogID {
	return LogID(ConversationPrefix + conversationID)
}

// GroupLog is the log of a group chat.
func GroupLog(groupID string) LogID { return LogID(GroupPrefix + groupID) }

// Is says whether the log's id has that prefix.
func (l LogID) Is(prefix string) bool { return strings.HasPrefix(string(l), prefix) }

// ID is the log's id without its prefix: the conversation's, group's or user's.
func (l LogID) ID() string {
	_, id, _ := strings.Cut(string(l), ":")
	return id
}

// EntryKind says what an entry tells.
type EntryKind string

// The kinds of entries.
const (
	KindCreated        EntryKind = "created"         // c, g: the log's first entry, adds its members
	KindMessage        EntryKind = "message"         // c, g
	KindMembersAdded   EntryKind = "members_added"   // g
	KindMemberRemoved  EntryKind = "member_removed"  // g: removed, or left
	KindRenamed        EntryKind = "renamed"         // g
	KindOwnerChanged   EntryKind = "owner_changed"   // g
	KindDeleted        EntryKind = "deleted"         // g: ends every membership
	KindRead           EntryKind = "read"            // u: the user's own read mark
	KindSessionRevoked EntryKind = "session_revoked" // u: ends the session's streams

	KindFriendRequest    EntryKind = "friend_request"    // u of the receiver
	KindFriendAccepted   EntryKind = "friend_accepted"   // u of the sender of the request
	KindFriendsChanged   EntryKind = "friends_changed"   // u: a change that no notification tells
	KindNotificationRead EntryKind = "notification_read" // u: some or all notifications were read
	KindCustom           EntryKind = "custom"            // u: what another service emits
)

// MaxEntryBody is the largest body of an entry in bytes. It leaves room for the
// envelope within the 256 KiB of an SNS message.
const MaxEntryBody = 200 << 10

// Entry is one change in a log. It is complete: frames are made from it without
// reading anything else.
type Entry struct {
	Log     LogID           `json:"log"`
	Seq     int64           `json:"seq"` // 1, 2, 3 … without holes
	TS      int64           `json:"ts"`  // Unix ms, strictly increasing within the log
	Kind    EntryKind       `json:"kind"`
	By      UserID          `json:"by,omitempty"`      // whose doing it is
	Adds    []UserID        `json:"adds,omitempty"`    // whose membership begins with this entry
	Removes []UserID        `json:"removes,omitempty"` // for whom this entry is the last
	N       int64           `json:"n,omitempty"`       // messages in the log up to and with this entry: a message's ordinal
	Body    json.RawMessage `json:"body,omitempty"`
	Shards  Shards          `json:"-"` // of the log's members: where the entry is published
}

// Head is a log's newest position and what its lists show of it.
type Head struct {
	Log     LogID
	Seq     int64
	TS      int64
	Count   int64 // messages so far
	Shards  Shards
	Members []UserRef    // of a 1:1 conversation
	Group   *GroupState  // of a group chat
	Last    *LastMessage // nil before the first message
	Deleted int64        // the entry that ended the group chat, 0 while it lives
	ReadTo  int64        // of a user's own log: the stored notifications up to this time were read all at once
}

// NextTS is the timestamp of an entry that follows one at prev: strictly
// increasing even if the clock is not.
func NextTS(now time.Time, prev int64) int64 { return max(now.UnixMilli(), prev+1) }

// Millis is a time in Unix milliseconds that JSON shows as RFC 3339 in UTC.
type Millis int64

// MillisFormat is the one format of times on the wire.
const MillisFormat = "2006-01-02T15:04:05.000Z07:00"

// MarshalJSON implements json.Marshaler.
func (m Millis) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, len(MillisFormat)+2)
	b = append(b, '"')
	b = time.UnixMilli(int64(m)).UTC().AppendFormat(b, MillisFormat)
	return append(b, '"'), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *Millis) UnmarshalJSON(b []byte) error {
	var t time.Time
	if err := json.Unmarshal(b, &t); err != nil {
		return err
	}
	*m = Millis(t.UnixMilli())
	return nil
}
