package stream

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"tidings/internal/chat"
)

const (
	ann chat.UserID = 1
	bob chat.UserID = 2
	cat chat.UserID = 3
)

const log chat.LogID = "c:1-2"

// TestHub tells what becomes of entries, whatever the transport did to them. Each
// begins with ann and bob as members of one log, its first entry.
func TestHub(t *testing.T) {
	for _, tc := range []struct {
		name string
		run  func(w *world)
	}{
		{"Delivered", delivered},
		{"AuthorGetsTheUpdateOnly", authorAudience},
		{"StrangerGetsNothing", stranger},
		{"DuplicateDropped", duplicate},
		{"ReorderedPutInOrder", reordered},
		{"GapFilledByRead", gapFilled},
		{"LongGapFilledByPages", longGap},
		{"HintAlone", hintAlone},
		{"HintOfKnownEntryReadsNothing", hintKnown},
		{"EntryHeldWhileHeadIsRead", heldWhilePending},
		{"TooManyHeldAreRead", tooManyHeld},
		{"TwoTabsGetTheSame", twoTabs},
		{"StoreFailsThenRecovers", storeFails},
		{"AnnouncedEntryThatDoesNotExist", phantom},
		{"AnnouncedEntryThatComesVeryLate", phantomAfterAll},
		{"EntryGoneFromTheTable", hole},
		{"LingersThenForgotten", lingers},
		{"LingerIsTenMinutes", lingerTime},
		{"LingerEndsWithTheHeadRead", lingerPending},
		{"LingerKeepsCounting", lingerCounts},
		{"LingerEndsWithWhatIsMissingRead", lingerGap},
	} {
		t.Run(tc.name, func(t *testing.T) { scenario(t, Config{}, tc.run) })
	}
}

// scenario runs in a world with a log of ann and bob.
func scenario(t *testing.T, cfg Config, run func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cfg)
		w.changed(log, users(ann, bob), nil)
		run(w)
	})
}

func delivered(w *world) {
	a := w.connect(ann)
	w.send(w.message(log, bob))
	equal(w.T, "ann", a.ids(), "c:1-2/2/1", "c:1-2/2/2", "c:1-2/2/3")
	for _, e := range a.events() {
		if e.EventID != "" && e.UserID != ann {
			w.Errorf("event for user %d", e.UserID)
		}
	}
}

func authorAudience(w *world) {
	a, b := w.connect(ann), w.connect(bob)
	w.send(w.message(log, bob))
	equal(w.T, "ann", a.ids(), "c:1-2/2/1", "c:1-2/2/2", "c:1-2/2/3")
	equal(w.T, "bob", b.ids(), "c:1-2/2/3")
}

func stranger(w *world) {
	w.connect(ann)
	c := w.connect(cat)
	e := w.message(log, bob)
	w.send(e)
	w.hint(e)
	equal(w.T, "cat", c.ids())
}

func duplicate(w *world) {
	a := w.connect(ann)
	e := w.message(log, bob)
	bad := e
	bad.Body = []byte(`"not parsed"`)
	w.send(e, e)
	w.send(bad)
	w.hint(e)
	equal(w.T, "ann", a.seqs()[log], 2)
	if n := w.metric("duplicates_total"); n != 3 {
		w.Errorf("%v duplicates counted, want 3", n)
	}
	if n := w.metric("unencodable_total"); n != 0 {
		w.Error("a duplicate's body was parsed")
	}
	// An old copy changes nothing either: what follows is not taken for a gap.
	w.send(w.message(log, bob), e, w.message(log, bob))
	equal(w.T, "ann", a.seqs()[log], 2, 3, 4)
	if n := w.metric("held_total") + float64(w.store.count("entries")); n != 0 {
		w.Error("an old copy made a gap")
	}
}

func reordered(w *world) {
	a := w.connect(ann)
	e2, e3, e4 := w.message(log, bob), w.message(log, bob), w.message(log, bob)
	w.send(e4)
	w.send(e3)
	equal(w.T, "ann before the first came", a.seqs()[log])
	w.send(e2)
	equal(w.T, "ann", a.seqs()[log], 2, 3, 4)
	w.pass(time.Second)
	if n := w.store.count("entries"); n != 0 {
		w.Errorf("%d reads although nothing was missing", n)
	}
}

