package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var (
	bugsFlag = flag.Bool("bugs", false, "inject each bug and see how soon the world finds it; takes long")
	bugFlag  = flag.String("bug", "", "of these, only those whose name holds this")
	mostFlag = flag.Int("most", 20_000, "how many worlds may overlook a bug")
)

// bug is a mistake that could have been made: what the world is worth is how soon it
// finds each of them.
type bug struct {
	name  string
	edits []edit
}

// edit replaces the only occurrence of a text in a file of the module.
type edit struct{ file, old, new string }

const (
	streamDir = "internal/stream/"
	dynamoDir = "internal/dynamo/"
)

var bugs = []bug{
	// What arrives.
	{"dedup off", []edit{{streamDir + "log.go", "		h.tally.duplicates++\n	case l.state == tracked && seq == l.last+1", "		if e != nil {\n			h.deliver(l, &entry{Entry: *e})\n		}\n	case l.state == tracked && seq == l.last+1"}}},
	{"order off: an entry that is ahead is delivered", []edit{{streamDir + "log.go", "case l.state == tracked && seq == l.last+1 && e != nil:", "case l.state == tracked && e != nil:"}}},
	{"a lag overlooked on delivery", []edit{{streamDir + "stream.go", "	case lagging >= 0 && s.lags[lagging].pos != e.Seq-1:\n", "	case lagging >= 0 && s.lags[lagging].pos > e.Seq-1:\n"}}},
	{"who is behind a slice forgotten", []edit{{streamDir + "fanout.go", "			h.behind = append(h.behind, behind{s, f})\n", ""}}},
	{"positions not kept where a seat changes", []edit{{streamDir + "user.go", "		if s.phase == live && s.lagAt(slot) < 0 && s.follows(slot) {", "		if s.phase != live && s.lagAt(slot) < 0 {"}}},
	{"gap fill off", []edit{{streamDir + "gap.go", "	g.busy = true\n	h.timers.set(h.now.Add(gapWait), func() { h.fill(l, g) })", "	g.busy = true"}}},
	{"hints ignored", []edit{{streamDir + "hub.go", "			h.arrive(hint.Log, hint.Seq, hint.Adds, nil, w)", "			_ = hint.Log"}}},
	{"what arrives while the head is read is dropped", []edit{{streamDir + "log.go", "case l == nil || l.state == untracked:", "case l == nil || l.state != tracked:"}}},
	{"audit of heads off", []edit{{streamDir + "audit.go", "	for h.auditing < maxAudits && ", "	for h.auditing < 0 && "}}},
	{"audit of memberships off", []edit{{streamDir + "audit.go", "	if h.now.UnixMilli()-s.user.verifiedAt >= h.auditPeriod()", "	if s.user == nil && h.now.UnixMilli()-s.user.verifiedAt >= h.auditPeriod()"}}},

	// Memberships.
	{"adds of an untracked log ignored", []edit{{streamDir + "log.go", "	h.ringAdded(id, seq, adds)\n	l := h.logs.get(id)\n", "	l := h.logs.get(id)\n	if l != nil && l.state == tracked {\n		h.ringAdded(id, seq, adds)\n	}\n"}}},
	{"late membership copies applied", []edit{{streamDir + "user.go", "	case m.Intervals.Last() < u.iv(slot).Last():\n", "	case len(m.Intervals) == 0:\n"}}},
	{"memberships not read again after new heads", []edit{{streamDir + "open.go", "again = again || seat.log.trackedAt > s.askedAt", "again = again && seat.log.trackedAt > s.askedAt"}}},
	{"intervals ignored during catch-up", []edit{
		{streamDir + "pull.go", "	if u.iv(slot).Contains(e.Seq) && !s.had(slot, e) {", "	if !s.had(slot, e) {"},
		{streamDir + "seat.go", "			return max(i.From, pos+1)\n", "			return pos + 1\n"},
	}},
	{"removals ignored on delivery", []edit{{streamDir + "log.go", "\th.endSeats(l, e.Seq, e.TS, e.Removes)\n", ""}}},
	{"a removal in a pulled page is overlooked", []edit{{streamDir + "pull.go", "&& u.cut(slot, e.Seq, e.TS) {", "&& u.cut(slot, e.Seq, e.TS) && false {"}}},
	{"deletion ends intervals that may have ended before", []edit{{streamDir + "user.go", "\th.place(u, slot)\n\tfor _, s := range u.streams {\n", "\tif l.deleted() > 0 && u.iv(slot).Open() {\n\t\tu.leave(slot, l.deleted(), l.ts)\n\t}\n\th.place(u, slot)\n\tfor _, s := range u.streams {\n"}}},

	// The cursor.
	{"cursor off by one, backwards", []edit{{streamDir + "position.go", "			m.seq, m.part = seq, part\n", "			m.seq, m.part = seq-1, 0\n"}}},
	{"cursor off by one, forwards", []edit{{streamDir + "position.go", "m := mark{key: s.user.seats[l].log.key, seq: s.pos(l)}", "m := mark{key: s.user.seats[l].log.key, seq: s.pos(l) + 1}"}}},
	{"W by the clock", []edit{{streamDir + "position.go", "	w -= settleTime.Milliseconds()\n", "	w = h.now.Add(-settleTime).UnixMilli()\n"}}},
	{"W without the settle time", []edit{{streamDir + "position.go", "	w -= settleTime.Milliseconds()\n", "	w -= 0 * settleTime.Milliseconds()\n"}}},
	{"W verified though the hub is behind the head", []edit{{streamDir + "audit.go", "	if l.last >= head.Seq {\n		l.verifiedAt", "	if l.last >= 0 {\n		l.verifiedAt"}}},
	{"removal drops the log from the cursor's map", []edit{{streamDir + "position.go", "	for _, l := range s.at.listed {\n", "	for _, l := range s.at.listed {\n		if s.user.seats[l].at < 0 && l != slot {\n			continue\n		}\n"}}},
	{"a part of an entry forgotten in the cursor", []edit{{streamDir + "stream.go", "		n := p.n\n", "		n := p.n * 0\n"}}},
	{"parts of a former connection sent again", []edit{{streamDir + "stream.go", "		if p.n <= written || ", "		if p.n <= 0*written || "}}},
	{"no starting position", []edit{{streamDir + "open.go", "			h.tell(s)\n", "			_ = h.tell\n"}}},
	{"the position is told before the reset", []edit{{streamDir + "open.go", "		if s.reset == noReset {", "		if true {"}}},
	{"the client's position isn't told again", []edit{{streamDir + "http.go", "	case position == \"\":\n", "	case position != \"0\":\n"}}},
	{"a resume begins at the head", []edit{{streamDir + "resume.go", "		s.stand(slot, found.pos, 0)\n", "		s.stand(slot, end, 0)\n"}}},
	{"entries with ts up to W sent again", []edit{{streamDir + "position.go", "	return e.TS <= s.at.resumed && ", "	return e.TS < 0 && "}}},
	{"a client ahead of the hub begins at the hub's end", []edit{{streamDir + "resume.go", "	s.stand(slot, m.seq, m.part)\n", "	end, _ := s.user.target(slot)\n	s.stand(slot, min(m.seq, end), m.part)\n"}}},
	{"too many resets", []edit{{streamDir + "resume.go", "const maxReplay = 1000\n", "const maxReplay = 5\n"}}},
	{"a hole skipped in silence", []edit{{streamDir + "pull.go", "	h.restart(s, resetExpired)\n}", "	s.move(slot, to)\n	h.pull(s)\n}"}}},

	// Batches and selections.
	{"a batch without its position", []edit{{streamDir + "batch.go", "	if durable {\n", "	if durable && len(b.parts) > 1 {\n"}}},
	{"the selection isn't in the cursor", []edit{
		{streamDir + "position.go", "s.selection().cursor(), s.at.w", "0*s.selection().cursor(), s.at.w"},
		{streamDir + "resume.go", "case c.selection != s.selection().cursor():", "case c.selection != 0:"},
	}},
	{"logs are sent that nobody asked for", []edit{{streamDir + "stream.go", "if s.phase != live || !s.follows(slot) {", "if s.phase != live {"}}},
	{"a log that is selected and joined later stays silent", []edit{{streamDir + "user.go", "if s.phase == live && s.follows(slot) {", "if s.phase == live && s.selection() == nil {"}}},
	{"what is decided of an entry is taken for another's", []edit{{streamDir + "selection.go", "	if s.seq == e.Seq && s.log == e.Log {", "	if s.seq == e.Seq {"}}},

	// Sessions.
	{"a log-out ends no stream", []edit{
		{streamDir + "log.go", "	if e.Kind == chat.KindSessionRevoked {", "	if e.Kind == \"\" {"},
		{streamDir + "audit.go", "h.revoke(s, \"logout\")", "_ = h.revoke"},
	}},

	// The table.
	{"weak head reads", []edit{{dynamoDir + "read.go", "s.table: {Keys: ask, ConsistentRead: aws.Bool(true)}", "s.table: {Keys: ask, ConsistentRead: aws.Bool(false)}"}}},
	{"weak reads of memberships and entries", []edit{{dynamoDir + "read.go", "TableName: &s.table, ConsistentRead: aws.Bool(true), ScanIndexForward", "TableName: &s.table, ScanIndexForward"}}},
	{"retry with a fresh idempotency key", []edit{{dynamoDir + "message.go", "			s.keep(r.user, idem, rec, now, func(was record) { done = &was }),\n			r.use", "			s.keep(r.user, chat.Idempotency{Key: idem.Key + now.String(), Hash: idem.Hash}, rec, now, func(was record) { done = &was }),\n			r.use"}}},
	{"an entry published that was not committed", []edit{{dynamoDir + "group.go", "		g.entry = chat.Entry{} //", "		//"}}},
	{"ts of the first attempt kept for the others", []edit{{dynamoDir + "commit.go", "	writes, err := c.build(s.now()) //", "	writes, err := c.build(s.now().Add(-time.Duration(n) * time.Minute)) //"}}},
}

