package chat

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// appender is data of an event that writes its own JSON, to the byte what encoding/json
// makes of it (TestAppendJSON): reflection would be most of what a message costs a
// streamer. The data of rare events is left to that.
type appender interface{ appendJSON(b []byte) []byte }

// appendTo has another name, or whatever embeds a UserRef would be an appender.
func (u UserRef) appendTo(b []byte) []byte {
	b = appendInt(append(b, '{'), "id", int64(u.ID))
	b = appendText(b, "username", u.Username)
	b = appendText(b, "displayName", u.DisplayName)
	return append(b, '}')
}

func (p place) appendTo(b []byte) []byte {
	b = appendTextIfAny(b, "conversationId", p.ConversationID)
	return appendTextIfAny(b, "groupChatId", p.GroupChatID)
}

func (m Message) appendJSON(b []byte) []byte { return m.appendWith(b, "content") }

// appendWith names the text so.
func (m Message) appendWith(b []byte, text string) []byte {
	b = appendText(append(b, '{'), "id", m.ID)
	b = appendInt(b, "seq", m.Seq)
	b = m.Sender.appendTo(appendName(b, "sender"))
	b = appendText(b, text, m.Content)
	b = appendMillis(b, "createdAt", m.CreatedAt)
	return append(b, '}')
}

func (m *LastMessage) appendTo(b []byte) []byte {
	if m == nil {
		return append(b, "null"...)
	}
	return Message{ID: m.ID, Seq: m.Seq, Sender: m.Sender, Content: m.Preview, CreatedAt: m.CreatedAt}.appendWith(b, "preview")
}

func (v *ConversationView) appendTo(b []byte) []byte {
	if v == nil {
		return b
	}
	b = appendInt(b, "readCount", v.ReadCount)
	b = appendInt(b, "unreadCount", v.UnreadCount)
	return appendInt(b, "memberSeq", v.MemberSeq)
}

func (c Conversation) appendJSON(b []byte) []byte {
	b = appendText(append(b, '{'), "id", c.ID)
	b = appendInt(b, "seq", c.Seq)
	b = appendUsers(b, "members", c.Members)
	b = c.LastMessage.appendTo(appendName(b, "lastMessage"))
	b = appendInt(b, "messageCount", c.MessageCount)
	b = appendMillis(b, "updatedAt", c.UpdatedAt)
	return append(c.ConversationView.appendTo(b), '}')
}

func (g GroupChat) appendJSON(b []byte) []byte {
	b = appendText(append(b, '{'), "id", g.ID)
	b = appendInt(b, "seq", g.Seq)
	b = appendText(b, "name", g.Name)
	b = appendInt(b, "ownerId", int64(g.OwnerID))
	b = appendInt(b, "memberCount", int64(g.MemberCount))
	if g.LastMessage != nil {
		b = g.LastMessage.appendTo(appendName(b, "lastMessage"))
	}
	b = appendInt(b, "messageCount", g.MessageCount)
	b = appendMillis(b, "updatedAt", g.UpdatedAt)
	return append(g.ConversationView.appendTo(b), '}')
}

func (e messageEvent) appendJSON(b []byte) []byte {
	b = e.place.appendTo(append(b, '{'))
	return append(e.Message.appendJSON(appendName(b, "message")), '}')
}

func (u conversationUpdate) appendJSON(b []byte) []byte {
	b = u.Conversation.appendJSON(appendName(append(b, '{'), "conversation"))
	b = appendText(b, "change", u.Change)
	if u.Message != nil {
		b = u.Message.appendJSON(appendName(b, "message"))
	}
	return append(b, '}')
}

func (u groupUpdate) appendJSON(b []byte) []byte {
	b = u.GroupChat.appendJSON(appendName(append(b, '{'), "groupChat"))
	b = appendText(b, "change", u.Change)
	if len(u.Members) > 0 {
		b = appendUsers(b, "members", u.Members)
	}
	if u.Member != nil {
		b = u.Member.appendTo(appendName(b, "member"))
	}
	if u.Message != nil {
		b = u.Message.appendJSON(appendName(b, "message"))
	}
	return append(b, '}')
}

// appendJSON is for the notifications of messages: custom ones hold foreign JSON.
func (n Notification) appendJSON(b []byte) []byte {
	if len(n.Data) > 0 || n.UnreadMessages != nil {
		return append(b, mustMarshal(n)...)
	}
	b = appendText(append(b, '{'), "id", n.ID)
	b = appendInt(b, "seq", n.Seq)
	b = appendText(b, "kind", n.Kind)
	if n.Actor != (UserRef{}) {
		b = n.Actor.appendTo(appendName(b, "actor"))
	}
	b = n.place.appendTo(b)
	b = appendTextIfAny(b, "messageId", n.MessageID)
	b = appendTextIfAny(b, "requestId", n.RequestID)
	b = appendTextIfAny(b, "type", n.Type)
	b = appendText(b, "preview", n.Preview)
	b = appendMillis(b, "createdAt", n.CreatedAt)
	b = strconv.AppendBool(appendName(b, "read"), n.Read)
	return append(b, '}')
}

func appendMillis(b []byte, name string, m Millis) []byte {
	t := time.UnixMilli(int64(m)).UTC()
	b = append(appendName(b, name), '"')
	b = t.AppendFormat(b, time.RFC3339) // it is many times as fast as MillisFormat
	ms := t.Nanosecond() / int(time.Millisecond)
	return append(b[:len(b)-len("Z")], '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z', '"')
}

// appendName writes the name of an object's next member.
func appendName(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = append(append(b, '"'), name...)
	return append(b, '"', ':')
}

func appendInt(b []byte, name string, n int64) []byte {
	return strconv.AppendInt(appendName(b, name), n, 10)
}

func appendText(b []byte, name, s string) []byte { return AppendString(appendName(b, name), s) }

func appendTextIfAny(b []byte, name, s string) []byte {
	if s == "" {
		return b
	}
	return appendText(b, name, s)
}

func appendUsers(b []byte, name string, users []UserRef) []byte {
	b = appendName(b, name)
	if users == nil {
		return append(b, "null"...)
	}
	b = append(b, '[')
	for i, u := range users {
		if i > 0 {
			b = append(b, ',')
		}
		b = u.appendTo(b)
	}
	return append(b, ']')
}

// AppendString writes a JSON string, as encoding/json does.
func AppendString(b []byte, s string) []byte {
	if !plain(s) {
		return append(b, mustMarshal(s)...)
	}
	b = append(append(b, '"'), s...)
	return append(b, '"')
}

// plain says whether encoding/json escapes nothing in s. Of what isn't ASCII it escapes
// bytes that are no UTF-8, and two line breaks that JavaScript knows.
func plain(s string) bool {
	ascii := true
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return ascii || utf8.ValidString(s) && !strings.ContainsAny(s, "\u2028\u2029")
}

// mustMarshal encodes one of this package's own types, which can't fail.
func mustMarshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
