package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// Twenty times the system (REST, relay and the whole AWS that everything stands on) or
// a streamer beside it is killed as hard as the kernel can, while people write to each
// other; meanwhile the line cuts connections in the midst of frames. The clients are
// plain EventSources. Each of them gets every event of its time in each log once and in
// order, and none else, whatever instance it comes to.
func TestCrashes(t *testing.T) {
	const kills = 20
	seed := number("CRASH_SEED", rand.Uint64())
	t.Logf("CRASH_SEED=%d", seed)
	s := mustSite(t, seed)
	talk := newTalk(t, s.system.url)
	tabs := talk.listen("http://" + s.line.addr + "/api/events")
	s.line.cutFromNowOn()
	writersDone := talk.write()
	s.kill(kills)
	writersDone()

	// What was missed while the last instances were down comes now, and once more all
	// have to come back and must get nothing twice.
	told := func() bool { return talk.told(tabs) }
	eventually(patience/2, told) // what is missing is seen below
	before := make([]int, len(tabs))
	for i, tab := range tabs {
		before[i] = tab.connected()
	}
	s.line.heal()
	for i, tab := range tabs {
		if !eventually(patience, func() bool { return tab.connected() > before[i] }) {
			t.Errorf("%s did not come back", tab.name)
		}
	}
	talk.lastWords()
	eventually(patience/2, told)
	talk.close()

	var sum verdict
	for _, tab := range tabs {
		v := tab.judge(talk.expected(tab))
		sum.add(v)
		if v.wrong() {
			t.Errorf("%s: lost %d, doubled %d, foreign %d, out of order %d, resets %d\n%s",
				tab.name, v.lost, v.doubled, v.foreign, v.disorder, v.resets, strings.Join(v.details, "\n"))
		}
	}
	connections, cuts := s.line.counts()
	fmt.Printf("kills %d, connections cut %d of %d, events %d, lost %d, doubled %d, resets %d\n",
		kills, cuts, connections, sum.events, sum.lost, sum.doubled, sum.resets)
	if sum.events == 0 || cuts < kills {
		t.Error("nothing was tried")
	}
}

// site is where the processes run.
type site struct {
	t           *testing.T
	rand        *rand.Rand
	data        string
	systemBin   string
	streamerBin string
	ports       []string // of the system: the same at each start
	system      *process
	streamers   []*process
	line        *cutter
}

func mustSite(t *testing.T, seed uint64) *site {
	t.Helper()
	s := &site{
		t: t, rand: rand.New(rand.NewPCG(seed, 1)), data: t.TempDir(), line: mustCutter(t, seed),
		systemBin: mustBuild(t, "tidings/local"), streamerBin: mustBuild(t, "tidings/streamer"),
		ports: []string{"PORT=" + quietPort(t), "AWS_PORT=" + quietPort(t)}, streamers: make([]*process, 3),
	}
	s.startSystem()
	for i := range s.streamers {
		s.startStreamer(i)
	}
	return s
}

func (s *site) startSystem() {
	s.t.Helper()
	s.system = mustRun(s.t, s.systemBin, s.data, append([]string{"RATE_LIMITS=off"}, s.ports...)...)
}

// startStreamer starts an instance, which the line takes to from when it is ready.
func (s *site) startStreamer(i int) {
	s.t.Helper()
	p := mustStream(s.t, s.streamerBin, s.data, s.system.awsURL)
	if !eventually(patience, func() bool { return p.answers("/readyz") }) {
		s.t.Fatalf("streamer %d does not become ready", i)
	}
	s.streamers[i] = p
	s.line.add(p.addr())
}

// kill kills n times in all: one or two processes at a random moment, the system as
// often as a streamer, which are started again at once.
func (s *site) kill(n int) {
	s.t.Helper()
	for n > 0 {
		pause := time.NewTimer(time.Duration(s.rand.Int64N(int64(5 * time.Second))))
		<-pause.C
		victims := s.rand.Perm(1 + len(s.streamers))[:min(n, 1+s.rand.IntN(2))]
		n -= len(victims)
		for _, v := range victims {
			if v == 0 {
				s.system.kill()
				continue
			}
			s.line.remove(s.streamers[v-1].addr())
			s.streamers[v-1].kill()
		}
		for _, v := range victims { // a streamer needs its AWS to start
			if v == 0 {
				s.startSystem()
			}
		}
		for _, v := range victims {
			if v > 0 {
				s.startStreamer(v - 1)
			}
		}
	}
}
