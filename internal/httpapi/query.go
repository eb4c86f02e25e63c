package httpapi

import (
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"tidings/internal/chat"
)

// parameter reads a single-valued query parameter. Parameters that nobody asks
// for are ignored, even unreadable ones; url.ParseQuery would drop the bad ones
// among those that are wanted without naming them.
func (c *call) parameter(name string) (value string, given bool) {
	for pair := range strings.SplitSeq(c.r.URL.RawQuery, "&") {
		rawName, rawValue, _ := strings.Cut(pair, "=")
		if n, err := url.QueryUnescape(rawName); err != nil || n != name {
			continue
		}
		if given {
			c.reject(name, "repeated", "This parameter may stand only once.")
			return "", false
		}
		v, err := url.QueryUnescape(rawValue)
		if err != nil || !utf8.ValidString(v) {
			c.reject(name, "malformed", "This parameter is not percent-encoded UTF-8.")
			return "", false
		}
		value, given = v, true
	}
	return value, given
}

// page reads before, after and limit.
func (c *call) page() chat.Page {
	p := chat.Page{Limit: c.limit()}
	p.Before = c.messageID("before")
	p.After = c.messageID("after")
	if p.Before > 0 && p.After > 0 {
		c.reject("after", "before_and_after", "A page is before one message or after one, not both.")
	}
	return p
}

// limit reads how much a page holds at most.
func (c *call) limit() int {
	v, given := c.parameter("limit")
	if !given {
		return chat.DefaultPageSize
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > chat.MaxPageSize || strconv.Itoa(n) != v {
		c.reject("limit", "out_of_range", "1 to "+strconv.Itoa(chat.MaxPageSize)+".")
		return chat.DefaultPageSize
	}
	return n
}

func (c *call) messageID(name string) int64 {
	v, given := c.parameter(name)
	if !given {
		return 0
	}
	seq, ok := chat.ParseMessageID(v)
	if !ok {
		c.reject(name, "message_id", "The id of a message.")
	}
	return seq
}

// userParameter reads a user's id, 0 unless given.
func (c *call) userParameter(name string) chat.UserID {
	v, given := c.parameter(name)
	if !given {
		return 0
	}
	id, ok := chat.ParseUserID(v)
	if !ok {
		c.reject(name, "user_id", "The id of a user.")
	}
	return id
}
