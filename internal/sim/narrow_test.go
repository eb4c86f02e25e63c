package sim

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"

	"tidings/internal/chat"
)

// narrow is what a client narrows its stream to; the zero value is not at all.
type narrow struct {
	types []string
	logs  []chat.LogID
}

// drawNarrow mostly narrows nothing.
func (w *world) drawNarrow(r *rand.Rand) (n narrow) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r.IntN(6) == 0 {
		n.types = [][]string{
			{"message"}, {"notification", "typing"}, {"group_update", "conversation_update", "read"}, {"friends_changed", "notification"}, {"receipt"},
		}[r.IntN(5)]
	}
	if r.IntN(6) == 0 {
		for range 1 + r.IntN(3) { // also such as the user doesn't belong to, or not any more
			if l := w.order[r.IntN(len(w.order))].id; !l.Is(chat.UserPrefix) {
				n.logs = append(n.logs, l)
			}
		}
		n.logs = append(n.logs, chat.ConversationLog("998-999"))
	}
	return n
}

func (n narrow) any() bool { return len(n.types)+len(n.logs) > 0 }

// key tells selections apart.
func (n narrow) key() string {
	logs := slices.Clone(n.logs)
	slices.Sort(logs)
	return fmt.Sprint(n.types, slices.Compact(logs))
}

func (n narrow) hasLog(log chat.LogID) bool { return len(n.logs) == 0 || slices.Contains(n.logs, log) }

func (n narrow) wants(log chat.LogID, typ string) bool {
	return n.hasLog(log) && (len(n.types) == 0 || slices.Contains(n.types, typ))
}

// follows says whether the log can have what is wanted.
func (n narrow) follows(log chat.LogID) bool {
	return n.hasLog(log) && (len(n.types) == 0 || slices.ContainsFunc(n.types, log.MayMake))
}

func (n narrow) ask(query url.Values) {
	if len(n.types) > 0 {
		query.Set("types", strings.Join(n.types, ","))
	}
	for _, l := range n.logs {
		if l.Is(chat.GroupPrefix) {
			query.Add("groupChatId", l.ID())
		} else {
			query.Add("conversationId", l.ID())
		}
	}
}