// Each bug can be injected: what it replaces stands in its file once.
func TestBugsApply(t *testing.T) {
	for _, b := range bugs {
		t.Run(b.name, func(t *testing.T) { b.files(t) })
	}
}

// files are the edited contents of the files, by name.
func (b bug) files(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, e := range b.edits {
		text, ok := out[e.file]
		if !ok {
			raw, err := os.ReadFile(filepath.Join("../..", e.file))
			if err != nil {
				t.Fatal(err)
			}
			text = string(raw)
		}
		if n := strings.Count(text, e.old); n != 1 {
			t.Fatalf("%s: %d times there, want once: %q", e.file, n, e.old)
		}
		out[e.file] = strings.Replace(text, e.old, e.new, 1)
	}
	return out
}

// TestBugs injects each bug and runs worlds until one of them finds it.
func TestBugs(t *testing.T) {
	if !*bugsFlag {
		t.Skip("needs -bugs, and minutes a bug")
	}
	fmt.Println("| injected bug | found after | s | by |\n|---|---|---|---|")
	for _, b := range bugs {
		if !strings.Contains(b.name, *bugFlag) {
			continue
		}
		t.Run(b.name, func(t *testing.T) {
			began := time.Now()
			runs, violation := b.find(t)
			if violation == "" {
				t.Errorf("not found")
				violation = "not found"
			}
			fmt.Printf("| %s | %d runs | %.0f | %s |\n", b.name, runs, time.Since(began).Seconds(), strings.ReplaceAll(violation, "|", "\\|"))
		})
	}
}