func gapFilled(w *world) {
	a := w.connect(ann)
	w.message(log, bob)
	w.message(log, bob)
	w.send(w.message(log, bob))
	w.pass(gapWait - time.Millisecond)
	equal(w.T, "ann while it may still come", a.seqs()[log])
	w.pass(time.Millisecond)
	equal(w.T, "ann", a.seqs()[log], 2, 3, 4)
	if n := w.metric("gap_entries_total"); n != 2 {
		w.Errorf("%v entries counted as missing, want 2", n)
	}
}

func longGap(w *world) {
	a := w.connect(ann)
	var last chat.Entry
	for range 3*pageSize + 1 {
		last = w.message(log, bob)
	}
	w.hint(last)
	w.pass(time.Second)
	equal(w.T, "ann", a.seqs()[log], upTo(2, last.Seq)...)
}

func hintAlone(w *world) {
	a := w.connect(ann)
	w.hint(w.message(log, bob))
	w.pass(gapWait)
	equal(w.T, "ann", a.seqs()[log], 2)
}

func hintKnown(w *world) {
	a := w.connect(ann)
	e := w.message(log, bob)
	w.hint(e)
	w.send(e) // within the time that an overtaken entry has
	w.hint(e)
	w.pass(time.Second)
	equal(w.T, "ann", a.seqs()[log], 2)
	if n := w.store.count("entries"); n != 0 {
		w.Errorf("%d reads although nothing was missing", n)
	}
}

// Entry 2 is in the head that is being read, 3 and 4 come meanwhile: they are
// after the position of ann's stream, and no one sends them again.
func heldWhilePending(w *world) {
	c := w.connect(cat) // member of another log that ann joins the tracking of
	_ = c
	w.store.latency = 100 * time.Millisecond
	a := w.open(ann, "s")
	w.pass(210 * time.Millisecond) // own log and memberships are read, the log's head is looked at in 40 ms
	w.pass(60 * time.Millisecond)  // the head was looked at, the answer is on its way
	e2, e3 := w.message(log, bob), w.message(log, bob)
	w.send(e3)
	w.send(e2)
	w.pass(20 * time.Millisecond)
	equal(w.T, "ready so far", a.named("ready"))
	w.pass(time.Second)
	if n := len(a.named("ready")); n != 1 {
		w.Fatalf("%d ready events", n)
	}
	w.send(w.message(log, bob))
	equal(w.T, "ann", a.seqs()[log], 4)
	if n := w.store.count("entries"); n != 0 {
		w.Errorf("%d reads: what came while the head was read was not held", n)
	}
}

func tooManyHeld(w *world) {
	a := w.connect(ann)
	w.message(log, bob) // 2 is lost
	var rest []chat.Entry
	for range maxHeld + 20 {
		rest = append(rest, w.message(log, bob))
	}
	slices.Reverse(rest)
	w.send(rest...)
	if n := w.metric("held_total"); n != 256 {
		w.Errorf("%v entries held", n)
	}
	w.pass(10 * time.Second)
	equal(w.T, "ann", a.seqs()[log], upTo(2, int64(len(rest))+2)...)
}

func twoTabs(w *world) {
	a := w.connect(ann)
	w.send(w.message(log, bob))
	b := w.connect(ann)
	w.send(w.message(log, bob))
	equal(w.T, "first tab", a.seqs()[log], 2, 3)
	equal(w.T, "second tab", b.seqs()[log], 3)
	a.stream.Closed()
	w.settle()
	if !a.isClosed() {
		w.Error("the first tab's socket was not closed")
	}
	w.send(w.message(log, bob))
	equal(w.T, "second tab alone", b.seqs()[log], 3, 4)
}

func storeFails(w *world) {
	a := w.connect(ann)
	w.store.set(func() { w.store.failing = true })
	w.message(log, bob)
	w.send(w.message(log, bob)) // 2 is lost
	late := w.open(bob, "s")
	w.pass(20 * time.Second)
	equal(w.T, "ann while the table is down", a.seqs()[log])
	w.store.set(func() { w.store.failing = false })
	w.pass(2 * backoffTo)
	equal(w.T, "ann", a.seqs()[log], 2, 3)
	if len(late.named("ready")) != 1 {
		w.Error("the connect was not finished after the table was back")
	}
	w.send(w.message(log, bob))
	if got := late.seqs()[log]; len(got) == 0 || got[len(got)-1] != 4 {
		w.Errorf("bob: got %v, want it to end with 4", got)
	}
}

