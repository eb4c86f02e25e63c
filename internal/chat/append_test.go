package chat

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// What is written by hand is what encoding/json writes, to the byte: the API's documents
// are made of the same tags, and a frame is the same whoever encodes it.
func TestAppendJSON(t *testing.T) {
	t.Run("Message", appends[messageEvent])
	t.Run("ConversationUpdate", appends[conversationUpdate])
	t.Run("GroupUpdate", appends[groupUpdate])
	t.Run("Notification", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) {
			n := rapid.Make[Notification]().Draw(rt, "data")
			n.Data = nil
			if rapid.Bool().Draw(rt, "custom") {
				n.Data = json.RawMessage(` {"a" : "<"}`)
			}
			if rapid.Bool().Draw(rt, "told") { // not listed
				n.UnreadMessages = nil
			}
			same(rt, n)
		})
	})
	t.Run("String", func(t *testing.T) {
		for _, s := range []string{"", "plain", "ünïcödé 🙂", "a\u2028b", "a\u2029b", "a<b", "a>b", "a&b", `a"b`, `a\b`, "a\nb", "\x00", "\x7f", "\xff", "\xed\xa0\x80", "\ufffd"} {
			if got, want := AppendString(nil, s), mustMarshal(s); string(got) != string(want) {
				t.Errorf("%q became %s, want %s", s, got, want)
			}
		}
		rapid.Check(t, func(rt *rapid.T) {
			s := string(rapid.SliceOf(rapid.Byte()).Draw(rt, "bytes"))
			if got, want := AppendString([]byte("before"), s), mustMarshal(s); strings.TrimPrefix(string(got), "before") != string(want) {
				rt.Errorf("%q became %s, want %s", s, got, want)
			}
		})
	})
}

func appends[T appender](t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) { same(rt, rapid.Make[T]().Draw(rt, "data")) })
}

func same(t *rapid.T, data appender) {
	if got, want := event(1, "t", ToEveryone, data).Data(), mustMarshal(data); string(got) != string(want) {
		t.Errorf("%s, want %s", got, want)
	}
}
