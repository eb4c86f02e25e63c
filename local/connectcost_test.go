package main

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"tidings/internal/chat"
)

// What a connect reads of the table, in read units: with a position, on an instance
// where others follow all of the user's logs and on one where nobody does. It goes by
// the number of conversations only where the logs have to be looked at for the first
// time; and what the audit of the tracked logs costs an hour. docs/architecture.md may
// repeat the table that is printed.
func TestConnectCost(t *testing.T) { synctest.Test(t, testConnectCost) }

func testConnectCost(t *testing.T) {
	w := newCostWorld(t)
	sizes := []int{10, 50, 200}
	other := w.register("other")
	users, logs, position := map[int]costUser{}, map[int][]chat.LogID{}, map[int]string{}
	for _, n := range sizes {
		users[n] = w.register(fmt.Sprintf("user%d", n))
		logs[n] = w.converse(n, users[n], other)
	}
	w.pass(time.Hour) // nobody has written for a while
	fmt.Printf("| connect with a position | conversations | of them with news | read units | session | heads | memberships, positions, entries |\n|---|---|---|---|---|---|---|\n")

	former, warm := w.open("former"), w.open("warm")
	former.connect(other, "")
	warm.connect(other, "")
	for _, n := range sizes {
		position[n] = former.connect(users[n], "").position()
		// A unit for the session, one for the own log's head, and the memberships, of some
		// 80 bytes.
		w.measure("warm instance", n, 0, 0, 3+float64(n)/40, warm, users[n], position[n])
	}
	w.pass(time.Hour)
	const news, each = 5, 3
	for _, n := range sizes {
		for log := range news {
			for range each {
				w.send(other, logs[n][log])
			}
		}
	}
	w.pass(time.Hour)
	for _, n := range sizes {
		// The news are in the cache of an instance that was there; whether they are all is
		// looked up.
		w.measure("warm instance", n, news, news*each, 3+float64(n)/40+news, warm, users[n], position[n])
	}
	for _, n := range sizes[1:] {
		// A unit for each head, the memberships once more after the heads, and for each log
		// with news one look for the position and one page of entries.
		w.measure("cold instance", n, news, news*each, 3+2*float64(n)/40+float64(n)+2*news, w.open(fmt.Sprint("cold", n)), users[n], position[n])
	}
	w.measureAudit(2000)
}

// measureAudit counts the reads of an hour in the life of a stream with so many
// conversations, to which nothing happens.
func (w *costWorld) measureAudit(logs int) {
	u := w.register("audited")
	w.converse(logs, u)
	i := w.open("audited")
	i.connect(u, "")
	w.pass(time.Hour) // the instance is not young any more
	i.units.Reset()
	w.pass(time.Hour)
	total, byOp := i.read()
	per := func(units float64) float64 { return units * 100_000 / float64(logs) }
	fmt.Printf("\n| audit, an hour of 100,000 tracked logs | read units | a second |\n|---|---|---|\n| heads, and the sessions of streams | %.0f | %.0f |\n| memberships, of users with %d | %.0f | %.1f |\n",
		per(byOp["BatchGetItem"]), per(byOp["BatchGetItem"])/3600, logs, per(byOp["Query"]), per(byOp["Query"])/3600)
	// Six times a unit for each head, the memberships; twelve times the session.
	if most := 6*(float64(logs)*1.01+float64(logs)/40) + 12; total > most || total < 5*float64(logs) {
		w.Errorf("the audit of %d logs read %g units in an hour, want at most %g: %v", logs, total, most, byOp)
	}
}