var (
	runsText  = regexp.MustCompile(`(\d+) runs, `)
	wrongText = regexp.MustCompile(`-seed=\d+ -v\):\n\s*(.*)`)
	panicText = regexp.MustCompile(`(?m)^(?:panic|fatal error): .*`)
)

// find builds the world's test with the bug in it and runs it.
func (b bug) find(t *testing.T) (runs int, violation string) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	replace := map[string]string{}
	for file, text := range b.files(t) {
		edited := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(edited, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(root, file)] = edited
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, must(json.Marshal(map[string]any{"Replace": replace})), 0o600); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "world")
	build := exec.Command("go", "test", "-c", "-overlay", overlay, "-o", bin, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: build: %v\n%s", b.name, err, out)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	run := exec.CommandContext(ctx, bin, "-test.run=^TestWorld$", "-test.v", "-test.timeout=0", "-stop", fmt.Sprint("-seeds=", *mostFlag))
	out, err := run.CombinedOutput()
	if n := runsText.FindSubmatch(out); n != nil {
		_, _ = fmt.Sscan(string(n[1]), &runs) // digits
	}
	var failed *exec.ExitError
	switch {
	case err == nil:
		return runs, ""
	case !errors.As(err, &failed):
		t.Fatalf("%s: %v", b.name, err)
	}
	if p := panicText.Find(out); p != nil {
		return runs, string(p)
	}
	if w := wrongText.FindSubmatch(out); w != nil {
		return runs, string(bytes.TrimSpace(w[1]))
	}
	t.Fatalf("%s: failed, but not by a violation:\n%s", b.name, out[max(0, len(out)-2000):])
	return 0, ""
}
