package chat

import "strings"

// Conversation is a 1:1 conversation as one of its members sees it.
type Conversation struct {
	ID           string       `json:"id"`
	Seq          int64        `json:"seq"` // the entry that this state reflects
	Members      []UserRef    `json:"members"`
	LastMessage  *LastMessage `json:"lastMessage"`
	MessageCount int64        `json:"messageCount"`
	UpdatedAt    Millis       `json:"updatedAt"`

	// What only the reader's own view has, not the events.
	*ConversationView
}

// ConversationView is the reader's own part of a conversation or group chat.
type ConversationView struct {
	ReadCount   int64 `json:"readCount"`
	UnreadCount int64 `json:"unreadCount"`
	MemberSeq   int64 `json:"memberSeq"` // the entry of the reader's newest join or leave
}

// ConversationID is the id of the conversation of two users, the same from both
// sides.
func ConversationID(a, b UserID) string {
	return min(a, b).String() + "-" + max(a, b).String()
}

// ParseConversationID reads an id and says whether it has the one valid form.
func ParseConversationID(id string) (a, b UserID, ok bool) {
	low, high, found := strings.Cut(id, "-")
	a, okA := ParseUserID(low)
	b, okB := ParseUserID(high)
	return a, b, found && okA && okB && a < b
}

// viewConversation is the conversation at its head, as the member sees it.
func viewConversation(h Head, m Membership) Conversation {
	return Conversation{
		ID: h.Log.ID(), Seq: h.Seq, Members: h.Members, LastMessage: h.Last, MessageCount: h.Count, UpdatedAt: Millis(h.TS),
		ConversationView: viewOf(h, m),
	}
}

func viewOf(h Head, m Membership) *ConversationView {
	return &ConversationView{ReadCount: m.ReadCount, UnreadCount: max(0, h.Count-m.ReadCount), MemberSeq: m.Intervals.Last()}
}
