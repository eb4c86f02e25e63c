package stream

import (
	"hash/fnv"
	"slices"
	"strings"

	"tidings/internal/chat"
)

const (
	// maxTypes is more than there are; other services emit types of their own.
	maxTypes     = 20
	maxTypeBytes = 64
	// maxLogs keeps a request line below 4 KiB, with a position of 2 KB in it: proxies
	// take 8.
	maxLogs = 50
	// maxPassed is after how many unwanted entries a narrowed stream tells its position:
	// a fifth of what a client may have to pull when it comes back (maxReplay).
	maxPassed = 200
)

// selection is what a stream is narrowed to: events of one of the types and of one of
// the logs. Streams that want the same share it. Nobody's rights depend on it.
type selection struct {
	// Constant.
	types []string     // none: all
	logs  []chat.LogID // none: all
	key   string       // the same for the same selection
	hash  uint32       // of the key, for cursors; never 0

	// Owned by the hub's loop.
	streams int // that have it
	// What was decided of an entry holds for all of them.
	log    chat.LogID
	seq    int64
	wanted uint32 // of its parts, as bits
}

// narrowing is what a narrowed stream has of its own.
type narrowing struct {
	selection *selection
	follows   []bool // by slot, as far as it was asked for
	passed    int    // unwanted entries since the client was last told its position
}

// newSelection is that of types and logs in any order, nil if there are none.
func newSelection(types []string, logs []chat.LogID) *selection {
	if len(types)+len(logs) == 0 {
		return nil
	}
	slices.Sort(types)
	slices.Sort(logs)
	s := &selection{types: slices.Compact(types), logs: slices.Compact(logs)}
	var key strings.Builder
	for _, t := range s.types {
		key.WriteString(t + ",")
	}
	for _, l := range s.logs {
		key.WriteString(string(l) + ",") // a type has no colon and a comma neither
	}
	s.key = key.String()
	h := fnv.New32a()
	_, _ = h.Write([]byte(s.key)) // never fails
	s.hash = max(1, h.Sum32())
	return s
}

// cursor is how cursors name it: 0 if there is none.
func (s *selection) cursor() uint32 {
	if s == nil {
		return 0
	}
	return s.hash
}

func (s *selection) hasLog(id chat.LogID) bool {
	return len(s.logs) == 0 || slices.Contains(s.logs, id)
}

func (s *selection) hasType(name string) bool {
	return len(s.types) == 0 || slices.Contains(s.types, name)
}

// follows says whether entries of the log can be wanted at all.
func (s *selection) follows(id chat.LogID) bool {
	return s.hasLog(id) && (len(s.types) == 0 || slices.ContainsFunc(s.types, id.MayMake))
}

// parts are those of the entry that are wanted, as bits. What is decided for the first
// stream holds for the others that get the same entry then.
func (s *selection) parts(e *entry, parts []part) uint32 {
	if s.seq == e.Seq && s.log == e.Log {
		return s.wanted
	}
	s.log, s.seq, s.wanted = e.Log, e.Seq, 0
	for i := range parts {
		if s.hasType(parts[i].typ) {
			s.wanted |= 1 << i
		}
	}
	return s.wanted
}

// selection is what the stream is narrowed to, nil if it gets everything.
func (s *Stream) selection() *selection {
	if s.mode == nil || s.mode.narrow == nil {
		return nil
	}
	return s.mode.narrow.selection
}

// share makes streams with the same selection share it.
func (h *Hub) share(s *Stream) {
	sel := s.selection()
	if sel == nil {
		return
	}
	if h.selections == nil {
		h.selections = map[string]*selection{}
	}
	if same := h.selections[sel.key]; same != nil {
		sel = same
	}
	h.selections[sel.key] = sel
	s.mode.narrow.selection = sel
	sel.streams++
}

// unshare forgets a selection that no stream has any more.
func (h *Hub) unshare(s *Stream) {
	sel := s.selection()
	if sel == nil {
		return
	}
	if sel.streams--; sel.streams == 0 {
		delete(h.selections, sel.key)
	}
}

// follows says whether the stream has a position in the log at slot. In others it may
// get what is ephemeral, but no entry.
func (s *Stream) follows(slot int32) bool {
	sel := s.selection()
	if sel == nil {
		return true
	}
	n := s.mode.narrow
	for int(slot) >= len(n.follows) { // decided once for each seat
		n.follows = append(n.follows, sel.follows(s.user.seats[len(n.follows)].log.id))
	}
	return n.follows[slot]
}

// hears says whether the stream wants an ephemeral of that log and type.
func (s *Stream) hears(log chat.LogID, typ string) bool {
	sel := s.selection()
	return sel == nil || sel.hasLog(log) && sel.hasType(typ)
}

// due are the parts of the entry that the stream gets, as bits. passed says that others
// are the user's, but not wanted.
func (s *Stream) due(e *entry, parts []part) (due uint32, passed bool) {
	for i := range parts {
		if parts[i].to.Includes(s.user.id, e.By) {
			due |= 1 << i
		}
	}
	sel := s.selection()
	if sel == nil {
		return due, false
	}
	wanted := sel.parts(e, parts)
	return due & wanted, due&^wanted != 0
}

// passOver counts an entry that the stream doesn't want as sent. Without an event the
// client's position would grow old: it is told now and then.
func (h *Hub) passOver(s *Stream, slot int32) {
	s.at.list(slot)
	n := s.mode.narrow
	if n.passed++; n.passed >= maxPassed {
		h.tell(s)
	}
}