func phantom(w *world) {
	a := w.connect(ann)
	w.hint(chat.Entry{Log: log, Seq: 90})
	w.pass(time.Minute)
	if n := w.metric("phantoms_total"); n != 1 {
		w.Errorf("%v phantoms counted, want 1", n)
	}
	reads := w.store.count("entries")
	w.pass(time.Minute)
	if n := w.store.count("entries"); n != reads {
		w.Errorf("still read %d times a minute", n-reads)
	}
	w.send(w.message(log, bob))
	equal(w.T, "ann", a.seqs()[log], 2)
}

// The entry becomes visible after the last read that should have found it, and
// before the look at the head that tells whether it exists: it is not given up.
func phantomAfterAll(w *world) {
	a := w.connect(ann)
	w.store.latency = 100 * time.Millisecond
	w.hint(chat.Entry{Log: log, Seq: 2})
	for w.store.count("entries") <= holdTries {
		w.pass(10 * time.Millisecond)
	}
	w.message(log, bob)
	w.pass(5 * time.Second)
	equal(w.T, "ann", a.seqs()[log], 2)
	if n := w.metric("holes_total") + w.metric("phantoms_total"); n != 0 {
		w.Errorf("%v holes and phantoms counted", n)
	}
}

// Entries 2 and 3 have expired before this hub could read them.
func hole(w *world) {
	a := w.connect(ann)
	w.message(log, bob)
	w.message(log, bob)
	w.store.set(func() { w.store.gone[log] = 3 })
	w.hint(w.message(log, bob))
	w.pass(time.Minute)
	w.send(w.message(log, bob))
	equal(w.T, "ann", a.seqs()[log], 4, 5)
	if n := w.metric("holes_total"); n != 2 {
		w.Errorf("%v holes counted, want 2", n)
	}
}

// bob's coming back within ten minutes reads no head; after that the log is
// forgotten with all that was cached of it.
func lingers(w *world) {
	a := w.connect(ann)
	w.send(w.message(log, bob))
	a.stream.Closed()
	w.pass(linger - time.Second)
	heads := w.store.count("heads")
	a = w.connect(ann)
	if n := w.store.count("heads"); n != heads {
		w.Error("a head was read although the log lingers")
	}
	a.stream.Closed()
	w.pass(linger + 2*sweepEvery)
	if n := w.metric("logs"); n != 0 {
		w.Errorf("%v logs kept", n)
	}
	if n := w.metric("cache_bytes"); n != 0 {
		w.Errorf("%v bytes kept in the cache", n)
	}
}

func lingerTime(w *world) {
	w.connect(ann).stream.Closed()
	w.pass(9 * time.Minute)
	heads := w.store.count("heads")
	w.connect(ann)
	if n := w.store.count("heads"); n != heads {
		w.Errorf("%d heads read after nine minutes", n-heads)
	}
}

// Nobody is left who wants the head that can't be read: the log goes once it was.
func lingerPending(w *world) {
	w.store.set(func() { w.store.failing = true })
	w.open(ann, "s").stream.Closed()
	w.pass(linger + 2*sweepEvery)
	if n := w.metric("logs"); n != 1 {
		w.Errorf("%v logs kept, want the one whose head is being read", n)
	}
	w.store.set(func() { w.store.failing = false })
	w.pass(linger + 2*backoffTo + 2*sweepEvery)
	if n := w.metric("logs"); n != 0 {
		w.Errorf("%v logs kept", n)
	}
}

// What comes while nobody is here is part of the position of who comes next.
func lingerCounts(w *world) {
	w.connect(ann).stream.Closed()
	w.settle()
	w.send(w.message(log, bob))
	a := w.connect(ann)
	w.send(w.message(log, bob))
	equal(w.T, "ann", a.seqs()[log], 3)
	if n := w.store.count("entries"); n != 0 {
		w.Errorf("%d reads although nothing was missing", n)
	}
}

func lingerGap(w *world) {
	w.connect(ann).stream.Closed()
	w.settle()
	w.store.set(func() { w.store.failing = true })
	w.hint(w.message(log, bob))
	w.pass(linger + 2*sweepEvery)
	if n := w.metric("logs"); n != 1 {
		w.Errorf("%v logs kept, want the one that misses an entry", n)
	}
	w.store.set(func() { w.store.failing = false })
	w.pass(linger + 2*backoffTo + 2*sweepEvery)
	if n := w.metric("logs"); n != 0 {
		w.Errorf("%v logs kept", n)
	}
	if n := w.metric("gap_entries_total"); n != 1 {
		w.Errorf("%v missing entries read, want 1", n)
	}
}

func upTo(from, to int64) []int64 {
	var out []int64
	for s := from; s <= to; s++ {
		out = append(out, s)
	}
	return out
}
