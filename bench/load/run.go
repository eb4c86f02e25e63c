package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"
)

type kid struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   chan report
	first int
	last  int
}

type run struct {
	t    *Target
	o    *options
	kids []*kid
	pids []int
	seq  uint32
	pad  string
	rng  *rand.Rand
	pubs []*pubConn
	res  *result
}

func newRun(t *Target, o *options) *run {
	r := &run{t: t, o: o, seq: 1, rng: rand.New(rand.NewPCG(o.seed, 2))}
	r.pad = strings.Repeat("x", o.payload-markLen)
	for range o.concurrency {
		r.pubs = append(r.pubs, &pubConn{})
	}
	n := max(1, (o.n+o.perChild-1)/o.perChild)
	for i := range n {
		c := exec.Command("/proc/self/exe", "-child")
		in, err := c.StdinPipe()
		if err != nil {
			fatal(err)
		}
		out, err := c.StdoutPipe()
		if err != nil {
			fatal(err)
		}
		c.Stderr = os.Stderr
		c.Env = append(os.Environ(), "GOMAXPROCS=1")
		if err := c.Start(); err != nil {
			fatal(err)
		}
		k := &kid{cmd: c, in: in, out: make(chan report, 4096), first: o.n * i / n, last: o.n * (i + 1) / n}
		go func() {
			sc := bufio.NewScanner(out)
			sc.Buffer(nil, 4<<20)
			for sc.Scan() {
				var rep report
				if err := json.Unmarshal(sc.Bytes(), &rep); err != nil {
					fatal(err)
				}
				rep.Child = i
				k.out <- rep
			}
			close(k.out)
		}()
		r.kids = append(r.kids, k)
		r.tell(k, &cmd{Op: "init", Target: t, First: k.first, Last: k.last, Group: o.group, Net: 20 + i})
	}
	r.wait("init", 10*time.Second)
	return r
}

func (r *run) stop() {
	for _, k := range r.kids {
		k.in.Close()
	}
	for _, k := range r.kids {
		k.cmd.Wait()
	}
}

func (r *run) tell(k *kid, c *cmd) {
	b, _ := json.Marshal(c)
	if _, err := k.in.Write(append(b, '\n')); err != nil {
		fatal(err)
	}
}

func (r *run) tellAll(c *cmd) {
	for _, k := range r.kids {
		r.tell(k, c)
	}
}

// wait collects one reply of kind op from every child.
func (r *run) wait(op string, d time.Duration) []report {
	deadline := time.After(d)
	out := make([]report, 0, len(r.kids))
	for _, k := range r.kids {
		for got := false; !got; {
			select {
			case rep, ok := <-k.out:
				if !ok {
					fatal(fmt.Errorf("a generator process died"))
				}
				if rep.Op == op {
					out = append(out, rep)
					got = true
				}
			case <-deadline:
				return out
			}
		}
	}
	return out
}

// genCPU is the CPU time of the children.
func (r *run) genCPU() float64 {
	var s float64
	for _, k := range r.kids {
		x := takeSample([]int{k.cmd.Process.Pid}, false)
		s += x.user + x.sys
	}
	x := takeSample([]int{os.Getpid()}, false)
	return s + x.user + x.sys
}

func (r *run) vars(kind byte, to int, ts int64) vars {
	seq := atomic.AddUint32(&r.seq, 1)
	v := vars{user: to, group: to, seq: seq, ts: ts, pad: r.pad}
	v.mark = mark{kind, uint32(to), seq, ts}.String()
	return v
}

// phase resets what the children count. In a lazy phase they read in batches
// rather than wake up for each delivery: a wake-up on the same machine costs
// the sender CPU time which it would not spend on remote subscribers.
func (r *run) phase(each, lazy bool) {
	c := &cmd{Op: "phase", Base: atomic.LoadUint32(&r.seq) + 1, Each: each}
	if lazy {
		c.LazyUS = r.o.lazyUS
	}
	r.tellAll(c)
	r.wait("phase", 10*time.Second)
}

// collect waits until the children have what they should and adds it up.
func (r *run) collect(p *phaseRes, expect []uint64) report {
	for i, k := range r.kids {
		p.Expected += expect[i]
		if expect[i] > 0 {
			r.tell(k, &cmd{Op: "expect", Expect: expect[i]})
		}
	}
	deadline := time.After(r.o.timeout)
wait:
	for i, k := range r.kids {
		for done := expect[i] == 0; !done; {
			select {
			case rep := <-k.out:
				done = rep.Op == "expect"
			case <-deadline:
				break wait
			}
		}
	}
	return r.sum(p)
}

