package stream

import (
	"fmt"
	"slices"
	"strings"

	"tidings/internal/chat"
)

// check compares what the client got with the table.
func (p *play) check(c *client) (wrong []string) {
	raw := c.raw()
	first := lastID(raw) != ""
	switch {
	case !first && !c.gone:
		wrong = append(wrong, "never ready")
	case c.gone:
		wrong = append(wrong, "replaced")
	}
	for _, e := range parseEvents(raw) {
		if e.Event == "reset" {
			wrong = append(wrong, "reset: "+string(e.Data))
		}
	}
	got := seqsOf(raw)
	for i := range p.logs {
		l := p.log(i)
		if w := p.checkLog(c, l, got[l]); w != "" {
			wrong = append(wrong, w)
		}
	}
	return wrong
}

func (p *play) checkLog(c *client, l chat.LogID, got []int64) string {
	iv := p.store.members[c.user][l]
	if c.logs != nil && !slices.Contains(c.logs, l) {
		if len(got) > 0 {
			return fmt.Sprintf("%s: got %v, not asked for", l, got)
		}
		return ""
	}
	for i, s := range got {
		switch {
		case !iv.Contains(s):
			return fmt.Sprintf("%s: got %d, not in %v: leaked", l, s, iv) + p.story(c, l, s)
		case i > 0 && s <= got[i-1]:
			return fmt.Sprintf("%s: got %d after %d", l, s, got[i-1]) + p.story(c, l, s)
		}
	}
	// From the first one it got, and from after ready in any case, no entry is missing.
	from := c.after[l]
	if len(got) > 0 {
		from = min(from, got[0])
	}
	for _, e := range p.store.logs[l] {
		if iv.Contains(e.Seq) && e.Seq > from && !slices.Contains(got, e.Seq) {
			return fmt.Sprintf("%s: %d is missing in %v (ready at %d, intervals %v)", l, e.Seq, ranges(got), c.after[l], iv) + p.story(c, l, e.Seq)
		}
	}
	return ""
}

// ranges shortens ascending numbers.
func ranges(s []int64) (out chat.Intervals) {
	for _, n := range s {
		if k := len(out) - 1; k >= 0 && out[k].To == n-1 {
			out[k].To = n
		} else {
			out = append(out, chat.Interval{From: n, To: n})
		}
	}
	return out
}

// story is what the client read of the log around an entry and where its connections
// began, for somebody who looks for the mistake.
func (p *play) story(c *client, l chat.LogID, seq int64) string {
	var lines []string
	at := map[int]bool{}
	note := func(n int) {
		for i := n - 8; i < n+8; i++ {
			at[i] = true
		}
	}
	for block := range strings.SplitSeq(c.raw(), "\n\n") {
		id, _ := parseCursor(lastID(block + "\n\n"))
		_, event, durable := strings.Cut(block, `"eventId":`)
		switch {
		case durable && strings.HasPrefix(event, `"`+string(l)+"/"):
			if strings.HasPrefix(event, fmt.Sprintf(`"%s/%d/`, l, seq)) {
				note(len(lines))
			}
			lines = append(lines, fmt.Sprintf("%s w=%d %v", event, id.w, id.marks))
		case strings.Contains(block, "event: ready"), strings.Contains(block, "event: reset"):
			lines = append(lines, fmt.Sprintf("%s w=%d %v", block, id.w, id.marks))
		case strings.HasPrefix(block, "id: ") && !strings.Contains(block, "\n"):
			lines = append(lines, fmt.Sprintf("position w=%d %v", id.w, id.marks))
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n    key %d", keyOf(l))
	for i, line := range lines {
		if at[i] {
			b.WriteString("\n    " + line)
		}
	}
	for _, e := range p.store.logs[l] {
		if e.Seq > seq-4 && e.Seq < seq+4 {
			fmt.Fprintf(&b, "\n    %d at %d %v %v", e.Seq, e.TS, e.Adds, e.Removes)
		}
	}
	return b.String()
}
