package chat

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of messages and their pages.
const (
	MaxContent      = 4000 // characters after trimming
	MaxPreview      = 200  // bytes; it stands in the head, which each message writes
	DefaultPageSize = 50
	MaxPageSize     = 100
)

// Message is a message as clients see it. Its id is its seq.
type Message struct {
	ID        string  `json:"id"`
	Seq       int64   `json:"seq"`
	Sender    UserRef `json:"sender"`
	Content   string  `json:"content"`
	CreatedAt Millis  `json:"createdAt"`
}

// LastMessage is what lists show of a log's newest message.
type LastMessage struct {
	ID        string  `json:"id"`
	Seq       int64   `json:"seq"`
	Sender    UserRef `json:"sender"`
	Preview   string  `json:"preview"`
	CreatedAt Millis  `json:"createdAt"`
}

// MessageID is the id of the message at seq.
func MessageID(seq int64) string { return strconv.FormatInt(seq, 10) }

// ParseMessageID reads a message id: the decimal seq.
func ParseMessageID(s string) (seq int64, ok bool) {
	n, ok := ParseUserID(s) // ids of messages have the same shape and bounds
	return int64(n), ok
}

// CleanContent trims a message's text and checks its length.
func CleanContent(s string) (string, error) {
	s = strings.TrimSpace(s)
	if n := utf8.RuneCountInString(s); n == 0 || n > MaxContent {
		return "", Invalid(Field("content", "content_length", "1 to %d characters after trimming.", MaxContent))
	}
	return s, nil
}

// Preview is the beginning of a message, at most MaxPreview bytes, cut between
// characters.
func Preview(content string) string {
	if len(content) <= MaxPreview {
		return content
	}
	const ellipsis = "…"
	cut := MaxPreview - len(ellipsis)
	for !utf8.RuneStart(content[cut]) {
		cut--
	}
	return content[:cut] + ellipsis
}

// Page asks for part of a log's messages: those before a position (the newest of
// them), after one (the oldest of them), or the newest.
type Page struct {
	Before, After int64 // seqs, exclusive; 0: no bound
	Limit         int   // 1 to MaxPageSize
}

// MessagePage is one page, newest last.
type MessagePage struct {
	Messages     []Message
	Older, Newer bool // whether there are more on either side
}