func (r *run) sum(p *phaseRes) report {
	time.Sleep(20 * time.Millisecond) // duplicates come late
	r.tellAll(&cmd{Op: "report"})
	var tot report
	var lat hist
	for _, rep := range r.wait("report", 10*time.Second) {
		tot.Received += rep.Received
		tot.Dup += rep.Dup
		tot.Reordered += rep.Reordered
		tot.Misrouted += rep.Misrouted
		tot.Bytes += rep.Bytes
		tot.Reads += rep.Reads
		tot.Other += rep.Other
		tot.Dropped += rep.Dropped
		tot.Open += rep.Open
		tot.LastTS = max(tot.LastTS, rep.LastTS)
		if rep.Err != "" {
			tot.Err = rep.Err
		}
		lat.merge(rep.Lat)
	}
	r.res.Dropped += tot.Dropped
	p.Received, p.Dup, p.Reordered, p.Misrouted = tot.Received, tot.Dup, tot.Reordered, tot.Misrouted
	p.Missing = int64(p.Expected) - int64(p.Received)
	if tot.Received > 0 {
		p.BytesEach = float64(tot.Bytes) / float64(tot.Received)
	}
	p.P50, p.P99, p.P999, p.Max = us(lat.quantile(.5)), us(lat.quantile(.99)), us(lat.quantile(.999)), us(lat.Max)
	return tot
}

func us(ns int64) float64 { return float64(ns) / 1e3 }

// measure runs f between two samples.
func (r *run) measure(f func()) usage {
	a, ga := takeSample(r.pids, false), r.genCPU()
	f()
	b, gb := takeSample(r.pids, false), r.genCPU()
	return between(a, b, ga, gb)
}

func (r *run) kidOf(user int) int {
	for i, k := range r.kids {
		if user < k.last {
			return i
		}
	}
	return len(r.kids) - 1
}

// all opens the connections and goes through the phases. What keeps it from the phases
// is told in the result.
func (r *run) all() *result {
	o := r.o
	r.res = &result{Target: r.t.Name, Time: time.Now().UTC().Format(time.RFC3339), N: o.n, Group: o.group, Payload: o.payload}
	r.pids = tree(r.t.Pids)
	before := takeSample(r.pids, true)
	err := r.connect()
	if err == nil {
		err = r.untilReady()
	}
	if err != nil {
		r.res.Error = err.Error()
		return r.res
	}
	time.Sleep(o.settle)
	r.pids = tree(r.t.Pids)
	after := takeSample(r.pids, true)
	m := &memoryRes{
		RSSBefore: before.rss, RSSConnected: after.rss, Threads: after.threads, FDs: after.fds,
		RSSPerConn: float64(after.rss-before.rss) / float64(o.n),
		PSSPerConn: float64(after.pss-before.pss) / float64(o.n),
	}
	r.res.Memory = m
	r.busyPhases()
	end := takeSample(r.pids, true)
	m.RSSAfter = end.rss
	m.RSSPerConnAfter = float64(end.rss-before.rss) / float64(o.n)
	m.PSSPerConnAfter = float64(end.pss-before.pss) / float64(o.n)
	if o.has("idle") {
		r.res.Idle = r.idle()
	}
	return r.res
}

func (r *run) connect() error {
	var open []report
	c := &connectRes{}
	c.usage = r.measure(func() {
		r.tellAll(&cmd{Op: "connect", Window: r.o.window})
		open = r.wait("open", r.o.connect)
	})
	why := ""
	for _, rep := range open {
		c.Open += rep.Open
		c.Failed += rep.Failed
		if rep.Err != "" {
			why = rep.Err
		}
	}
	c.PerSecond = float64(c.Open) / c.Wall
	c.CPUPer1000 = c.CPU / float64(max(1, c.Open)) * 1000
	r.res.Connect = c
	if c.Open < r.o.n {
		return fmt.Errorf("%d of %d connections opened: %s", c.Open, r.o.n, why)
	}
	return nil
}

// untilReady repeats a broadcast until one reaches everyone.
func (r *run) untilReady() error {
	t0 := time.Now()
	each := max(time.Second, time.Duration(r.o.n)*50*time.Microsecond) // for a broadcast, on a machine that has other work
	for ready := false; r.t.Broadcast != nil && !ready; {
		if time.Since(t0) > 15*each {
			return errors.New("no broadcast reached everyone")
		}
		r.phase(false, false)
		v := r.vars(kindAll, 0, time.Now().UnixNano())
		if err := r.pubs[0].do(r.t.Broadcast, &v); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		for began := time.Now(); time.Since(began) < each; {
			time.Sleep(50 * time.Millisecond)
			var p phaseRes
			if ready = r.sum(&p).Received >= uint64(r.o.n); ready {
				break
			}
		}
	}
	r.res.Connect.ReadyMillis = time.Since(t0).Seconds() * 1e3
	return nil
}

// busyPhases runs those of the phases that were asked for and that the target can do.
func (r *run) busyPhases() {
	o, res := r.o, r.res
	if o.has("broadcast") && r.t.Broadcast != nil {
		res.Broadcast = r.broadcast()
	}
	if o.has("unicast") && r.t.Unicast != nil {
		res.Unicast = r.flood(kindUser, r.t.Unicast, o.publishes)
	}
	if o.has("group") && r.t.Group != nil {
		res.GroupPh = r.flood(kindGroup, r.t.Group, o.publishes/5)
	}
	if o.has("null") && r.t.Unicast != nil {
		res.Null = r.flood(0, r.t.Unicast, o.publishes/2)
	}
	if o.has("latency") && r.t.Unicast != nil {
		res.Latency = r.latency()
	}
	if o.has("churn") {
		res.Churn = r.churn()
	}
}
