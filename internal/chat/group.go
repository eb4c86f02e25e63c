package chat

import (
	"crypto/rand"
	"encoding/hex"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of group chats.
const (
	MaxGroupName    = 100     // characters; it stands on one line
	MaxGroupMembers = 100_000 // what the design was measured with
	MaxAdded        = 40      // users one request may add: two items each in a transaction of 100
	MaxHandover     = 100     // members among whom the next owner is looked for
)

// The roles in a group chat.
const (
	RoleMember = "member"
	RoleOwner  = "owner"
)

// GroupState is what a group chat's head and entries say of it.
type GroupState struct {
	Name        string `json:"name"`
	OwnerID     UserID `json:"ownerId"`
	MemberCount int    `json:"memberCount"`
}

// GroupChat is a group chat as one of its members sees it.
type GroupChat struct {
	ID           string       `json:"id"`
	Seq          int64        `json:"seq"` // the entry that this state reflects
	Name         string       `json:"name"`
	OwnerID      UserID       `json:"ownerId"`
	MemberCount  int          `json:"memberCount"`
	LastMessage  *LastMessage `json:"lastMessage,omitempty"`
	MessageCount int64        `json:"messageCount"`
	UpdatedAt    Millis       `json:"updatedAt"`

	// What only the reader's own view has, not the events.
	*ConversationView
}

// GroupMember is one line of a group chat's list of members.
type GroupMember struct {
	UserRef
	Role      string `json:"role" enum:"member,owner"`
	JoinedSeq int64  `json:"joinedSeq"` // the entry that added them
}

// GroupBody belongs to all entries of a group chat but its messages: the group as
// it is after the entry, and who came or went.
type GroupBody struct {
	Group   GroupState `json:"group"`
	Members []UserRef  `json:"members,omitempty"` // created, members_added: the new ones
	Member  *UserRef   `json:"member,omitempty"`  // member_removed
}

type groupUpdate struct {
	GroupChat GroupChat `json:"groupChat"`
	Change    string    `json:"change" enum:"created,message,members_added,member_removed,renamed,owner_changed,deleted"`
	Members   []UserRef `json:"members,omitempty"` // created, members_added: the new ones
	Member    *UserRef  `json:"member,omitempty"`  // member_removed
	Message   *Message  `json:"message,omitempty"` // whole, to its author alone
}

// groupEvents are those of a group chat but its messages.
func (e Entry) groupEvents() ([]Event, error) {
	switch e.Kind {
	case KindCreated, KindMembersAdded, KindMemberRemoved, KindRenamed, KindOwnerChanged, KindDeleted:
	default:
		return nil, nil
	}
	b, err := e.Group()
	if err != nil {
		return nil, err
	}
	return []Event{event(PartUpdate, "group_update", ToEveryone, groupUpdate{
		GroupChat: e.groupChat(b.Group), Change: string(e.Kind), Members: b.Members, Member: b.Member,
	})}, nil
}

// Group is the body of a group chat's entry.
func (e Entry) Group() (GroupBody, error) {
	return bodyOf(e, (*scanner).groupBody)
}

func (e Entry) groupChat(g GroupState) GroupChat {
	return GroupChat{
		ID: e.Log.ID(), Seq: e.Seq, Name: g.Name, OwnerID: g.OwnerID, MemberCount: g.MemberCount, MessageCount: e.N, UpdatedAt: Millis(e.TS),
	}
}

// viewGroup is the group chat at its head, as the member sees it.
func viewGroup(h Head, m Membership) GroupChat {
	return GroupChat{
		ID: h.Log.ID(), Seq: h.Seq, Name: h.Group.Name, OwnerID: h.Group.OwnerID, MemberCount: h.Group.MemberCount,
		LastMessage: h.Last, MessageCount: h.Count, UpdatedAt: Millis(h.TS), ConversationView: viewOf(h, m),
	}
}

// CleanGroupName trims a group chat's name and checks it.
func CleanGroupName(s string) (string, error) {
	s = strings.TrimSpace(s)
	if n := utf8.RuneCountInString(s); n == 0 || n > MaxGroupName || strings.ContainsFunc(s, unicode.IsControl) {
		return "", Invalid(Field("name", "group_name", "1 to %d characters after trimming, none of them control characters.", MaxGroupName))
	}
	return s, nil
}

var groupIDShape = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// GroupOf is the log of the group chat with that id; ErrGroupNotFound for what is
// no id.
func GroupOf(id string) (LogID, error) {
	if !groupIDShape.MatchString(id) {
		return "", ErrGroupNotFound
	}
	return GroupLog(id), nil
}

// NewGroupID makes a UUIDv7 (RFC 9562): the time in front, so that ids made one
// after the other sort so.
func NewGroupID(now time.Time) string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	ms := uint64(now.UnixMilli())
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
